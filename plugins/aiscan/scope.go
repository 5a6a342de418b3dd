package aiscan

import (
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// place is what a path alone says about what a file is for.
type place uint8

const (
	placeProduct place = iota
	placeSupporting
	placeCI
	placeInfrastructure
	placeDevelopment
)

// supporting are folders whose files do not run for users, in lower case.
func supporting(folder string) bool {
	switch folder {
	case "test", "tests", "testing", "__tests__", "__test__", "spec", "specs", "__specs__", "e2e", "test-e2e", "integration-tests", "integration_tests",
		"unittests", "unit_tests", "unit-tests", "functional_tests", "testdata", "test-data", "test_data", "testutil", "testutils", "test-utils", "test_utils",
		"testfixtures", "test-fixtures", "fixtures", "fixture", "__fixtures__", "mocks", "mock", "__mocks__", "stubs", "cassettes", "vcr_cassettes", "__snapshots__",
		"androidtest", "commontest", "jvmtest", "jstest", "iostest", "inttest", "integrationtest", "testint",
		"cypress", "playwright",
		"doc", "docs", "documentation", "docsrc", "website", "site-docs", "wiki", "adr", "adrs", "rfcs", "changelogs",
		"example", "examples", "_examples", "_example", "sample", "samples", "demo", "demos", "tutorial", "tutorials", "cookbook", "cookbooks", "quickstarts",
		"benchmark", "benchmarks", "bench", "benches", "perf-tests",
		"vendor", "third_party", "third-party", "thirdparty", "3rdparty", "node_modules", "bower_components", "jspm_packages", "pods", "carthage", "site-packages", ".venv", "venv", "virtualenv", ".tox", ".nox", ".yarn", "godeps", "_vendor",
		"generated", "__generated__", "gen-src", "autogen",
		"attic", "deprecated", "obsolete",
		"sandbox", "sandboxes", "simulator", "simulators", "peertest", "peertests",
		".storybook", "locale", "locales", "i18n", "translations", "lang-packs":
		return true
	}
	for _, head := range []string{"demo", "example", "sample", "mock", "fixture"} {
		if rest, ok := strings.CutPrefix(folder, head); ok && (strings.HasPrefix(rest, "_") || strings.HasPrefix(rest, "-")) {
			return true
		}
	}
	for _, tail := range []string{"mock", "mocks", "fixture", "fixtures", "demo", "demos"} {
		if rest, ok := strings.CutSuffix(folder, tail); ok && (strings.HasSuffix(rest, "_") || strings.HasSuffix(rest, "-")) {
			return true
		}
	}
	return strings.HasSuffix(folder, ".tests") || strings.HasSuffix(folder, ".test") || strings.HasSuffix(folder, ".unittests") || strings.HasSuffix(folder, ".integrationtests") ||
		strings.HasSuffix(folder, "-tests") || strings.HasSuffix(folder, "_tests") || strings.HasSuffix(folder, "-test") || strings.HasSuffix(folder, "-examples") || strings.HasSuffix(folder, ".samples")
}

// ambiguousFolder knows folders that support where a repository keeps them
// beside its code, and are parts of the product within it: features of a front
// end, an archive of messages, clients of external services.
func ambiguousFolder(folder string) bool {
	switch folder {
	case "features", "changes", "website", "showcase", "playground", "snippets", "external", "archive", "archived", "stories":
		return true
	}
	return false
}

// holdsCode reports whether a folder is where a product keeps its own code.
func holdsCode(folder string) bool {
	switch folder {
	case "src", "app", "apps", "lib", "libs", "internal", "pkg", "cmd", "server", "client", "backend", "frontend", "api", "services", "service", "components", "pages", "routes", "modules", "core", "domain":
		return true
	}
	return false
}

// supportingFile knows tests and copies by the names that their tools want.
func supportingFile(base string) bool {
	stem := strings.TrimSuffix(base, path.Ext(base))
	low := strings.ToLower(stem)
	switch {
	case strings.HasSuffix(low, "_test"), strings.HasSuffix(low, ".test"), strings.HasSuffix(low, ".spec"), strings.HasSuffix(low, "_spec"), strings.HasSuffix(low, ".cy"), strings.HasSuffix(low, ".e2e"), strings.HasSuffix(low, ".stories"),
		strings.HasSuffix(low, "_mock"), strings.HasSuffix(low, "_mocks"), strings.HasSuffix(low, ".mock"), strings.HasSuffix(low, "-mock"), strings.HasPrefix(low, "mock_"), strings.HasSuffix(low, "_fixture"), strings.HasSuffix(low, "_fixtures"),
		strings.HasPrefix(low, "test_") && !strings.HasSuffix(base, ".yml"), strings.HasPrefix(low, "test-") && strings.HasSuffix(base, ".r"), low == "conftest", low == "tests":
		return true
	case strings.HasSuffix(low, ".min"), strings.HasSuffix(low, ".bundle"), strings.HasSuffix(low, ".pb"), strings.HasSuffix(low, "_pb2"), strings.HasSuffix(low, "_pb2_grpc"), strings.HasSuffix(low, ".g"), strings.HasSuffix(low, ".generated"), strings.HasSuffix(low, ".designer"), strings.HasPrefix(low, "zz_generated"), strings.HasSuffix(low, ".map"):
		return true
	}
	for _, end := range []string{"Test", "Tests", "TestCase", "IT", "Spec", "Specs"} { // of classes
		if rest, ok := strings.CutSuffix(stem, end); ok && rest != "" && isClassFile(base) && rest[len(rest)-1] >= 'a' && rest[len(rest)-1] <= 'z' {
			return true
		}
	}
	return false
}

func isClassFile(base string) bool {
	switch path.Ext(base) {
	case ".java", ".kt", ".scala", ".groovy", ".cs", ".fs", ".vb", ".swift", ".php", ".m", ".hs":
		return true
	}
	return false
}

// placeOf says what a path is for. The first folder that says something
// decides, from the file upwards but for what makes all below it supporting.
func placeOf(name string) place {
	dir, base := path.Split(name)
	at, within, above := placeProduct, false, ""
	for folder := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		low := strings.ToLower(folder)
		if supporting(low) || ambiguousFolder(low) && !within || low == "it" && (above == "src" || above == "") {
			return placeSupporting
		}
		within, above = within || holdsCode(low), low
		switch low {
		case "workflows", "actions":
			if strings.HasPrefix(name, ".github/") || strings.HasPrefix(name, ".gitea/") || strings.HasPrefix(name, ".forgejo/") {
				at = placeCI
			}
		case ".circleci", ".buildkite", ".drone", ".woodpecker", ".tekton", ".azure-pipelines", ".gitlab", "jenkins", ".ci", ".teamcity", ".semaphore":
			at = placeCI
		case "terraform", "helm", "charts", "chart", "k8s", "kubernetes", "kustomize", "infra", "infrastructure", "deploy", "deployment", "deployments", "cloudformation", "bicep", "pulumi", "ansible", "manifests", "cdk", "iac", "ops":
			if at == placeProduct {
				at = placeInfrastructure
			}
		case ".vscode", ".idea", ".devcontainer", ".cursor", ".claude", ".continue", ".windsurf", ".zed", ".fleet":
			at = placeDevelopment
		}
	}
	if supportingFile(base) {
		return placeSupporting
	}
	return max(at, placeOfFile(base), at)
}

func placeOfFile(base string) place {
	low := strings.ToLower(base)
	switch {
	case low == ".gitlab-ci.yml", low == "jenkinsfile", low == "azure-pipelines.yml", low == "azure-pipelines.yaml", low == "bitbucket-pipelines.yml", low == ".travis.yml", low == "appveyor.yml", low == ".drone.yml", low == "cloudbuild.yaml", low == "buildspec.yml":
		return placeCI
	case strings.HasPrefix(low, "dockerfile"), strings.HasSuffix(low, ".dockerfile"), low == "containerfile", strings.HasPrefix(low, "docker-compose"), strings.HasPrefix(low, "compose.y"), strings.HasSuffix(low, ".tf"), strings.HasSuffix(low, ".tfvars"), strings.HasSuffix(low, ".bicep"), low == "serverless.yml", low == "template.yaml", low == "chart.yaml":
		return placeInfrastructure
	default:
		return placeProduct
	}
}

// scopeOf says what a hit is for: by where it is, what it is and what was found.
func scopeOf(at place, h *hit, sig *aisign.Signature) Scope {
	switch {
	case at == placeSupporting:
		return Supporting
	case h.Fact.Class == fact.Action || at == placeCI:
		return CI
	case sig.Category == aisign.CodingAgent, h.Fact.Class == fact.Trailer, h.Fact.Class == fact.Extension, at == placeDevelopment:
		return Development
	case h.Fact.Class == fact.MCPServer, h.Fact.Class == fact.File && sig.Category == aisign.MCP:
		return Development
	case h.Fact.Standing == fact.Development:
		return Supporting
	case sig.Category == aisign.MCP:
		return AgentInterface
	}
	switch h.Fact.Class {
	case fact.Image, fact.Chart, fact.Resource, fact.Workload, fact.IAM, fact.ARN:
		return Infrastructure
	case fact.Env, fact.Host, fact.Port, fact.Setting, fact.Model, fact.File:
		if at == placeInfrastructure {
			return Infrastructure
		}
	}
	return Product
}

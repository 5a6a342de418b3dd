package infra

import (
	"bytes"
	"strings"
)

// structuredFormat knows files of YAML, JSON, TOML, XML and properties: by
// their name, or by what stands in their head.
func structuredFormat(n name, head []byte) (format, bool) {
	if n.ext == ".yaml" || n.ext == ".yml" {
		if keys := topKeys(head); keys["apiVersion"] && keys["kind"] && n.base != "chart.yaml" {
			return format{name: "kubernetes", read: readKubernetes}, true
		}
	}
	if r := byName(n); r != nil {
		return format{name: r.name, read: r.read}, true
	}
	switch n.ext {
	case ".yaml", ".yml":
		return yamlFormat(n, head)
	case ".json", ".jsonc", ".template":
		return jsonFormat(n, head)
	case ".tpl":
		if n.under("templates") && bytes.Contains(head, []byte("{{")) {
			return format{name: "helm-template", read: readKubernetes}, true
		}
	case ".toml", ".ini", ".cfg", ".conf":
		if isSettingsName(n) {
			return format{name: "settings", read: readTOMLSettings}, true
		}
	case ".properties":
		if n.base != "gradle-wrapper.properties" && n.base != "gradle.properties" && !n.under("i18n") {
			return format{name: "properties", read: readProperties}, true
		}
	case ".config":
		if n.base == "app.config" || n.base == "web.config" || strings.HasPrefix(n.base, "web.") || strings.HasPrefix(n.base, "app.") {
			return format{name: "dotnet-config", read: readXMLSettings}, true
		}
	case ".bicep", ".bicepparam":
		return format{name: "bicep", read: readBicep}, true
	}
	return format{}, false
}

// byName knows files whose name alone tells what they are.
func byName(n name) *format {
	found := func(name string, read func(*out, []byte) error) *format { return &format{name: name, read: read} }
	yaml := n.ext == ".yml" || n.ext == ".yaml"
	switch {
	case yaml && (n.in(".github/workflows") || n.in(".forgejo/workflows") || n.in(".gitea/workflows")), n.base == "action.yml", n.base == "action.yaml":
		return found("github-actions", readWorkflow)
	case yaml && strings.HasSuffix(strings.TrimSuffix(n.base, n.ext), ".gitlab-ci"), n.base == ".gitlab-ci.yml", yaml && n.under(".gitlab/ci"), yaml && n.under(".gitlab-ci"):
		return found("gitlab-ci", readGitLab)
	case yaml && n.in(".circleci"):
		return found("circleci", readCircle)
	case yaml && (strings.HasPrefix(n.base, "azure-pipelines") || n.under(".azure-pipelines") || n.under(".azuredevops") || n.under(".pipelines")):
		return found("azure-pipelines", readPipeline)
	case n.base == "bitbucket-pipelines.yml", yaml && (n.under(".buildkite") || n.in(".woodpecker") || n.in(".semaphore") || n.in(".tekton")):
		return found("pipeline", readPipeline)
	}
	switch n.base {
	case "procfile":
		return found("procfile", readProcfile)
	case "jenkinsfile":
		return found("jenkins", readJenkins)
	case "buildkite.yml", "buildkite.yaml", ".drone.yml", ".woodpecker.yml", ".woodpecker.yaml", "cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml", "buildspec.yaml", ".travis.yml", "appveyor.yml", ".appveyor.yml", "codefresh.yml", ".cirrus.yml":
		return found("pipeline", readPipeline)
	case "kustomization.yaml", "kustomization.yml", "kustomization":
		return found("kustomize", readKustomization)
	case "chart.yaml", "chart.yml", "requirements.yaml":
		return found("helm-chart", readChart)
	case "helmfile.yaml", "helmfile.yml", "helmfile.yaml.gotmpl":
		return found("helmfile", readHelmfile)
	case "serverless.yml", "serverless.yaml":
		return found("serverless", readServerless)
	case "wrangler.toml", "wrangler.json", "wrangler.jsonc":
		return found("wrangler", readWrangler)
	case "vercel.json", "netlify.toml", "fly.toml", "railway.json", "railway.toml", "render.yaml", "render.yml", "apprunner.yaml", "heroku.yml":
		return found("platform", readPlatform)
	case "litellm_config.yaml", "litellm_config.yml", "litellm-config.yaml", "litellm.config.yaml", "proxy_config.yaml", "librechat.yaml", "librechat.yml":
		return found("gateway", readGateway)
	}
	switch {
	case strings.HasPrefix(n.base, "jenkinsfile."), n.ext == ".jenkinsfile":
		return found("jenkins", readJenkins)
	case strings.HasSuffix(n.base, ".pkr.hcl"):
		return found("terraform", readTerraform)
	case isComposeName(n):
		return found("compose", readCompose)
	case yaml && (strings.HasPrefix(n.base, "values") || strings.HasSuffix(strings.TrimSuffix(n.base, n.ext), "values")):
		return found("helm-values", readHelmValues)
	case yaml && (strings.HasPrefix(n.base, "pulumi.") || n.base == "pulumi.yaml"):
		return found("pulumi", readPulumi)
	case (yaml || n.ext == ".properties") && (strings.HasPrefix(n.base, "application") || strings.HasPrefix(n.base, "bootstrap")) && yaml:
		return found("settings", readSettings)
	case n.ext == ".json" && strings.HasPrefix(n.base, "appsettings"), n.base == "local.settings.json":
		return found("settings", readSettings)
	}
	return nil
}

// isComposeName reports whether a name is that of a compose file or of one that
// adds to it: compose.yaml, docker-compose.prod.yml.
func isComposeName(n name) bool {
	if n.ext != ".yml" && n.ext != ".yaml" {
		return false
	}
	stem := strings.TrimSuffix(n.base, n.ext)
	for _, s := range [...]string{"docker-compose", "compose", "podman-compose", "docker_compose", "container-compose"} {
		if stem == s || strings.HasPrefix(stem, s+".") || strings.HasPrefix(stem, s+"-") || strings.HasPrefix(stem, s+"_") || strings.HasSuffix(stem, "."+s) || strings.HasSuffix(stem, "-compose") {
			return true
		}
	}
	return false
}

// isSettingsName reports whether a file of this name holds settings of a
// program, and not of a tool that builds it.
func isSettingsName(n name) bool {
	stem := strings.TrimSuffix(n.base, n.ext)
	for _, s := range [...]string{"config", "settings", "secrets", "app", "application", "llm", "models", "model", "agent", "agents", "ai", "prompts", "rag", "crew", "dynaconf", "default", "production", "development", "local", "defaults"} {
		if stem == s || strings.HasPrefix(stem, s+".") || strings.HasPrefix(stem, s+"_") || strings.HasPrefix(stem, s+"-") || strings.HasSuffix(stem, "_"+s) || strings.HasSuffix(stem, "-"+s) || strings.HasSuffix(stem, "."+s) {
			return true
		}
	}
	return n.in("config") || n.in("conf") || n.in("configs") || n.in("settings") || n.in(".streamlit")
}

// yamlFormat looks at the keys of the first level.
func yamlFormat(n name, head []byte) (format, bool) {
	keys := topKeys(head)
	has := func(all ...string) bool {
		for _, k := range all {
			if !keys[k] {
				return false
			}
		}
		return true
	}
	switch {
	case has("openapi"), has("swagger"), has("asyncapi"), has("bomFormat"), has("spdxVersion"):
		return format{}, false
	case has("kind", "metadata"):
		return format{name: "kubernetes", read: readKubernetes}, true
	case n.base == "app.yaml" && has("runtime"):
		return format{name: "platform", read: readPlatform}, true
	case n.under("templates") && isTemplate(head):
		return format{name: "helm-template", read: readKubernetes}, true
	case has("AWSTemplateFormatVersion"), has("Resources") && bytes.Contains(head, []byte("AWS::")):
		return format{name: "cloudformation", read: readCloudFormation}, true
	case has("model_list"):
		return format{name: "gateway", read: readGateway}, true
	case has("providers", "prompts"), has("targets", "prompts"), has("providers", "tests"):
		return format{name: "promptfoo", read: readPromptfoo}, true
	case has("service", "provider", "functions"):
		return format{name: "serverless", read: readServerless}, true
	case has("services") && (bytes.Contains(head, []byte("image:")) || bytes.Contains(head, []byte("build:"))):
		return format{name: "compose", read: readCompose}, true
	case has("name", "runtime", "resources"):
		return format{name: "pulumi", read: readPulumi}, true
	case has("dependencies") && n.base == "requirements.yml":
		return format{}, false
	case has("pool", "steps"), has("trigger", "stages"), has("trigger", "jobs"), has("trigger", "steps"), has("parameters", "steps"), has("parameters", "jobs"):
		return format{name: "azure-pipelines", read: readPipeline}, true
	case has("mcpServers"), has("mcp_servers"):
		return format{name: "agent-settings", read: readAgentSettings}, true
	case isAnsible(n, head):
		return format{name: "ansible", read: readAnsible}, true
	case isSettingsName(n):
		return format{name: "settings", read: readSettings}, true
	}
	return format{}, false
}

// topKeys collects the keys of the first level of YAML, of all documents that
// begin in the head.
func topKeys(head []byte) map[string]bool {
	keys := map[string]bool{}
	for _, text := range lines(head) {
		if text == "" || text[0] == ' ' || text[0] == '#' || text[0] == '-' || text[0] == '\t' {
			continue
		}
		if key, _, ok := strings.Cut(text, ":"); ok && len(key) < 64 {
			keys[unquote(strings.TrimSpace(key))] = true
		}
	}
	return keys
}

// jsonFormat looks at what the head of a JSON file holds.
func jsonFormat(n name, head []byte) (format, bool) {
	text := string(head)
	has := func(all ...string) bool {
		for _, k := range all {
			if !strings.Contains(text, `"`+k+`"`) {
				return false
			}
		}
		return true
	}
	switch {
	case has("bomFormat"), has("spdxVersion"), has("openapi"), has("swagger"), has("lockfileVersion"):
		return format{}, false
	case strings.Contains(text, "deploymentTemplate.json#"), has("contentVersion", "resources"):
		return format{name: "arm", read: readARM}, true
	case has("AWSTemplateFormatVersion"), has("Resources") && strings.Contains(text, `"AWS::`):
		return format{name: "cloudformation", read: readCloudFormation}, true
	case has("Statement", "Effect"), has("includedPermissions"), has("AssignableScopes"), has("bindings", "role", "members"):
		return format{name: "iam-policy", read: readPolicy}, true
	case has("apiVersion", "kind") && (has("metadata") || has("items")):
		return format{name: "kubernetes", read: readKubernetes}, true
	case has("mcpServers"):
		return format{name: "mcp", read: readMCP}, true
	case has("nodes", "connections") && (has("typeVersion") || strings.Contains(text, "n8n")):
		return format{name: "n8n", read: readWorkflowNodes}, true
	case has("containerDefinitions"), has("family", "image"):
		return format{name: "ecs", read: readTaskDefinition}, true
	case n.base == "config.json" || isSettingsName(n) && n.base != "tsconfig.json":
		return format{name: "settings", read: readSettings}, true
	}
	return format{}, false
}

// readTaskDefinition reads a task of ECS.
func readTaskDefinition(o *out, data []byte) error {
	doc, err := parseJSON(data)
	o.properties("", doc, 0)
	return err
}

// readKustomization reads a kustomization, whose kind need not be written.
func readKustomization(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) { o.kustomize(doc) })
}

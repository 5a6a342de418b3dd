package aisign

import (
	"slices"
	"strings"
	"testing"
)

// The forms in which names are met, and all that they stand for. A name in
// brackets is a weak match.
func TestForms(t *testing.T) {
	s := loaded(t)
	for _, c := range []struct {
		name string
		got  []Match
		want string
	}{
		{"pypi normalised", s.Package("PyPI", "OpenAI"), "openai"},
		{"pypi underscores", s.Package("pypi", "Sentence_Transformers"), "transformers"},
		{"pypi extras", s.Package("pypi", "ray[serve,default]"), "ray-serve"},
		{"pypi without extras", s.Package("pypi", "ray"), "(ray-serve)"},
		{"pypi extras of another", s.Package("pypi", "openai[datalib]"), "openai"},
		{"pypi extra that adds a cloud", s.Package("pypi", "anthropic[bedrock]"), "anthropic aws-bedrock"},
		{"pypi joined products", s.Package("pypi", "langchain-openai"), "openai"},
		{"pypi both", s.Package("pypi", "llama-index-llms-openai"), "llamaindex openai"},
		{"npm scope, both", s.Package("npm", "@ai-sdk/openai"), "openai vercel-ai-sdk"},
		{"npm exactly ai", s.Package("npm", "ai"), "vercel-ai-sdk"},
		{"npm runtime", s.Package("npm", "@aws-sdk/client-bedrock-runtime"), "aws-bedrock"},
		{"npm control plane", s.Package("npm", "@aws-sdk/client-bedrock"), "(aws-bedrock)"},
		{"npm control plane of sagemaker", s.Package("npm", "@aws-sdk/client-sagemaker"), "(aws-sagemaker)"},
		{"go major version", s.Package("golang", "github.com/openai/openai-go/v3"), "openai"},
		{"go package of a module", s.Package("go", "github.com/openai/openai-go/v2/option"), "openai"},
		{"go version in the middle", s.Package("go", "github.com/oracle/oci-go-sdk/v99/generativeaiinference"), "oci-genai"},
		{"go control plane", s.Package("go", "github.com/aws/aws-sdk-go-v2/service/bedrock/types"), "(aws-bedrock)"},
		{"maven with version", s.Package("maven", "dev.langchain4j:langchain4j-open-ai:1.0.1"), "langchain4j openai"},
		{"maven group", s.Package("gradle", "org.springframework.ai:spring-ai-core"), "spring-ai"},
		{"nuget case", s.Package("nuget", "azure.ai.openai"), "azure-openai"},
		{"composer case", s.Package("composer", "OpenAI-PHP/Client"), "openai"},
		{"cargo underscore", s.Package("cargo", "async_openai"), "openai"},
		{"conan with version", s.Package("conan", "onnxruntime/1.18.1@"), "onnxruntime"},
		{"swift url", s.Package("swift", "https://github.com/MacPaw/OpenAI.git"), "openai"},
		{"cran", s.Package("CRAN", "ellmer"), "r-llm"},
		{"hex", s.Package("hex", "bumblebee"), "transformers"},

		{"py sub-module", s.Import("python", "openai.types.chat"), "openai"},
		{"py derived name", s.Import("py", "litellm.proxy"), "litellm"},
		{"py namespace", s.Import("py", "google.cloud.aiplatform.gapic"), "google-vertex"},
		{"py doubtful", s.Import("py", "agents"), "(openai)"},
		{"js subpath", s.Import("ts", "@ai-sdk/openai/internal"), "openai vercel-ai-sdk"},
		{"js ai", s.Import("tsx", "ai"), "vercel-ai-sdk"},
		{"js npm: with version", s.Import("js", "npm:openai@4.2.0/helpers"), "openai"},
		{"js from a page", s.Import("js", "https://esm.sh/@anthropic-ai/sdk@0.30"), "anthropic"},
		{"java class", s.Import("kotlin", "dev.langchain4j.model.openai.OpenAiChatModel"), "langchain4j openai"},
		{"cs namespace", s.Import("csharp", "OpenAI.Chat"), "openai"},
		{"php namespace", s.Import("php", `\OpenAI\Client`), "openai"},
		{"rb require", s.Import("ruby", "ruby_llm/chat"), "rubyllm"},
		{"rs path", s.Import("rust", "async_openai::types"), "openai"},
		{"go import", s.Import("go", "github.com/sashabaranov/go-openai"), "openai"},

		{"host in a URL", s.Host("https://user@API.OpenAI.com:443/v1/chat?x=1"), "openai"},
		{"host trailing dot", s.Host("api.openai.com."), "openai"},
		{"host regional", s.Host("eu.api.openai.com"), "openai"},
		{"host www", s.Host("www.chatgpt.com"), "openai"},
		{"host status page", s.Host("status.openai.com"), "(openai)"},
		{"host data plane", s.Host("bedrock-runtime.eu-west-1.amazonaws.com"), "aws-bedrock"},
		{"host control plane", s.Host("bedrock.eu-west-1.amazonaws.com"), "(aws-bedrock)"},
		{"host resource", s.Host("my-res.openai.azure.com"), "azure-openai"},
		{"host regional prefix", s.Host("europe-west4-aiplatform.googleapis.com"), "google-vertex"},
		{"host more exact of two", s.Host("models.inference.ai.azure.com"), "github-models"},
		{"host vaguer of two", s.Host("x.inference.ai.azure.com"), "azure-openai"},
		{"host port", s.Host("http://gpu-7:11434/api/generate"), "ollama"},
		{"host port of IPv6", s.Host("http://[::1]:11434/"), "ollama"},
		{"host shared port", s.Host("localhost:1234"), "(lmstudio)"},
		{"host of documentation", s.Host("docs.elevenlabs.io"), "(elevenlabs)"},
		{"host below", s.Host("eu-1.elevenlabs.io"), "elevenlabs"},
		{"host general service", s.Host("www.notion.so"), "(notion-ai)"},

		{"env", s.Env("OPENAI_API_KEY"), "openai"},
		{"env for a build tool", s.Env("NEXT_PUBLIC_OPENAI_API_KEY"), "openai"},
		{"env lower case", s.Env("azure_openai_endpoint"), "azure-openai"},
		{"env weak", s.Env("GOOGLE_API_KEY"), "(google-gemini)"},
		{"secret with a prefix", s.SecretName("PROD_OPENAI_API_KEY"), "openai"},
		{"secret with a suffix", s.SecretName("OPENAI_KEY_EU"), "openai"},
		{"secret camel case", s.SecretName("myAppOpenAiApiKey"), "openai"},
		{"secret path", s.SecretName("prod/ml/anthropic-api-key"), "anthropic"},
		{"secret of Azure", s.SecretName("TEAM-A-AZURE-OPENAI-API-KEY"), "azure-openai"},
		{"secret of two", s.SecretName("OPENAI_OR_ANTHROPIC_KEY"), "anthropic openai"},
		{"secret short", s.SecretName("CI_HF_TOKEN"), "huggingface"},
		{"secret doubtful", s.SecretName("GEMINI_SECRET"), "(google-gemini)"},

		{"model", s.Model("gpt-4o-2024-08-06"), "openai"},
		{"model fine-tuned", s.Model("ft:gpt-4o-mini-2024-07-18:acme::abc"), "openai"},
		{"model routed", s.Model("openai/gpt-4o"), "openai"},
		{"model of a region", s.Model("eu.anthropic.claude-3-5-sonnet-20240620-v1:0"), "aws-bedrock"},
		{"model of Bedrock", s.Model("bedrock/anthropic.claude-3-haiku-20240307-v1:0"), "aws-bedrock"},
		{"model with models/", s.Model("models/gemini-1.5-pro"), "google-gemini"},
		{"model of a publisher", s.Model("projects/p/locations/l/publishers/google/models/gemini-2.0-flash"), "google-gemini"},
		{"model of Vertex", s.Model("claude-3-5-sonnet@20240620"), "anthropic google-vertex"},
		{"model behind a router", s.Model("groq/llama-3.3-70b-versatile"), "groq"},
		{"model behind two", s.Model("openrouter/anthropic/claude-3.5-sonnet"), "openrouter"},
		{"model on Azure by its own name", s.Model("azure/gpt-4o"), "azure-openai"},
		{"model local", s.Model("ollama/llama3.1"), "ollama"},
		{"model open", s.Model("llama3.1:8b"), "(open-weights)"},
		{"model open, of a vendor", s.Model("google/gemma-2-9b-it"), "(open-weights)"},

		{"image of docker.io", s.Image("docker.io/ollama/ollama:latest"), "ollama"},
		{"image by digest", s.Image("ghcr.io/huggingface/text-generation-inference@sha256:00"), "tgi"},
		{"image mirrored", s.Image("registry.corp.example:5000/cache/dockerhub/vllm/vllm-openai:v0.6"), "vllm"},
		{"image of NIM", s.Image("nvcr.io/nim/meta/llama-3.1-8b-instruct:1.2"), "nvidia-nim"},
		{"image of n8n", s.Image("n8nio/n8n"), "(n8n-ai)"},
		{"image of AWS", s.Image("763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-inference:2.1"), "aws-sagemaker"},

		{"tf kind", s.Resource("tf", "azurerm_cognitive_account", map[string]string{"kind": "OpenAI"}), "azure-openai"},
		{"tf other kind", s.Resource("tf", "azurerm_cognitive_account", map[string]string{"kind": "SpeechServices"}), "azure-ai-services"},
		{"tf kind unknown", s.Resource("tf", "azurerm_cognitive_account", nil), "azure-ai-services"},
		{"tf azapi", s.Resource("tf", "azapi_resource", map[string]string{"type": "Microsoft.CognitiveServices/accounts@2024-10-01"}), "azure-openai"},
		{"tf service", s.Resource("opentofu", "google_project_service", map[string]string{"service": "aiplatform.googleapis.com"}), "google-vertex"},
		{"cfn", s.Resource("sam", "AWS::Bedrock::Agent", nil), "aws-bedrock"},
		{"bicep", s.Resource("bicep", "Microsoft.CognitiveServices/accounts@2024-10-01", map[string]string{"kind": "OpenAI"}), "azure-openai"},
		{"kubernetes version", s.KubernetesKind("serving.kserve.io/v1beta1/InferenceService"), "kserve"},
		{"chart of a repository", s.Chart("oci://ghcr.io/x/ollama"), "ollama"},
		{"action with a path", s.Action("anthropics/claude-code-action/base@v1"), "claude-code"},
		{"iam wildcard", s.IAM("bedrock:*"), "aws-bedrock"},
		{"iam invoke wildcard", s.IAM("bedrock:Invoke*"), "aws-bedrock"},
		{"iam role", s.IAM("roles/aiplatform.user"), "google-vertex"},
		{"arn of a partition", s.ARN("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x"), "aws-bedrock"},
		{"arn of Azure", s.ARN("/subscriptions/1/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/x"), "azure-openai"},
		{"event", s.CloudEvent("cloudtrail", "bedrock.amazonaws.com", "InvokeModel"), "aws-bedrock"},
		{"event of Azure", s.CloudEvent("azure-activity", "", "MICROSOFT.COGNITIVESERVICES/ACCOUNTS/DEPLOYMENTS/WRITE"), "azure-openai"},
		{"event of Google", s.CloudEvent("gcp-audit", "aiplatform.googleapis.com", "google.cloud.aiplatform.v1.PredictionService.Predict"), "google-vertex"},
		{"cost", s.Cost("amazon  bedrock"), "aws-bedrock"},
		{"cost of a model", s.Cost("Claude 3.5 Sonnet (Amazon Bedrock Edition)"), "aws-bedrock"},

		{"merchant", s.Merchant("OPENAI *CHATGPT SUBSCR SAN FRANCISCO CA"), "openai"},
		{"merchant with a dot", s.Merchant("Claude.ai subscription"), "anthropic"},
		{"merchant of Google", s.Merchant("GOOGLE*GEMINI MOUNTAIN VIEW"), "google-gemini"},
		{"oauth by name", s.OAuthApp("  chatgpt ", ""), "openai"},
		{"oauth by id", s.OAuthApp("Anything", "E0476654-C1D5-430B-AB80-70CBD947616A"), "openai"},
		{"github app", s.GitHubApp("coderabbitai[bot]"), "coderabbit"},
		{"extension", s.Extension("GitHub.copilot@1.2.3"), "github-copilot"},
		{"trailer", s.Trailer("Co-Authored-By: Claude <noreply@anthropic.com>"), "claude-code"},
		{"trailer of Copilot", s.Trailer("Co-authored-by: Copilot <198982749+Copilot@users.noreply.github.com>"), "github-copilot"},
		{"user agent", s.UserAgent("OpenAI/Python 1.40.0"), "openai"},
		{"file in a folder", s.File("services/api/CLAUDE.md"), "claude-code"},
		{"file under a folder", s.File("a/.claude/commands/x.md"), "claude-code"},
		{"file by path", s.File("x/.cursor/mcp.json"), "cursor mcp"},
		{"file by ending", s.File("models/LLAMA.GGUF"), "model-artifact"},
		{"file with a star", s.File(".github/prompts/review.prompt.md"), "github-copilot"},
		{"setting", s.Setting("spring.ai.openai.api-key"), "openai spring-ai"},
	} {
		var names []string
		for _, m := range c.got {
			if m.IsWeak() {
				names = append(names, "("+m.ID+")")
			} else {
				names = append(names, m.ID)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestField(t *testing.T) {
	s := loaded(t)
	for host, want := range map[string]string{"api.openai.com": "hosts", "chatgpt.com": "web", "localhost:11434": "ports"} {
		if got := s.Host(host); len(got) != 1 || got[0].Field != want || got[0].Rule() != got[0].ID+"/"+want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestVendor(t *testing.T) {
	s := loaded(t)
	for name, want := range map[string]string{
		"OpenAI": "openai", "OpenAI Ireland Ltd": "openai", "OPENAI, L.L.C.": "openai", "openai": "openai", "Open AI": "openai",
		"Anthropic, PBC": "anthropic", "anthropic": "anthropic", "aws": "aws-bedrock", "Amazon Web Services EMEA SARL": "aws-bedrock",
		"Amazon Web Services, Inc.": "aws-bedrock", "google": "google-gemini", "Google Cloud EMEA Limited": "google-vertex",
		"Google Ireland Limited": "google-gemini", "Microsoft Ireland Operations Limited": "azure-openai", "azure": "azure-openai",
		"Mistral AI SAS": "mistral", "Hugging Face, Inc.": "huggingface", "github": "github-copilot", "azure-openai": "azure-openai",
		"azure openai": "azure-openai", "IBM Deutschland GmbH": "ibm-watsonx", "Databricks, Inc.": "databricks-ai",
	} {
		if !slices.ContainsFunc(s.Vendor(name), func(sig *Signature) bool { return sig.ID == want }) {
			t.Errorf("%q does not stand for %s: %d signatures", name, want, len(s.Vendor(name)))
		}
	}
	if got := s.Vendor("azure-openai"); len(got) != 1 {
		t.Errorf("an id stands for %d signatures", len(got))
	}
}

func TestPin(t *testing.T) {
	s := loaded(t)
	sha := strings.Repeat("0a", 20)
	for id, want := range map[string]PinType{
		"gpt-4o-2024-08-06": Immutable, "gpt-4-0613": Immutable, "claude-3-5-sonnet-20241022": Immutable, "claude-3-5-sonnet@20240620": Immutable,
		"anthropic.claude-3-haiku-20240307-v1:0": Immutable, "gemini-1.5-pro-002": Immutable, "mistral-large-2407": Immutable,
		"command-r-08-2024": Immutable, "gpt-4o": Alias, "gpt-4o-latest": Alias, "claude-3-5-sonnet-latest": Alias, "gemini-1.5-pro": Alias,
		"gemini-2.0-flash-exp": Alias, "claude-sonnet-4-0": Alias, "openai/gpt-4o": Alias, "llama3:latest": Alias,
		"meta-llama/Llama-3.1-8B-Instruct": Unversioned, "llama3": Unversioned, "something": Unversioned, "": Unversioned,
		"meta-llama/Llama-3.1-8B@" + sha: RevisionSHA, "acme/model:" + sha + strings.Repeat("0a", 12): RevisionSHA,
	} {
		if got := s.Pin(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

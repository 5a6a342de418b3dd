package infra

import "testing"

func TestSettings(t *testing.T) {
	check(t, []fileCase{{
		name: "Spring, in YAML",
		path: "src/main/resources/application-prod.yml",
		text: `
spring:
  ai:
    openai:
      api-key: ${OPENAI_API_KEY}
      base-url: https://llm.example
      chat:
        options:
          model: gpt-4o
# langchain4j:
#   x: y
`,
		want: `
			4 env OPENAI_API_KEY
			4 setting spring.ai.openai.api-key
			5 host llm.example
			5 setting spring.ai.openai.base-url
			8 model gpt-4o
			8 setting spring.ai.openai.chat.options.model
		`,
	}, {
		name: "Spring, in properties",
		path: "application.properties",
		text: "# spring.ai.x=1\nspring.ai.mcp.server.name=weather\nspring.ai.mcp.server.type=SYNC\nlangchain4j.open-ai.chat-model.model-name=gpt-4o-mini\nllm.url=${LLM_URL:https://llm.example/v1}\n",
		want: `
			2 mcp spring.ai.mcp.server protocol=mcp side=server
			2 setting spring.ai.mcp.server.name
			3 setting spring.ai.mcp.server.type
			4 model gpt-4o-mini
			4 setting langchain4j.open-ai.chat-model.model-name
			5 env LLM_URL
			5 host llm.example
			5 setting llm.url
		`,
	}, {
		name: ".NET",
		path: "appsettings.Development.json",
		text: "{\n  \"AzureOpenAI\": {\n    \"Endpoint\": \"https://x.openai.azure.com/\",\n    \"DeploymentName\": \"gpt-4o\" // comment\n  }\n}\n",
		want: `
			3 host x.openai.azure.com
			3 setting AzureOpenAI.Endpoint
			4 model gpt-4o
			4 setting AzureOpenAI.DeploymentName
		`,
	}, {
		name: "Symfony",
		path: "config/services.yaml",
		text: "services:\n  App\\Chat:\n    arguments: ['%env(string:OPENAI_API_KEY)%', '@http']\n",
		want: "3 env OPENAI_API_KEY\n3 setting services.App\\Chat.arguments",
	}, {
		name: "TOML",
		path: "config/settings.toml",
		text: "# model = \"x\"\n[llm]\nmodel = \"gpt-4o\" # comment\nlist = [\n  \"https://a.example\",\n]\n",
		want: `
			3 model gpt-4o
			3 setting llm.model
			5 host a.example
			5 setting llm.list
		`,
	}, {
		name: "INI",
		path: "config.ini",
		text: "; [old]\n[openai]\nmodel = gpt-4o\nbase_url = api.llm.example\n",
		want: `
			3 model gpt-4o
			3 setting openai.model
			4 host api.llm.example
			4 setting openai.base_url
		`,
	}, {
		name: "a worker",
		path: "wrangler.toml",
		text: "name = \"x\"\n[vars]\nOPENAI_API_KEY = \"\"\n[ai]\nbinding = \"AI\"\n[[env.x.kv]]\n",
		want: `
			3 env OPENAI_API_KEY
			4 setting ai.binding
		`,
	}, {
		name: "vercel",
		path: "vercel.json",
		text: "{\n\"env\": {\"OPENAI_API_KEY\": \"@openai\"},\n\"rewrites\": [{\"source\": \"/ai\", \"destination\": \"https://api.openai.com/v1\"}]}\n",
		want: "2 env OPENAI_API_KEY\n3 host api.openai.com",
	}, {
		name: "netlify",
		path: "netlify.toml",
		text: "[build.environment]\nOPENAI_API_KEY = \"x\"\n[[redirects]]\nto = \"https://api.openai.com/v1\"\n",
		want: "2 env OPENAI_API_KEY\n4 host api.openai.com",
	}, {
		name: "n8n",
		path: "flows/support.json",
		text: "{\"nodes\": [\n{\"type\": \"@n8n/n8n-nodes-langchain.lmChatOpenAi\", \"typeVersion\": 1, \"parameters\": {\"model\": \"gpt-4o\"}},\n{\"type\": \"@n8n/n8n-nodes-langchain.agent\", \"disabled\": true}],\n\"connections\": {}}\n",
		want: `
			2 model gpt-4o
			2 setting @n8n/n8n-nodes-langchain.lmChatOpenAi [n8n]
			3 setting @n8n/n8n-nodes-langchain.agent [n8n] excluded
		`,
	}, {
		name: "app.config",
		path: "App.config",
		text: "<configuration><appSettings>\n<!-- <add key=\"Old:Key\" value=\"x\"/> -->\n<add key=\"OpenAI:Model\" value=\"gpt-4o\"/>\n</appSettings></configuration>\n",
		want: "3 model gpt-4o\n3 setting OpenAI.Model",
	}})
}

// A value is never kept, whatever the variable is called.
func TestValuesAreNotKept(t *testing.T) {
	key := "s" + "k-proj-" + "Abcdefghijklmnopqrstuvwxyz0123456789"
	for path, text := range map[string]string{
		".env":                     "OPENAI_API_KEY=" + key + "\nLLM_MODEL=" + key + "\nURL=https://" + key + "@x.example/" + key + "?k=" + key + "\n",
		"compose.yaml":             "services:\n  a:\n    image: x/y\n    environment: {OPENAI_MODEL: " + key + "}\n",
		"application.properties":   "spring.ai.openai.api-key=" + key + "\nspring.ai.model=" + key + "\n",
		"main.tf":                  "resource \"x\" \"y\" {\n model = \"" + key + "\"\n type = \"" + key + "\"\n}\n",
		".github/workflows/x.yml":  "on: push\njobs: {a: {steps: [{run: 'docker login " + key + "', with: {model: " + key + "}}]}}\n",
		"Dockerfile":               "ENV OPENAI_API_KEY=" + key + "\nRUN OPENAI_MODEL=" + key + " run --model " + key + "\n",
		".mcp.json":                `{"mcpServers": {"a": {"command": "x", "args": ["--key", "` + key + `"], "env": {"K": "` + key + `"}}}}`,
		"azuredeploy.json":         `{"contentVersion": "1", "resources": [{"type": "A.B/c", "kind": "` + key + `"}]}`,
		"charts/values.yaml":       "model: " + key + "\nOPENAI_API_KEY: " + key + "\n",
		"notebook.ipynb":           `{"cells": [{"cell_type": "code", "source": ["%env OPENAI_API_KEY=` + key + `"]}]}`,
		"chat.prompty":             "---\nmodel: " + key + "\n---\n",
		"k8s/secret.yaml":          "apiVersion: v1\nkind: Secret\nstringData: {OPENAI_API_KEY: " + key + "}\n",
		"web.config":               "<add key=\"OpenAI:Model\" value=\"" + key + "\"/>\n",
		"litellm_config.yaml":      "model_list: [{litellm_params: {model: " + key + ", api_key: " + key + "}}]\n",
		"home/.codex/config.toml":  "model = \"" + key + "\"\n",
		"bitbucket-pipelines.yml":  "pipelines: {default: [{step: {script: ['export A_KEY=" + key + "']}}]}\n",
		"Jenkinsfile":              "environment {\n OPENAI_API_KEY = '" + key + "'\n}\nsh 'x --model " + key + "'\n",
		"main.bicep":               "param model string = '" + key + "'\nresource a 'A.B/c@1' = {\n  kind: 'K'\n}\n",
		"promptfooconfig.yaml":     "providers: [openai:" + key + "]\n",
		"appsettings.Staging.json": `{"OpenAI": {"Model": "` + key + `"}}`,
	} {
		r := For(path, []byte(text))
		if r == nil {
			t.Errorf("%s has no reader", path)
			continue
		}
		facts, err := r.Read(path, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if len(facts) == 0 {
			t.Errorf("%s: nothing is read", path)
		}
		for _, f := range facts {
			if containsSecret(render(f), key) {
				t.Errorf("%s keeps the value: %s", path, f.Class)
			}
		}
	}
}

func containsSecret(s, key string) bool {
	for i := 0; i+12 <= len(key); i++ {
		if i+12 <= len(s) {
			for j := 0; j+12 <= len(s); j++ {
				if s[j:j+12] == key[i:i+12] {
					return true
				}
			}
		}
	}
	return false
}

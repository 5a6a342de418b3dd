package infra

import "testing"

func TestAgentSettings(t *testing.T) {
	check(t, []fileCase{{
		name: "tool servers",
		path: ".mcp.json",
		text: `
{"mcpServers": {
  "github": {
    "command": "npx",
    "args": ["-y", "@modelcontextprotocol/server-github"],
    "env": {"GITHUB_TOKEN": "${GITHUB_TOKEN}"}
  },
  "docs": {"url": "https://mcp.example/sse"},
  "boxed": {"command": "docker", "args": ["run", "-i", "--rm", "-e", "KEY_A", "mcp/fetch"]},
  "off": {"command": "uvx", "args": ["mcp-server-git"], "disabled": true},
  "win": {"command": "cmd.exe", "args": ["/c", "npx", "-y", "win-mcp"]}
}}
`,
		want: `
			2 mcp github command=npx side=client
			4 package @modelcontextprotocol/server-github [npm]
			5 env GITHUB_TOKEN
			7 host mcp.example
			7 mcp docs host=mcp.example side=client
			8 call docker run [sh]
			8 env KEY_A
			8 image mcp/fetch
			8 mcp boxed command=docker side=client
			9 call uvx mcp-server-git [sh] excluded
			9 mcp off excluded command=uvx side=client
			9 package mcp-server-git [pypi] excluded
			10 mcp win command=cmd.exe side=client
			10 package win-mcp [npm]
		`,
	}, {
		name: "codex",
		path: "home/.codex/config.toml",
		text: `
model = "o3"
[model_providers.local]
base_url = "http://localhost:11434/v1"
env_key = "LOCAL_KEY"
[mcp_servers.docs]
command = "npx"
args = ["-y", "docs-mcp"]
`,
		want: `
			1 file home/.codex/config.toml
			1 model o3
			3 host localhost:11434
			4 env LOCAL_KEY
			5 mcp docs command=npx side=client
			7 package docs-mcp [npm]
		`,
	}, {
		name: "claude code",
		path: ".claude/settings.json",
		text: "{\"model\": \"claude-sonnet-4\",\n \"env\": {\"ANTHROPIC_BASE_URL\": \"https://gw.example\"}}\n",
		want: "1 file .claude/settings.json\n1 model claude-sonnet-4\n2 env ANTHROPIC_BASE_URL\n2 host gw.example",
	}, {
		name: "settings that set nothing",
		path: ".gemini/settings.json",
		text: "{}\n",
	}, {
		name: "aider",
		path: ".aider.conf.yml",
		text: "model: gpt-4o\n# openai-api-key: x\n",
		want: "1 file .aider.conf.yml\n1 model gpt-4o",
	}, {
		name: "continue",
		path: ".continue/config.yaml",
		text: "models:\n  - provider: ollama\n    model: llama3.1:8b\n    apiBase: http://llm.example:11434\n",
		want: "1 file .continue/config.yaml\n3 model llama3.1:8b\n4 host llm.example:11434",
	}, {
		name: "opencode",
		path: "opencode.json",
		text: "{\"model\": \"anthropic/claude-sonnet-4\",\n\"mcp\": {\"x\": {\"type\": \"local\", \"command\": [\"npx\", \"x-mcp\"], \"enabled\": false}}}\n",
		want: "1 file opencode.json\n1 model anthropic/claude-sonnet-4\n2 call npx x-mcp [sh] excluded\n2 mcp x excluded command=npx side=client\n2 package x-mcp [npm] excluded",
	}, {
		name: "an editor",
		path: ".vscode/settings.json",
		text: "{\n  // \"chat.x\": 1,\n  \"editor.tabSize\": 2,\n  \"github.copilot.enable\": {\"*\": false},\n  \"mcp\": {\"servers\": {\"a\": {\"url\": \"https://a.example/mcp\"}}},\n}\n",
		want: `
			3 setting editor.tabSize [editor]
			4 setting github.copilot.enable [editor] excluded
			5 host a.example
			5 mcp a host=a.example side=client
		`,
	}, {
		name: "zed",
		path: ".zed/settings.json",
		text: "{\"agent\": {\"default_model\": {\"provider\": \"anthropic\", \"model\": \"claude-sonnet-4\"}},\n\"context_servers\": {\"pg\": {\"command\": {\"path\": \"npx\", \"args\": [\"pg-mcp\"]}}}}\n",
		want: `
			1 model claude-sonnet-4
			1 setting agent [editor]
			2 call npx pg-mcp [sh]
			2 mcp pg command=npx side=client
			2 package pg-mcp [npm]
			2 setting context_servers [editor]
		`,
	}, {
		name: "instructions",
		path: ".claude/agents/reviewer.md",
		text: "---\nname: reviewer\nmodel: claude-opus-4\n---\nUse https://api.openai.com and `pip install openai`.\n",
		want: "1 file .claude/agents/reviewer.md\n3 model claude-opus-4",
	}, {
		name: "a head that is no YAML",
		path: ".cursor/rules/x.mdc",
		text: "---\nglobs: *.ts\ndescription: Use when: always\nmodel: claude-opus-4\n---\nx\n",
		want: "1 file .cursor/rules/x.mdc\n4 model claude-opus-4",
	}, {
		name: "instructions at the root",
		path: "AGENTS.md",
		text: "Run the tests.\n",
		want: "1 file AGENTS.md",
	}, {
		name: "empty instructions",
		path: "CLAUDE.md",
		text: "\n \n",
	}})
}

func TestServersOffered(t *testing.T) {
	check(t, []fileCase{{
		name: "registry",
		path: "server.json",
		text: "{\"$schema\": \"https://static.modelcontextprotocol.io/schemas/server.json\",\n\"name\": \"io.github.acme/weather\", \"packages\": [{\"registryType\": \"npm\",\n\"environmentVariables\": [{\"name\": \"WEATHER_KEY\"}]}]}\n",
		want: "2 mcp io.github.acme/weather protocol=mcp side=server\n3 env WEATHER_KEY",
	}, {
		name: "bundle",
		path: "manifest.json",
		text: "{\"dxt_version\": \"0.1\",\n\"name\": \"notes\",\n\"server\": {\"type\": \"node\", \"entry_point\": \"x.js\"}}\n",
		want: "2 mcp notes protocol=mcp side=server",
	}, {
		name: "smithery",
		path: "smithery.yaml",
		text: "# x\nstartCommand:\n  type: stdio\n",
		want: "2 mcp smithery protocol=mcp side=server",
	}, {
		name: "agent card",
		path: "public/.well-known/agent.json",
		text: "{\"name\": \"helper\",\n\"url\": \"https://a.example\", \"skills\": []}\n",
		want: "1 file public/.well-known/agent.json\n1 mcp helper protocol=a2a side=server",
	}})
}

func TestExtensions(t *testing.T) {
	check(t, []fileCase{{
		name: "a workspace",
		path: ".vscode/extensions.json",
		text: "{\n  \"recommendations\": [\n    \"GitHub.copilot\",\n    // \"continue.continue\"\n  ],\n  \"unwantedRecommendations\": [\"codeium.codeium\"]\n}\n",
		want: "3 extension github.copilot\n6 extension codeium.codeium excluded",
	}, {
		name: "what an editor lists",
		path: "laptops/anna.extensions.txt",
		text: "# list\nanthropic.claude-code@1.0.3\nms-python.python\nnot a list\n",
		want: "2 extension anthropic.claude-code @1.0.3\n3 extension ms-python.python",
	}, {
		name: "policies of a browser",
		path: "policies/managed/chrome.json",
		text: "{\n\"ExtensionInstallForcelist\": [\"abcdefghijklmnopabcdefghijklmnop;https://clients2.google.com/x\"],\n\"ExtensionInstallBlocklist\": [\"*\", \"ponmlkjihgfedcbaponmlkjihgfedcba\"],\n\"ExtensionSettings\": {\n\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\": {\"installation_mode\": \"blocked\"},\n\"cccccccccccccccccccccccccccccccc\": {\"installation_mode\": \"allowed\"}}}\n",
		want: `
			2 extension abcdefghijklmnopabcdefghijklmnop
			3 extension ponmlkjihgfedcbaponmlkjihgfedcba excluded
			5 extension bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb excluded
			6 extension cccccccccccccccccccccccccccccccc optional
		`,
	}, {
		name: "an extension",
		path: "ext/manifest.json",
		text: "{\"manifest_version\": 3,\n\"host_permissions\": [\"https://*.openai.com/*\"],\n\"optional_host_permissions\": [\"https://claude.ai/*\"],\n\"content_scripts\": [{\"matches\": [\"https://gemini.google.com/*\", \"<all_urls>\"]}]}\n",
		want: "2 host openai.com\n3 host claude.ai optional\n4 host gemini.google.com",
	}, {
		name: "firefox",
		path: "policies.json",
		text: "{\"policies\": {\n\"Extensions\": {\"Install\": [\"https://addons.example/x.xpi\"], \"Uninstall\": [\"ai@bad.example\"]}}}\n",
		want: "2 extension ai@bad.example excluded",
	}})
}

func TestPrompts(t *testing.T) {
	check(t, []fileCase{{
		name: "promptfoo",
		path: "promptfooconfig.yaml",
		text: "prompts: [a]\nproviders:\n  - openai:chat:gpt-4o\n  - id: anthropic:messages:claude-3-5-sonnet-20241022\n    config: {apiBaseUrl: https://gw.example}\n  # - openai:o3\n  - file://own.py\n  - ollama:llama3:8b\n",
		want: `
			1 file promptfooconfig.yaml
			3 model gpt-4o
			3 setting provider.openai
			4 model claude-3-5-sonnet-20241022
			4 setting provider.anthropic
			5 host gw.example
			8 model llama3:8b
			8 setting provider.ollama
		`,
	}, {
		name: "prompty",
		path: "chat.prompty",
		text: "---\nname: x\nmodel:\n  api: chat\n  configuration:\n    type: azure_openai\n    azure_deployment: gpt-4o\n    azure_endpoint: ${env:AZURE_OPENAI_ENDPOINT}\n---\nsystem: you use gpt-3\n",
		want: "1 file chat.prompty\n6 setting provider.azure_openai\n7 model gpt-4o\n8 env AZURE_OPENAI_ENDPOINT",
	}, {
		name: "litellm",
		path: "litellm_config.yaml",
		text: "model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/gpt-4o\n      api_base: https://gw.example\n      api_key: os.environ/OPENAI_API_KEY\n",
		want: "1 file litellm_config.yaml\n2 model fast\n4 model openai/gpt-4o\n5 host gw.example\n6 env OPENAI_API_KEY",
	}, {
		name: "modelfile",
		path: "Modelfile",
		text: "# FROM mistral\nFROM llama3.1:8b\nSYSTEM \"\"\"\nFROM phi3\n\"\"\"\nADAPTER ./x.gguf\n",
		want: "2 file Modelfile\n2 model llama3.1:8b\n6 file Modelfile",
	}, {
		name: "langgraph",
		path: "langgraph.json",
		text: "{\"graphs\": {}, \"env\": {\"OPENAI_API_KEY\": \"\"}}\n",
		want: "1 env OPENAI_API_KEY\n1 file langgraph.json",
	}})
}

func TestWhatHasNoReader(t *testing.T) {
	for path, head := range map[string]string{
		"bom.json":               `{"bomFormat": "CycloneDX", "components": [{"type": "machine-learning-model"}]}`,
		"api.yaml":               "openapi: 3.0.0\npaths: {}\n",
		"package.json":           `{"dependencies": {"openai": "1"}}`,
		"package-lock.json":      `{"lockfileVersion": 3}`,
		"mkdocs.yml":             "site_name: x\nnav: []\n",
		"README.md":              "# AGENTS\n",
		"docs/agents.md.html":    "x",
		"docs/agents.md":         "# Agents\n",
		"content/gemini.md":      "# Gemini\n",
		"web/server.json":        `{"port": 80}`,
		"public/manifest.json":   `{"name": "a web app", "icons": []}`,
		"i18n/en.json":           `{"model": "Model"}`,
		"notes/claude.txt":       "claude",
		"src/dockerfile/read.go": "package x",
		".terraform.lock.hcl":    "provider \"x\" {}",
	} {
		if r := For(path, []byte(head)); r != nil {
			t.Errorf("%s is read as %s", path, r.Name())
		}
	}
}

package aiscan

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

var loaded = sync.OnceValues(aisign.Load)

// signatures is the real data, loaded once.
func signatures(t testing.TB) *aisign.Set {
	t.Helper()
	set, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// write makes a folder of files, given as path and text by turns.
func write(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// scanned is the report of a folder of files.
func scanned(t testing.TB, files ...string) Report {
	t.Helper()
	tree, err := Folder(write(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Scan(context.Background(), tree, Options{Signatures: signatures(t), Root: "acme/app"})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// brief is what a report says, one sighting a line.
func brief(r Report) string {
	var b strings.Builder
	for _, s := range r.Sightings {
		b.WriteString(s.Provider + " " + string(s.Scope) + " " + string(s.Confidence) + "\n")
	}
	return b.String()
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", []string{"main.py", "print('hello')\n"}, ""},
		{"an import", []string{"app/main.py", "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"}, "openai product inferred\n"},
		{"raw REST", []string{"src/a.ts", "const r = await fetch('https://api.mistral.ai/v1/chat/completions', {method: 'POST'})\n"}, "mistral product inferred\n"},
		{"a comment", []string{"a.go", "package a\n// import \"github.com/openai/openai-go\"\n// https://api.openai.com\n"}, ""},
		{"a documentation string", []string{"a.py", "\"\"\"Calls https://api.openai.com with OPENAI_API_KEY.\"\"\"\nx = 1\n"}, ""},
		{"a test", []string{"tests/test_a.py", "import anthropic\n"}, "anthropic supporting inferred\n"},
		{"a package", []string{"requirements.txt", "flask==3.0\nanthropic==0.40.0\n"}, "anthropic product declared\n"},
		{"a package for development", []string{"package.json", "{\"devDependencies\": {\"openai\": \"^4\"}}"}, "openai supporting declared\n"},
		{"another processor", []string{"a.py", "from openai import OpenAI\nc = OpenAI(base_url='https://api.deepseek.com')\n", "requirements.txt", "openai\n"}, "deepseek product inferred\n"},
		{"both", []string{"a.py", "from openai import OpenAI\nc = OpenAI(base_url='https://api.deepseek.com')\n", "b.py", "from openai import OpenAI\nc = OpenAI()\n"}, "deepseek product inferred\nopenai product inferred\n"},
		{"nobody's address", []string{"a.py", "from openai import OpenAI\nc = OpenAI(base_url='https://llm.intern.example/v1')\n"}, "openai-compatible product unresolved\n"},
		{"a module of the same name", []string{"openai.py", "x = 1\n", "main.py", "import openai\n"}, ""},
		{"a model alone", []string{"a.yaml", "llm:\n  model: claude-3-opus-20240229\n"}, "anthropic product unresolved\n"},
		{"a control plane", []string{"a.py", "import boto3\nc = boto3.client('bedrock')\nc.list_foundation_models()\n"}, ""},
		{"a data plane", []string{"a.py", "import boto3\nc = boto3.client('bedrock-runtime')\n"}, "aws-bedrock product inferred\n"},
		{"a table of what is known", []string{"rules.py", "HOSTS = {\n  \"api.openai.com\": \"OpenAI\",\n  \"api.anthropic.com\": \"Anthropic\",\n  \"api.mistral.ai\": \"Mistral\",\n}\n"}, ""},
		{"a list of what is known", []string{"rules.go", "package rules\n\nvar hosts = []string{\"api.openai.com\", \"api.anthropic.com\", \"api.mistral.ai\", \"api.groq.com\"}\n"}, ""},
		{"rows of what is known", []string{"Rules.java", "class Rules {\n  List<String> names = List.of(\"OPENAI_API_KEY_ENV\");\n  List<String> hosts = List.of(\"api.openai.com\", \"api.anthropic.com\", \"api.mistral.ai\", \"api.groq.com\");\n}\n"}, ""},
		{"a catalogue of hosts", []string{"data/known.yaml", "- id: a\n  hosts: [api.openai.com]\n- id: b\n  hosts: [api.anthropic.com]\n- id: c\n  hosts: [api.mistral.ai]\n- id: d\n  hosts: [api.groq.com]\n"}, ""},
		{"a catalogue of lists", []string{"data/known.yaml", "- id: a\n  hosts: [registry.ollama.ai]\n- id: b\n  env: [ANTHROPIC_API_KEY, MISTRAL_API_KEY]\n- id: c\n  hosts: [x.example.com, api.groq.com]\n"}, ""},
		{"a list of two", []string{"data/known.yaml", "hosts: [x.example.com, api.groq.com]\n"}, ""},
		{"a host and a table", []string{"a.py", "import http.client\nc = http.client.HTTPSConnection(\"api.openai.com\")\nKNOWN = [\"api.openai.com\", \"api.anthropic.com\", \"api.mistral.ai\", \"api.groq.com\"]\n"}, "openai product inferred\n"},
		{"addresses of four that are asked", []string{"a.py", "BASE = {\n  \"a\": \"https://api.deepseek.com/v1\",\n  \"b\": \"https://api.anthropic.com/v1\",\n  \"c\": \"https://api.mistral.ai/v1\",\n  \"d\": \"https://api.groq.com/v1\",\n}\n"}, "anthropic product inferred\ndeepseek product inferred\ngroq product inferred\nmistral product inferred\n"},
		{"variables that are set", []string{"stack.py", "Function(environment={\"MISTRAL_API_KEY\": \"a\", \"ANTHROPIC_API_KEY\": \"b\", \"GROQ_API_KEY\": \"c\"})\n"}, "anthropic product inferred\ngroq product inferred\nmistral product inferred\n"},
		{"a gateway", []string{"litellm_config.yaml", "model_list:\n- model_name: a\n  litellm_params: {model: anthropic/claude-3-opus-20240229, api_key: os.environ/ANTHROPIC_API_KEY}\n- model_name: b\n  litellm_params: {model: mistral/mistral-large-latest, api_key: os.environ/MISTRAL_API_KEY}\n- model_name: c\n  litellm_params: {model: groq/llama-3.1-8b-instant, api_key: os.environ/GROQ_API_KEY}\n- model_name: d\n  litellm_params: {model: deepseek/deepseek-chat, api_key: os.environ/DEEPSEEK_API_KEY}\n"}, "anthropic product inferred\ndeepseek product inferred\ngroq product inferred\nlitellm product declared\nmistral product inferred\n"},
		{"a pattern", []string{"a.py", "import re\nP = re.compile(r\"bedrock-runtime|api.openai.com\")\n"}, ""},
		{"a pattern of the language", []string{"a.js", "const p = text.match(/bedrock-runtime/)\n"}, ""},
		{"a demonstration", []string{"demo_data/a.py", "import anthropic\n"}, "anthropic supporting inferred\n"},
		{"scripts", []string{"a.sh", "pipx run aider-chat\n", "b.sh", "uv run --with anthropic x.py\n", "c.sh", "bunx ollama\npnpm dlx groq-sdk\n", "d.sh", "npm exec -- cohere-ai\n", "e.sh", "go run github.com/sashabaranov/go-openai@v1\n"},
			"aider development declared\nanthropic product declared\ncohere product declared\ngroq product declared\nollama product declared\nopenai product declared\n"},
		{"a script that starts a server", []string{"run.sh", "docker run -d --gpus all vllm/vllm-openai:v0.6.0 --model mistralai/Mistral-7B-v0.1\nhelm install db qdrant/qdrant\n"}, "qdrant infrastructure declared\nvllm infrastructure declared\n"},
		{"a script without", []string{"run.sh", "docker run -d postgres:16\nhelm install db bitnami/postgresql\n# ollama pull llama3.1\n"}, ""},
		{"a chart with a condition", []string{"chart/Chart.yaml", "apiVersion: v2\nname: x\nversion: 0.1.0\ndependencies:\n  - name: ollama\n    version: 0.63.0\n    repository: https://charts.example.com\n    condition: ollama.enabled\n"}, "ollama infrastructure unresolved\n"},
		{"a pointer to a model", []string{"models/a.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("ab", 32) + "\nsize 1234567\n"}, "model-artifact product unresolved\n"},
		{"an assistant", []string{"CLAUDE.md", "Be brief.\n"}, "claude-code development declared\n"},
		{"prose", []string{"README.md", "Set OPENAI_API_KEY and call https://api.openai.com\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := brief(scanned(t, c.files...)); got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

// No path that a signature names is missed by the quick look at names.
func TestFileNames(t *testing.T) {
	set := signatures(t)
	names := newFileNames(set)
	for _, sig := range set.All() {
		for _, entry := range append(slices.Clone(sig.Files), sig.Doubtful.Files...) {
			p := "some/" + strings.ReplaceAll(entry, "*", "x")
			if strings.HasSuffix(p, "/") {
				p += "inner/file"
			}
			if len(set.File(p)) == 0 {
				t.Errorf("%s: %s is not found at %s", sig.ID, entry, p)
			}
			dir, base := filepath.Split(p)
			if !names.mayName(base) && !names.mayBelow(dir) {
				t.Errorf("%s: %s is overlooked at %s", sig.ID, entry, p)
			}
		}
	}
}

package infra

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// family fuzzes the readers of some paths: whatever the bytes are, the same
// facts come out twice, no line lies outside the file and no name is empty.
func family(f *testing.F, paths []string, seeds ...string) {
	for _, s := range seeds {
		for i := range paths {
			f.Add(i, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		path := paths[uint(which)%uint(len(paths))]
		r := For(path, data[:min(len(data), 4096)])
		if r == nil {
			return
		}
		first, errFirst := r.Read(path, data)
		second, errSecond := r.Read(path, data)
		if d := cmp.Diff(rendered(first), rendered(second)); d != "" || (errFirst == nil) != (errSecond == nil) {
			t.Fatalf("read twice, %s differs: %s", path, d)
		}
		last := bytes.Count(data, []byte("\n")) + 1
		for _, x := range first {
			if x.Name == "" || x.Line < 0 || x.Line > last {
				t.Fatalf("%s: %s of a file of %d lines", path, render(x), last)
			}
		}
		chunks, _ := Code(path, data)
		for _, c := range chunks {
			if c.Line < 1 || c.Line > last {
				t.Fatalf("%s: code at line %d of %d", path, c.Line, last)
			}
		}
	})
}

func FuzzContainers(f *testing.F) {
	family(f, []string{"Dockerfile", "compose.yaml", "devcontainer.json", ".env"},
		"ARG A=1\nFROM x/y:${A} AS b\nRUN <<EOF\npip install x\nEOF\nCOPY --from=b / /\nENV A=b \\\n# c\n C=d\n",
		"services: {a: {image: x/y:1, environment: [A=b], build: {dockerfile_inline: \"FROM x\\nRUN y\"}}}\n",
		"{\"features\": {\"a/b:1\": {}}, // c\n \"postCreateCommand\": [\"a\", \"b\"],}", "A=b\n#C=https://x.y\n")
}

func FuzzClusters(f *testing.F) {
	family(f, []string{"k.yaml", "chart/templates/d.yaml", "values.yaml", "Chart.yaml", "kustomization.yaml", "helmfile.yaml", "k.json"},
		"apiVersion: a/v1\nkind: B\nspec: {containers: [{image: x/y:1, command: [sh, -c, 'pip install z']}]}\n---\n*x\n",
		"apiVersion: v1\nkind: ConfigMap\ndata:\n  application.yml: |\n    a: {b: c}\n",
		"{{- if .x }}\nimage: a/b:{{ .c }}\n{{ end }}\n{{/* x\n*/}}\n", "a: &a {image: {repository: x, tag: y}}\nb: {<<: *a}\n",
		"{\"apiVersion\": \"v1\", \"kind\": \"List\", \"metadata\": {}, \"items\": [{}]}")
}

func FuzzInfrastructure(f *testing.F) {
	family(f, []string{"a.tf", "a.tf.json", "template.yaml", "template.json", "main.bicep", "Pulumi.yaml", "serverless.yml", "policy.json"},
		"resource \"a\" \"b\" {\n x = jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"y\" }] })\n z = <<-E\n {\"Statement\": []}\n E\n}\n",
		"Resources: {A: {Type: AWS::B::C, Condition: D, Properties: {Image: !Sub 'x/${y}'}}}\n",
		"{\"contentVersion\": \"1\", \"resources\": [{\"type\": \"A.B/c\", \"resources\": [{\"type\": \"d\"}]}]}",
		"resource a 'B.C/d@1' = if (x) {\n kind: 'E' // f\n resource g 'h' = {}\n}\n",
		"{\"Statement\": {\"Effect\": \"Allow\", \"Action\": [\"a:b\"]}}")
}

func FuzzPipelines(f *testing.F) {
	family(f, []string{".github/workflows/a.yml", ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", ".buildkite/p.yml", "Jenkinsfile"},
		"on: push\njobs: {a: {steps: [{uses: x/y@v1, with: {model: z}, run: \"curl https://a.b\\n\"}]}}\n",
		"a:\n  script:\n    - |\n      pip install x\n    - [b, c]\n", "steps:\n- task: A@1\n  inputs: {script: b}\n",
		"sh '''\npip install x\n'''\nsh \"y\" // z\n/* a\n*/ image 'b/c'\n")
}

func FuzzSettings(f *testing.F) {
	family(f, []string{"application.yml", "application.properties", "config.toml", "appsettings.json", "wrangler.toml", "vercel.json", "web.config", "flow.json"},
		"a:\n  b: https://c.d\n", "a.b=c\\\n d\n", "[a.\"b\"]\nc = [1, {d = \"e\"}]\nf = \"\"\"\ng\n\"\"\"\n[[h]]\n",
		"{\"a\": {\"b\": \"c\"}}", "<add key=\"a:b\" value=\"c\"/> <!-- d -->\n", "{\"nodes\": [{\"type\": \"a\", \"typeVersion\": 1}], \"connections\": {}}")
}

func FuzzNotebooks(f *testing.F) {
	family(f, []string{"a.ipynb", "a.Rmd", "a.md", "a.py", "a.zpln"},
		"{\"cells\": [\n{\"cell_type\": \"code\", \"source\": [\"!pip install x\\n\",\n\"%env A=b\"]}]}",
		"---\njupytext: x\n---\n```{python}\n!a\n```\n", "# Databricks notebook source\n# MAGIC %sh\n# MAGIC a\n# COMMAND ----------\nb\n",
		"{\"paragraphs\": [{\"text\": \"%sh\\npip install x\\n\"}]}")
}

func FuzzAgents(f *testing.F) {
	family(f, []string{".mcp.json", ".codex/config.toml", ".claude/agents/a.md", ".vscode/settings.json", ".vscode/extensions.json", "server.json", "manifest.json", "promptfooconfig.yaml", "a.prompty", "Modelfile", "litellm_config.yaml", "policies.json"},
		"{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"-y\", \"b\"]}}}", "[mcp_servers.a]\ncommand = \"b\"\n",
		"---\nmodel: a\n---\nb\n", "{\"manifest_version\": 3, \"host_permissions\": [\"https://*.a.b/*\"]}",
		"providers: [a:b:c, {id: d}]\n", "FROM a\n\"\"\"\n", "{\"policies\": {\"Extensions\": {\"Install\": [\"a\", {\"value\": \"b\"}]}}}")
}

func FuzzWeights(f *testing.F) {
	f.Add("a.onnx", []byte("\x08\x08"+bytesField(7, bytesField(1, bytesField(4, "Add")))))
	f.Add("a.pt", []byte(member("archive/data.pkl", "x")))
	f.Add("a.pkl", []byte("\x80\x04"+globalOf("sklearn.svm", "SVC")))
	f.Add("a.joblib", []byte(deflated("\x80\x04"+globalOf("sklearn.svm", "SVC"))))
	f.Add("a.gguf", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n"))
	f.Fuzz(func(t *testing.T, path string, head []byte) {
		format, ok := Weights(path, head, int64(len(head)))
		if ok != (format != "") {
			t.Fatalf("%q %v", format, ok)
		}
	})
}

func FuzzTrailers(f *testing.F) {
	f.Add("a\n\nCo-authored-by: b\n c\n")
	f.Fuzz(func(t *testing.T, message string) {
		for _, x := range Trailers(message) {
			if x.Line < 1 || x.Name == "" {
				t.Fatal(render(x))
			}
		}
	})
}

package infra

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNotebookCommands(t *testing.T) {
	check(t, []fileCase{{
		name: "cells of format 4",
		path: "rag.ipynb",
		text: `
{
 "cells": [
  {
   "cell_type": "markdown",
   "source": ["!pip install openai"]
  },
  {
   "cell_type": "code",
   "outputs": [{"text": ["pip install anthropic"]}],
   "source": [
    "%pip install -q \\\n",
    "  openai==1.2\n",
    "!ollama pull llama3\n",
    "# !pip install cohere\n",
    "import os"
   ]
  },
  {
   "cell_type": "code",
   "source": "%%bash\nhf download org/model"
  }
 ],
 "nbformat": 4
}
`,
		want: `
			11 call pip install [sh]
			12 package openai @==1.2 [pypi]
			13 call ollama pull [sh]
			13 model llama3
			20 call hf download [sh]
			20 model org/model
		`,
	}})
}

func TestCode(t *testing.T) {
	cases := []struct {
		name, path, text string
		want             []Chunk
	}{{
		"format 4, with outputs and prose", "a.ipynb",
		"{\"metadata\": {\"language_info\": {\"name\": \"python\"}},\n\"cells\": [\n{\"cell_type\": \"markdown\", \"source\": [\"import openai\"]},\n{\"cell_type\": \"code\", \"outputs\": [\"import anthropic\"],\n\"source\": [\n\"import openai\\n\",\n\"!pip install x\\n\",\n\"y = 1\"\n]}]}",
		[]Chunk{{Language: "py", Text: "import openai\n\ny = 1", Line: 6}},
	}, {
		"format 3", "a.ipynb",
		"{\"worksheets\": [{\"cells\": [{\"cell_type\": \"code\",\n\"input\": [\n\"import openai\"\n], \"language\": \"python\"}]}]}",
		[]Chunk{{Language: "py", Text: "import openai", Line: 3}},
	}, {
		"one line, another language at the end", "a.ipynb",
		"{\"cells\": [{\"source\": \"library(openai)\\nx\", \"cell_type\": \"code\"}], \"metadata\": {\"kernelspec\": {\"language\": \"R\"}}}",
		[]Chunk{{Language: "r", Text: "library(openai)\nx", Line: 1, Flat: true}},
	}, {
		"cells of other languages", "a.ipynb",
		"{\"cells\": [\n{\"cell_type\": \"code\", \"source\": [\"%%javascript\\n\",\n\"x\"]},\n{\"cell_type\": \"code\", \"source\": [\"%%html\\n\", \"import openai\"]}]}",
		[]Chunk{{Language: "js", Text: "\nx", Line: 2}},
	}, {
		"R Markdown", "report.Rmd",
		"import openai\n```{python, eval=FALSE}\nimport anthropic\n```\n```{r setup}\nlibrary(x)\n```\n```python\nimport cohere\n```\n```{python}\n#| eval: false\nimport z\n```\n",
		[]Chunk{{Language: "r", Text: "library(x)", Line: 6}},
	}, {
		"Quarto", "report.qmd",
		"```{python}\nimport openai\n```\n",
		[]Chunk{{Language: "py", Text: "import openai", Line: 2}},
	}, {
		"jupytext", "n.md",
		"---\njupytext:\n  x: y\n---\n```python\nimport openai\n```\n",
		[]Chunk{{Language: "py", Text: "import openai", Line: 6}},
	}, {
		"a document only shows code", "README.md", "```python\nimport openai\n```\n", nil,
	}, {
		"Databricks", "etl.py",
		"# Databricks notebook source\nimport openai\n# COMMAND ----------\n# MAGIC %md\n# MAGIC import anthropic\n# COMMAND ----------\n# MAGIC %sql\n# MAGIC select ai_query('m', 'x')\n# COMMAND ----------\n# MAGIC %pip install x\n",
		[]Chunk{
			{Language: "py", Text: "# Databricks notebook source\nimport openai", Line: 1},
			{Language: "sql", Text: "\nselect ai_query('m', 'x')", Line: 7},
			{Language: "py", Text: "\n", Line: 10},
		},
	}, {
		"Zeppelin", "n.zpln",
		"{\"paragraphs\": [\n{\"text\": \"%pyspark\\nimport openai\"},\n{\"text\": \"%md\\nimport x\"},\n{\"text\": \"%python\\nimport y\", \"config\": {\"enabled\": false}}]}",
		[]Chunk{{Language: "py", Text: "\nimport openai", Line: 2, Flat: true}},
	}, {
		"plain source", "x.py", "import openai\n", nil,
	}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Code(c.path, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBrokenNotebook(t *testing.T) {
	text := "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"import openai\"]}, {\"cell_type\": \"co"
	got, err := Code("x.ipynb", []byte(text))
	if err == nil {
		t.Error("a broken notebook is not named")
	}
	if len(got) != 1 || got[0].Text != "import openai" {
		t.Errorf("what was read before the mistake is lost: %v", got)
	}
}

func TestHugeOutputIsPassedOver(t *testing.T) {
	text := `{"cells": [{"cell_type": "code", "outputs": [{"data": "` + strings.Repeat("import openai ", 1<<20) + `"}], "source": ["x = 1"]}]}`
	got, err := Code("x.ipynb", []byte(text))
	if err != nil || len(got) != 1 || got[0].Text != "x = 1" {
		t.Errorf("got %d chunks, %v", len(got), err)
	}
}

func TestChunkLines(t *testing.T) {
	if got := (Chunk{Line: 10}).At(3); got != 12 {
		t.Errorf("got %d", got)
	}
	if got := (Chunk{Line: 10, Flat: true}).At(3); got != 10 {
		t.Errorf("got %d", got)
	}
}

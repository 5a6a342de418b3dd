package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// said is what a text says, each fact as line class name.
func said(name, text string) []string {
	var all []string
	for _, f := range For(name).Read([]byte(text), Hints{Calls: []string{"AzureOpenAI", `client("bedrock`, "bedrock-runtime"}}) {
		s := fmt.Sprintf("%d %s %s", f.Line, f.Class, f.Name)
		if f.Standing != fact.Direct {
			s += " " + string(f.Standing)
		}
		if f.Attrs[Client] != "" {
			s += " client " + f.Attrs[Address]
		}
		all = append(all, s)
	}
	return all
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want, not        []string // wanted, and not to be there as a beginning
	}{
		{"python imports", "a.py", "import os, openai as o\nfrom google import genai\nfrom .openai import x\nfrom a.b import (\n  c,\n  d as e,\n)\n",
			[]string{"1 import openai", "2 import google.genai", "4 import a.b.c", "4 import a.b.d"}, []string{"3 import"}},
		{"python, tried", "a.py", "try:\n    import openai\nexcept ImportError:\n    openai = None\nimport cohere\n",
			[]string{"2 import openai optional", "5 import cohere"}, nil},
		{"python, for types", "a.py", "if TYPE_CHECKING:\n    from openai import OpenAI\n\nimport groq\n",
			[]string{"2 import openai.OpenAI optional", "4 import groq"}, nil},
		{"python, in a function", "a.py", "def f():\n    import openai\n", []string{"2 import openai"}, nil},
		{"python by name", "a.py", "m = importlib.import_module('anthropic')\n", []string{"1 import anthropic"}, nil},
		{"python, not code", "a.py", "# import openai\n\"\"\"\nimport openai\nhttps://api.openai.com\n\"\"\"\ndef f():\n    '''Reads OPENAI_API_KEY.'''\n", nil, []string{"1 ", "3 ", "4 ", "7 env"}},
		{"python env", "a.py", "k = os.environ['OPENAI_API_KEY']\nj = os.getenv(\"GROQ_API_KEY\")\nclass S(BaseSettings):\n    key: str = Field(env=\"CO_API_KEY\")\n",
			[]string{"1 env OPENAI_API_KEY", "2 env GROQ_API_KEY", "4 env CO_API_KEY"}, nil},
		{"names that are kept out", "a.py", "SENSITIVE = {\"OPENAI_API_KEY\", \"X_TOKEN\"}\nBLOCKED_HOSTS = [\"api.openai.com\"]\n", []string{"2 host api.openai.com excluded"}, []string{"1 env OPENAI"}},
		{"a sentence", "a.py", "raise ValueError(\"Please set OPENAI_API_KEY, see https://api.openai.com for the keys you need\")\nlog(\"the model gpt-4o is not supported here\")\n", nil, []string{"1 env OPENAI", "1 host", "2 model"}},
		{"models", "a.py", "r = c.create(model=\"gpt-4o\", messages=[])\nMODELS = [\"gpt-4o-mini\", \"claude-3-opus\"]\nprint(\"gpt-4o\")\nif m == \"gpt-4\": pass\nPRICES = {\"gpt-3.5\": 0.1}\nd = {\"model\": \"o1-mini\"}\n",
			[]string{"1 model gpt-4o", "2 model gpt-4o-mini", "2 model claude-3-opus", "6 model o1-mini"}, []string{"3 model", "4 model", "5 model"}},
		{"another address", "a.py", "c = OpenAI(api_key=k, base_url=\"https://api.deepseek.com/v1\")\nd = OpenAI()\ne = OpenAI(base_url=URL)\n",
			[]string{"1 call OpenAI client api.deepseek.com", "2 call OpenAI client ", "3 call OpenAI client unknown"}, nil},
		{"a port", "a.py", "c = OpenAI(base_url=\"http://localhost:11434/v1\")\n", []string{"1 host localhost:11434"}, nil},
		{"planes", "a.py", "a = boto3.client(\"bedrock\")\nb = boto3.client(\"bedrock-runtime\")\n", []string{"2 call bedrock-runtime"}, []string{"1 call"}},
		{"a call in a string", "a.py", "print(\"AzureOpenAI\")\nc = AzureOpenAI(x)\n", []string{"2 call AzureOpenAI"}, []string{"1 call"}},
		{"credentials in an address", "a.py", "u = 'https://user:secret@api.openai.com/v1'\n", []string{"1 host api.openai.com"}, nil},
		{"the edge of a host", "a.py", "u = 'https://api.openai.com.evil.example/v1'\nv = 'https://myapi.openai.com'\n", []string{"1 host api.openai.com.evil.example", "2 host myapi.openai.com"}, nil},

		{"script imports", "a.ts", "import OpenAI from 'openai'\nimport type { X } from \"@anthropic-ai/sdk\"\nconst g = require('groq-sdk')\nconst m = await import(\"ai\")\nexport * from 'cohere-ai'\nimport 'x/y'\n",
			[]string{"1 import openai", "2 import @anthropic-ai/sdk optional", "3 import groq-sdk", "4 import ai", "5 import cohere-ai", "6 import x/y"}, nil},
		{"script, not code", "a.ts", "// import x from 'openai'\n/* require('openai') */\nconst s = \"import x from 'openai'\"\n", nil, []string{"1 ", "2 ", "3 import"}},
		{"script, regular expressions", "a.js", "const r = /['\"]/g; const q = a / b / c\nimport x from 'openai'\n", []string{"2 import openai"}, nil},
		{"script env", "a.js", "const k = process.env.OPENAI_API_KEY\nconst h = `Bearer ${process.env.GROQ_API_KEY}`\n", []string{"1 env OPENAI_API_KEY", "2 env GROQ_API_KEY"}, nil},
		{"script address", "a.ts", "const c = new OpenAI({ apiKey: k, baseURL: 'https://api.groq.com/openai/v1' })\nfetch(`https://${r}.openai.azure.com/x`)\n",
			[]string{"1 call OpenAI client api.groq.com", "2 host x.openai.azure.com"}, nil},
		{"a commented address is none", "a.js", "const u = \"https://api.openai.com\" // https://api.groq.com\n", []string{"1 host api.openai.com"}, []string{"1 host api.groq"}},
		{"vue", "a.vue", "<template><a href=\"https://chatgpt.com\">x</a></template>\n<script>\nimport OpenAI from 'openai'\n</script>\n", []string{"3 import openai"}, nil},

		{"go", "a.go", "package a\n\nimport (\n\t\"fmt\"\n\to \"github.com/openai/openai-go\"\n)\n\n// \"github.com/x\"\nvar u = `https://api.openai.com`\n",
			[]string{"5 import github.com/openai/openai-go", "9 host api.openai.com"}, []string{"8 import"}},
		{"java", "A.java", "import com.openai.client.OpenAIClient;\n/** import com.x.Y; */\nclass A { String k = System.getenv(\"OPENAI_API_KEY\"); }\n", []string{"1 import com.openai.client.OpenAIClient", "3 env OPENAI_API_KEY"}, []string{"2 "}},
		{"kotlin", "A.kt", "import dev.langchain4j.model.ollama.OllamaChatModel\n", []string{"1 import dev.langchain4j.model.ollama.OllamaChatModel"}, nil},
		{"scala", "A.scala", "import io.cequence.openaiscala.{A, B}\nval b = s\"\"\"{\"model\": \"sonar-pro\"}\"\"\"\n", []string{"1 import io.cequence.openaiscala.A", "2 model sonar-pro"}, nil},
		{"c sharp", "A.cs", "using Azure.AI.OpenAI;\nusing static X.Y;\nvar k = Environment.GetEnvironmentVariable(\"OPENAI_API_KEY\");\nvar p = @\"C:\\\"; using Z;\n", []string{"1 import Azure.AI.OpenAI", "2 import X.Y", "3 env OPENAI_API_KEY"}, nil},
		{"f sharp", "A.fs", "open OpenAI.Chat\n(* open X *)\n", []string{"1 import OpenAI.Chat"}, []string{"2 "}},
		{"ruby", "a.rb", "require 'openai'\nrequire_relative 'x'\nc = OpenAI::Client.new(access_token: ENV['OPENAI_API_KEY'])\n=begin\nrequire 'y'\n=end\n", []string{"1 import openai", "3 import OpenAI::Client", "3 env OPENAI_API_KEY"}, []string{"5 "}},
		{"rust", "a.rs", "use async_openai::{Client, types::X};\nlet c = ollama_rs::Ollama::default();\nfn f<'a>(x: &'a str) {}\nmod ort;\nuse ort::X;\n/* /* nested */ use x::y; */\n", []string{"1 import async_openai", "2 import ollama_rs::Ollama::default"}, []string{"5 import", "6 import"}},
		{"php", "a.php", "<?php\nuse OpenAI\\Client;\n$c = \\Anthropic\\Factory::make();\n# use X\\Y;\n$k = env('OPENAI_API_KEY');\n", []string{"2 import OpenAI\\Client", "3 import Anthropic\\Factory", "5 env OPENAI_API_KEY"}, []string{"4 "}},
		{"swift", "a.swift", "import OpenAI\n", []string{"1 import OpenAI"}, nil},
		{"dart", "a.dart", "import 'package:google_generative_ai/google_generative_ai.dart';\n", []string{"1 import google_generative_ai/google_generative_ai.dart"}, nil},
		{"elixir", "a.ex", "defmodule A do\n  @moduledoc \"\"\"\n  alias OpenAI.Chat\n  \"\"\"\n  alias OpenaiEx.Chat\nend\n", []string{"5 import OpenaiEx.Chat"}, []string{"3 "}},
		{"r", "a.r", "library(openai)\nx <- ellmer::chat_openai()\n# library(y)\n", []string{"1 import openai", "2 import ellmer"}, []string{"3 "}},
		{"julia", "a.jl", "using OpenAI, Flux\n", []string{"1 import OpenAI", "1 import Flux"}, nil},
		{"c", "a.cpp", "#include <llama.h>\n#include \"ggml/ggml.h\"\n", []string{"1 import llama.h", "2 import ggml/ggml.h"}, nil},
		{"shell", "a.sh", "#!/bin/sh\n# curl https://api.openai.com\ncurl https://api.groq.com/v1/x -H \"Authorization: Bearer $GROQ_API_KEY\" -d '{\"model\": \"llama-3\"}'\n", []string{"3 host api.groq.com", "3 env GROQ_API_KEY", "3 model llama-3"}, []string{"2 "}},
		{"power shell", "a.ps1", "<# https://api.x.ai #>\nInvoke-RestMethod -Uri \"https://api.openai.com/v1\" -Headers @{ k = $env:OPENAI_API_KEY }\n", []string{"2 host api.openai.com", "2 env OPENAI_API_KEY"}, []string{"1 "}},
		{"lua", "a.lua", "local o = require(\"openai\")\n-- require(\"x\")\n", []string{"1 import openai"}, []string{"2 "}},
		{"perl", "a.pl", "use OpenAI::API;\n", []string{"1 import OpenAI::API"}, nil},
		{"clojure", "a.clj", "(ns a (:require [wkok.openai-clojure.api :as api]))\n", []string{"1 import wkok.openai"}, nil},

		{"yaml", "a.yaml", "# model: gpt-4\nspring:\n  ai:\n    openai:\n      api-key: ${OPENAI_API_KEY}\nllm:\n  model: gpt-4o\n  url: https://api.openai.com/v1\ndescription: see the model gpt-4 in the text here\n",
			[]string{"5 setting spring.ai.openai.api-key", "5 env OPENAI_API_KEY", "7 model gpt-4o", "8 host api.openai.com"}, []string{"1 ", "9 model"}},
		{"properties", "a.properties", "spring.ai.openai.api-key=x\n!x\n", []string{"1 setting spring.ai.openai.api-key"}, nil},
		{"json", "a.json", "{\n  \"llm\": {\n    \"model\": \"gpt-4o\",\n    \"base_url\": \"https://api.x.ai/v1\"\n  }\n}\n", []string{"3 model gpt-4o", "4 host api.x.ai"}, nil},
		{"toml", "a.toml", "[ai]\nbinding = \"AI\"\n", []string{"1 setting ai", "2 setting ai.binding"}, nil},
		{"templates in templates", "a.js", "const t = `${dir ? `${dir}/*.ts` : \"*.ts\"}`\nconst o = require('openai')\n/* require('cohere-ai') */\n", []string{"2 import openai"}, []string{"3 "}},
		{"a quote in a pattern, ruby", "a.rb", "x = s.gsub(/\"/, '')\nrequire 'openai'\n", []string{"2 import openai"}, nil},
		{"a division, ruby", "a.rb", "x = a / b\nrequire 'openai'\ny = (c) / d\n", []string{"2 import openai"}, nil},
		{"a quote in a pattern, perl", "a.pl", "$x =~ /'/;\nuse OpenAI::API;\n", []string{"2 import OpenAI::API"}, nil},
		{"a page's break", "a.py", "\fimport openai\n", []string{"1 import openai"}, nil},
		{"java server page", "a.jsp", "<% String u = \"https://api.openai.com/v1\"; %>\n", []string{"1 host api.openai.com"}, nil},
		{"crlf", "a.py", "import os\r\nimport openai\r\n# import x\r\n", []string{"2 import openai"}, []string{"3 "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := said(c.file, c.text)
			for _, w := range c.want {
				if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
					t.Errorf("no %q in\n%s", w, strings.Join(got, "\n"))
				}
			}
			for _, n := range c.not {
				for _, g := range got {
					if strings.HasPrefix(g, n) && !strings.HasSuffix(g, "excluded") {
						t.Errorf("%q is said of\n%s", g, c.text)
					}
				}
			}
		})
	}
}

func TestShebang(t *testing.T) {
	for head, want := range map[string]*Language{
		"#!/usr/bin/env python3\nimport x": python, "#!/bin/bash -e\n": shell, "#!/usr/bin/env -S node --x\n": script, "import x": nil, "#!/usr/bin/unknown": nil,
	} {
		if got := ByShebang([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}

// Whatever the bytes are, reading ends, lines lie within the text, and nothing
// is kept that has the length of a text.
func FuzzRead(f *testing.F) {
	for ext := range byExtension {
		f.Add(ext, "import openai\n\"\"\"x\n'''${A_B}`/*#{\\'")
	}
	f.Fuzz(func(t *testing.T, ext, text string) {
		l := byExtension[ext]
		if l == nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, got := range l.Read([]byte(text), Hints{Calls: []string{"AzureOpenAI"}}) {
			if got.Line < 1 || got.Line > lines || len(got.Name) > 400 || got.Name == "" {
				t.Fatalf("%s: %+v of %q", ext, got, text)
			}
		}
	})
}

package infra

import "testing"

func TestDockerfile(t *testing.T) {
	check(t, []fileCase{{
		name: "stages, arguments, options",
		path: "build/Dockerfile",
		text: `
# syntax=docker/dockerfile:1
ARG TAG=0.6.1
ARG REGISTRY
# FROM ollama/ollama:commented
FROM --platform=$BUILDPLATFORM vllm/vllm-openai:${TAG} AS base
FROM base AS app
ENV OPENAI_API_KEY="" \
    # a comment inside
    CHAT_MODEL=gpt-4o
ENV LLM_URL https://llm.example/v1
COPY --from=ghcr.io/acme/tool:2 /x /x
COPY --from=base /y /y
RUN --mount=type=cache,target=/root \
    apt-get update && \
    ollama pull llama3.1
EXPOSE 8000/tcp
CMD ["vllm", "serve", "mistralai/Mistral-7B-v0.1"]
FROM ${REGISTRY}/acme/served:${MISSING}
FROM scratch
`,
		want: `
			2 env TAG
			3 env REGISTRY
			5 image vllm/vllm-openai @0.6.1
			7 env OPENAI_API_KEY
			9 env CHAT_MODEL
			9 model gpt-4o
			10 env LLM_URL
			10 host llm.example
			11 image ghcr.io/acme/tool @2
			14 call apt-get update [sh]
			15 call ollama pull [sh]
			15 model llama3.1
			16 port 8000
			17 call vllm serve [sh]
			17 model mistralai/Mistral-7B-v0.1
			18 image acme/served templated
		`,
	}, {
		name: "a document, a stage for tests",
		path: "Containerfile",
		text: `
FROM python:3.12 AS test
RUN <<EOF
ollama run phi3
EOF
RUN echo "FROM ollama/ollama"
`,
		want: `
			1 image python @3.12 development
			3 call ollama run [sh] development
			3 model phi3 development
		`,
	}, {
		name: "docker run inside a script",
		path: "Dockerfile.ci",
		text: `
FROM alpine
RUN docker run -d --gpus all -e HF_TOKEN=$HF_TOKEN -p 8080:80 ghcr.io/huggingface/text-generation-inference:2.0 --model-id tiiuae/falcon-7b
`,
		want: `
			1 image alpine
			2 call docker run [sh]
			2 env HF_TOKEN
			2 image ghcr.io/huggingface/text-generation-inference @2.0
			2 model tiiuae/falcon-7b
		`,
	}})
}

func TestNamesThatAreNoDockerfile(t *testing.T) {
	for _, path := range []string{"dockerfile.md", "docs/Dockerfile.txt", "Dockerfile.py", ".dockerignore", "dockerfile_parser.go"} {
		if r := For(path, []byte("FROM ollama/ollama\n")); r != nil {
			t.Errorf("%s is read as %s", path, r.Name())
		}
	}
}

func TestCompose(t *testing.T) {
	check(t, []fileCase{{
		name: "services in both forms",
		path: "compose.yaml",
		text: `
x-env: &env
  OPENAI_API_KEY: ${OPENAI_API_KEY}
services:
  ollama:
    image: ollama/ollama:latest
    ports: ["11434:11434"]
  api:
    build: .
    environment:
      <<: *env
      LLM_MODEL: gpt-4o-mini
  worker:
    image: "acme/worker@sha256:abc"
    environment:
      - ANTHROPIC_API_KEY
      - BASE_URL=https://gw.example/v1
      - LLM=${LLM:-llama2}
    command: --model llama3
    profiles: [extra]
  ai_runner:
    provider:
      type: model
      options:
        model: ai/smollm2
  # qdrant:
  #   image: qdrant/qdrant
models:
  llm:
    model: ai/qwen2.5
`,
		want: `
			2 env OPENAI_API_KEY
			5 image ollama/ollama @latest
			6 port 11434
			11 env LLM_MODEL
			11 model gpt-4o-mini
			13 image acme/worker @sha256:abc optional
			15 env ANTHROPIC_API_KEY optional
			16 env BASE_URL optional
			16 host gw.example optional
			17 env LLM optional
			17 model llama2 optional
			18 model llama3 optional
			24 model ai/smollm2
			29 model ai/qwen2.5
		`,
	}, {
		name: "the oldest form, by content",
		path: "deploy/stack.yml",
		text: "version: '3'\nservices:\n  db:\n    image: ${REGISTRY:-docker.io}/qdrant/qdrant:${TAG}\n",
		want: "4 image qdrant/qdrant templated",
	}})
}

func TestDevcontainer(t *testing.T) {
	check(t, []fileCase{{
		name: "features, extensions, commands",
		path: ".devcontainer/devcontainer.json",
		text: `
{
  // where work is done
  "image": "mcr.microsoft.com/devcontainers/python:3",
  "features": {
    "ghcr.io/anthropics/devcontainer-features/claude-code:1": {},
    "./local": {}
  },
  "customizations": {"vscode": {"extensions": [
    "GitHub.copilot",
    "-ms-python.pylint"
  ]}},
  "remoteEnv": {"OPENAI_API_KEY": "${localEnv:OPENAI_API_KEY}"},
  "postCreateCommand": {"a": "ollama pull llama3"},
  "forwardPorts": [11434],
}
`,
		want: `
			3 image mcr.microsoft.com/devcontainers/python @3
			5 image ghcr.io/anthropics/devcontainer-features/claude-code @1
			9 extension github.copilot
			10 extension ms-python.pylint excluded
			12 env OPENAI_API_KEY
			13 call ollama pull [sh]
			13 model llama3
			14 port 11434
		`,
	}})
}

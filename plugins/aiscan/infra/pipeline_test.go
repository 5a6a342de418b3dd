package infra

import "testing"

func TestGitHubActions(t *testing.T) {
	check(t, []fileCase{{
		name: "a workflow",
		path: ".github/workflows/review.yml",
		text: `
name: uses anthropics/claude-code-action
on:
  pull_request:
permissions:
  models: read
env:
  AI_MODEL: gpt-4o
jobs:
  review:
    runs-on: ubuntu-latest
    container: ghcr.io/acme/ci:1
    services:
      llm:
        image: ollama/ollama:0.5
    steps:
      # - uses: openai/codex-action@v1
      - uses: actions/checkout@v4
      - uses: ./local
      - uses: anthropics/claude-code-action@beta
        with:
          anthropic_api_key: ${{ secrets.ANTHROPIC_API_KEY }}
          model: claude-sonnet-4-20250514
      - uses: docker://ghcr.io/acme/llm-lint:v1
      - if: false
        uses: openai/codex-action@v1
      - run: |
          # curl https://commented.example
          curl https://api.openai.com/v1/models -H "Authorization: Bearer ${{ secrets.OPENAI_API_KEY }}"
          ollama pull llama3
`,
		want: `
			5 iam models: read
			7 env AI_MODEL
			7 model gpt-4o
			11 image ghcr.io/acme/ci @1
			14 image ollama/ollama @0.5
			17 action actions/checkout @v4
			19 action anthropics/claude-code-action @beta
			21 env ANTHROPIC_API_KEY
			22 model claude-sonnet-4-20250514
			23 image ghcr.io/acme/llm-lint @v1
			25 action openai/codex-action @v1 excluded
			28 env OPENAI_API_KEY
			28 host api.openai.com
			29 call ollama pull [sh]
			29 model llama3
		`,
	}, {
		name: "an action of steps",
		path: "tools/action.yml",
		text: "runs:\n  using: composite\n  steps:\n    - uses: actions/ai-inference@v1\n      with: {model: openai/gpt-4o}\n",
		want: "4 action actions/ai-inference @v1\n5 model openai/gpt-4o",
	}})
}

func TestOtherPipelines(t *testing.T) {
	check(t, []fileCase{{
		name: "gitlab",
		path: ".gitlab-ci.yml",
		text: `
include:
  - component: gitlab.com/acme/ai-review@1.0
image: python:3.12
variables:
  OPENAI_API_KEY: $KEY
test:
  services: ["ollama/ollama:latest"]
  script:
    - ollama pull phi3
.template:
  image: vllm/vllm-openai
off:
  when: never
  image: qdrant/qdrant
`,
		want: `
			2 action gitlab.com/acme/ai-review @1.0 [gitlab]
			3 image python @3.12
			5 env KEY
			5 env OPENAI_API_KEY
			7 image ollama/ollama @latest
			9 call ollama pull [sh]
			9 model phi3
			11 image vllm/vllm-openai optional
			14 image qdrant/qdrant excluded
		`,
	}, {
		name: "circleci",
		path: ".circleci/config.yml",
		text: `
orbs:
  evals: circleci/evals@1.0.6
jobs:
  t:
    docker:
      - image: cimg/python:3.12
        environment: {OPENAI_API_KEY: x}
    steps:
      - checkout
      - run: {command: ollama pull phi3}
`,
		want: `
			2 action circleci/evals @1.0.6 [circleci]
			6 image cimg/python @3.12
			7 env OPENAI_API_KEY
			10 call ollama pull [sh]
			10 model phi3
		`,
	}, {
		name: "azure pipelines",
		path: "azure-pipelines.yml",
		text: `
variables:
- name: AZURE_OPENAI_API_KEY
  value: $(KEY)
- group: secrets
steps:
- task: AzureCLI@2
  inputs:
    inlineScript: |
      ollama pull phi3
- script: echo
  env:
    OPENAI_API_KEY: $(OPENAI_KEY)
- bash: ollama run phi4
  enabled: false
`,
		want: `
			2 env AZURE_OPENAI_API_KEY
			2 env KEY
			6 action AzureCLI @2 [azure]
			9 call ollama pull [sh]
			9 model phi3
			12 env OPENAI_API_KEY
			12 env OPENAI_KEY
			13 call ollama run [sh] excluded
			13 model phi4 excluded
		`,
	}, {
		name: "bitbucket",
		path: "bitbucket-pipelines.yml",
		text: `
image: node:20
pipelines:
  default:
    - step:
        script:
          - pipe: acme/ai-review:1.0
            variables:
              OPENAI_API_KEY: $OPENAI_API_KEY
          - ollama pull phi3
`,
		want: `
			1 image node @20
			6 action acme/ai-review @1.0 [bitbucket]
			8 env OPENAI_API_KEY
			9 call ollama pull [sh]
			9 model phi3
		`,
	}, {
		name: "buildkite",
		path: ".buildkite/pipeline.yml",
		text: `
steps:
  - command: ollama pull phi3
    plugins:
      - docker#v5.0.0:
          image: vllm/vllm-openai:v0.5
      - acme/ai#v1: ~
    env: {OPENAI_API_KEY: x}
`,
		want: `
			2 call ollama pull [sh]
			2 model phi3
			5 image vllm/vllm-openai @v0.5
			6 action acme/ai @v1 [buildkite]
			7 env OPENAI_API_KEY
		`,
	}, {
		name: "jenkins",
		path: "Jenkinsfile",
		text: `
// image 'ollama/ollama'
pipeline {
  agent { docker { image 'vllm/vllm-openai:v0.6' } }
  environment {
    OPENAI_API_KEY = credentials('openai-api-key')
  }
  stages { stage('x') { steps {
    withCredentials([string(credentialsId: 'a', variable: 'ANTHROPIC_API_KEY')]) {
      sh '''
        ollama pull phi3
      '''
      sh "curl https://llm.example/v1"
    }
  } } }
}
`,
		want: `
			3 image vllm/vllm-openai @v0.6
			5 env OPENAI_API_KEY
			8 env ANTHROPIC_API_KEY
			10 call ollama pull [sh]
			10 model phi3
			12 host llm.example
		`,
	}})
}

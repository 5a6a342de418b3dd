package infra

import "testing"

func TestTerraform(t *testing.T) {
	check(t, []fileCase{{
		name: "resources, conditions, comments",
		path: "infra/main.tf",
		text: `
# resource "aws_bedrock_agent" "old" {}
/* resource "aws_kendra_index" "older" {
} */
provider "aws" { region = "eu-west-1" }
resource "azurerm_cognitive_account" "ai" {
  kind = "OpenAI" // of that kind
  tags = { a = "b" }
}
resource "azurerm_cognitive_account" "speech" {
  kind = var.kind
}
resource "aws_sagemaker_endpoint" "e" {
  count = var.on ? 1 : 0
}
data "aws_bedrock_foundation_model" "m" {
  model_id = "anthropic.claude-3-haiku-20240307-v1:0"
}
module "rag" {
  source  = "acme/rag/aws"
  version = "1.2.0"
  count   = 0
}
module "here" { source = "./modules/x" }
`,
		want: `
			4 setting provider.aws [terraform]
			5 resource azurerm_cognitive_account [terraform] kind=OpenAI
			9 resource azurerm_cognitive_account [terraform]
			12 resource aws_sagemaker_endpoint [terraform] optional
			15 resource aws_bedrock_foundation_model [terraform] optional model_id=anthropic.claude-3-haiku-20240307-v1:0
			16 model anthropic.claude-3-haiku-20240307-v1:0 optional
			19 package acme/rag/aws @1.2.0 [terraform] excluded
		`,
	}, {
		name: "policies, containers, functions",
		path: "app.tofu",
		text: `
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["bedrock:InvokeModel", "s3:GetObject"]
    resources = ["arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-v1"]
  }
  statement {
    effect  = "Deny"
    actions = ["sagemaker:InvokeEndpoint"]
  }
}
resource "aws_iam_policy" "p" {
  policy = jsonencode({
    Statement = [{
      Effect = "Allow"
      Action = "sagemaker:InvokeEndpoint"
    }]
  })
}
resource "aws_lambda_function" "f" {
  image_uri = "ghcr.io/acme/llm:1"
  environment {
    variables = {
      OPENAI_API_KEY = var.key
      LLM_URL        = "https://llm.example/v1"
    }
  }
}
resource "aws_ecs_task_definition" "t" {
  container_definitions = jsonencode([{
    image = "vllm/vllm-openai:latest"
    environment = [{ name = "HF_TOKEN", value = "x" }]
  }])
}
resource "helm_release" "r" {
  chart = "ollama"
  values = [<<-EOT
    image:
      repository: ollama/ollama
      tag: 0.3
  EOT
  ]
}
resource "google_project_iam_member" "m" {
  role = "roles/aiplatform.user"
}
`,
		want: `
			3 iam bedrock:InvokeModel
			3 iam s3:GetObject
			4 arn arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-v1
			11 resource aws_iam_policy [terraform]
			15 iam sagemaker:InvokeEndpoint
			19 resource aws_lambda_function [terraform] image_uri=ghcr.io/acme/llm:1
			20 image ghcr.io/acme/llm @1
			23 env OPENAI_API_KEY
			24 env LLM_URL
			24 host llm.example
			28 resource aws_ecs_task_definition [terraform]
			30 image vllm/vllm-openai @latest
			31 env HF_TOKEN
			34 resource helm_release [terraform]
			35 chart ollama
			38 image ollama/ollama @0.3
			43 resource google_project_iam_member [terraform]
			44 iam roles/aiplatform.user
		`,
	}, {
		name: "JSON",
		path: "main.tf.json",
		text: `
{"resource": {
  "azurerm_cognitive_deployment": {
    "d": {"model": {"format": "OpenAI", "name": "gpt-4o"}}
  }
}}
`,
		want: "3 resource azurerm_cognitive_deployment [terraform] format=OpenAI",
	}, {
		name: "a broken end",
		path: "x.tf",
		text: "resource \"aws_bedrock_agent\" \"a\" {\n  foundation_model = \"anthropic.claude-v2\"\n}\nlocals = ]\n}\nresource \"aws_kendra_index\" \"k\" {}\n",
		want: `
			1 resource aws_bedrock_agent [terraform] foundation_model=anthropic.claude-v2
			2 model anthropic.claude-v2
			6 resource aws_kendra_index [terraform]
		`,
	}})
}

func TestCloudFormation(t *testing.T) {
	check(t, []fileCase{{
		name: "short tags and conditions",
		path: "template.yaml",
		text: `
AWSTemplateFormatVersion: "2010-09-09"
Conditions: {Ai: !Equals [!Ref On, "yes"]}
Resources:
  Agent:
    Type: AWS::Bedrock::Agent
    Condition: Ai
    Properties:
      FoundationModel: anthropic.claude-3-haiku-20240307-v1:0
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      ImageUri: !Sub ${Account}.dkr.ecr.aws/served:1
      Environment:
        Variables:
          OPENAI_API_KEY: !Ref Key
          LLM_MODEL: !Ref ModelId
      Policies:
        - Statement:
            - Effect: Allow
              Action: [bedrock:InvokeModel]
              Resource: !Sub arn:aws:bedrock:${AWS::Region}::foundation-model/*
            - Effect: Deny
              Action: sagemaker:InvokeEndpoint
`,
		want: `
			5 resource AWS::Bedrock::Agent [cloudformation] optional
			8 model anthropic.claude-3-haiku-20240307-v1:0 optional
			10 resource AWS::Serverless::Function [cloudformation]
			12 image served @1 templated
			15 env OPENAI_API_KEY
			16 env LLM_MODEL
			20 iam bedrock:InvokeModel
			21 arn arn:aws:bedrock:*::foundation-model/*
		`,
	}, {
		name: "what the CDK writes",
		path: "cdk.out/Stack.template.json",
		text: "{\"Resources\": {\"A\": {\n \"Type\": \"AWS::SageMaker::Endpoint\",\n \"Properties\": {\"EndpointConfigName\": {\"Ref\": \"C\"}}}}}\n",
		want: "2 resource AWS::SageMaker::Endpoint [cloudformation]",
	}, {
		name: "a policy of its own",
		path: "policy.json",
		text: "{\"Version\": \"2012-10-17\", \"Statement\": {\n \"Effect\": \"Allow\",\n \"Action\": \"bedrock:*\", \"Resource\": \"*\"}}\n",
		want: "3 iam bedrock:*",
	}, {
		name: "serverless",
		path: "serverless.yml",
		text: `
service: x
provider:
  name: aws
  environment:
    OPENAI_API_KEY: ${env:OPENAI_API_KEY}
  iamRoleStatements:
    - Effect: Allow
      Action: bedrock:InvokeModel
functions:
  f:
    environment: {LLM_MODEL: gpt-4o}
resources:
  Resources:
    K: {Type: AWS::Kendra::Index}
`,
		want: `
			5 env OPENAI_API_KEY
			8 iam bedrock:InvokeModel
			11 env LLM_MODEL
			11 model gpt-4o
			14 resource AWS::Kendra::Index [cloudformation]
		`,
	}, {
		name: "pulumi",
		path: "Pulumi.yaml",
		text: `
name: x
runtime: yaml
resources:
  a:
    type: aws:bedrock/agentAgent:AgentAgent
    properties: {foundationModel: anthropic.claude-v2}
  b:
    type: azure-native:cognitiveservices:Account
    properties:
      kind: OpenAI
`,
		want: `
			5 resource aws_bedrock_agent_agent [terraform]
			6 model anthropic.claude-v2
			8 resource Microsoft.cognitiveservices/accounts [arm] kind=OpenAI
		`,
	}})
}

func TestAzure(t *testing.T) {
	check(t, []fileCase{{
		name: "bicep",
		path: "main.bicep",
		text: `
// resource old 'Microsoft.CognitiveServices/accounts@2023-05-01' = {
param model string = 'gpt-4o-mini'
resource ai 'Microsoft.CognitiveServices/accounts@2023-05-01' = {
  name: 'x'
  kind: 'OpenAI'
  resource d 'deployments' = if (on) {
    properties: {
      model: {
        name: 'gpt-4o'
      }
    }
  }
}
resource there 'Microsoft.CognitiveServices/accounts@2023-05-01' existing = {
  name: 'y'
}
resource web 'Microsoft.Web/sites@2022-03-01' = {
  properties: {
    appSettings: [
      {
        name: 'AZURE_OPENAI_ENDPOINT'
        value: 'https://x.openai.azure.com'
      }
    ]
  }
}
`,
		want: `
			2 model gpt-4o-mini
			3 resource Microsoft.CognitiveServices/accounts @2023-05-01 [arm] kind=OpenAI
			6 resource Microsoft.CognitiveServices/accounts/deployments [arm] optional
			9 model gpt-4o optional
			14 resource Microsoft.CognitiveServices/accounts @2023-05-01 [arm] excluded
			17 resource Microsoft.Web/sites @2022-03-01 [arm]
			21 env AZURE_OPENAI_ENDPOINT
			22 host x.openai.azure.com
		`,
	}, {
		name: "a template in JSON",
		path: "azuredeploy.json",
		text: `
{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
"resources": [
 {"type": "Microsoft.CognitiveServices/accounts", "apiVersion": "2023-05-01", "kind": "OpenAI",
  "condition": "[parameters('on')]",
  "resources": [{"type": "deployments", "properties": {"model": {"name": "gpt-4o"}}}]},
 {"type": "Microsoft.Web/sites", "properties": {"siteConfig": {"appSettings": [
   {"name": "OPENAI_API_KEY", "value": "[parameters('key')]"}]}}}
]}
`,
		want: `
			3 resource Microsoft.CognitiveServices/accounts @2023-05-01 [arm] optional kind=OpenAI
			5 model gpt-4o optional
			5 resource Microsoft.CognitiveServices/accounts/deployments [arm] optional
			6 resource Microsoft.Web/sites [arm]
			7 env OPENAI_API_KEY
		`,
	}, {
		name: "defaults of parameters, verified modules",
		path: "ai.bicep",
		text: `
param kind string = 'OpenAI'
param modelName string = 'gpt-4o'
resource ai 'Microsoft.CognitiveServices/accounts@2023-05-01' = {
  kind: kind
}
module ai2 'br/public:avm/res/cognitive-services/account:0.7.0' = {
  params: {
    kind: 'AIServices'
    deployments: [
      {
        model: {
          name: modelName
        }
      }
    ]
  }
}
module own './other.bicep' = { params: { kind: 'x' } }
`,
		want: `
			2 model gpt-4o
			3 resource Microsoft.CognitiveServices/accounts @2023-05-01 [arm] kind=OpenAI
			6 resource Microsoft.CognitiveServices/accounts @0.7.0 [arm] kind=AIServices
			12 model gpt-4o
		`,
	}, {
		name: "defaults of parameters in JSON",
		path: "main.json",
		text: `
{"contentVersion": "1.0.0.0", "parameters": {"kind": {"defaultValue": "OpenAI"}},
"resources": [{"type": "Microsoft.CognitiveServices/accounts", "kind": "[parameters('kind')]"},
{"type": "Microsoft.CognitiveServices/accounts", "kind": "[parameters('other')]"}]}
`,
		want: `
			2 resource Microsoft.CognitiveServices/accounts [arm] kind=OpenAI
			3 resource Microsoft.CognitiveServices/accounts [arm]
		`,
	}})
}

func TestTerraformDefaults(t *testing.T) {
	check(t, []fileCase{{
		name: "variables and locals of the same file",
		path: "v.tf",
		text: `
variable "kind" {
  default = "OpenAI"
}
locals {
  model = "gpt-4o"
}
resource "azurerm_cognitive_account" "a" {
  kind = var.kind
}
resource "x" "y" {
  model_id = "${local.model}"
  type     = var.missing
  secrets  = ["OPENAI_API_KEY"]
  embedding_model = replace(var.x, "us-east-1", "eu-west-1")
  chat_model      = coalesce(var.y, "gpt-4o-mini")
  policy_arn = "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"
  role       = "arn:${data.x.partition}:bedrock:${var.region}:*:agent/a"
}
`,
		want: `
			5 model gpt-4o
			7 resource azurerm_cognitive_account [terraform] kind=OpenAI
			10 resource x [terraform] model_id=gpt-4o
			11 model gpt-4o
			13 env OPENAI_API_KEY
			15 model gpt-4o-mini
			16 arn arn:aws:iam::aws:policy/AmazonBedrockFullAccess
			16 iam AmazonBedrockFullAccess
			17 arn arn:aws:bedrock:*:*:agent/a
		`,
	}})
}

func TestAnsible(t *testing.T) {
	check(t, []fileCase{{
		name: "tasks",
		path: "site.yml",
		text: `
- hosts: gpu
  environment:
    OPENAI_API_KEY: "{{ key }}"
  tasks:
    - name: serve with vllm/vllm-openai
      community.docker.docker_container:
        name: llm
        image: ollama/ollama:0.5
        env: {OLLAMA_HOST: "0.0.0.0"}
    - pip: {name: [openai, "anthropic==0.30"]}
    - ansible.builtin.shell: ollama pull llama3
    - shell: ollama pull phi3
      when: false
`,
		want: `
			3 env OPENAI_API_KEY
			8 image ollama/ollama @0.5
			9 env OLLAMA_HOST
			10 package anthropic @==0.30 [pypi]
			10 package openai [pypi]
			11 call ollama pull [sh]
			11 model llama3
			12 call ollama pull [sh] excluded
			12 model phi3 excluded
		`,
	}, {
		name: "procfile",
		path: "Procfile",
		text: "web: vllm serve mistralai/Mistral-7B-v0.1 --port 8000\n# x: ollama pull y\n",
		want: "1 call vllm serve [sh]\n1 model mistralai/Mistral-7B-v0.1",
	}})
}

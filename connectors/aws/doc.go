// Package aws reads the SageMaker model registry and what is served from it:
// model package groups, packages with their approval, and endpoints followed
// through configuration and model to the package behind each variant. Of
// Amazon Bedrock it reads the dates of foundation models, what serves them, own
// models, agents, guardrails, whether calls are logged, evaluations and use.
//
// It imports plugins/ and the AWS SDK, never internal/. It promises that an
// operation which was denied, is not offered, or answered with something that
// is no answer becomes a gap and never an empty, clean reading.
package aws

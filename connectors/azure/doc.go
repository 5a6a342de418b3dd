// Package azure reads Azure OpenAI and Azure Machine Learning: accounts,
// deployments and whether Azure may swap their models, content filters, models
// with their retirement dates, workspaces, registries, endpoints, monitors, and the
// activity log.
//
// It may import the standard library, Azure's resource manager clients,
// golang.org/x/oauth2 and packages under plugins. It takes its tokens itself:
// Azure's identity library can run programs, and nothing here may.
//
// It promises that a subscription, account or workspace which cannot be read is a
// gap of its own, and that an answer without a list is never an empty one.
package azure

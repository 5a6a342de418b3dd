package aws

import (
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// permissions are the IAM actions that the connector calls. Each family of
// kinds brings its own.
func permissions() []connector.Permission {
	var out []connector.Permission
	for _, family := range [][]connector.Permission{sagemakerPermissions(), trailPermissions(), accountPermissions(), bedrockPermissions()} {
		out = append(out, family...)
	}
	return out
}

// need is an action, what it is for, and the kinds that miss it.
type need struct {
	action, why string
	kinds       []string
}

// granted turns needs into permissions that are granted in the same way.
func granted(grant func(action string) string, needs []need) []connector.Permission {
	var out []connector.Permission
	for _, n := range needs {
		out = append(out, connector.Permission{ID: n.action, Kinds: n.kinds, Why: n.why, Grant: grant(n.action)})
	}
	return out
}

// sagemakerPermissions are the actions on SageMaker.
func sagemakerPermissions() []connector.Permission {
	models := []string{records.KindModel}
	versions := []string{records.KindModel, records.KindModelVersion, records.KindModelApproval, records.KindLineage}
	endpoints, cards := []string{records.KindDeployment}, []string{records.KindModelCard}
	monitors, lineage, resources := []string{records.KindModelMonitor}, []string{records.KindLineage}, []string{records.KindAIResource}
	return granted(func(action string) string {
		return `add "` + action + `" on "*" to a policy of the reading identity (AmazonSageMakerReadOnly holds all of sagemaker:)`
	}, []need{
		{"sagemaker:ListModelPackageGroups", "lists the models", models},
		{"sagemaker:DescribeModelPackageGroup", "says who made a model", models},
		{listTags, "tags of models, endpoints and resources, environment and owner among them", tagKinds()},
		{"sagemaker:ListModelPackages", "lists the versions of models", versions},
		{"sagemaker:DescribeModelPackage", "approval, who gave it, and where a version came from", versions},
		{listArtifacts, "finds a model package in SageMaker's lineage", lineage},
		{queryLineage, "finds the training jobs behind a model package", lineage},
		{describeTrainingJob, "data, code and settings of a training job", lineage},
		{listEndpoints, "lists the endpoints", []string{records.KindDeployment, records.KindAIResource}},
		{"sagemaker:DescribeEndpoint", "status and share of traffic", endpoints},
		{"sagemaker:DescribeEndpointConfig", "the models behind an endpoint", endpoints},
		{"sagemaker:DescribeModel", "the model package behind a model", endpoints},
		{"sagemaker:ListInferenceComponents", "models of endpoints that host components", endpoints},
		{"sagemaker:DescribeInferenceComponent", "the model of a component", endpoints},
		{listModelCards, "lists the model cards", cards},
		{listModelCardVersions, "lists the versions of a card", cards},
		{describeModelCard, "content, status and approval of a card", cards},
		{listSchedules, "lists the monitors", []string{records.KindModelMonitor, records.KindAIResource}},
		{describeSchedule, "when a monitor runs, and against which baseline", monitors},
		{listExecutions, "lists the runs of monitors", monitors},
		{describeProcessingJob, "how many violations a run found", monitors},
		{listDomains, "lists the domains that people work in", resources},
		{listNotebooks, "lists the notebook instances", resources},
		{listModels, "lists the models that can be served", resources},
		{listFeatureGroups, "lists the feature groups", resources},
		{listPipelines, "lists the pipelines", resources},
	})
}

// trailPermissions are the actions on CloudTrail, and the one that says whether
// tags have changed.
func trailPermissions() []connector.Permission {
	resources := []string{records.KindAIResource}
	return granted(func(action string) string {
		return `add "` + action + `" on "*" to a policy of the reading identity`
	}, []need{
		{lookupEvents, "who changed what and when, approvals among it", []string{records.KindCloudAuditEvent, records.KindModelApproval}},
		{describeTrails, "whether a region's calls are kept", resources},
		{getTrailStatus, "whether a trail is switched on", resources},
		{getEventSelectors, "whether calls of models and endpoints are kept", resources},
		{getResources, "whether tags have changed, in one call for all; without it the tags of each resource are listed in every run", tagKinds()},
	})
}

// accountPermissions are the actions that find accounts and regions. Which of
// them are called depends on the settings.
func accountPermissions() []connector.Permission {
	var kinds []string
	for _, k := range append(sagemakerKinds(), bedrockKinds()...) {
		kinds = append(kinds, k.Kind)
	}
	return []connector.Permission{
		{ID: describeRegions, Kinds: kinds, Why: `lists the regions that an account has switched on, for regions "all"`,
			Grant: `add "ec2:DescribeRegions" on "*" to a policy of the reading identity in each account, or name the regions in the settings`},
		{ID: assumeRole, Kinds: kinds, Why: "enters other accounts, for role_arn, accounts and organization",
			Grant: `add "sts:AssumeRole" on the roles to a policy of the reading identity, and name the identity in the trust policy of each role`},
		{ID: listAccounts, Kinds: kinds, Why: "lists the accounts of the organisation, for organization",
			Grant: `add "organizations:ListAccounts" on "*" to a policy of the reading identity in the management account or in a delegated administrator's`},
	}
}

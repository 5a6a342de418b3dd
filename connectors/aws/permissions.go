package aws

import (
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// permissions are the IAM actions that the connector calls. Each family of
// kinds brings its own.
func permissions() []connector.Permission {
	var out []connector.Permission
	for _, family := range [][]connector.Permission{sagemakerPermissions(), accountPermissions(), bedrockPermissions()} {
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
	models := []string{records.KindModel, records.KindModelVersion, records.KindModelApproval}
	versions := models[1:]
	endpoints := []string{records.KindDeployment}
	return granted(func(action string) string {
		return `add "` + action + `" on "*" to a policy of the reading identity (AmazonSageMakerReadOnly holds all of sagemaker:)`
	}, []need{
		{"sagemaker:ListModelPackageGroups", "lists the models", models},
		{"sagemaker:DescribeModelPackageGroup", "says who made a model", []string{records.KindModel}},
		{"sagemaker:ListTags", "tags of models and endpoints, the environment among them", []string{records.KindModel, records.KindDeployment}},
		{"sagemaker:ListModelPackages", "lists the versions of a model", versions},
		{"sagemaker:DescribeModelPackage", "approval, who gave it, and where a version came from", versions},
		{"sagemaker:ListEndpoints", "lists the endpoints", endpoints},
		{"sagemaker:DescribeEndpoint", "status and share of traffic", endpoints},
		{"sagemaker:DescribeEndpointConfig", "the models behind an endpoint", endpoints},
		{"sagemaker:DescribeModel", "the model package behind a model", endpoints},
		{"sagemaker:ListInferenceComponents", "models of endpoints that host components", endpoints},
		{"sagemaker:DescribeInferenceComponent", "the model of a component", endpoints},
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

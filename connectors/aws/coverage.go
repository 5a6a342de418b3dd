package aws

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// queries say what is asked for each kind of the services that are read.
func (c *config) queries() map[string]string {
	out := map[string]string{}
	for _, family := range []struct {
		service string
		asked   map[string]string
	}{{serveSageMaker, sagemakerQueries()}, {serveCloudTrail, cloudTrailQueries()}, {serveBedrock, bedrockQueries()}} {
		if !c.reads(family.service) {
			continue
		}
		for kind, q := range family.asked {
			out[kind] = strings.TrimPrefix(out[kind]+"; "+q, "; ")
		}
	}
	if _, ok := out[records.KindModelApproval]; ok && !c.reads(serveCloudTrail) {
		out[records.KindModelApproval] += "; cloudtrail is left out by the settings"
	}
	return out
}

// sagemakerQueries are those of SageMaker's kinds.
func sagemakerQueries() map[string]string {
	const unsaid = "changes between two runs are seen in the event history alone"
	return map[string]string{
		records.KindModel:         "sagemaker ListModelPackageGroups, ListModelPackages (unversioned)",
		records.KindModelVersion:  "sagemaker ListModelPackages (both types), DescribeModelPackage of those that are new or changed",
		records.KindModelApproval: "sagemaker DescribeModelPackage for states older than the event history; " + unsaid,
		records.KindDeployment:    "sagemaker ListEndpoints, DescribeEndpoint, DescribeEndpointConfig, DescribeModel, ListInferenceComponents",
		records.KindLineage:       "sagemaker ListArtifacts, QueryLineage, DescribeTrainingJob for each model package",
		records.KindModelCard:     "sagemaker ListModelCards, ListModelCardVersions, DescribeModelCard",
		records.KindModelMonitor:  "sagemaker ListMonitoringSchedules, ListMonitoringExecutions since the last run",
		records.KindAIResource:    "sagemaker ListDomains, ListNotebookInstances, ListEndpoints, ListModels, ListFeatureGroups, ListPipelines, ListMonitoringSchedules",
	}
}

// cloudTrailQueries are those of what CloudTrail tells.
func cloudTrailQueries() map[string]string {
	return map[string]string{
		records.KindModelApproval: "cloudtrail LookupEvents of CreateModelPackage and UpdateModelPackage",
		records.KindAIResource:    "cloudtrail DescribeTrails",
		records.KindCloudAuditEvent: "cloudtrail LookupEvents by event source (SageMaker and Bedrock) since the last run, at most 90 days back: management events that changed something; " +
			"calls of endpoints (InvokeEndpoint) are data events, which the event history does not hold",
	}
}

// events are kinds whose records are not listed anew in every run.
func events() []string {
	return []string{records.KindModelApproval, records.KindLineage, records.KindModelLifecycle, kindEvaluationRun,
		records.KindVendorUsage, records.KindModelObservation, records.KindCloudAuditEvent, records.KindModelMonitor}
}

// coverage is the claim about every kind that was asked for.
func (c *collection) coverage() connector.Coverage {
	cov := connector.Coverage{}
	asked := c.cfg.queries()
	for _, k := range New().Describe().Kinds {
		kind := k.Kind
		if !c.req.Wants(kind) {
			continue
		}
		q, ok := asked[kind]
		if !ok {
			cov[kind] = connector.KindCoverage{Query: "not read: settings.services names none of the services that tell of it", IndependentCount: -1}
			continue
		}
		k := connector.KindCoverage{
			Status: connector.Complete, Enumerated: !slices.Contains(events(), kind), IndependentCount: -1,
			Since: c.since[kind], Query: q + "; " + c.seen.text(),
		}
		switch {
		case c.gaps[kind] && !c.read[kind]:
			k.Status, k.Enumerated = connector.Refused, false
		case c.gaps[kind]:
			k.Status, k.Enumerated = connector.Partial, false
		}
		cov[kind] = k
	}
	return cov
}

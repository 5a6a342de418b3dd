package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// auditSources are the event sources of AI on AWS, in the order in which they
// are asked, with the actions that are looked up by name where a source has
// more events than a run may read.
func auditSources() []auditSource {
	return []auditSource{
		{"sagemaker.amazonaws.com", strings.Fields(sagemakerActions)},
		{"bedrock.amazonaws.com", strings.Fields(bedrockActions)},
		{"bedrock-agent.amazonaws.com", strings.Fields(agentActions)},
		{"bedrock-agentcore.amazonaws.com", strings.Fields(coreActions)},
	}
}

type auditSource struct {
	source  string
	actions []string
}

const (
	sagemakerActions = `CreateModelPackageGroup DeleteModelPackageGroup PutModelPackageGroupPolicy DeleteModelPackageGroupPolicy
		CreateModelPackage UpdateModelPackage DeleteModelPackage CreateModel DeleteModel
		CreateEndpoint UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint CreateEndpointConfig DeleteEndpointConfig
		CreateInferenceComponent UpdateInferenceComponent DeleteInferenceComponent
		CreateModelCard UpdateModelCard DeleteModelCard
		CreateMonitoringSchedule UpdateMonitoringSchedule StartMonitoringSchedule StopMonitoringSchedule DeleteMonitoringSchedule
		CreateTrainingJob CreatePipeline UpdatePipeline DeletePipeline CreateFeatureGroup DeleteFeatureGroup
		CreateNotebookInstance UpdateNotebookInstance DeleteNotebookInstance CreateDomain UpdateDomain DeleteDomain`
	bedrockActions = `PutModelInvocationLoggingConfiguration DeleteModelInvocationLoggingConfiguration
		CreateGuardrail UpdateGuardrail DeleteGuardrail CreateGuardrailVersion PutEnforcedGuardrailConfiguration DeleteEnforcedGuardrailConfiguration
		CreateFoundationModelAgreement DeleteFoundationModelAgreement PutFoundationModelEntitlement PutUseCaseForModelAccess
		CreateModelCustomizationJob DeleteCustomModel CreateCustomModelDeployment DeleteCustomModelDeployment CreateModelImportJob DeleteImportedModel
		CreateProvisionedModelThroughput UpdateProvisionedModelThroughput DeleteProvisionedModelThroughput CreateInferenceProfile DeleteInferenceProfile
		CreateEvaluationJob ` + agentActions
	agentActions = `CreateAgent UpdateAgent DeleteAgent CreateAgentAlias UpdateAgentAlias DeleteAgentAlias CreateAgentActionGroup UpdateAgentActionGroup
		DeleteAgentActionGroup AssociateAgentKnowledgeBase DisassociateAgentKnowledgeBase CreateFlow UpdateFlow DeleteFlow CreateFlowAlias UpdateFlowAlias
		CreatePrompt UpdatePrompt DeletePrompt CreateKnowledgeBase UpdateKnowledgeBase DeleteKnowledgeBase CreateDataSource UpdateDataSource DeleteDataSource`
	coreActions = `CreateAgentRuntime UpdateAgentRuntime DeleteAgentRuntime CreateGateway UpdateGateway DeleteGateway CreateGatewayTarget UpdateGatewayTarget`
)

// audit reads what was changed about AI since the last run, from the event
// history. Calls that only read, calls of models among them, are passed over,
// and so are those that failed: they changed nothing.
func (r *regionRun) audit(ctx context.Context) error {
	kinds := []string{records.KindCloudAuditEvent}
	for _, src := range auditSources() {
		what := "event history of " + src.source
		s := r.stretch("events/" + src.source)
		if err := r.unread(ctx, s, kinds); err != nil {
			return err
		}
		if err := r.failed(ctx, kinds, what, r.auditSource(ctx, src, s)); err != nil {
			return err
		}
		if r.skip[lookupEvents] {
			return nil // told once
		}
	}
	return nil
}

// auditSource reads one source. One with more events than a run may read is
// read by the names of changes instead, from where it broke off.
func (r *regionRun) auditSource(ctx context.Context, src auditSource, s stretch) error {
	told := map[string]bool{}
	each := func(e trailEvent) error {
		if e.readOnly || e.failed || told[e.id] {
			return nil
		}
		told[e.id] = true
		return r.auditEvent(ctx, e)
	}
	rest, err := r.lookup(ctx, question{types.LookupAttributeKeyEventSource, src.source, s.from, s.to}, each)
	if err != nil {
		return err
	}
	r.saw(records.KindCloudAuditEvent)
	if !rest.IsZero() {
		if err := r.busy(ctx, src, s.from, rest, each); err != nil {
			return err
		}
	}
	return r.done(s, records.KindCloudAuditEvent)
}

// busy looks up the changes that matter by their names.
func (r *regionRun) busy(ctx context.Context, src auditSource, from, to time.Time, each func(trailEvent) error) error {
	cut := []string{}
	for _, name := range src.actions {
		rest, err := r.lookup(ctx, question{types.LookupAttributeKeyEventName, name, from, to}, func(e trailEvent) error {
			if e.source != src.source {
				return nil
			}
			return each(e)
		})
		if err != nil {
			return err
		}
		if !rest.IsZero() {
			cut = append(cut, name)
		}
	}
	err := fmt.Errorf("%w: %s has more events than %d pages between %s and %s; from the former to %s only %d kinds of changes were looked up by name",
		errBudget, src.source, r.cfg.LookupPages, from.UTC().Format(time.RFC3339), r.now.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), len(src.actions))
	if len(cut) > 0 {
		err = fmt.Errorf("%w, and not all of %s", err, strings.Join(cut, ", "))
	}
	return r.failed(ctx, []string{records.KindCloudAuditEvent}, "event history of "+src.source, err)
}

// auditEvent emits one change.
func (r *regionRun) auditEvent(ctx context.Context, e trailEvent) error {
	payload := records.CloudAuditEvent{
		Provider: "aws", EventID: e.id, EventName: e.name, EventSource: e.source, Principal: e.by, Resource: r.resourceIn(e),
		Account: r.id.account, Region: r.region, EventTime: stamp(&e.at), RequestParams: bounded(e.params),
	}
	return r.record(ctx, connector.Record{
		Kind: records.KindCloudAuditEvent, Subject: connector.Subject{Type: "deployment", ID: "aws/" + r.id.account}, Key: e.id, EventTime: e.at,
		URL: "https://" + r.region + ".console.aws.amazon.com/cloudtrailv2/home?region=" + r.region + "#/events/" + pathSafe(e.id),
	}, payload)
}

// pathSafe leaves out what has no place in an address.
func pathSafe(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, s)
}

// resourceIn names what a call was about by its ARN, so that it can be held
// against other records.
func (r *regionRun) resourceIn(e trailEvent) string {
	for _, m := range []map[string]json.RawMessage{e.params, e.response} {
		for _, name := range []string{"modelPackageArn", "endpointArn", "resourceArn"} {
			if arn := str(m, name); strings.HasPrefix(arn, "arn:") {
				return printable(arn, 300)
			}
		}
	}
	if e.source == "sagemaker.amazonaws.com" {
		for _, of := range [][2]string{{"endpointName", "endpoint"}, {"modelPackageGroupName", "model-package-group"}, {"modelCardName", "model-card"},
			{"monitoringScheduleName", "monitoring-schedule"}, {"endpointConfigName", "endpoint-config"}, {"modelName", "model"}} {
			if name := str(e.params, of[0]); name != "" {
				return printable(r.arn(of[1]+"/"+name), 300)
			}
		}
	}
	for _, name := range sortedKeys(e.response) {
		if arn := str(e.response, name); strings.HasPrefix(arn, "arn:") && strings.HasSuffix(strings.ToLower(name), "arn") {
			return printable(arn, 300)
		}
	}
	for _, arn := range e.resources {
		if strings.HasPrefix(arn, "arn:") && !strings.Contains(arn, ":iam:") && !strings.Contains(arn, ":kms:") {
			return arn
		}
	}
	if len(e.resources) > 0 {
		return e.resources[0]
	}
	return ""
}

package aws

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Actions that list what runs, is stored or is open to people.
const (
	listDomains       = "sagemaker:ListDomains"
	listNotebooks     = "sagemaker:ListNotebookInstances"
	listEndpoints     = "sagemaker:ListEndpoints"
	listModels        = "sagemaker:ListModels"
	listFeatureGroups = "sagemaker:ListFeatureGroups"
	listPipelines     = "sagemaker:ListPipelines"
)

// found is a resource as its list tells it.
type found struct {
	kind, name, status, page string
	arn                      *string
	created, updated         *time.Time
	attributes               map[string]string
}

// inventory reads what a security team asks for: who may work where (domains,
// notebooks), what serves (endpoints, models), what is stored (feature groups)
// and what runs by itself (pipelines). Each list is read by itself: one that is
// denied hides no other.
func (r *regionRun) inventory(ctx context.Context) error {
	kinds := []string{records.KindAIResource}
	for _, list := range []struct {
		what string
		read func(context.Context) error
	}{
		{"domains", r.domains}, {"notebook instances", r.notebooks}, {"endpoints as resources", r.endpointResources}, {"models", r.allModels},
		{"feature groups", r.featureGroups}, {"pipelines", r.pipelines}, {"monitoring schedules as resources", r.scheduleResources},
	} {
		err := list.read(ctx)
		if notHere(err) {
			return err
		}
		if err := r.failed(ctx, kinds, list.what, err); err != nil {
			return err
		}
	}
	return nil
}

// sawResources notes that a list of resources was answered.
func (r *regionRun) sawResources() { r.saw(records.KindAIResource) }

// resource emits a resource, unless list and tags are as they were.
func (r *regionRun) resource(ctx context.Context, f found) error {
	arn := aws.ToString(f.arn)
	if arn == "" {
		return &callError{"sagemaker:List", errNoAnswer}
	}
	t, err := r.tagState(ctx, arn)
	if err != nil {
		return err
	}
	id := printable(arn, 300)
	it := r.thingOf(records.KindAIResource, id, f.kind, f.name, f.status, stamp(f.created), stamp(f.updated), f.attributes, t.state, r.cfg.OwnerTag)
	if r.same(it) {
		return r.attest(it)
	}
	tags, err := r.of(ctx, arn, t)
	if err != nil {
		return err
	}
	a := records.AIResource{
		Provider: "aws", Account: r.id.account, Region: r.region, Service: "sagemaker", ResourceType: f.kind, ResourceID: id, Name: printable(f.name, 200),
		Tags: tags, CreatedAt: stamp(f.created), UpdatedAt: stamp(f.updated), OwnerTag: tagNamed(tags, r.cfg.OwnerTag), Status: printable(f.status, 60), Attributes: f.attributes,
	}
	if err := r.record(ctx, connector.Record{
		Kind: records.KindAIResource, Subject: connector.Subject{Type: "organization", ID: r.id.account}, Key: a.ResourceID, Group: it.group, URL: r.consoleURL(f.page),
	}, a); err != nil {
		return err
	}
	return r.keepIf(!r.skip[listTags], it)
}

func (r *regionRun) domains(ctx context.Context) error {
	return listing(ctx, listDomains, r.sawResources, func(token *string) ([]types.DomainDetails, *string, error) {
		out, err := r.api.ListDomains(ctx, &sagemaker.ListDomainsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Domains, out.NextToken, nil
	}, func(d types.DomainDetails) error {
		return r.resource(ctx, found{kind: "domain", name: aws.ToString(d.DomainName), status: string(d.Status), page: "studio", arn: d.DomainArn,
			created: d.CreationTime, updated: d.LastModifiedTime, attributes: attributes("domain_id", text(d.DomainId, 100))})
	})
}

func (r *regionRun) notebooks(ctx context.Context) error {
	return listing(ctx, listNotebooks, r.sawResources, func(token *string) ([]types.NotebookInstanceSummary, *string, error) {
		out, err := r.api.ListNotebookInstances(ctx, &sagemaker.ListNotebookInstancesInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.NotebookInstances, out.NextToken, nil
	}, func(n types.NotebookInstanceSummary) error {
		return r.resource(ctx, found{kind: "notebook-instance", name: aws.ToString(n.NotebookInstanceName), status: string(n.NotebookInstanceStatus),
			page: "notebook-instances", arn: n.NotebookInstanceArn, created: n.CreationTime, updated: n.LastModifiedTime,
			attributes: attributes("instance_type", string(n.InstanceType), "code_repository", text(n.DefaultCodeRepository, 300),
				"lifecycle_config", text(n.NotebookInstanceLifecycleConfigName, 100))})
	})
}

func (r *regionRun) endpointResources(ctx context.Context) error {
	return r.eachEndpoint(ctx, records.KindAIResource, func(e types.EndpointSummary) error {
		return r.resource(ctx, found{kind: "endpoint", name: aws.ToString(e.EndpointName), status: string(e.EndpointStatus), page: "endpoints", arn: e.EndpointArn,
			created: e.CreationTime, updated: e.LastModifiedTime})
	})
}

func (r *regionRun) allModels(ctx context.Context) error {
	return listing(ctx, listModels, r.sawResources, func(token *string) ([]types.ModelSummary, *string, error) {
		out, err := r.api.ListModels(ctx, &sagemaker.ListModelsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.ModelSortKeyCreationTime, SortOrder: types.OrderKeyAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.Models, out.NextToken, nil
	}, func(m types.ModelSummary) error {
		return r.resource(ctx, found{kind: "model", name: aws.ToString(m.ModelName), page: "models", arn: m.ModelArn, created: m.CreationTime})
	})
}

func (r *regionRun) featureGroups(ctx context.Context) error {
	return listing(ctx, listFeatureGroups, r.sawResources, func(token *string) ([]types.FeatureGroupSummary, *string, error) {
		out, err := r.api.ListFeatureGroups(ctx, &sagemaker.ListFeatureGroupsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.FeatureGroupSummaries, out.NextToken, nil
	}, func(g types.FeatureGroupSummary) error {
		store := ""
		if g.OfflineStoreStatus != nil {
			store = string(g.OfflineStoreStatus.Status)
		}
		return r.resource(ctx, found{kind: "feature-group", name: aws.ToString(g.FeatureGroupName), status: string(g.FeatureGroupStatus), page: "feature-store",
			arn: g.FeatureGroupArn, created: g.CreationTime, attributes: attributes("offline_store", store)})
	})
}

func (r *regionRun) pipelines(ctx context.Context) error {
	return listing(ctx, listPipelines, r.sawResources, func(token *string) ([]types.PipelineSummary, *string, error) {
		out, err := r.api.ListPipelines(ctx, &sagemaker.ListPipelinesInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.PipelineSummaries, out.NextToken, nil
	}, func(p types.PipelineSummary) error {
		return r.resource(ctx, found{kind: "pipeline", name: aws.ToString(p.PipelineName), page: "pipelines", arn: p.PipelineArn,
			created: p.CreationTime, updated: p.LastModifiedTime, attributes: attributes("role", text(p.RoleArn, 300), "never_executed", onlyIf(p.LastExecutionTime == nil))})
	})
}

// scheduleResources tells monitors as what they are now: one that was stopped
// shows as stopped, whenever it last ran.
func (r *regionRun) scheduleResources(ctx context.Context) error {
	return r.eachSchedule(ctx, records.KindAIResource, func(s types.MonitoringScheduleSummary) error {
		return r.resource(ctx, found{kind: "monitoring-schedule", name: aws.ToString(s.MonitoringScheduleName), status: string(s.MonitoringScheduleStatus),
			page: "monitoring-schedules", arn: s.MonitoringScheduleArn, created: s.CreationTime, updated: s.LastModifiedTime,
			attributes: attributes("endpoint", text(s.EndpointName, 200), "monitor_type", monitorType(s.MonitoringType))})
	})
}

// onlyIf writes down what is so; what is not is left out.
func onlyIf(b bool) string {
	if b {
		return strconv.FormatBool(b)
	}
	return ""
}

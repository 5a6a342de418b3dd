package azure

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	ml "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// workspace is a workspace of Azure Machine Learning.
type workspace struct {
	*subscription
	clients     *ml.ClientFactory
	group, name string
	region      string
}

// workspaces reads the subscription's workspaces and what is in each.
func (s *subscription) workspaces(ctx context.Context) error {
	clients, err := ml.NewClientFactory(s.id, s.s, s.s.options)
	if err != nil {
		return &callError{"workspaces", err}
	}
	return each(ctx, "workspaces", clients.NewWorkspacesClient().NewListBySubscriptionPager(nil),
		func(p ml.WorkspacesClientListBySubscriptionResponse) []*ml.Workspace { return p.Value },
		func(in *ml.Workspace) error {
			w := &workspace{subscription: s, clients: clients, name: str(in.Name), region: strings.ToLower(str(in.Location))}
			var err error
			if w.group, err = group(str(in.ID)); err != nil || w.name == "" {
				return s.book.Gap(connector.Gap{Kinds: []string{records.KindAIResource, records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindModelMonitor}, Scope: s.scope("workspace " + w.name),
					Reason: connector.Malformed, Detail: "it has no name, or no id that is one"})
			}
			kind := str(in.Kind)
			if kind == "" {
				kind = "Default"
			}
			if err := s.resource("machinelearning", "workspace "+kind, str(in.ID), w.name, w.region, in.Tags, created(in.SystemData)); err != nil {
				return err
			}
			return w.read(ctx)
		})
}

func created(d *ml.SystemData) *time.Time {
	if d == nil {
		return nil
	}
	return d.CreatedAt
}

func (w *workspace) read(ctx context.Context) error {
	for _, step := range []struct {
		kinds      []string
		what       string
		permission string
		read       func(context.Context) error
	}{
		{[]string{records.KindModel, records.KindModelVersion}, "models", permMLModels, w.models},
		{[]string{records.KindDeployment}, "endpoints", permEndpoints, w.endpoints},
		{[]string{records.KindModelMonitor}, "monitors", permSchedules, w.monitors},
	} {
		if len(w.book.Wants(step.kinds...)) == 0 {
			continue
		}
		err := step.read(ctx)
		for _, k := range step.kinds {
			if err := w.part(ctx, k, "workspace "+w.name+", "+step.what, step.permission, func() error { return err }); err != nil {
				return err
			}
		}
	}
	return nil
}

// pointer is for options: Azure lists what is archived or disabled only if told
// to, and what it does not list would look gone.
func pointer[T any](v T) *T { return &v }

// models reads the models of a workspace and their versions.
func (w *workspace) models(ctx context.Context) error {
	reg := registry{w.subscription, "azureml/" + w.id + "/" + w.name}
	return each(ctx, "models of "+w.name, w.clients.NewModelContainersClient().NewListPager(w.group, w.name, &ml.ModelContainersClientListOptions{ListViewType: pointer(ml.ListViewTypeAll)}),
		func(p ml.ModelContainersClientListResponse) []*ml.ModelContainer { return p.Value },
		func(m *ml.ModelContainer) error {
			if err := reg.model(m); err != nil {
				return err
			}
			return w.part(ctx, records.KindModelVersion, "workspace "+w.name+", model "+str(m.Name), permMLVersions, func() error {
				return each(ctx, "versions of "+str(m.Name), w.clients.NewModelVersionsClient().NewListPager(w.group, w.name, str(m.Name), &ml.ModelVersionsClientListOptions{ListViewType: pointer(ml.ListViewTypeAll)}),
					func(p ml.ModelVersionsClientListResponse) []*ml.ModelVersion { return p.Value },
					func(v *ml.ModelVersion) error { return reg.version(str(m.Name), v) })
			})
		})
}

// registries reads the subscription's registries and their models.
func (s *subscription) registries(ctx context.Context) error {
	clients, err := ml.NewClientFactory(s.id, s.s, s.s.options)
	if err != nil {
		return &callError{"registries", err}
	}
	return each(ctx, "registries", clients.NewRegistriesClient().NewListBySubscriptionPager(nil),
		func(p ml.RegistriesClientListBySubscriptionResponse) []*ml.Registry { return p.Value },
		func(in *ml.Registry) error {
			name := str(in.Name)
			rg, err := group(str(in.ID))
			if err != nil || name == "" {
				return s.book.Gap(connector.Gap{Kinds: []string{records.KindAIResource, records.KindModel, records.KindModelVersion}, Scope: s.scope("registry " + name),
					Reason: connector.Malformed, Detail: "it has no name, or no id that is one"})
			}
			if err := s.resource("machinelearning", "registry", str(in.ID), name, strings.ToLower(str(in.Location)), in.Tags, created(in.SystemData)); err != nil {
				return err
			}
			if len(s.book.Wants(records.KindModel, records.KindModelVersion)) == 0 {
				return nil
			}
			err = s.registry(ctx, clients, rg, name)
			for _, k := range []string{records.KindModel, records.KindModelVersion} {
				if err := s.part(ctx, k, "registry "+name, permRegModels, func() error { return err }); err != nil {
					return err
				}
			}
			return nil
		})
}

func (s *subscription) registry(ctx context.Context, clients *ml.ClientFactory, rg, name string) error {
	reg := registry{s, "azureml-registry/" + name}
	return each(ctx, "models of registry "+name, clients.NewRegistryModelContainersClient().NewListPager(rg, name, &ml.RegistryModelContainersClientListOptions{ListViewType: pointer(ml.ListViewTypeAll)}),
		func(p ml.RegistryModelContainersClientListResponse) []*ml.ModelContainer { return p.Value },
		func(m *ml.ModelContainer) error {
			if err := reg.model(m); err != nil {
				return err
			}
			return s.part(ctx, records.KindModelVersion, "registry "+name+", model "+str(m.Name), permRegVersions, func() error {
				return each(ctx, "versions of "+str(m.Name), clients.NewRegistryModelVersionsClient().NewListPager(rg, name, str(m.Name), &ml.RegistryModelVersionsClientListOptions{ListViewType: pointer(ml.ListViewTypeAll)}),
					func(p ml.RegistryModelVersionsClientListResponse) []*ml.ModelVersion { return p.Value },
					func(v *ml.ModelVersion) error { return reg.version(str(m.Name), v) })
			})
		})
}

// registry emits models and versions under its name.
type registry struct {
	*subscription
	name string
}

func (r registry) model(m *ml.ModelContainer) error {
	p := m.Properties
	if p == nil {
		p = &ml.ModelContainerProperties{}
	}
	tags := tagsOf(p.Tags)
	at := timeOf(created(m.SystemData))
	owner := tags[r.cfg.OwnerTag]
	if owner == "" && m.SystemData != nil {
		owner = records.Line(str(m.SystemData.CreatedBy), 200)
	}
	visibility := ""
	if value(p.IsArchived) {
		visibility = "archived"
	}
	return r.book.Record(connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: str(m.Name)}, Key: r.name + "/" + str(m.Name), EventTime: at, URL: r.portal(str(m.ID)),
	}, records.Model{
		Registry: r.name, Name: records.Line(str(m.Name), 200), ID: records.Line(str(m.ID), 500), Owner: owner, About: records.Line(str(p.Description), 500),
		Tags: tags, CreatedAt: records.Stamp(at), Visibility: visibility,
	})
}

func (r registry) version(model string, v *ml.ModelVersion) error {
	p := v.Properties
	if p == nil {
		p = &ml.ModelVersionProperties{}
	}
	at := timeOf(created(v.SystemData))
	out := records.ModelVersion{
		Registry: r.name, Model: records.Line(model, 200), Version: records.Line(str(v.Name), 100), ARNOrURI: records.Line(str(v.ID), 500), CreatedAt: records.Stamp(at),
		SourceRun: records.Line(str(p.JobName), 300), ArtifactURI: records.Line(str(p.ModelURI), 500), StageOrAlias: records.Line(str(p.Stage), 60), Tags: tagsOf(p.Tags),
		Framework: records.Line(str(p.ModelType), 100), Status: str(p.ProvisioningState),
	}
	if value(p.IsArchived) {
		out.Status = "archived"
	}
	if v.SystemData != nil {
		out.CreatedBy = records.Line(str(v.SystemData.CreatedBy), 200)
	}
	return r.book.Record(connector.Record{
		Kind: records.KindModelVersion, Subject: connector.Subject{Type: "model", ID: model + "/" + str(v.Name)}, Key: r.name + "/" + model + "/" + str(v.Name),
		EventTime: at, URL: r.portal(str(v.ID)),
	}, out)
}

// endpoints reads the online endpoints of a workspace with the models that
// their deployments serve.
func (w *workspace) endpoints(ctx context.Context) error {
	return each(ctx, "endpoints of "+w.name, w.clients.NewOnlineEndpointsClient().NewListPager(w.group, w.name, nil),
		func(p ml.OnlineEndpointsClientListResponse) []*ml.OnlineEndpoint { return p.Value },
		func(e *ml.OnlineEndpoint) error {
			if e.Properties == nil || str(e.Name) == "" || str(e.ID) == "" {
				return w.book.Gap(connector.Gap{Kinds: []string{records.KindDeployment}, Scope: w.scope("workspace " + w.name + ", endpoint " + str(e.Name)), Reason: connector.Malformed,
					Detail: "it has no name or no properties"})
			}
			return w.part(ctx, records.KindDeployment, "workspace "+w.name+", endpoint "+str(e.Name), permServing, func() error { return w.endpoint(ctx, e) })
		})
}

func (w *workspace) endpoint(ctx context.Context, e *ml.OnlineEndpoint) error {
	d := records.Deployment{
		Platform: "azure_ml", EndpointID: w.name + "/" + str(e.Name), Region: strings.ToLower(str(e.Location)), Status: str(e.Properties.ProvisioningState),
		ARNOrURI: records.Line(str(e.ID), 500), Tags: tagsOf(e.Tags), Variants: []records.Variant{}, DataCapture: "disabled",
	}
	d.Environment = d.Tags[w.cfg.EnvironmentTag]
	var updated time.Time
	if e.SystemData != nil {
		updated = timeOf(e.SystemData.LastModifiedAt)
		d.CreatedAt, d.UpdatedAt = stamp(e.SystemData.CreatedAt), records.Stamp(updated)
	}
	err := each(ctx, "deployments of "+str(e.Name), w.clients.NewOnlineDeploymentsClient().NewListPager(w.group, w.name, str(e.Name), nil),
		func(p ml.OnlineDeploymentsClientListResponse) []*ml.OnlineDeployment { return p.Value },
		func(in *ml.OnlineDeployment) error {
			v, captures := variant(in)
			v.Weight = float64(value(e.Properties.Traffic[v.Name]))
			v.Shadow = v.Weight == 0 && value(e.Properties.MirrorTraffic[v.Name]) > 0
			if captures {
				d.DataCapture = "enabled"
			}
			d.Variants = append(d.Variants, v)
			return nil
		})
	if err != nil {
		return err
	}
	sort.Slice(d.Variants, func(i, j int) bool { return d.Variants[i].Name < d.Variants[j].Name })
	return w.book.Record(connector.Record{
		Kind: records.KindDeployment, Subject: connector.Subject{Type: "deployment", ID: d.EndpointID}, Key: strings.ToLower(str(e.ID)), EventTime: updated, URL: w.portal(str(e.ID)),
	}, d)
}

// variant is a deployment behind an endpoint, and whether it keeps what it is
// asked.
func variant(in *ml.OnlineDeployment) (v records.Variant, captures bool) {
	v.Name = records.Line(str(in.Name), 100)
	var p *ml.OnlineDeploymentProperties
	var collector *ml.DataCollector
	switch t := in.Properties.(type) {
	case *ml.ManagedOnlineDeployment:
		v.ModelRef, collector = str(t.Model), t.DataCollector
	case *ml.KubernetesOnlineDeployment:
		v.ModelRef, collector = str(t.Model), t.DataCollector
	case *ml.OnlineDeploymentProperties:
		p = t
		v.ModelRef, collector = str(p.Model), p.DataCollector
	default:
		return v, false // another form: what is behind it is not known
	}
	v.Resolved = true
	if in.SKU != nil {
		v.InstanceCount = int64(value(in.SKU.Capacity))
	}
	v.ModelRef = records.Line(v.ModelRef, 500)
	v.Model, v.Version = assetOf(v.ModelRef)
	if v.Model != "" {
		v.ModelPackageARN = v.ModelRef
	}
	if collector != nil {
		for _, c := range collector.Collections {
			captures = captures || c != nil && strings.EqualFold(str(c.DataCollectionMode), "Enabled")
		}
	}
	return v, captures
}

// assetOf takes name and version out of the id of a registered model:
// …/models/NAME/versions/VERSION or azureml:NAME:VERSION. Others are files.
func assetOf(ref string) (name, version string) {
	parts := strings.Split(ref, "/")
	if i := slices.Index(parts, "models"); i >= 0 && i+3 < len(parts) && parts[i+2] == "versions" {
		return parts[i+1], parts[i+3]
	}
	if rest, ok := strings.CutPrefix(ref, "azureml:"); ok && !strings.Contains(rest, "/") {
		name, version, _ = strings.Cut(rest, ":")
	}
	return name, version
}

// monitors reads the schedules of a workspace that start a monitor.
func (w *workspace) monitors(ctx context.Context) error {
	return each(ctx, "schedules of "+w.name, w.clients.NewSchedulesClient().NewListPager(w.group, w.name, &ml.SchedulesClientListOptions{ListViewType: pointer(ml.ScheduleListViewTypeAll)}),
		func(p ml.SchedulesClientListResponse) []*ml.Schedule { return p.Value },
		func(s *ml.Schedule) error {
			if s.Properties == nil {
				return w.book.Gap(connector.Gap{Kinds: []string{records.KindModelMonitor}, Scope: w.scope("workspace " + w.name + ", schedule " + str(s.Name)), Reason: connector.Malformed,
					Detail: "it has no properties"})
			}
			action, ok := s.Properties.Action.(*ml.CreateMonitorAction)
			if !ok || action.MonitorDefinition == nil {
				return nil // a schedule of something else
			}
			return w.monitor(s, action.MonitorDefinition)
		})
}

// monitor emits a monitor's schedule. Azure keeps its runs among all jobs,
// which are not read: LastRunAt stays empty, and that says nothing.
func (w *workspace) monitor(s *ml.Schedule, d *ml.MonitorDefinition) error {
	m := records.ModelMonitor{Schedule: records.Line(str(s.ID), 500), ScheduleStatus: "disabled", MonitorType: "data"}
	if value(s.Properties.IsEnabled) {
		m.ScheduleStatus = "enabled"
	}
	if t := d.MonitoringTarget; t != nil {
		m.Deployment = records.Line(str(t.DeploymentID)+str(t.ModelID), 500)
	}
	switch t := s.Properties.Trigger.(type) {
	case *ml.CronTrigger:
		m.ScheduleExpression = records.Line(str(t.Expression), 100)
	case *ml.RecurrenceTrigger:
		m.ScheduleExpression = fmt.Sprintf("every %d %s", value(t.Interval), strings.ToLower(str(t.Frequency)))
	}
	for _, signal := range d.Signals {
		switch signal.(type) {
		case *ml.PredictionDriftMonitoringSignal, *ml.FeatureAttributionDriftMonitoringSignal:
			m.MonitorType = "model"
		}
	}
	if m.Deployment == "" {
		m.Deployment = w.name
	}
	return w.book.Record(connector.Record{
		Kind: records.KindModelMonitor, Subject: connector.Subject{Type: "deployment", ID: m.Deployment}, Key: strings.ToLower(str(s.ID)), EventTime: timeOf(created(s.SystemData)), URL: w.portal(str(s.ID)),
	}, m)
}

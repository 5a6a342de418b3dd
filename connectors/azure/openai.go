package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	cs "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// account is an Azure AI account.
type account struct {
	*subscription
	clients *cs.ClientFactory
	id      string
	group   string
	name    string
	region  string
	tags    map[string]string

	guarded map[string][]string // deployments by content filter
	read    bool                // the deployments were listed
}

// accounts reads the subscription's accounts and what is in each.
func (s *subscription) accounts(ctx context.Context) error {
	clients, err := cs.NewClientFactory(s.id, s.s, s.s.options)
	if err != nil {
		return &callError{"accounts", err}
	}
	var regions []string
	err = each(ctx, "accounts", clients.NewAccountsClient().NewListPager(nil),
		func(p cs.AccountsClientListResponse) []*cs.Account { return p.Value },
		func(a *cs.Account) error {
			if region := strings.ToLower(str(a.Location)); region != "" && !slices.Contains(regions, region) && servesModels(a) {
				regions = append(regions, region)
			}
			return s.account(ctx, clients, a)
		})
	if err != nil {
		return err
	}
	slices.Sort(regions)
	for _, region := range regions {
		err := s.part(ctx, records.KindModelLifecycle, "models of "+region, permModels, func() error { return s.models(ctx, clients, region) })
		if err != nil {
			return err
		}
	}
	return nil
}

// accountKinds are those that are read of each account.
func accountKinds() []string {
	return []string{records.KindAIResource, records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation, records.KindGuardrail,
		records.KindInvocationLogging}
}

// servesModels reports whether an account can have model deployments.
func servesModels(a *cs.Account) bool {
	return strings.EqualFold(str(a.Kind), "OpenAI") || strings.EqualFold(str(a.Kind), "AIServices")
}

func (s *subscription) account(ctx context.Context, clients *cs.ClientFactory, in *cs.Account) error {
	a := &account{subscription: s, clients: clients, id: str(in.ID), name: str(in.Name), region: strings.ToLower(str(in.Location)), tags: tagsOf(in.Tags), guarded: map[string][]string{}}
	var err error
	if a.group, err = group(a.id); err != nil || a.name == "" {
		return s.book.Gap(connector.Gap{Kinds: accountKinds(), Scope: s.scope("account " + a.name),
			Reason: connector.Malformed, Detail: "it has no name, or no id that is one"})
	}
	var created *time.Time
	if in.SystemData != nil {
		created = in.SystemData.CreatedAt
	}
	if err := s.resource("cognitiveservices", str(in.Kind), a.id, a.name, a.region, in.Tags, created); err != nil {
		return err
	}
	if err := s.part(ctx, records.KindInvocationLogging, "account "+a.name+", logging", permDiagnostics, func() error { return a.logging(ctx) }); err != nil {
		return err
	}
	if !servesModels(in) {
		return nil
	}
	for _, kind := range []string{records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation, records.KindGuardrail} {
		if len(s.book.Wants(kind)) > 0 {
			return a.models(ctx)
		}
	}
	return nil
}

// models reads an account's deployments and content filters.
func (a *account) models(ctx context.Context) error {
	kinds := []string{records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation}
	err := a.deployments(ctx)
	a.read = err == nil
	for _, k := range kinds {
		if err := a.part(ctx, k, "account "+a.name+", deployments", permDeployments, func() error { return err }); err != nil {
			return err
		}
	}
	return a.part(ctx, records.KindGuardrail, "account "+a.name+", content filters", permPolicies, func() error { return a.policies(ctx) })
}

func (a *account) deployments(ctx context.Context) error {
	return each(ctx, "deployments of "+a.name, a.clients.NewDeploymentsClient().NewListPager(a.group, a.name, nil),
		func(p cs.DeploymentsClientListResponse) []*cs.Deployment { return p.Value },
		func(d *cs.Deployment) error {
			p := d.Properties
			if p == nil || p.Model == nil || str(d.ID) == "" || str(d.Name) == "" {
				return a.book.Gap(connector.Gap{Kinds: []string{records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation, records.KindGuardrail}, Scope: a.scope("account " + a.name + ", deployment " + str(d.Name)),
					Reason: connector.Malformed, Detail: "it names no model"})
			}
			if filter := str(p.RaiPolicyName); filter != "" {
				a.guarded[filter] = append(a.guarded[filter], a.name+"/"+str(d.Name))
			}
			return a.deployment(d)
		})
}

// deployment emits what one deployment serves and who may change that.
func (a *account) deployment(d *cs.Deployment) error {
	p, id := d.Properties, str(d.ID)
	subject := connector.Subject{Type: "deployment", ID: a.name + "/" + str(d.Name)}
	var created, updated time.Time
	var by string
	if d.SystemData != nil {
		created, updated, by = timeOf(d.SystemData.CreatedAt), timeOf(d.SystemData.LastModifiedAt), str(d.SystemData.LastModifiedBy)
	}
	tags := tagsOf(d.Tags)
	environment := tags[a.cfg.EnvironmentTag]
	if environment == "" {
		environment = a.tags[a.cfg.EnvironmentTag]
	}
	model, version := records.Line(str(p.Model.Name), 200), records.Line(str(p.Model.Version), 100)
	key := strings.ToLower(id)
	err := a.book.Record(connector.Record{Kind: records.KindDeploymentPolicy, Subject: subject, Key: key, URL: a.portal(id)}, records.DeploymentPolicy{
		Provider: "azure", Deployment: subject.ID, ModelName: model, ModelVersion: version, VersionUpgradeOption: str(p.VersionUpgradeOption),
		Guardrail: records.Line(str(p.RaiPolicyName), 200), Region: a.region, Account: a.subscription.id,
	})
	if err != nil {
		return err
	}
	err = a.book.Record(connector.Record{Kind: records.KindDeployment, Subject: subject, Key: key, EventTime: updated, URL: a.portal(id)}, records.Deployment{
		Platform: "azure_openai", EndpointID: subject.ID, Environment: environment, Region: a.region, CreatedAt: records.Stamp(created), UpdatedAt: records.Stamp(updated),
		Status: str(p.ProvisioningState), ConfigRef: records.Line(by, 200), ARNOrURI: records.Line(id, 500), Tags: tags,
		Variants: []records.Variant{{Name: records.Line(str(d.Name), 100), ModelRef: model, Model: model, Version: version, Weight: 1, Resolved: true,
			ModelPackageARN: registered(p.Model)}},
	})
	if err != nil {
		return err
	}
	return a.observed(d, subject, updated)
}

// registered names the model of one's own behind a deployment; a model of the
// catalogue has none.
func registered(m *cs.DeploymentModel) string {
	return records.Line(str(m.SourceAccount), 500)
}

// serving is what a deployment served when somebody last changed it, and what
// it has served since.
type serving struct {
	Asked   string    `json:"asked"`
	Changed time.Time `json:"changed"`
	Served  string    `json:"served"`
	Since   time.Time `json:"since"`
}

// observed compares the version that is served with the one that somebody last
// asked for: a version that changes while nobody changed the deployment was
// swapped by Azure.
func (a *account) observed(d *cs.Deployment, subject connector.Subject, updated time.Time) error {
	m := d.Properties.Model
	served := records.Line(strings.TrimSuffix(str(m.Name)+"-"+str(m.Version), "-"), 200)
	name := coverage.Memory("serving", strings.ToLower(str(d.ID)))
	var was serving
	known := a.book.Position(name, &was)
	switch {
	case !known || !updated.Equal(was.Changed):
		was = serving{Asked: served, Changed: updated, Served: served, Since: a.now}
		if !updated.IsZero() && !updated.After(a.now) {
			was.Since = updated
		}
	case served != was.Served:
		was.Served, was.Since = served, a.now
	}
	if err := a.book.Cursor(name, was); err != nil {
		return err
	}
	return a.book.Record(connector.Record{
		Kind: records.KindModelObservation, Subject: connector.Subject{Type: "model", ID: served}, EventTime: was.Since, URL: a.portal(str(d.ID)),
		Key: strings.ToLower(str(d.ID)) + "|" + was.Served + "|" + records.Stamp(was.Since),
	}, records.ModelObservation{
		Vendor: a.cfg.Vendor, RequestedModel: was.Asked, ServedModel: was.Served, ObservedAt: records.Stamp(was.Since), Source: "deployment_read",
		SystemID: a.cfg.Systems[subject.ID], Deployment: subject.ID,
	})
}

// policies reads an account's content filters.
func (a *account) policies(ctx context.Context) error {
	if !a.read {
		return fmt.Errorf("the deployments could not be read, so it is not known which filter is used")
	}
	return each(ctx, "content filters of "+a.name, a.clients.NewRaiPoliciesClient().NewListPager(a.group, a.name, nil),
		func(p cs.RaiPoliciesClientListResponse) []*cs.RaiPolicy { return p.Value },
		func(p *cs.RaiPolicy) error {
			name, id := str(p.Name), str(p.ID)
			g := records.Guardrail{
				Provider: "azure", GuardrailID: records.Line(id, 500), Name: records.Line(name, 200), Policies: map[string]json.RawMessage{},
				AttachedTo: slices.Sorted(slices.Values(append([]string{}, a.guarded[name]...))), Region: a.region, Account: a.subscription.id,
			}
			if g.AttachedTo == nil {
				g.AttachedTo = []string{}
			}
			var updated time.Time
			if p.SystemData != nil {
				updated = timeOf(p.SystemData.LastModifiedAt)
				g.CreatedAt, g.UpdatedAt = stamp(p.SystemData.CreatedAt), records.Stamp(updated)
			}
			if props := p.Properties; props != nil {
				g.Status = str(props.Mode)
				g.Version = str(props.Type)
				if err := filters(g.Policies, props); err != nil {
					return &callError{"content filter " + name, err}
				}
			}
			return a.book.Record(connector.Record{
				Kind: records.KindGuardrail, Subject: connector.Subject{Type: "deployment", ID: a.name}, Key: strings.ToLower(id), EventTime: updated, URL: a.portal(a.id),
			}, g)
		})
}

// filters writes what a policy filters, by name and side.
func filters(into map[string]json.RawMessage, p *cs.RaiPolicyProperties) error {
	for _, f := range p.ContentFilters {
		if f == nil {
			continue
		}
		raw, err := json.Marshal(map[string]any{
			"enabled": f.Enabled, "blocking": f.Blocking, "severity_threshold": str(f.SeverityThreshold), "source": str(f.Source),
		})
		if err != nil {
			return err
		}
		into[records.Line(str(f.Name)+" "+str(f.Source), 100)] = raw
	}
	var lists []string
	for _, b := range p.CustomBlocklists {
		if b != nil {
			lists = append(lists, records.Line(str(b.BlocklistName), 100))
		}
	}
	if len(lists) > 0 {
		slices.Sort(lists)
		raw, err := json.Marshal(lists)
		if err != nil {
			return err
		}
		into["blocklists"] = raw
	}
	return nil
}

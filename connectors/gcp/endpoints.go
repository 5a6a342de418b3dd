package gcp

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

type endpoint struct {
	Name     string             `json:"name"`
	Display  string             `json:"displayName"`
	Labels   map[string]string  `json:"labels"`
	Created  string             `json:"createTime"`
	Updated  string             `json:"updateTime"`
	Split    map[string]float64 `json:"trafficSplit"`
	Deployed []deployed         `json:"deployedModels"`
	Logging  *struct {
		Enabled     bool    `json:"enabled"`
		Sampling    float64 `json:"samplingRate"`
		Destination struct {
			URI string `json:"outputUri"`
		} `json:"bigqueryDestination"`
	} `json:"predictRequestResponseLoggingConfig"`
}

type deployed struct {
	ID        string `json:"id"`
	Model     string `json:"model"`
	Version   string `json:"modelVersionId"`
	Display   string `json:"displayName"`
	Dedicated struct {
		Min int64 `json:"minReplicaCount"`
	} `json:"dedicatedResources"`
	Automatic struct {
		Min int64 `json:"minReplicaCount"`
	} `json:"automaticResources"`
}

// endpoints reads what serves, and whether it logs.
func (p *place) endpoints(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/endpoints", "endpoints", func(e endpoint) error {
		kinds := []string{records.KindDeployment, records.KindInvocationLogging, records.KindAIResource}
		created, err := records.Moment(e.Created)
		updated, err2 := records.Moment(e.Updated)
		if e.Name == "" || err != nil || err2 != nil {
			return p.unfit(kinds, "endpoint "+e.Name, fmt.Errorf("it has no name, or no time that is one"))
		}
		if err := p.resource("endpoint", e.Name, e.Display, e.Labels, e.Created); err != nil {
			return err
		}
		subject := connector.Subject{Type: "deployment", ID: last(e.Name) + "@" + p.location}
		url := p.console("endpoints/" + last(e.Name))
		d := records.Deployment{
			Platform: "vertex", EndpointID: last(e.Name), Environment: records.Line(e.Labels[p.cfg.EnvironmentLabel], 100), Region: p.location,
			Variants: p.variants(e), CreatedAt: records.Stamp(created), UpdatedAt: records.Stamp(updated), ARNOrURI: records.Line(e.Name, 500), Tags: labels(e.Labels),
		}
		if len(d.Variants) == 0 {
			d.Status = "empty"
		}
		logging := records.InvocationLogging{
			Provider: "gcp", Account: p.project, Region: p.location, Resource: records.Line(e.Name, 500), Destinations: []string{}, ContentTypes: []string{},
		}
		if l := e.Logging; l != nil && l.Enabled {
			logging.Enabled, d.DataCapture = true, "enabled"
			logging.ContentTypes = []string{fmt.Sprintf("requests and responses, a share of %g", l.Sampling)}
			if l.Destination.URI != "" {
				logging.Destinations = append(logging.Destinations, records.Line(l.Destination.URI, 300))
			}
		} else {
			d.DataCapture = "disabled" // the configuration is there or not: absent means off
		}
		if err := p.book.Record(connector.Record{Kind: records.KindDeployment, Subject: subject, Key: e.Name, EventTime: updated, URL: url}, d); err != nil {
			return err
		}
		return p.book.Record(connector.Record{Kind: records.KindInvocationLogging, Subject: subject, Key: e.Name, URL: url}, logging)
	})
}

// variants are the models behind an endpoint, in a fixed order. A share that
// is not given is none.
func (p *place) variants(e endpoint) []records.Variant {
	out := []records.Variant{}
	for _, d := range e.Deployed {
		v := records.Variant{
			Name: records.Line(d.ID, 100), ModelRef: records.Line(d.Model, 500), Model: model{Name: d.Model}.id(), Version: records.Line(d.Version, 100),
			Weight: e.Split[d.ID], InstanceCount: max(d.Dedicated.Min, d.Automatic.Min), Resolved: d.Model != "",
		}
		if v.Model != "" && v.Version != "" {
			v.ModelPackageARN = p.versionOf(e, d, v.Model)
		}
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// versionOf names the registered version behind an endpoint: as the registry
// here does, unless it is in that of another project or location.
func (p *place) versionOf(e endpoint, d deployed, id string) string {
	home, _, _ := strings.Cut(e.Name, "/endpoints/")
	if from, _, ok := strings.Cut(d.Model, "/models/"); ok && from != home && from != "projects/"+p.project+"/locations/"+p.location {
		return records.Line(from+"/models/"+id+"@"+d.Version, 500)
	}
	return p.versionName(id, d.Version)
}

// resource emits an entry of the inventory.
func (p *place) resource(kind, name, display string, tags map[string]string, created string) error {
	at, err := records.Moment(created)
	if err != nil || name == "" {
		return p.unfit([]string{records.KindAIResource}, kind+" "+name, fmt.Errorf("it has no name, or no time that is one"))
	}
	return p.book.Record(connector.Record{
		Kind: records.KindAIResource, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: name,
	}, records.AIResource{
		Provider: "gcp", Account: p.project, Region: p.location, Service: "aiplatform", ResourceType: kind, ResourceID: records.Line(name, 500),
		Name: records.Line(display, 200), Tags: labels(tags), CreatedAt: records.Stamp(at), OwnerTag: records.Line(tags[p.cfg.OwnerLabel], 200),
	})
}

// named is a resource of which only the inventory tells.
type named struct {
	Name    string            `json:"name"`
	Display string            `json:"displayName"`
	Labels  map[string]string `json:"labels"`
	Created string            `json:"createTime"`
}

func (p *place) agents(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/reasoningEngines", "reasoningEngines", func(n named) error {
		return p.resource("agent", n.Name, n.Display, n.Labels, n.Created)
	})
}

func (p *place) notebooks(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/notebookRuntimes", "notebookRuntimes", func(n named) error {
		return p.resource("notebook runtime", n.Name, n.Display, n.Labels, n.Created)
	})
}

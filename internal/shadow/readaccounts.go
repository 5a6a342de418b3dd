package shadow

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// What the rule on the completeness of the register counts, and so do cases.
var (
	unusedKeys    = []string{"inactive", "revoked", "archived", "expired"}
	resourceTypes = []string{"endpoint", "marketplace-endpoint", "notebook", "notebook-instance", "notebook runtime", "training-job",
		"provisioned-throughput", "provisioned-capacity", "agent", "agent-version", "flow-version", "knowledge-base", "OpenAI", "AIServices"}
	endedStates = []string{"Completed", "Stopped", "Failed", "Deleting", "Deleted"}
	systemTags  = []string{"ai-system", "ai_system", "ai-system-id"}
)

// accountPlace is a project of a vendor, or a key where there is no project.
func accountPlace(vendor, project, key string) place {
	name := or(project, key)
	if name == "" {
		name = vendor // calls that nothing ties to a project or a key
	}
	return place{typ: VendorProject, key: name, vendor: lower(vendor), ref: name}
}

func (r *reader) key(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Vendor  string `json:"vendor"`
		Key     string `json:"key_id"`
		Name    string `json:"name"`
		Type    string `json:"key_type"`
		Project string `json:"project_or_workspace"`
		Owner   string `json:"owner"`
		Status  string `json:"status"`
		Created moment `json:"created_at"`
		Used    moment `json:"last_used_at"`
	}](ev)
	if err != nil || v.Vendor == "" || v.Key == "" {
		return err
	}
	r.seen.vendor(v.Vendor, ev.Source)
	if v.Type == "admin" {
		return nil // can call no model
	}
	p := r.product(v.Vendor, "")
	says := "key " + or(v.Name, v.Key) + " of " + p.title()
	s := sign{place: accountPlace(v.Vendor, v.Project, v.Key), product: p, confidence: Declared, says: says, name: "key " + or(v.Name, v.Key),
		since: v.Created.Time, last: v.Used.Time, standing: true, refs: []string{v.Key, v.Name}, project: v.Project,
		hints: []hint{{who: v.Owner, from: FromKey, at: v.Created.Time}}}
	if slices.Contains(unusedKeys, v.Status) {
		s.ended = "the key is " + v.Status
	}
	r.put(ev, s)
	return nil
}

func (r *reader) calls(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Vendor   string `json:"vendor"`
		Project  string `json:"project_or_workspace"`
		Key      string `json:"api_key_id"`
		Model    string `json:"model"`
		Day      moment `json:"day"`
		Requests *int64 `json:"requests"`
		Tokens   *int64 `json:"tokens"`
	}](ev)
	if err != nil || v.Vendor == "" {
		return err
	}
	r.seen.vendor(v.Vendor, ev.Source)
	counted := v.Requests != nil || v.Tokens != nil
	if counted && (v.Requests == nil || *v.Requests <= 0) && (v.Tokens == nil || *v.Tokens <= 0) {
		return nil
	}
	p := r.product(v.Vendor, "")
	r.put(ev, sign{place: accountPlace(v.Vendor, v.Project, v.Key), product: p, confidence: Declared, says: "calls to " + p.title(),
		since: v.Day.Time, last: or(v.Day.Time, ev.CollectedAt), models: []string{v.Model}, refs: []string{v.Key}, project: v.Project})
	return nil
}

// project only names a project: that it exists is no use.
func (r *reader) project(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Vendor  string `json:"vendor"`
		Project string `json:"project_id"`
		Name    string `json:"name"`
		Created moment `json:"created_at"`
	}](ev)
	if err != nil || v.Vendor == "" || v.Project == "" {
		return err
	}
	r.seen.vendor(v.Vendor, ev.Source)
	p := r.product(v.Vendor, "")
	r.put(ev, sign{place: accountPlace(v.Vendor, v.Project, ""), product: p, confidence: Declared, says: "project " + or(v.Name, v.Project) + " of " + p.title(),
		name: "project " + or(v.Name, v.Project), since: v.Created.Time, standing: true, weak: true, refs: []string{v.Name}, project: v.Project})
	return nil
}

// cloudProducts are the signatures of clouds' services, by what inventories
// call cloud and service.
var cloudProducts = []struct{ provider, service, id string }{
	{"aws", "bedrock", "aws-bedrock"}, {"aws", "sagemaker", "aws-sagemaker"}, {"bedrock", "", "aws-bedrock"}, {"sagemaker", "", "aws-sagemaker"},
	{"aws", "", "aws-ai-services"}, {"gcp", "", "google-vertex"}, {"vertex", "", "google-vertex"},
	{"azure", "machinelearning", "azure-ml"}, {"azure", "openai", "azure-openai"}, {"azure", "", "azure-ai-services"}, {"azure_ml", "", "azure-ml"},
}

func (r *reader) cloudProduct(provider, service, typ string) product {
	provider, service = lower(provider), lower(service)+" "+lower(typ)
	for _, c := range cloudProducts {
		if c.provider == provider && strings.Contains(service, c.service) {
			return r.product(c.id, "")
		}
	}
	return r.product(provider, "")
}

func resourcePlace(id string) place { return place{typ: CloudResource, key: id, ref: id} }

func (r *reader) resource(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Provider string            `json:"provider"`
		Account  string            `json:"account"`
		Service  string            `json:"service"`
		Type     string            `json:"resource_type"`
		ID       string            `json:"resource_id"`
		Name     string            `json:"name"`
		Tags     map[string]string `json:"tags"`
		Owner    string            `json:"owner_tag"`
		Status   string            `json:"status"`
		Created  moment            `json:"created_at"`
		More     map[string]string `json:"attributes"`
	}](ev)
	if err != nil || v.ID == "" {
		return err
	}
	if ev.GoneAt.IsZero() {
		r.seen.account(v.Provider, v.Account, ev.Source)
	}
	if !slices.Contains(resourceTypes, v.Type) {
		return nil
	}
	p := r.cloudProduct(v.Provider, v.Service, v.Type)
	s := sign{place: resourcePlace(v.ID), product: p, confidence: Declared, says: v.Type + " " + or(v.Name, v.ID), name: v.Type + " " + or(v.Name, v.ID),
		since: v.Created.Time, standing: true, refs: []string{v.Name}, tags: v.Tags, models: []string{v.More["model"]},
		hints: []hint{{who: v.Owner, from: FromTag}, {who: or(v.More["created_by"], v.More["creator"]), from: FromCreator, at: v.Created.Time}}}
	for _, t := range []string{"owner", "Owner", "team"} {
		s.hints = append(s.hints, hint{who: v.Tags[t], from: FromTag})
	}
	if slices.Contains(endedStates, v.Status) {
		s.ended = "it is " + v.Status
	}
	r.put(ev, s)
	return nil
}

func (r *reader) deployment(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Platform string            `json:"platform"`
		Endpoint string            `json:"endpoint_id"`
		URI      string            `json:"arn_or_uri"`
		Status   string            `json:"status"`
		Created  moment            `json:"created_at"`
		Tags     map[string]string `json:"tags"`
		Variants []struct {
			Model string `json:"model"`
			Ref   string `json:"model_ref"`
		} `json:"variants"`
	}](ev)
	if err != nil || v.Endpoint == "" {
		return err
	}
	where := resourcePlace(or(v.URI, v.Endpoint))
	where.ref = v.Endpoint // as the rules name it
	s := sign{place: where, product: r.cloudProduct(v.Platform, "", ""), confidence: Declared, says: "endpoint " + v.Endpoint,
		name: "endpoint " + v.Endpoint, since: v.Created.Time, standing: true, refs: []string{v.Endpoint, v.URI}, tags: v.Tags}
	for _, m := range v.Variants {
		s.models = append(s.models, or(m.Model, m.Ref))
	}
	if slices.Contains(endedStates, v.Status) {
		s.ended = "it is " + v.Status
	}
	r.put(ev, s)
	return nil
}

// logs are the audit logs of clouds, by what their records call the cloud.
var logs = map[string]string{"aws": "cloudtrail", "azure": "azure-activity", "gcp": "gcp-audit"}

// auditEvent counts what invokes a model: a catalogue of models that somebody
// looked at is no use.
func (r *reader) auditEvent(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Provider  string                     `json:"provider"`
		Name      string                     `json:"event_name"`
		Source    string                     `json:"event_source"`
		Principal string                     `json:"principal"`
		Resource  string                     `json:"resource"`
		Account   string                     `json:"account"`
		At        moment                     `json:"event_time"`
		Params    map[string]json.RawMessage `json:"request_params"`
	}](ev)
	if err != nil {
		return err
	}
	if ev.GoneAt.IsZero() {
		r.seen.account(v.Provider, v.Account, ev.Source)
	}
	log := or(logs[lower(v.Provider)], v.Provider)
	found := r.in.Signs.CloudEvent(log, v.Source, v.Name)
	if len(found) == 0 {
		return nil
	}
	p, who := productOf(found[0]), caller(v.Principal)
	where := place{typ: CloudResource, key: v.Account + "|" + who, vendor: plain(p.vendor), ref: or(who, v.Account)}
	s := sign{place: where, product: p, confidence: Declared, says: v.Name + " by " + or(who, "somebody"), name: "calls by " + or(who, v.Account),
		since: v.At.Time, last: or(v.At.Time, ev.CollectedAt), refs: []string{who, v.Principal, v.Resource, roleOf(who)},
		hints: []hint{{who: who, from: FromCreator}}, weak: found[0].IsWeak()}
	for _, name := range []string{"modelId", "model", "modelArn"} {
		var model string
		if json.Unmarshal(v.Params[name], &model) == nil {
			s.models, s.refs = append(s.models, model), append(s.refs, model)
		}
	}
	r.put(ev, s)
	return nil
}

// caller is a principal without its session: one role that assumes itself anew
// every hour is one caller.
func caller(principal string) string {
	if head, tail, ok := strings.Cut(principal, ":assumed-role/"); ok {
		role, _, _ := strings.Cut(tail, "/")
		return head + ":assumed-role/" + role
	}
	return principal
}

// roleOf is how registers like to write the caller: role/name.
func roleOf(who string) string {
	if _, role, ok := strings.Cut(who, ":assumed-role/"); ok {
		return "role/" + role
	}
	return ""
}

package mlbom

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Source is where the records come from: those of the kinds in force at the
// snapshot's as-of, with payloads.
type Source interface {
	InForce(ctx context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error]
}

// Kinds of record that the inventory is made from.
var kinds = []string{
	"cloud.guardrail", "code.model_reference", "code.prompt_asset", "data.acquisition_record", "data.datasheet", "evaluation.run",
	"inventory.ai_system", "inventory.dataset", "inventory.tooling", "model_registry.approval", "model_registry.deployment",
	"model_registry.lineage", "model_registry.model", "model_registry.model_card", "model_registry.model_version", "oversight.rule",
	"vendor.assessment", "vendor.contract_terms", "vendor.data_controls", "vendor.model_lifecycle", "vendor.model_observation",
	"vendor.record",
}

// of is a record's payload with the evidence that it is from.
type of[T any] struct {
	Payload T
	Digest  evidence.Digest
	At      time.Time // event time; zero where the kind has none
}

type systemRecord struct {
	ID             string    `json:"system_id"`
	Name           string    `json:"name"`
	Purpose        string    `json:"purpose"`
	Owner          string    `json:"owner"`
	Deputy         string    `json:"deputy"`
	Tier           string    `json:"risk_tier"`
	TierReason     string    `json:"tier_reason"`
	Role           string    `json:"ai_role"`
	Stage          string    `json:"stage"`
	Version        string    `json:"version"`
	Users          string    `json:"users"`
	Models         []string  `json:"models"`
	Vendors        []string  `json:"vendors"`
	Datasets       []string  `json:"datasets"`
	CloudRefs      []string  `json:"cloud_refs"`
	Repos          []string  `json:"repos"`
	ExcludedUses   []string  `json:"excluded_uses"`
	AffectedGroups []string  `json:"affected_groups"`
	InScope        *bool     `json:"in_scope"`
	Generative     *bool     `json:"generative"`
	CustomerFacing *bool     `json:"customer_facing"`
	GoLive         time.Time `json:"go_live"`
	Retired        time.Time `json:"retired_at"`
	Reviewed       time.Time `json:"reviewed_at"`
	Repositories   []struct {
		Name string `json:"name"`
	} `json:"repositories"`
}

// repositories are the names of them all.
func (r systemRecord) repositories() []string {
	out := slices.Clone(r.Repos)
	for _, repo := range r.Repositories {
		out = append(out, repo.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type oversightRule struct {
	System   string `json:"system_id"`
	Version  string `json:"version"`
	Class    string `json:"decision_class"`
	Override string `json:"override_rights"`
	Review   struct {
		Level string   `json:"level"`
		Who   string   `json:"who"`
		When  string   `json:"when"`
		Share *float64 `json:"share"`
	} `json:"required_review"`
	ApprovedAt time.Time `json:"approved_at"`
}

type registryModel struct {
	Registry    string    `json:"registry"`
	Name        string    `json:"name"`
	ID          string    `json:"id"`
	Owner       string    `json:"owner"`
	Description string    `json:"description"`
	Visibility  string    `json:"visibility"`
	Licence     string    `json:"licence"`
	Gated       string    `json:"gated"`
	CreatedAt   time.Time `json:"created_at"`
}

type modelVersion struct {
	Registry    string    `json:"registry"`
	Model       string    `json:"model"`
	Version     string    `json:"version"`
	URI         string    `json:"arn_or_uri"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
	ArtifactSum string    `json:"artifact_digest"`
	Stage       string    `json:"stage_or_alias"`
	Aliases     []string  `json:"aliases"`
	Framework   string    `json:"framework"`
	BaseModel   string    `json:"base_model"`
	Revision    string    `json:"revision_sha"`
	Status      string    `json:"status"`
	Formats     []string  `json:"formats"`
	Datasets    []string  `json:"datasets"`
}

type approval struct {
	Registry  string    `json:"registry"`
	Model     string    `json:"model"`
	Version   string    `json:"version"`
	Status    string    `json:"approval_status"`
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
}

type deployment struct {
	Platform    string    `json:"platform"`
	Endpoint    string    `json:"endpoint_id"`
	Environment string    `json:"environment"`
	Region      string    `json:"region"`
	Status      string    `json:"status"`
	URI         string    `json:"arn_or_uri"`
	UpdatedAt   time.Time `json:"updated_at"`
	Variants    []struct {
		Name     string `json:"name"`
		Ref      string `json:"model_ref"`
		Package  string `json:"model_package_arn"`
		Model    string `json:"model"`
		Version  string `json:"version"`
		Shadow   bool   `json:"shadow"`
		Resolved *bool  `json:"resolved"`
	} `json:"variants"`
}

type lineage struct {
	Run      string   `json:"run_id"`
	Registry string   `json:"registry"`
	Model    string   `json:"model"`
	Version  string   `json:"model_version"`
	Datasets []string `json:"dataset_versions"`
	Commit   string   `json:"code_commit"`
}

type modelCard struct {
	Registry string                     `json:"registry"`
	Model    string                     `json:"model"`
	Version  string                     `json:"model_version"`
	Name     string                     `json:"name"`
	Card     string                     `json:"version"`
	Status   string                     `json:"status"`
	Updated  time.Time                  `json:"updated_at"`
	Sections map[string]json.RawMessage `json:"sections"`
}

type evaluation struct {
	ID         string                     `json:"run_id"`
	System     string                     `json:"system_id"`
	Subject    string                     `json:"subject_ref"`
	Dataset    string                     `json:"dataset_version"`
	Metrics    map[string]json.RawMessage `json:"metrics"`
	Passed     *bool                      `json:"passed"`
	FinishedAt time.Time                  `json:"finished_at"`
}

type dataset struct {
	ID       string   `json:"dataset_id"`
	Systems  []string `json:"system_ids"`
	Category string   `json:"category"`
	Location string   `json:"location"`
	Owner    string   `json:"owner"`
	Personal *bool    `json:"personal_data"`
	Kept     string   `json:"retention"`
}

type datasheet struct {
	ID                 string    `json:"dataset_id"`
	Version            string    `json:"version"`
	Motivation         string    `json:"motivation"`
	Composition        string    `json:"composition"`
	Collection         string    `json:"collection"`
	Representativeness string    `json:"representativeness"`
	Limits             string    `json:"limits"`
	Privacy            string    `json:"privacy"`
	ApprovedBy         string    `json:"approved_by"`
	ApprovedAt         time.Time `json:"approved_at"`
}

type acquisition struct {
	ID         string    `json:"dataset_id"`
	Source     string    `json:"source"`
	Rights     string    `json:"rights_or_licence"`
	Basis      string    `json:"legal_basis"`
	AcquiredAt time.Time `json:"acquired_at"`
}

type vendorRecord struct {
	ID          string   `json:"vendor_id"`
	Name        string   `json:"legal_name"`
	Services    []string `json:"services"`
	Criticality string   `json:"criticality"`
	Owner       string   `json:"owner"`
	Systems     []string `json:"systems"`
	DataClasses []string `json:"data_classes"`
	Contract    string   `json:"contract_ref"`
}

type contractTerms struct {
	Vendor    string    `json:"vendor_id"`
	Version   string    `json:"version"`
	Effective time.Time `json:"effective_at"`
	OptOut    *bool     `json:"agreed_training_opt_out"`
	Days      *int      `json:"agreed_retention_days"`
}

type dataControls struct {
	Vendor  string `json:"vendor"`
	Project string `json:"org_or_project"`
	OptOut  *bool  `json:"training_opt_out"`
	Days    *int   `json:"retention_days"`
	ZDR     *bool  `json:"zdr"`
	Region  string `json:"region"`
}

type vendorAssessment struct {
	Vendor     string    `json:"vendor_id"`
	Result     string    `json:"result"`
	ApprovedBy string    `json:"approved_by"`
	ApprovedAt time.Time `json:"approved_at"`
}

type lifecycle struct {
	Vendor      string    `json:"vendor"`
	Model       string    `json:"model_id"`
	Status      string    `json:"status"`
	Shutdown    time.Time `json:"shutdown_at"`
	NotBefore   time.Time `json:"shutdown_not_before"`
	Replacement string    `json:"replacement"`
	Region      string    `json:"region"`
}

type observation struct {
	Vendor    string    `json:"vendor"`
	Requested string    `json:"requested_model"`
	Served    string    `json:"served_model"`
	At        time.Time `json:"observed_at"`
	System    string    `json:"system_id"`
}

type modelReference struct {
	Repo     string `json:"repo"`
	Path     string `json:"path"`
	Model    string `json:"model_ref"`
	Provider string `json:"provider"`
	Pin      string `json:"pin_type"`
}

type promptAsset struct {
	Repo  string `json:"repo"`
	Path  string `json:"path"`
	Sum   string `json:"sha256"`
	Kind  string `json:"kind"`
	Owner string `json:"owner"`
}

type guardrail struct {
	Provider string    `json:"provider"`
	ID       string    `json:"guardrail_id"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Status   string    `json:"status"`
	Attached []string  `json:"attached_to"`
	Updated  time.Time `json:"updated_at"`
}

type tooling struct {
	System    string `json:"system_id"`
	Component string `json:"component"`
	Version   string `json:"version"`
	Licence   string `json:"licence"`
	Source    string `json:"source"`
	Type      string `json:"type"`
}

// records are those in force, by kind, in order of key.
type records struct {
	byKind map[string][]evidence.Evidence
	hidden []evidence.Digest // the payload was erased, or is not shown to this reader
	broken []evidence.Digest // the payload is not of the form that its kind has
}

// read takes what is in force, but for kinds that are hidden.
func read(ctx context.Context, src Source, hidden func(kind string) bool) (*records, error) {
	r := &records{byKind: map[string][]evidence.Evidence{}}
	for ev, err := range src.InForce(ctx, kinds...) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("inventory: %w", err)
		case ev.Payload == nil || hidden(ev.Kind):
			r.hidden = append(r.hidden, ev.Digest)
		default:
			r.byKind[ev.Kind] = append(r.byKind[ev.Kind], ev)
		}
	}
	for _, list := range r.byKind {
		slices.SortFunc(list, func(a, b evidence.Evidence) int {
			return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Digest.String(), b.Digest.String()))
		})
	}
	return r, nil
}

// named is a payload that says what it is about.
type named interface{ about() string }

func (r systemRecord) about() string     { return r.ID }
func (r oversightRule) about() string    { return r.System }
func (r registryModel) about() string    { return r.Name }
func (r modelVersion) about() string     { return r.Model }
func (r approval) about() string         { return r.Model }
func (r deployment) about() string       { return r.Endpoint }
func (r lineage) about() string          { return r.Run }
func (r modelCard) about() string        { return r.Version }
func (r evaluation) about() string       { return r.ID }
func (r dataset) about() string          { return r.ID }
func (r datasheet) about() string        { return r.ID }
func (r acquisition) about() string      { return r.ID }
func (r vendorRecord) about() string     { return r.ID }
func (r contractTerms) about() string    { return r.Vendor }
func (r dataControls) about() string     { return r.Vendor }
func (r vendorAssessment) about() string { return r.Vendor }
func (r lifecycle) about() string        { return r.Model }
func (r observation) about() string      { return r.Requested + r.Served }
func (r modelReference) about() string   { return r.Model }
func (r promptAsset) about() string      { return r.Path }
func (r guardrail) about() string        { return r.ID }
func (r tooling) about() string          { return r.Component }

// list decodes the records of a kind. One that does not say what it is about
// is of no use.
func list[T named](r *records, kind string) []of[T] {
	var out []of[T]
	for _, ev := range r.byKind[kind] {
		p := of[T]{Digest: ev.Digest, At: ev.EventTime}
		if err := json.Unmarshal(ev.Payload, &p.Payload); err != nil || strings.TrimSpace(p.Payload.about()) == "" {
			r.broken = append(r.broken, ev.Digest)
			continue
		}
		out = append(out, p)
	}
	return out
}

// newest returns, by name, the record with the latest time that is not after
// the as-of; of equal ones the last. Records without a name are left out.
func newest[T any](list []of[T], asOf time.Time, name func(T) string, at func(T) time.Time) map[string]of[T] {
	out := map[string]of[T]{}
	for _, r := range list {
		n, t := name(r.Payload), at(r.Payload)
		if strings.TrimSpace(n) == "" || t.After(asOf) {
			continue
		}
		if old, ok := out[n]; !ok || !t.Before(at(old.Payload)) {
			out[n] = r
		}
	}
	return out
}

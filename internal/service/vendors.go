package service

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Vendors is who supplies AI, and which models.
type Vendors struct {
	List     []Vendor      // by id
	Unplaced []VendorModel // models of the register that no vendor is known to serve
}

// Vendor returns the vendor with an id.
func (l *Vendors) Vendor(id string) (*Vendor, error) {
	var known []string
	for i := range l.List {
		if l.List[i].ID == id {
			return &l.List[i], nil
		}
		known = append(known, l.List[i].ID)
	}
	return nil, notFound(id, known, "known: "+firstFew(known, 20), "no record speaks of a vendor %q", id)
}

// Vendor is who supplies AI, as one view knows them.
type Vendor struct {
	ID, Name    string
	Services    []string
	Criticality string
	Owner       string
	Systems     []string // ids of the AI systems that have to do with them
	Control     string   // what was decided on how they are kept under control
	DecidedBy   string
	DecidedAt   time.Time
	Digest      evidence.Digest // of the vendor's record; zero: none is there

	Assessed *VendorAssessment // the newest
	Terms    *VendorTerms      // those agreed that took effect last
	Models   []VendorModel     // by name, those in use first
	Changes  []VendorChange    // the newest first, no more than KeptChanges
	Older    int               // changes that are not kept
	Open     int               // incidents that the vendor has not resolved
}

// VendorAssessment is a dated judgement on a vendor.
type VendorAssessment struct {
	At, NextDue  time.Time
	By, Result   string
	Topics, Left []string // dealt with, and not
	Digest       evidence.Digest
}

// VendorTerms are terms that were agreed.
type VendorTerms struct {
	Document, Version string
	Effective         time.Time
	Digest            evidence.Digest
}

// VendorModel is one model of a vendor.
type VendorModel struct {
	Vendor, Name string
	Systems      []string // ids of AI systems that use it
	Uses         []string // by what its use is known, in words
	Served       []ServedModel
	Moving       bool // code asks for a name that the vendor moves
	Pinned       bool // all code asks for a version that stays

	Status      string // what the vendor announced last; empty: nothing
	Announced   time.Time
	Shutdown    time.Time
	NotBefore   time.Time // the vendor promises no more than that it does not end earlier
	Replacement string
	Region      string
	Digest      evidence.Digest // of the announcement
	Migration   *assess.Result  // whether the migration is planned, if it has to be
}

// InUse reports whether something says that the model is used.
func (m *VendorModel) InUse() bool { return len(m.Uses) > 0 }

// ServedModel is what a vendor answered with, and when that was seen first and
// last.
type ServedModel struct {
	Name, System string
	First, Last  time.Time
	Digest       evidence.Digest // of the first
}

// VendorChange is something that a vendor changed, announced or suffered.
type VendorChange struct {
	At     time.Time
	What   string // record, assessment, terms, model, lifecycle, page, incident
	Model  string
	Text   string
	URL    string
	Digest evidence.Digest
}

// KeptChanges bounds the changes that are kept of a vendor.
const KeptChanges = 200

// VendorTopics are what an assessment of a vendor has to deal with.
func VendorTopics() []string {
	return []string{"model_updates", "data_usage_terms", "output_logging", "security", "service_continuity"}
}

// vendorKinds are what Vendors reads.
func vendorKinds() []string {
	return []string{"inventory.ai_system", "vendor.record", "vendor.assessment", "vendor.contract_terms", "vendor.model_lifecycle",
		"vendor.model_observation", "vendor.terms_revision", "vendor.incident", "code.model_reference"}
}

// slugMigration is the expectation that a model about to end has a plan.
const slugMigration = "vendor-retirement-planned"

// Vendors joins what the records of a view say of vendors and their models, by
// id of the vendor. It reads the newest revision of each key once and keeps what
// it shows; records that are broken say nothing here, the results say so.
func (s *Service) Vendors(ctx context.Context, v *View) (Vendors, error) {
	b := &vendorBook{asOf: v.Assessment.AsOf, by: map[string]*vendorDraft{}, plans: map[string]*assess.Result{}, unplaced: map[string]*VendorModel{}}
	for _, r := range v.Assessment.Results {
		if r.Expectation == slugMigration {
			b.plans[r.Subject.ID] = r
		}
	}
	for ev, err := range s.inForce(ctx, v, vendorKinds()...) {
		if err != nil {
			return Vendors{}, err
		}
		b.take(&ev)
	}
	return b.vendors(), nil
}

// inForce yields the newest revision of each key that was read by the instant of
// a view and was still there then, with its payload.
func (s *Service) inForce(ctx context.Context, v *View, kinds ...string) func(func(evidence.Evidence, error) bool) {
	at := v.Assessment.AsOf
	there := func(ev *evidence.Evidence) bool {
		return len(ev.Payload) > 0 && !ev.CollectedAt.After(at) && (ev.GoneAt.IsZero() || ev.GoneAt.After(at))
	}
	q := store.EvidenceQuery{Kinds: kinds, Before: v.Assessment.Checkpoint.Size, Latest: !v.Past, Payloads: true}
	return func(yield func(evidence.Evidence, error) bool) {
		type name struct{ source, kind, key string }
		newest := map[name]evidence.Evidence{}
		for ev, err := range s.store.Evidence(ctx, q) {
			switch {
			case err != nil:
				yield(ev, err)
				return
			case q.Latest:
				if there(&ev) && !yield(ev, nil) {
					return
				}
			case !ev.CollectedAt.After(at):
				newest[name{ev.Source, ev.Kind, ev.Key}] = ev
			}
		}
		for _, ev := range newest {
			if there(&ev) && !yield(ev, nil) {
				return
			}
		}
	}
}

// vendorBook is what is known of vendors while it is read.
type vendorBook struct {
	asOf    time.Time
	by      map[string]*vendorDraft
	plans   map[string]*assess.Result // by model
	systems []vendorUser
	code    []modelInCode

	unplaced map[string]*VendorModel
}

// vendorDraft is a vendor while records are read.
type vendorDraft struct {
	Vendor
	event  time.Time // of the record
	models map[string]*VendorModel
	served map[[3]string]*ServedModel // by system, model that was asked for, model that was served
}

// vendorUser is what an AI system of the register says of whom it uses.
type vendorUser struct {
	ID      string    `json:"system_id"`
	Vendors []string  `json:"vendors"`
	Models  []string  `json:"models"`
	Retired vendorDay `json:"retired_at"`
}

// modelInCode is a model that code asks for.
type modelInCode struct {
	Model    string `json:"model_ref"`
	Provider string `json:"provider"`
	Pin      string `json:"pin_type"`
}

// vendorDay is an instant or a day in a payload; what is neither is nothing.
type vendorDay struct{ time.Time }

// UnmarshalJSON reads RFC 3339 or a day.
func (d *vendorDay) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil //nolint:nilerr // what is no text is no time either
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			d.Time = at.UTC()
		}
	}
	return nil
}

// vendorFields are the fields of all records about vendors that are shown.
type vendorFields struct {
	VendorID    string   `json:"vendor_id"`
	Vendor      string   `json:"vendor"`
	Name        string   `json:"legal_name"`
	Services    []string `json:"services"`
	Criticality string   `json:"criticality"`
	Owner       string   `json:"owner"`
	Systems     []string `json:"systems"`
	Control     string   `json:"control_decision"`
	DecidedBy   string   `json:"decided_by"`

	Topics     map[string]json.RawMessage `json:"topics"`
	Result     string                     `json:"result"`
	ApprovedBy string                     `json:"approved_by"`
	Document   string                     `json:"doc_sha256"`
	Version    string                     `json:"version"`

	Model       string `json:"model_id"`
	Status      string `json:"status"`
	Replacement string `json:"replacement"`
	Region      string `json:"region"`
	SourceURL   string `json:"source_url"`
	Requested   string `json:"requested_model"`
	Served      string `json:"served_model"`
	System      string `json:"system_id"`

	URL      string `json:"url"`
	Page     string `json:"page_type"`
	Previous string `json:"previous_sha256"`
	Diff     string `json:"diff_summary"`
	Incident string `json:"incident_id"`
	Title    string `json:"name"`
	Impact   string `json:"impact"`

	DecidedAt  vendorDay `json:"decided_at"`
	ApprovedAt vendorDay `json:"approved_at"`
	NextDue    vendorDay `json:"next_due"`
	Effective  vendorDay `json:"effective_at"`
	Announced  vendorDay `json:"announced_at"`
	Shutdown   vendorDay `json:"shutdown_at"`
	NotBefore  vendorDay `json:"shutdown_not_before"`
	Observed   vendorDay `json:"observed_at"`
	Fetched    vendorDay `json:"fetched_at"`
	Started    vendorDay `json:"started_at"`
	Resolved   vendorDay `json:"resolved_at"`
}

// take reads one record. One whose payload is not what its kind says is passed
// over.
func (b *vendorBook) take(ev *evidence.Evidence) {
	switch ev.Kind {
	case "inventory.ai_system":
		var u vendorUser
		if json.Unmarshal(ev.Payload, &u) == nil && (u.Retired.IsZero() || u.Retired.After(b.asOf)) {
			u.ID = cmp.Or(u.ID, ev.Subject.ID)
			b.systems = append(b.systems, u)
		}
		return
	case "code.model_reference":
		var m modelInCode
		if json.Unmarshal(ev.Payload, &m) == nil && m.Provider != "" && m.Model != "" {
			b.code = append(b.code, m)
		}
		return
	}
	var f vendorFields
	if json.Unmarshal(ev.Payload, &f) != nil {
		return
	}
	id := strings.TrimSpace(cmp.Or(f.VendorID, f.Vendor))
	if id == "" {
		return
	}
	d := b.of(id)
	switch ev.Kind {
	case "vendor.record":
		d.record(ev, &f)
	case "vendor.assessment":
		d.assessment(ev, &f)
	case "vendor.contract_terms":
		d.terms(ev, &f, b.asOf)
	case "vendor.model_lifecycle":
		d.lifecycle(ev, &f)
	case "vendor.model_observation":
		d.observation(ev, &f)
	case "vendor.terms_revision":
		if f.Previous != "" {
			text := "changed its " + strings.ReplaceAll(cmp.Or(f.Page, "page"), "_", " ")
			d.changed(VendorChange{At: f.Fetched.Time, What: "page", Text: sentences(text, f.Diff), URL: cmp.Or(f.URL, ev.URL), Digest: ev.Digest})
		}
	case "vendor.incident":
		d.incident(ev, &f)
	}
}

// sentences joins what is not empty.
func sentences(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" }), ": ")
}

func (b *vendorBook) of(id string) *vendorDraft {
	if b.by[id] == nil {
		b.by[id] = &vendorDraft{Vendor: Vendor{ID: id}, models: map[string]*VendorModel{}, served: map[[3]string]*ServedModel{}}
	}
	return b.by[id]
}

func (d *vendorDraft) model(name string) *VendorModel {
	if d.models[name] == nil {
		d.models[name] = &VendorModel{Vendor: d.ID, Name: name}
	}
	return d.models[name]
}

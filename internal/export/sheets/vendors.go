package sheets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var vendorsLayout = Layout{Name: "Vendors and models",
	About: "Who supplies AI, under which terms, which model was asked for and which was served, and what the vendor announced.",
	Tab:   "7A5C99", Large: true, Frozen: 1, Columns: tail(
		Column{"vendor", 28}, Column{"service", 22}, Column{"systems", 26}, Column{"contract hash", 20}, Column{"assessed (UTC)", 18},
		Column{"model updates", 24}, Column{"data usage terms", 24}, Column{"output logging", 22}, Column{"security", 22},
		Column{"service continuity", 24}, Column{"data-use setting", 38}, Column{"requested model", 22}, Column{"served model", 26},
		Column{"pinned", 12}, Column{"lifecycle state", 12}, Column{"shutdown (UTC)", 18},
		Column{"migration plan", 36}, Column{"last change event", 38}, Column{"triage", 14}, Column{"incidents", 36},
		Column{"keys", 26}, Column{"criticality", 11}, Column{"control decision", 36}, Column{"days to shutdown", 10})}

func vendorKinds() []string {
	return []string{"vendor.record", "vendor.assessment", "vendor.contract_terms", "vendor.settings_capture", "vendor.data_controls",
		"vendor.api_key_inventory", "vendor.model_lifecycle", "vendor.model_observation", "vendor.terms_revision", "vendor.incident",
		"code.model_reference"}
}

// Slugs of the expectations whose results the sheet repeats.
const (
	slugTriage    = "vendor-model-change-triaged"
	slugMigration = "vendor-retirement-planned"
)

// vendorTopics are what an assessment of a vendor has to deal with, in the
// order of the columns.
func vendorTopics() []string {
	return []string{"model_updates", "data_usage_terms", "output_logging", "security", "service_continuity"}
}

// vendorEntry is what the sheet shows of a vendor.record.
type vendorEntry struct {
	ID          string   `json:"vendor_id"`
	Name        string   `json:"legal_name"`
	Services    []string `json:"services"`
	Criticality string   `json:"criticality"`
	Systems     []string `json:"systems"`
	Control     string   `json:"control_decision"`
	DecidedBy   string   `json:"decided_by"`
	DecidedAt   when     `json:"decided_at"`
}

// vendorAssessment is what the sheet shows of a vendor.assessment.
type vendorAssessment struct {
	ID       string                     `json:"vendor_id"`
	Topics   map[string]json.RawMessage `json:"topics"`
	Approved when                       `json:"approved_at"`
}

// vendorTerms is what the sheet shows of a vendor.contract_terms.
type vendorTerms struct {
	ID        string `json:"vendor_id"`
	Sum       string `json:"doc_sha256"`
	Effective when   `json:"effective_at"`
	OptOut    *bool  `json:"agreed_training_opt_out"`
	Retention *int64 `json:"agreed_retention_days"`
}

// vendorSetting is what the sheet shows of a vendor.settings_capture or a
// vendor.data_controls.
type vendorSetting struct {
	Vendor     string `json:"vendor"`
	Where      string `json:"org_or_project"`
	OptOut     *bool  `json:"training_opt_out"`
	Retention  *int64 `json:"retention_days"`
	ZDR        *bool  `json:"zdr"`
	CapturedBy string `json:"captured_by"`
	Captured   when   `json:"captured_at"`
	ReviewedBy string `json:"reviewed_by"`
}

// vendorKey is what the sheet counts of a vendor.api_key_inventory.
type vendorKey struct {
	Vendor  string `json:"vendor"`
	Type    string `json:"key_type"`
	Owner   string `json:"owner"`
	Access  string `json:"owner_access"`
	Created when   `json:"created_at"`
	Used    when   `json:"last_used_at"`
	Status  string `json:"status"`
	Expires when   `json:"expires_at"`
}

// lifecycle is what sheets show of a vendor.model_lifecycle.
type lifecycle struct {
	Vendor      string `json:"vendor"`
	Model       string `json:"model_id"`
	Status      string `json:"status"`
	Announced   when   `json:"announced_at"`
	Shutdown    when   `json:"shutdown_at"`
	NotBefore   when   `json:"shutdown_not_before"`
	Replacement string `json:"replacement"`
	Region      string `json:"region"`
}

// termsRevision is what sheets show of a vendor.terms_revision.
type termsRevision struct {
	Vendor    string `json:"vendor_id"`
	URL       string `json:"url"`
	Page      string `json:"page_type"`
	Fetched   when   `json:"fetched_at"`
	Previous  string `json:"previous_sha256"`
	Effective when   `json:"effective_at"`
	Diff      string `json:"diff_summary"`
}

// vendorIncident is what the sheet shows of a vendor.incident.
type vendorIncident struct {
	Vendor   string `json:"vendor"`
	ID       string `json:"incident_id"`
	Name     string `json:"name"`
	Impact   string `json:"impact"`
	Status   string `json:"status"`
	Started  when   `json:"started_at"`
	Resolved when   `json:"resolved_at"`
}

// modelReference is what the sheet shows of a code.model_reference.
type modelReference struct {
	Model    string `json:"model_ref"`
	Provider string `json:"provider"`
	Pin      string `json:"pin_type"`
}

// vendorEvent is something that a vendor changed.
type vendorEvent struct {
	item
	at   time.Time
	text string
}

// vendorModel is what is known of one model of a vendor.
type vendorModel struct {
	name       string
	systems    []string
	served     []string
	pins       []string
	life       *lifecycle
	lastChange vendorEvent
}

// supplier is what is known of one vendor.
type supplier struct {
	item
	id        string
	entry     vendorEntry
	assessed  *vendorAssessment
	terms     *vendorTerms
	settings  []string
	keys      keyCount
	incidents []string
	revision  vendorEvent
	models    map[string]*vendorModel
}

// vendors writes one row per vendor and model, or per vendor of whom no model
// is known.
func (b *Book) vendors(ctx context.Context, w Writer) error {
	s, err := b.suppliers(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.broken {
		if err := b.brokenRow(w, vendorsLayout, r); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(s.by) {
		v := s.by[id]
		if len(v.models) == 0 {
			v.models[""] = &vendorModel{}
		}
		for _, name := range sortedKeys(v.models) {
			if err := b.vendorRow(w, v, v.models[name], s.results); err != nil {
				return err
			}
		}
	}
	if len(s.by)+len(s.broken) == 0 {
		return b.none(w, vendorsLayout, "vendor.record")
	}
	return nil
}

func (b *Book) vendorRow(w Writer, v *supplier, m *vendorModel, results map[[2]string]*assess.Result) error {
	w.Text(vendorName(v))
	w.List(v.entry.Services)
	w.List(b.systemNames(b.vendorSystems(v, m)))
	vendorTermCells(w, v)
	w.Text(m.name)
	w.List(m.served)
	w.Text(pinned(m))
	lifecycleCells(w, v, m, results)
	last := m.lastChange
	if v.revision.at.After(last.at) {
		last = v.revision
	}
	w.Text(joined(": ", onDay(last.at), last.text))
	triage := results[[2]string{slugTriage, last.subject.Type + " " + last.subject.ID}]
	switch {
	case last.text == "":
		w.Blank()
	case triage == nil:
		w.Text("not established")
	default:
		w.Status(triage.Status)
	}
	w.List(v.incidents)
	w.Text(v.keys.text())
	w.Text(v.entry.Criticality)
	w.Text(joined(", ", v.entry.Control, joined(" ", v.entry.DecidedBy, onDay(v.entry.DecidedAt.Time))))
	if m.life == nil || m.life.Shutdown.IsZero() {
		w.Blank()
	} else {
		w.Number(int64(m.life.Shutdown.Sub(b.snap.AsOf) / (24 * time.Hour)))
	}
	at := v.item
	if at.digest == (evidence.Digest{}) {
		at = last.item
	}
	return b.shown(w, at)
}

func vendorName(v *supplier) string {
	if v.entry.Name == "" || v.entry.Name == v.id {
		return v.id
	}
	return v.entry.Name + " (" + v.id + ")"
}

// vendorSystems are the systems that a model was served to, or else all that
// have to do with the vendor.
func (b *Book) vendorSystems(v *supplier, m *vendorModel) []string {
	if len(m.systems) > 0 {
		return m.systems
	}
	var out []string
	for _, s := range b.snap.Systems {
		if slices.Contains(s.Vendors, v.id) && (m.name == "" || len(v.models) == 1 || slices.Contains(s.Models, m.name)) {
			out = append(out, s.ID)
		}
	}
	if m.name == "" || len(out) == 0 {
		out = append(out, v.entry.Systems...)
	}
	return distinct(out)
}

// vendorTermCells write contract, assessment with its topics, and settings.
func vendorTermCells(w Writer, v *supplier) {
	settings := v.settings
	if v.terms != nil {
		w.Code(v.terms.Sum)
		settings = append(slices.Clone(settings), joined(" ", "agreed:", firstOf(settingText(v.terms.OptOut, v.terms.Retention, nil), "not stated")))
	} else {
		w.Text("none on record")
	}
	if v.assessed == nil {
		w.Text("not assessed")
		for range vendorTopics() {
			w.Blank()
		}
	} else {
		w.Date(v.assessed.Approved.Time)
		for _, topic := range vendorTopics() {
			text := plainJSON(v.assessed.Topics[topic])
			if strings.TrimSpace(text) == "" || text == "null" {
				w.Mark("not dealt with", assess.StatusMissing)
			} else {
				w.Text(text)
			}
		}
	}
	w.List(settings)
}

// settingText says what a setting or an agreement says about the use of data.
func settingText(optOut *bool, retention *int64, zdr *bool) string {
	var out []string
	if optOut != nil && *optOut {
		out = append(out, "no training")
	} else if optOut != nil {
		out = append(out, "training allowed")
	}
	if retention != nil {
		out = append(out, fmt.Sprintf("kept %d days", *retention))
	}
	if zdr != nil && *zdr {
		out = append(out, "zero data retention")
	}
	return strings.Join(out, ", ")
}

// pinned says whether all code asks for a version that the vendor does not
// move.
func pinned(m *vendorModel) string {
	switch {
	case m.name == "":
		return ""
	case len(m.pins) == 0:
		return "not established"
	}
	for _, p := range m.pins {
		if p != "immutable" && p != "revision_sha" {
			return "N"
		}
	}
	return "Y"
}

func lifecycleCells(w Writer, v *supplier, m *vendorModel, results map[[2]string]*assess.Result) {
	if m.life == nil {
		for range 3 {
			w.Blank()
		}
		return
	}
	w.Text(m.life.Status)
	w.Date(m.life.Shutdown.Time)
	var plan []string
	if m.life.Shutdown.IsZero() && !m.life.NotBefore.IsZero() {
		plan = append(plan, "shut down not before "+onDay(m.life.NotBefore.Time))
	}
	if m.life.Replacement != "" {
		plan = append(plan, "replacement: "+m.life.Replacement)
	}
	if r := results[[2]string{slugMigration, "model " + v.id + "/" + m.name}]; r != nil {
		why, _, _ := strings.Cut(r.Reason, "; run") // which runs looked is with the result
		plan = append(plan, string(r.Status)+": "+why)
	}
	w.List(plan)
}

// keyCount counts the keys of a vendor.
type keyCount struct{ active, unowned, unused, unsaid int }

func (k keyCount) text() string {
	if k == (keyCount{}) {
		return ""
	}
	text := fmt.Sprintf("%d active, %d unowned, %d unused", k.active, k.unowned, k.unused)
	if k.unsaid > 0 {
		text += fmt.Sprintf(", use of %d not stated", k.unsaid)
	}
	return text
}

// keyAge is after how many days without use a key counts as unused.
const keyAge = 90 * 24 * time.Hour

// count adds a key. One whose owner has left is owned by nobody.
func (k *keyCount) count(key *vendorKey, asOf time.Time, left bool) {
	if !strings.EqualFold(cmp.Or(key.Status, "active"), "active") || !key.Expires.IsZero() && !key.Expires.After(asOf) {
		return
	}
	k.active++
	if key.Owner == "" && key.Type != "service_account" || cmp.Or(key.Access, "active") != "active" || left {
		k.unowned++
	}
	young := !key.Created.IsZero() && asOf.Sub(key.Created.Time) <= keyAge
	switch {
	case young:
	case key.Used.IsZero():
		k.unsaid++
	case asOf.Sub(key.Used.Time) > keyAge:
		k.unused++
	}
}

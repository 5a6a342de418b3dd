package sheets

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var shadowLayout = Layout{Name: "Shadow AI",
	About: "AI use that was seen, the registered system that accounts for it or none, and what was decided about it. Open cases come first.",
	Tab:   "A14F6E", Large: true, Frozen: 1, Columns: tail(
		Column{"id", 20}, Column{"what", 30}, Column{"signal kinds", 22}, Column{"subject", 34}, Column{"provider", 16}, Column{"first seen (UTC)", 18},
		Column{"last seen (UTC)", 18}, Column{"confidence", 34}, Column{"coverage of scan", 30}, Column{"state", 14}, Column{"due (UTC)", 18}, Column{"decision", 14},
		Column{"by", 26}, Column{"at (UTC)", 18}, Column{"reason", 36}, Column{"until (UTC)", 18}, Column{"reopened because", 30}, Column{"system registered", 24},
		Column{"accounted for by", 24}, Column{"may be owned by", 26})}

func shadowKinds() []string { return []string{"shadow_ai.finding", "shadow_ai.scan_run"} }

// sighting is what the sheet shows of a shadow_ai.finding.
type sighting struct {
	ID         string   `json:"finding_id"`
	Signals    []string `json:"signal_kinds"`
	Subject    string   `json:"subject_ref"`
	Provider   string   `json:"provider"`
	First      when     `json:"first_seen"`
	Last       when     `json:"last_seen"`
	System     string   `json:"matched_system"`
	Status     string   `json:"status"`
	Decision   string   `json:"decision"`
	DecisionBy string   `json:"decision_by"`
	DecisionAt when     `json:"decision_at"`
	Reason     string   `json:"reason"`

	Title       string   `json:"title"`
	Confidence  string   `json:"confidence"`
	Why         string   `json:"why"`
	Providers   []string `json:"providers"`
	Systems     []string `json:"systems"`
	Basis       string   `json:"basis"`
	Unexplained string   `json:"unexplained"`
	Due         when     `json:"triage_due"`
	DueAt       when     `json:"due_at"`
	Expires     when     `json:"expires_at"`
	Reopened    string   `json:"reopened_because"`
	Hint        string   `json:"owner_hint"`
	HintFrom    string   `json:"owner_hint_from"`
	Owner       string   `json:"owner"`
}

// open reports whether nothing has closed the case.
func (s *sighting) open() bool {
	return slices.Contains([]string{"", "open", "new", "due", "expired"}, s.Status)
}

// due is when a decision is due: when whoever took it up said, else when the
// time for it ends.
func (s *sighting) due() when {
	if s.DueAt.IsZero() {
		return s.Due
	}
	return s.DueAt
}

// accounted says by what a system accounts for it, or why none does.
func (s *sighting) accounted() string {
	if s.Basis == "vendor" || s.Basis == "domain" {
		return s.Basis + " only: nothing ties the system to this use"
	}
	return firstOf(s.Basis, s.Unexplained)
}

// scan is what the sheet shows of a shadow_ai.scan_run.
type scan struct {
	ID          string   `json:"run_id"`
	Sources     []string `json:"sources"`
	Scope       string   `json:"scope"`
	Denominator *int64   `json:"denominator"`
	Coverage    *float64 `json:"coverage_pct"`
	Finished    when     `json:"finished_at"`
}

func (s *scan) text() string {
	of := ""
	if s.Coverage != nil {
		of = fmt.Sprintf("%.4g %%", *s.Coverage)
		if s.Denominator != nil {
			of += fmt.Sprintf(" of %d", *s.Denominator)
		}
	}
	return joined(", ", s.Scope, of, onDay(s.Finished.Time))
}

// shadow writes one row per finding. A scan that is not on record is said to
// be none, and no clean result.
func (b *Book) shadow(ctx context.Context, w Writer) error {
	scans, err := recordsOf[scan](ctx, b, "shadow_ai.scan_run")
	if err != nil {
		return err
	}
	found, err := recordsOf[sighting](ctx, b, "shadow_ai.finding")
	if err != nil {
		return err
	}
	people, err := b.directory(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b record[sighting]) int {
		if x, y := a.v.open(), b.v.open(); x != y {
			return cmp.Compare(rank(y), rank(x))
		}
		return cmp.Or(a.v.First.Compare(b.v.First.Time), cmp.Compare(a.v.ID, b.v.ID))
	})
	coverage := lastScan(scans)
	for i := range found {
		r := &found[i]
		if r.broken != "" {
			if err := b.brokenRow(w, shadowLayout, r.item); err != nil {
				return err
			}
			continue
		}
		if err := b.sightingRow(w, r, coverage, people); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return nil
	}
	if len(scans) == 0 {
		return b.says(w, shadowLayout, "no scan on record", "No scan for AI use is on record as of the snapshot. That is no clean result: nobody looked.\n"+
			"shadow_ai.scan_run: "+b.readOf("shadow_ai.scan_run"), item{})
	}
	newest := scans[len(scans)-1]
	return b.says(w, shadowLayout, "no finding on record", joined("\n", "A scan is on record, and no finding of it. What was not scanned may hold some.",
		firstOf(coverage, newest.broken), "shadow_ai.finding: "+b.readOf("shadow_ai.finding")), newest.item)
}

// lastScan says what the scan that finished last covered.
func lastScan(scans []record[scan]) string {
	var last *scan
	for i := range scans {
		if s := &scans[i].v; scans[i].broken == "" && (last == nil || !s.Finished.Before(last.Finished.Time)) {
			last = s
		}
	}
	if last == nil {
		return ""
	}
	return last.text()
}

var sightingStatus = map[string]assess.Status{
	"open": assess.StatusFailing, "expired": assess.StatusStale, "accepted": assess.StatusWaived, "waived": assess.StatusWaived,
	"registered": assess.StatusSatisfied, "false_positive": assess.StatusNotApplicable,
	"new": assess.StatusFailing, "due": assess.StatusDue, "blocked": assess.StatusWaived, "gone": assess.StatusNotApplicable,
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

func (b *Book) sightingRow(w Writer, r *record[sighting], coverage string, people *names) error {
	w.Text(firstOf(r.v.ID, r.key))
	w.Text(r.v.Title)
	w.List(r.v.Signals)
	w.Text(r.v.Subject)
	w.List(r.v.providers())
	w.Date(r.v.First.Time)
	w.Date(r.v.Last.Time)
	w.Text(joined(": ", r.v.Confidence, r.v.Why))
	w.Text(firstOf(coverage, "not established"))
	state := firstOf(r.v.Status, "open")
	if st, known := sightingStatus[state]; known {
		w.Mark(state, st)
	} else {
		w.Text(state)
	}
	w.Date(r.v.due().Time)
	w.Text(r.v.Decision)
	w.Text(people.label(r.v.DecisionBy))
	w.Date(r.v.DecisionAt.Time)
	w.Text(r.v.Reason)
	w.Date(r.v.Expires.Time)
	w.Text(r.v.Reopened)
	w.List(b.systemNames(r.v.systems()))
	w.Text(r.v.accounted())
	w.Text(people.label(r.v.Owner) + hinted(r.v))
	return b.shown(w, r.item)
}

func (s *sighting) providers() []string {
	if len(s.Providers) > 0 || s.Provider == "" {
		return s.Providers
	}
	return []string{s.Provider}
}

func (s *sighting) systems() []string {
	if len(s.Systems) > 0 || s.System == "" {
		return s.Systems
	}
	return []string{s.System}
}

// hinted is who may own what nobody took up.
func hinted(s sighting) string {
	if s.Owner != "" || s.Hint == "" {
		return ""
	}
	return s.Hint + " (" + s.HintFrom + ")"
}

// notWhole says below the register that AI is in use which it may lack.
func (b *Book) notWhole(ctx context.Context, w Writer, l Layout) error {
	found, err := recordsOf[sighting](ctx, b, "shadow_ai.finding")
	if err != nil {
		return err
	}
	open, first := 0, item{}
	for i := range found {
		if r := &found[i]; r.broken == "" && r.v.open() {
			if open == 0 {
				first = r.item
			}
			open++
		}
	}
	if open == 0 {
		return nil
	}
	return b.says(w, l, "list may not be whole", fmt.Sprintf("AI in use that no registered system accounts for: %d on the sheet Shadow AI. What concerns a system may be missing here.", open), first)
}

package sheets

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var shadowLayout = Layout{Name: "Shadow AI",
	About: "AI use that was seen and that no registered system explained, and what was decided about it.",
	Tab:   "A14F6E", Large: true, Frozen: 1, Columns: tail(
		Column{"id", 20}, Column{"signal kinds", 22}, Column{"subject", 34}, Column{"provider", 16}, Column{"first seen (UTC)", 18},
		Column{"last seen (UTC)", 18}, Column{"coverage of scan", 30}, Column{"decision", 14}, Column{"by", 26}, Column{"at (UTC)", 18},
		Column{"reason", 36}, Column{"system registered", 24})}

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
}

func (b *Book) sightingRow(w Writer, r *record[sighting], coverage string, people *names) error {
	w.Text(firstOf(r.v.ID, r.key))
	w.List(r.v.Signals)
	w.Text(r.v.Subject)
	w.Text(r.v.Provider)
	w.Date(r.v.First.Time)
	w.Date(r.v.Last.Time)
	w.Text(firstOf(coverage, "not established"))
	decided := firstOf(r.v.Decision, r.v.Status, "open")
	if st, known := sightingStatus[firstOf(r.v.Status, "open")]; known {
		w.Mark(decided, st)
	} else {
		w.Text(decided)
	}
	w.Text(people.label(r.v.DecisionBy))
	w.Date(r.v.DecisionAt.Time)
	w.Text(r.v.Reason)
	w.Text(b.systemName(r.v.System))
	return b.shown(w, r.item)
}

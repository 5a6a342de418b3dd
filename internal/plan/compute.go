package plan

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

// Entries of the ledger that a condition may ask for.
const (
	RecordedAssessment = "assessment"
	RecordedBundle     = "bundle"
)

// World is what the plan is computed from.
type World struct {
	Start     time.Time
	StartFrom string // how that is known

	Assessment *assess.Assessment
	Records    readiness.Records
	Runs       []evidence.Run       // that had ended
	Sources    []string             // that are configured; nil: those that were ever read
	Retention  bool                 // it is configured how long records are kept
	Recorded   map[string]time.Time // first entry, by what it records
	Grades     map[string][]string  // ids of open findings, by grade
	// Operates tells of a piece of evidence whether it shows that something was
	// done, and when.
	Operates func(evidence.Digest) (at time.Time, ok bool)

	results map[string][]*assess.Result // by expectation
}

// States of an item.
const (
	Done = "done"
	Open = "open"
	Late = "late" // open, and past its date
)

// Report is the plan as of an instant.
type Report struct {
	AsOf       time.Time         `json:"as_of"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Start      time.Time         `json:"start"`
	StartFrom  string            `json:"start_from"`
	Day        int               `json:"day"` // of the plan, the start being 0
	Counts     map[string]int    `json:"counts"`
	Items      []Progress        `json:"items"`
}

// Progress is how one item stands.
type Progress struct {
	ID        string    `json:"id"`
	Phase     int       `json:"phase"`
	Title     string    `json:"title"`
	DoneWhen  string    `json:"done_when"`
	State     string    `json:"state"`
	DueAt     time.Time `json:"due_at"`
	DaysLate  int       `json:"days_late,omitempty"`
	OwnerRole string    `json:"owner_role"`
	Owners    []string  `json:"owners"` // who holds the role
	Shown     []string  `json:"shown"`
	Missing   []string  `json:"missing"`
	// Evidence is what the conditions that hold rest on, at most evidenceAtMost.
	Evidence []evidence.Digest `json:"evidence"`
}

const evidenceAtMost = 20

// finding is what came of one condition.
type finding struct {
	shown, missing []string
	evidence       []evidence.Digest
}

// Compute says how each item stands.
func (p *Plan) Compute(w World) Report {
	asOf := w.Assessment.AsOf
	w.results = map[string][]*assess.Result{}
	for _, r := range w.Assessment.Results {
		w.results[r.Expectation] = append(w.results[r.Expectation], r)
	}
	r := Report{AsOf: asOf, Checkpoint: w.Assessment.Checkpoint, Start: w.Start, StartFrom: w.StartFrom,
		Day: int(asOf.Sub(w.Start).Hours() / 24), Counts: map[string]int{Done: 0, Open: 0, Late: 0}, Items: []Progress{}}
	for _, item := range p.Items {
		phase, _ := p.phase(item.Phase)
		one := Progress{ID: item.ID, Phase: item.Phase, Title: item.Title, DoneWhen: item.Done, DueAt: w.Start.AddDate(0, 0, phase.Days),
			OwnerRole: item.Owner, Owners: w.holders(item.Owner), Shown: []string{}, Missing: []string{}, Evidence: []evidence.Digest{}}
		for _, c := range item.Conditions {
			f := w.judge(c)
			one.Shown, one.Missing = append(one.Shown, f.shown...), append(one.Missing, f.missing...)
			one.Evidence = append(one.Evidence, f.evidence...)
		}
		slices.SortFunc(one.Evidence, func(a, b evidence.Digest) int { return bytes.Compare(a[:], b[:]) })
		one.Evidence = slices.Compact(one.Evidence)
		one.Evidence = one.Evidence[:min(evidenceAtMost, len(one.Evidence))]
		one.settle(asOf)
		r.Counts[one.State]++
		r.Items = append(r.Items, one)
	}
	return r
}

func (one *Progress) settle(asOf time.Time) {
	switch {
	case len(one.Missing) == 0:
		one.State = Done
	case asOf.After(one.DueAt):
		one.State, one.DaysLate = Late, int(asOf.Sub(one.DueAt).Hours()/24)
	default:
		one.State = Open
	}
}

// holders lists who holds a role at the instant, by the records.
func (w World) holders(role string) []string {
	out := []string{}
	now := w.Assessment.AsOf
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(s)) }
	for _, a := range w.Records.Of("role.assignment") {
		start, end, who := a.Time("start"), a.Time("end"), a.Text("person")
		if plain(a.Text("role")) == plain(role) && a.Bool("directory_active", true) && !start.After(now) && (end.IsZero() || end.After(now)) &&
			who != "" && !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	slices.Sort(out)
	return out
}

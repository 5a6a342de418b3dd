package assess

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Moment is all that is known as of an instant, for comparing two of them.
type Moment struct {
	Assessment    *Assessment
	Declared      []Declared      // what people declare: systems, vendors, scope, waivers, by kind, subject and key
	Waivers       []ValidWaiver   // that are valid at the instant, by id
	Applicability StatementOfUse  // in force at the instant
	RunsEnded     []RunsOfASource // by source
}

// Declared is a record of the organisation about itself that is in force.
type Declared struct {
	Kind    string           `json:"kind"`
	Subject evidence.Subject `json:"subject"`
	Key     string           `json:"key"`
	Source  string           `json:"source"`
	Digest  evidence.Digest  `json:"evidence"`
}

// ValidWaiver is a waiver that is valid at an instant.
type ValidWaiver struct {
	ID          string           `json:"id"`
	Expectation string           `json:"expectation"`
	Subject     evidence.Subject `json:"subject"`
	Expires     time.Time        `json:"expires_at"`
	ApprovedBy  string           `json:"approved_by"`
}

// StatementOfUse is the statement of applicability that is in force.
type StatementOfUse struct {
	Version  string            `json:"version"`
	Excluded map[string]string `json:"excluded"` // justification by control
}

// RunsOfASource counts the runs of a source that had ended.
type RunsOfASource struct {
	Source                    string
	Complete, Partial, Failed int
}

// declaredKinds are what an organisation says of itself and auditors compare.
func declaredKinds() []string {
	return []string{scopeKind, systemKind, vendorKind, waiverKind}
}

const scopeKind = "scope.statement"

// Moment assesses as of an instant and gathers what Compare looks at.
func (s *State) Moment(asOf time.Time, cp Checkpoint) (Moment, error) {
	a, err := s.At(asOf, cp)
	if err != nil {
		return Moment{}, err
	}
	v := s.view(nanos(a.AsOf))
	m := Moment{Assessment: a, RunsEnded: s.coverage.ended(v.at)}
	for _, kind := range declaredKinds() {
		v.live(kind, func(t *table, row int32, _ bool) {
			x := t.meta(row)
			m.Declared = append(m.Declared, Declared{Kind: kind, Digest: x.digest, Key: t.texts.str(t.slot(x.slot).key),
				Subject: evidence.Subject{Type: t.texts.str(x.subjectType), ID: t.texts.str(x.subjectID)}, Source: t.texts.str(t.slot(x.slot).source)})
		})
	}
	slices.SortFunc(m.Declared, compareDeclared)
	for slug, list := range v.waivers() {
		for _, w := range list {
			m.Waivers = append(m.Waivers, ValidWaiver{ID: w.id, Expectation: slug, Expires: instant(w.expires), ApprovedBy: w.approver,
				Subject: evidence.Subject{Type: w.subjectType, ID: w.subjectID}})
		}
	}
	slices.SortFunc(m.Waivers, func(a, b ValidWaiver) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Expectation, b.Expectation), compareSubjects(a.Subject, b.Subject))
	})
	soa := v.applicability()
	m.Applicability = StatementOfUse{Version: soa.version, Excluded: soa.excluded}
	return m, nil
}

func compareDeclared(a, b Declared) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), compareSubjects(a.Subject, b.Subject), strings.Compare(a.Key, b.Key), strings.Compare(a.Source, b.Source))
}

// ended counts the runs that ended by t, by source.
func (c *coverage) ended(t int64) []RunsOfASource {
	by := map[string]*RunsOfASource{}
	for _, r := range c.runs {
		if r.FinishedAt.IsZero() || nanos(r.FinishedAt) > t {
			continue
		}
		n := by[r.Provenance.Source]
		if n == nil {
			n = &RunsOfASource{Source: r.Provenance.Source}
			by[n.Source] = n
		}
		switch r.Status {
		case evidence.RunComplete:
			n.Complete++
		case evidence.RunPartial:
			n.Partial++
		default:
			n.Failed++
		}
	}
	var out []RunsOfASource
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[name])
	}
	return out
}

// Delta is what is different at a second instant. Comparing the other way
// round gives the same changes with before and after exchanged.
type Delta struct {
	From          time.Time           `json:"from"`
	To            time.Time           `json:"to"`
	Checkpoint    Checkpoint          `json:"checkpoint"`
	Controls      []ControlChange     `json:"controls"`
	Results       []ResultChange      `json:"results"`
	Records       []RecordChange      `json:"records"`
	Waivers       []WaiverChange      `json:"waivers"`
	SoA           VersionChange       `json:"statement_of_applicability"`
	Applicability []ControlChange     `json:"applicability"`
	Expectations  []ExpectationChange `json:"expectations"`
	Populations   []PopulationChange  `json:"populations"`
	Runs          []RunChange         `json:"runs"`
}

// Side is how something stands at one of the instants. Status is empty if it
// was not there.
type Side struct {
	Status Status `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// ControlChange is a control whose status, or applicability, is another.
type ControlChange struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Before Side   `json:"before"`
	After  Side   `json:"after"`
}

// ResultChange is a result whose status is another, or whose subject came or
// went.
type ResultChange struct {
	Expectation string           `json:"expectation"`
	Control     string           `json:"control"`
	Subject     evidence.Subject `json:"subject"`
	Systems     []string         `json:"systems,omitempty"`
	Before      Side             `json:"before"`
	After       Side             `json:"after"`
}

// Came reports whether the subject was not there before.
func (r ResultChange) Came() bool { return r.Before.Status == "" }

// Left reports whether the subject is not there any more.
func (r ResultChange) Left() bool { return r.After.Status == "" }

// RecordChange is a declaration that came, went or was changed. Fields names
// what is different, once Describe has been given the payloads.
type RecordChange struct {
	Kind    string           `json:"kind"`
	Subject evidence.Subject `json:"subject"`
	Key     string           `json:"key"`
	Source  string           `json:"source"`
	Before  *evidence.Digest `json:"before,omitempty"`
	After   *evidence.Digest `json:"after,omitempty"`
	Fields  []FieldChange    `json:"fields,omitempty"`
}

// FieldChange is a field of a payload with another value, as JSON; null if it
// was not there.
type FieldChange struct {
	Name   string          `json:"name"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// WaiverChange is a waiver that became or ceased to be valid, or is another.
type WaiverChange struct {
	ID     string       `json:"id"`
	Before *ValidWaiver `json:"before,omitempty"`
	After  *ValidWaiver `json:"after,omitempty"`
}

// VersionChange is a version before and after; the same if it did not change.
type VersionChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// ExpectationChange is an expectation that reads otherwise, or a threshold.
type ExpectationChange struct {
	Slug   string `json:"slug"`
	Before string `json:"before,omitempty"` // its thresholds, and whether it is switched off; empty if it was not there
	After  string `json:"after,omitempty"`
}

// PopulationChange is a population whose members are others.
type PopulationChange struct {
	Expectation string `json:"expectation"`
	Before      int    `json:"before"`
	After       int    `json:"after"`
	Came        int    `json:"came"`
	Left        int    `json:"left"`
}

// RunChange counts the runs of a source that ended between the instants.
type RunChange struct {
	Source   string `json:"source"`
	Complete int    `json:"complete"`
	Partial  int    `json:"partial"`
	Failed   int    `json:"failed"`
}

// Empty reports whether nothing is different. Runs that found everything as it
// was are no difference.
func (d *Delta) Empty() bool {
	return len(d.Controls)+len(d.Results)+len(d.Records)+len(d.Waivers)+len(d.Applicability)+len(d.Expectations)+len(d.Populations) == 0 &&
		d.SoA.Before == d.SoA.After
}

// Compare says what is different at b.
func Compare(a, b Moment) *Delta {
	d := &Delta{From: a.Assessment.AsOf, To: b.Assessment.AsOf, Checkpoint: b.Assessment.Checkpoint,
		SoA:      VersionChange{a.Applicability.Version, b.Applicability.Version},
		Controls: compareControls(a, b), Results: compareResults(a, b), Records: compareRecords(a, b), Waivers: compareWaivers(a, b),
		Applicability: compareApplicability(a, b), Expectations: compareExpectations(a, b), Runs: compareRuns(a, b),
	}
	d.Populations = comparePopulations(a, b, d.Results)
	return d
}

// Describe names the fields that are different in changed records. payload
// returns the payload of a piece of evidence, or nil if it is not there.
func (d *Delta) Describe(payload func(evidence.Digest) (json.RawMessage, error)) error {
	for i := range d.Records {
		r := &d.Records[i]
		if r.Before == nil || r.After == nil {
			continue
		}
		before, err := fieldsOf(payload, *r.Before)
		if err != nil {
			return err
		}
		after, err := fieldsOf(payload, *r.After)
		if err != nil {
			return err
		}
		r.Fields = compareFields(before, after)
	}
	return nil
}

func fieldsOf(payload func(evidence.Digest) (json.RawMessage, error), d evidence.Digest) (map[string]json.RawMessage, error) {
	raw, err := payload(d)
	if err != nil || raw == nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("assess: payload of %s: %w", d, err)
	}
	return out, nil
}

func compareFields(before, after map[string]json.RawMessage) []FieldChange {
	names := map[string]bool{}
	for n := range before {
		names[n] = true
	}
	for n := range after {
		names[n] = true
	}
	var out []FieldChange
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(before[n], after[n]) {
			out = append(out, FieldChange{Name: n, Before: before[n], After: after[n]})
		}
	}
	return out
}

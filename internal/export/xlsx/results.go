package xlsx

import (
	"context"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var resultsLayout = layout{name: "Results", tab: "3E6A94", large: true, frozen: 2, columns: []column{
	{"requirement", 11}, {"expectation", 26}, {"what is expected", 40}, {"severity", 11}, {"subject type", 13}, {"subject", 26},
	{"subject name", 22}, {"tier", 9}, {"status", 14}, {"reason", 42}, {"underlying status", 14}, {"event time (UTC)", 18},
	{"age, days", 8}, {"window, days", 8}, {"last complete collection (UTC)", 18}, {"collection age, hours", 10}, {"due at (UTC)", 18},
	{"evidence", 24}, {"evidence items", 9}, {"waiver", 14}, {"late capture", 8}, {"owner", 18}, {"next step", 34}, {"rule version", 10},
	{"thresholds", 40}, {"whose rule", 22},
}}

// digestKey is as much of a digest as tells the linked ones apart.
type digestKey [16]byte

func keyOf(d evidence.Digest) digestKey { return digestKey(d[:16]) }

// maxListed is how many evidence ids a result's cell lists; the bundle's
// assessment.json has them all.
const maxListed = 4

// ordered yields the results in the order of the controls.
func (b *book) ordered() []*assess.Result {
	by := b.resultsByControl()
	out := make([]*assess.Result, 0, len(b.snap.Assessment.Results))
	for _, c := range b.snap.Assessment.Controls {
		out = append(out, by[c.ID]...)
		delete(by, c.ID)
	}
	for _, id := range sortedKeys(by) {
		out = append(out, by[id]...)
	}
	return out
}

// wanted are the evidence items that the results will lead to: as many as a
// sheet has links for.
func (b *book) wanted() map[digestKey]place {
	m := make(map[digestKey]place)
	for _, r := range b.ordered() {
		if len(m) >= maxLinks {
			break
		}
		if len(r.Evidence) > 0 {
			m[keyOf(r.Evidence[0])] = place{}
		}
	}
	return m
}

// results writes one row per expectation and subject.
func (b *book) results(_ context.Context, s *sheet) error {
	b.controlRow = make(map[string]int)
	for _, r := range b.ordered() {
		var err error
		if s, err = s.room(); err != nil {
			return err
		}
		if b.controlRow[r.Control] == 0 && s.name == resultsLayout.name {
			b.controlRow[r.Control] = s.row
		}
		b.resultRow(s, r)
		if err := s.end(); err != nil {
			return err
		}
		b.sum.Results++
	}
	return nil
}

func (b *book) resultRow(s *sheet, r *assess.Result) {
	rule, sys := b.snap.Expectations[r.Expectation], b.subjectSystem(r)
	s.code(r.Control)
	s.text(r.Expectation)
	s.text(firstOf(rule.Statement, rule.Title))
	s.text(r.Severity)
	s.text(r.Subject.Type)
	s.text(r.Subject.ID)
	s.text(sys.Name)
	s.text(sys.Tier)
	s.status(r.Status)
	s.text(r.Reason)
	if r.Underlying != "" {
		s.status(r.Underlying)
	} else {
		s.blank()
	}
	s.datep(r.EventTime)
	b.age(s, r.EventTime, 24*time.Hour)
	if rule.Window > 0 {
		s.float(rule.Window.Hours() / 24)
	} else {
		s.blank()
	}
	s.datep(r.CollectedAt)
	b.age(s, r.CollectedAt, time.Hour)
	s.datep(r.DueAt)
	b.evidenceLink(s, r)
	s.number(len(r.Evidence))
	s.text(r.Waiver)
	if r.LateCapture {
		s.text("Y")
	} else {
		s.blank()
	}
	s.text(r.Owner)
	s.text(r.Remedy)
	s.text(rule.Version)
	s.text(rule.Thresholds)
	s.text(rule.Whose)
}

// evidenceLink lists the evidence ids, leading to the row of the first.
func (b *book) evidenceLink(s *sheet, r *assess.Result) {
	if len(r.Evidence) == 0 {
		s.blank()
		return
	}
	var text strings.Builder
	for i, d := range r.Evidence {
		if i == maxListed {
			text.WriteString(" \u2026")
			break
		}
		if i > 0 {
			text.WriteByte(' ') // a line break inside a link is not shown everywhere
		}
		text.WriteString(d.String()[:16])
	}
	at := b.evidenceRow[keyOf(r.Evidence[0])]
	if at.row > 0 && !s.links.room(1) {
		b.sum.Unlinked++
	}
	s.linkTo(text.String(), at.sheet, at.row)
}

// age writes how old an instant was at the as-of, in units.
func (b *book) age(s *sheet, t *time.Time, unit time.Duration) {
	if t == nil || t.IsZero() {
		s.blank()
		return
	}
	s.float(float64(b.snap.AsOf.Sub(*t)) / float64(unit))
}

// subjectSystem is the registered system that a result is about, if it is one,
// or the only one that it concerns.
func (b *book) subjectSystem(r *assess.Result) export.System {
	if r.Subject.Type == "ai_system" {
		return b.system(r.Subject.ID)
	}
	if len(r.Systems) == 1 {
		return export.System{Tier: b.system(r.Systems[0]).Tier}
	}
	return export.System{}
}

func (b *book) system(id string) export.System {
	for _, s := range b.snap.Systems {
		if s.ID == id {
			return s
		}
	}
	return export.System{}
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

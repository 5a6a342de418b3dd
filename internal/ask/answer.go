package ask

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Answered says how far a question was answered.
type Answered string

// Values of Answered. The zero value is no answer.
const (
	No     Answered = "no"      // no evidence bears on it; the gaps say what is missing
	InPart Answered = "in_part" // there are facts, and expectations that fall short
	Yes    Answered = "yes"     // there are facts, and nothing falls short
)

// Answer is one question answered for one AI system, or, with an empty system,
// for what belongs to none.
type Answer struct {
	AsOf       time.Time         `json:"as_of"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Question   string            `json:"question"`
	Asked      string            `json:"asked"`
	System     System            `json:"system"`
	Answered   Answered          `json:"answered"`
	Parts      []Part            `json:"parts"`
	Gaps       []Gap             `json:"gaps"`
}

// Part is a group of facts under one heading.
type Part struct {
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Facts []Fact `json:"facts"`
}

// Fact is something that evidence says.
type Fact struct {
	At      time.Time        `json:"event_time,omitzero"`
	Due     time.Time        `json:"due_at,omitzero"` // of a duty
	Text    string           `json:"text"`
	Mark    Mark             `json:"mark,omitempty"`
	Kind    string           `json:"kind,omitempty"`
	Subject evidence.Subject `json:"subject,omitzero"`
	Digest  evidence.Digest  `json:"digest,omitzero"`
	URL     string           `json:"url,omitempty"`
	Locator string           `json:"locator,omitempty"` // in a source without addresses
	Status  assess.Status    `json:"status,omitempty"`  // of the result that judges it
	Records int              `json:"records,omitempty"` // that a count was made from

	after time.Time // where a fact without a time of its own stands
}

// Mark says what to look at twice.
type Mark string

// Values of Mark.
const (
	Late    Mark = "late"    // it happened, after it should have
	Pending Mark = "pending" // its time has not run out
	Absent  Mark = "absent"  // nothing is on record
	// Unproven: there is none, says a complete reading, and nothing shows that
	// the reading would have found one.
	Unproven Mark = "unproven"
)

// Gap is an expectation that falls short, or that nothing was seen for.
type Gap struct {
	Expectation string           `json:"expectation"`
	Control     string           `json:"control"`
	Title       string           `json:"title"`
	Subject     evidence.Subject `json:"subject,omitzero"`
	Status      assess.Status    `json:"status"`
	Reason      string           `json:"reason"`
	NextStep    string           `json:"next_step"`
	Owner       string           `json:"owner,omitempty"`
	DueAt       time.Time        `json:"due_at,omitzero"`
	Severity    string           `json:"severity"`
}

// fact is what a record says, with where it was read.
func (r record) fact(at time.Time, text string) Fact {
	return Fact{At: at, Text: text, Kind: r.Kind, Subject: r.Subject, Digest: r.Digest, URL: r.URL, Locator: r.locator()}
}

func (f Fact) marked(m Mark) Fact {
	f.Mark = m
	return f
}

// grounded reports whether a fact rests on a record, or on the lack of one.
func (f Fact) grounded() bool {
	return !f.Digest.IsZero() || f.Records > 0 || f.Mark != Absent && f.Mark != Pending
}

func (f Fact) judged(r *assess.Result) Fact {
	f.Status = r.Status
	return f
}

// short reports whether a result falls short of its expectation. One that
// somebody accepted does, and stays visible.
func short(r *assess.Result) bool {
	return r.Status != assess.StatusSatisfied && r.Status != assess.StatusNotApplicable
}

// gaps returns what falls short of a question's expectations for a system:
// results about it, and those about the organisation as a whole.
func (w *World) gaps(q Question, s System) []Gap {
	out := []Gap{}
	for _, slug := range q.Expectations {
		for _, r := range append(w.judging(q, slug, s), w.whole(slug)...) {
			if short(r) {
				out = append(out, w.gap(r))
			}
		}
	}
	return out
}

// judging returns the results of an expectation that judge what an answer is
// about.
func (w *World) judging(q Question, slug string, s System) []*assess.Result {
	if q.judges == nil {
		return w.about(slug, s.ID)
	}
	wanted := q.judges(w, s)
	var out []*assess.Result
	for _, r := range w.results[slug] {
		if wanted(r) && !aboutAll(r) {
			out = append(out, r)
		}
	}
	return out
}

func (w *World) gap(r *assess.Result) Gap {
	g := Gap{Expectation: r.Expectation, Control: r.Control, Subject: r.Subject, Status: r.Status, Reason: r.Reason, NextStep: w.step(r),
		Owner: w.owner(r), Severity: r.Severity}
	if in := w.inForce[r.Expectation]; in != nil {
		g.Title = in.Title
	}
	if r.DueAt != nil {
		g.DueAt = *r.DueAt
	}
	if r.Status == assess.StatusWaived {
		g.Reason = fmt.Sprintf("waived by %s, underneath %s: %s", r.Waiver, r.Underlying, r.Reason)
	}
	return g
}

// step is what to do about a result.
func (w *World) step(r *assess.Result) string {
	if r.Status == assess.StatusWaived {
		return "Mind the end of the waiver."
	}
	return w.steps[assess.FindingID(r.Expectation, r.Subject)]
}

// unseen says of each expectation that no result concerns the system, or why
// it does not apply: for answers that have nothing else to say.
func (w *World) unseen(q Question, slugs []string, s System) []Gap {
	var out []Gap
	for _, slug := range slugs {
		in := w.inForce[slug]
		if in == nil {
			out = append(out, Gap{Expectation: slug, Status: assess.StatusNotAssessed, Reason: "no expectation of this name is in force",
				NextStep: "Restore the expectation, or answer the question by other evidence."})
			continue
		}
		g := Gap{Expectation: slug, Control: in.Control, Title: in.Title, Severity: in.Severity, NextStep: in.Remedy, Status: assess.StatusNotAssessed,
			Owner: s.Owner, Subject: evidence.Subject{Type: "ai_system", ID: s.ID}}
		results := append(w.judging(q, slug, s), w.whole(slug)...)
		switch {
		case len(results) > 0:
			g.Status, g.Reason, g.Subject = results[0].Status, results[0].Reason, results[0].Subject
		case in.Off != "":
			g.Status, g.Reason = assess.StatusNotApplicable, "switched off: "+in.Off
		default:
			g.Reason = w.outside(in, s)
			g.NextStep = "The expectation asks nothing here. To answer all the same: " + in.Remedy
		}
		if s.ID == "" && g.Subject.ID == "" {
			g.Subject = evidence.Subject{}
		}
		out = append(out, g)
	}
	return out
}

// outside says that nothing of a system was judged, and what the register says
// that may be why.
func (w *World) outside(in *assess.InForce, s System) string {
	out := "judged per " + in.Per + ", and none of those judged is of this system"
	if !s.RetiredAt.IsZero() && !s.RetiredAt.After(w.now()) {
		return out + ", which was retired on " + day(s.RetiredAt)
	}
	if s.Tier != "" {
		return out + ", which the register calls " + s.Tier
	}
	return out
}

// worst orders gaps by what they do to a control.
func worst(gaps []Gap) {
	severities := []string{"major", "minor", "observation"}
	slices.SortStableFunc(gaps, func(x, y Gap) int {
		return cmp.Compare(slices.Index(severities, x.Severity), slices.Index(severities, y.Severity))
	})
}

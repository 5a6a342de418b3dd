package finding_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// world is an organisation of a few models: how each is, what was last seen of
// it, and when everything was last read whole.
type world struct {
	now    time.Time
	is     map[string]assess.Status // "" is not there
	seen   map[string]assess.Status
	waiver map[string]bool
	whole  time.Time
}

var models = []string{"a", "b", "c"}

// step changes the world and reports whether everything was read whole.
func (w *world) step(t *rapid.T) bool {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour)
	model := rapid.SampledFrom(models).Draw(t, "model")
	switch rapid.SampledFrom([]string{"change", "complete", "partial", "failed", "waiver"}).Draw(t, "step") {
	case "change":
		w.is[model] = rapid.SampledFrom([]assess.Status{"", satisfied, failing, missing, stale, assess.StatusNotAssessed,
			assess.StatusPendingReview, assess.StatusDue, assess.StatusNotApplicable}).Draw(t, "status")
	case "complete":
		w.whole = w.now
		for _, m := range models {
			w.seen[m] = w.is[m]
		}
		return true
	case "partial":
		w.seen[model] = w.is[model]
	case "waiver":
		w.waiver[model] = !w.waiver[model]
	}
	return false
}

func (w *world) assess() *assess.Assessment {
	var results []*assess.Result
	for _, m := range models {
		switch s := w.seen[m]; {
		case s == "":
		case w.waiver[m] && (s == failing || s == missing):
			results = append(results, waived(m, "W-"+m))
		default:
			results = append(results, result(m, s, "seen so"))
		}
	}
	return assessedAt(w.now, w.whole, results...)
}

// history runs a random one; after each assessment it calls check with whether
// everything was read whole since the one before.
func history(t *rapid.T, check func(b *finding.Book, a *assess.Assessment, events []finding.Event, whole bool)) {
	w := &world{now: start, is: map[string]assess.Status{}, seen: map[string]assess.Status{}, waiver: map[string]bool{}, whole: start}
	b := &finding.Book{}
	whole := false
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		whole = w.step(t) || whole
		if rapid.Bool().Draw(t, "assess") {
			w.now = w.now.Add(time.Minute)
			a := w.assess()
			check(b, a, take(t, b, a, policy), whole)
			whole = false
		}
	}
}

// TestPartialNeverResolves: between two assessments without a whole reading,
// nothing is resolved; and whatever is short is open or waived, never resolved.
func TestPartialNeverResolves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(b *finding.Book, a *assess.Assessment, events []finding.Event, whole bool) {
			for _, e := range events {
				if e.Type == finding.Resolved && !whole {
					t.Fatalf("resolved without a whole reading: %+v", e)
				}
			}
			for _, r := range a.Results {
				l, known := b.Life(assess.FindingID(r.Expectation, r.Subject))
				switch r.Status {
				case satisfied, assess.StatusDue, assess.StatusNotApplicable:
				case assess.StatusWaived:
					if !known || l.State != finding.Covered || l.Waiver != r.Waiver {
						t.Fatalf("%s is waived, its finding %+v", r.Subject.ID, l)
					}
				default:
					if !known || !l.State.IsOpen() || l.Status != r.Status || !l.ShortAt.Equal(a.AsOf) {
						t.Fatalf("%s is %s, its finding %+v", r.Subject.ID, r.Status, l)
					}
				}
			}
		})
	})
}

// TestNothingChangedAddsNothing: the same assessment again, or a later one of
// the same results, has no events; and a finding that is in order is resolved
// by the next whole reading, so that none stays open for ever.
func TestNothingChangedAddsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(b *finding.Book, a *assess.Assessment, _ []finding.Event, _ bool) {
			later := rapid.IntRange(0, 30).Draw(t, "later")
			again := assessedAt(a.AsOf.Add(time.Duration(later)*time.Second), a.Readings.Expectations["reviewed"], a.Results...)
			copied := b.Clone()
			if events := take(t, copied, again, policy); len(events) > 0 {
				t.Fatalf("nothing changed: %+v", events)
			}
			take(t, copied, assessedAt(again.AsOf.Add(time.Second), again.AsOf.Add(time.Second), a.Results...), policy)
			for _, l := range copied.Lives() {
				if (l.Status == satisfied || l.Status == assess.StatusNotApplicable) && l.State != finding.Concluded {
					t.Fatalf("in order, read whole, and still %s: %+v", l.State, l)
				}
			}
		})
	})
}

// TestFoldedAgain: the entries of the ledger alone give the same lives, also
// if entries stand there twice, and each history is in order.
func TestFoldedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var book *finding.Book
		folded, twice := &finding.Book{}, &finding.Book{}
		var all []finding.Event
		history(t, func(b *finding.Book, a *assess.Assessment, events []finding.Event, _ bool) {
			book = b
			events = append(events, acts(t, b, a.AsOf)...)
			for _, e := range events {
				raw, err := finding.Bodies([]finding.Event{e})
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := finding.ParseBody(raw[0])
				if err != nil {
					t.Fatal(err)
				}
				for _, into := range []*finding.Book{folded, twice, twice} {
					if err := into.Apply(parsed...); err != nil {
						t.Fatal(err)
					}
				}
				all = append(all, parsed...)
			}
			folded.Mark(a.AsOf)
			twice.Mark(a.AsOf)
		})
		if book == nil {
			return
		}
		if d := cmp.Diff(book.Lives(), folded.Lives()); d != "" {
			t.Fatalf("(-lived +folded):\n%s", d)
		}
		if err := twice.Apply(all...); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(book.Lives(), twice.Lives()); d != "" {
			t.Fatalf("(-lived +applied several times):\n%s", d)
		}
		for _, l := range folded.Lives() {
			inOrder(t, l)
		}
	})
}

// acts lets people act on what is open, and returns what came of it.
func acts(t *rapid.T, b *finding.Book, at time.Time) []finding.Event {
	var out []finding.Event
	for i, l := range b.Lives() {
		if !rapid.Bool().Draw(t, "act") {
			continue
		}
		var e finding.Event
		var err error
		switch rapid.IntRange(0, 2).Draw(t, "which") {
		case 0:
			e, err = finding.Acknowledge(l, "ines", "seen", at)
		case 1:
			e, err = finding.Assign(l, fmt.Sprint("p", i), "ines", "", at)
		case 2:
			e, err = finding.Grade(l, "observation", "ines", "small", at)
		}
		if err != nil {
			continue // it is not open, or done already
		}
		if err := b.Apply(e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// inOrder: a history begins once, its times never go back, what is resolved
// was open, and what is reopened was resolved or waived.
func inOrder(t *rapid.T, l *finding.Life) {
	state := finding.State("")
	for i, e := range l.History {
		if i > 0 && e.At.Before(l.History[i-1].At) {
			t.Fatalf("%s goes back in time: %+v", l.ID, l.History)
		}
		bad := e.Cause == ""
		switch e.Type {
		case finding.Opened:
			bad, state = bad || state != "", finding.Open
		case finding.Waived:
			bad, state = bad || state == finding.Covered, finding.Covered
		case finding.Resolved:
			bad, state = bad || state == "" || state == finding.Concluded, finding.Concluded
		case finding.Reopened:
			bad, state = bad || state != finding.Concluded && state != finding.Covered, finding.Open
		case finding.Acknowledged:
			bad, state = bad || state != finding.Open, finding.Noted
		default:
			bad = bad || state == "" || state == finding.Concluded
		}
		if bad {
			t.Fatalf("%s: %s (%q) in state %q: %+v", l.ID, e.Type, e.Cause, state, l.History)
		}
	}
	if state != l.State {
		t.Fatalf("%s: its history ends as %s, it is %s", l.ID, state, l.State)
	}
}

package assess_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
)

// TestPeriodAgreesWithAsOf: whatever an interval says, assessing any instant
// that it was found at says too; and nothing that such an assessment says is in
// no interval.
func TestPeriodAgreesWithAsOf(t *testing.T) {
	eng := storied(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		st := eng.NewState()
		for _, step := range s.steps {
			step.apply(t, st)
		}
		from := storyStart.Add(time.Duration(rapid.IntRange(-48, 48).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(1, 24*20).Draw(t, "length")) * time.Hour)
		p, err := period.Of(st, assess.Checkpoint{}, period.Options{From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		instants := []time.Time{from, to}
		for end := from.Truncate(24 * time.Hour).Add(24*time.Hour - time.Second); end.Before(to); end = end.Add(24 * time.Hour) {
			if end.After(from) && rapid.IntRange(0, 4).Draw(t, "look") == 0 {
				instants = append(instants, end)
			}
		}
		for _, r := range st.RunEnds(from, to) {
			if rapid.IntRange(0, 4).Draw(t, "look") == 0 {
				instants = append(instants, r)
			}
		}
		for _, at := range instants {
			agrees(t, p, assessAt(t, st, at), at)
		}
		for _, r := range p.Records {
			checkDays(t, r.Expectation+" "+r.Subject.ID, r.Days, p.Days)
			for i, iv := range r.Intervals {
				if iv.From.After(iv.To) || i > 0 && !r.Intervals[i-1].To.Before(iv.From) {
					t.Fatalf("%s %s: intervals out of order", r.Expectation, r.Subject.ID)
				}
			}
		}
	})
}

func checkDays(t *rapid.T, what string, d period.Days, days int) {
	if d.Total > days || d.Satisfied+d.NotRead+d.Waived+d.NotSatisfied != d.Total {
		t.Fatalf("%s: days do not add up: %+v of %d", what, d, days)
	}
}

type recordKey struct{ expectation, subjectType, id string }

// agrees compares the intervals that cover an instant with an assessment.
func agrees(t *rapid.T, p *period.Period, a *assess.Assessment, at time.Time) {
	covered := map[recordKey]period.Interval{}
	for _, r := range p.Records {
		for _, iv := range r.Intervals {
			if !at.Before(iv.From) && !at.After(iv.To) {
				covered[recordKey{r.Expectation, r.Subject.Type, r.Subject.ID}] = iv
			}
		}
	}
	for _, r := range a.Results {
		key := recordKey{r.Expectation, r.Subject.Type, r.Subject.ID}
		iv, ok := covered[key]
		if !ok || iv.Status != r.Status || iv.Underlying != r.Underlying || iv.Waiver != r.Waiver {
			t.Fatalf("%v at %s: %s as of then, %s in the period", key, at, r.Status, iv.Status)
		}
		if at.Equal(iv.From) && iv.Reason != r.Reason {
			t.Fatalf("%v at %s: %q as of then, %q in the period", key, at, r.Reason, iv.Reason)
		}
		delete(covered, key)
	}
	for key := range covered {
		t.Fatalf("%v is in the period at %s and not in the assessment", key, at)
	}
	for i, c := range p.Controls {
		for _, iv := range c.Intervals {
			if !at.Before(iv.From) && !at.After(iv.To) && iv.Status != a.Controls[i].Status {
				t.Fatalf("%s at %s: %s as of then, %s in the period", c.ID, at, a.Controls[i].Status, iv.Status)
			}
		}
	}
}

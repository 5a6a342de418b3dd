package assess_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestOrderOfAppending: the same evidence gives the same statuses in whatever
// order the ledger got it, one run after the other or several at once.
func TestOrderOfAppending(t *testing.T) {
	eng := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		runs := ownClocks(t, drawStory(t))
		a, b := eng.NewState(), eng.NewState()
		last := storyStart
		for _, run := range runs {
			for _, st := range run {
				if known := st.known(); known.After(last) {
					last = known
				}
			}
		}
		seed := rapid.Uint64().Draw(t, "seed")
		apply(t, a, interleaved(runs, seed, rapid.IntRange(0, 1).Draw(t, "at once") == 1), nil)
		at := last.Add(time.Duration(rapid.IntRange(-24*10, 24*20).Draw(t, "later")) * time.Hour)
		between := func() { assessAt(t, b, last) } // what is remembered has to change
		apply(t, b, interleaved(runs, seed+1, true), between)
		for _, at := range []time.Time{last, at} {
			if diff := cmp.Diff(said(assessAt(t, a, at)), said(assessAt(t, b, at))); diff != "" {
				t.Fatalf("at %s (-one order +another):\n%s", at, diff)
			}
		}
	})
}

// ownClocks splits a story into its runs and moves the clock of some back, so
// that they overlap. No two instants are alike.
func ownClocks(t *rapid.T, s *story) [][]step {
	var runs [][]step
	var back time.Duration
	for i, st := range s.steps {
		if st.run != nil && st.run.FinishedAt.IsZero() {
			runs = append(runs, nil)
			back = time.Duration(rapid.IntRange(0, 60*24*5).Draw(t, "back")) * time.Minute
		}
		move := func(at time.Time) time.Time {
			if at.IsZero() {
				return at
			}
			return at.Add(-back + time.Duration(i)*time.Microsecond)
		}
		switch {
		case st.run != nil:
			r := *st.run
			r.StartedAt, r.FinishedAt = move(r.StartedAt), move(r.FinishedAt)
			st = step{run: &r}
		case st.gone != nil:
			g := *st.gone
			g.At = move(g.At)
			st = step{gone: &g}
		default:
			e := *st.item
			e.CollectedAt = move(e.CollectedAt)
			st = step{item: &e}
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], st)
	}
	return runs
}

// interleaved is a ledger of the runs: each in its own order, but the runs in
// any, one after the other or at once.
func interleaved(runs [][]step, seed uint64, atOnce bool) []step {
	rnd := rand.New(rand.NewPCG(seed, 7))
	rest := append([][]step(nil), runs...)
	rnd.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	var out []step
	for len(rest) > 0 {
		i, n := 0, len(rest[0])
		if atOnce {
			i, n = rnd.IntN(len(rest)), 1
		}
		out = append(out, rest[i][:n]...)
		if rest[i] = rest[i][n:]; len(rest[i]) == 0 {
			rest = append(rest[:i:i], rest[i+1:]...)
		}
	}
	return out
}

func apply(t *rapid.T, s *assess.State, steps []step, between func()) {
	for i, st := range steps {
		if st.item != nil {
			e := *st.item
			e.Seq = int64(i + 1)
			st.item = &e
		}
		st.apply(t, s)
		if between != nil && i%3 == 0 {
			between()
		}
	}
}

func said(a *assess.Assessment) map[string]string {
	out := map[string]string{}
	for _, r := range a.Results {
		out[r.Expectation+" "+r.Subject.Type+"/"+r.Subject.ID] = string(r.Status) + ": " + r.Reason
	}
	return out
}

// TestLateReading: an older reading that the ledger gets later does not count,
// and being found gone is a matter of what was in force then.
func TestLateReading(t *testing.T) {
	eng := shipped(t)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }
	type reading struct {
		read  int
		owner string // empty: found gone
	}
	for _, c := range []struct {
		name     string
		readings []reading
		want     map[int]string // by day: the owner, or nobody
	}{
		{"the older one arrives last", []reading{{5, "new"}, {3, "old"}}, map[int]string{2: "", 4: "old", 6: "new", 10: "new"}},
		{"between two", []reading{{2, "a"}, {6, "c"}, {4, "b"}}, map[int]string{3: "a", 5: "b", 10: "c"}},
		{"read again at the same instant", []reading{{3, "a"}, {3, "b"}}, map[int]string{4: "b", 10: "b"}},
		{"gone, then an older reading", []reading{{2, "a"}, {6, ""}, {4, "b"}}, map[int]string{3: "a", 5: "b", 7: "", 10: ""}},
		{"gone before the newest reading", []reading{{2, "a"}, {6, "c"}, {4, ""}}, map[int]string{3: "a", 5: "", 7: "c", 10: "c"}},
		{"gone twice", []reading{{2, "a"}, {8, ""}, {4, ""}, {6, "b"}}, map[int]string{3: "a", 5: "", 7: "b", 9: "", 10: ""}},
		{"gone before it was known", []reading{{4, ""}, {2, "a"}}, map[int]string{3: "a", 5: "", 10: ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(eng)
			s := eng.NewState()
			for n := 1; n <= 10; n++ {
				s.ApplyRun(w.run(eng, fmt.Sprint("r", n), day(n)))
			}
			for i, r := range c.readings {
				if r.owner == "" {
					if err := s.ApplyGone(evidence.Gone{Run: "r2", Kind: "inventory.ai_system", Keys: []string{"s1"}, At: day(r.read)}); err != nil {
						t.Fatal(err)
					}
				} else {
					e := w.item(t, "inventory.ai_system", "ai_system/s1", `{"system_id":"s1","in_scope":true,"owner":"`+r.owner+`"}`)
					e.Seq, e.CollectedAt = int64(i+1), day(r.read)
					if err := s.Apply(*e); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := s.At(day(10), assess.Checkpoint{}); err != nil {
					t.Fatal(err)
				}
			}
			got := map[int]string{}
			for n := range c.want {
				got[n] = ownerAt(t, s, day(n))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("owners by day (-want +got):\n%s", diff)
			}
		})
	}
}

func ownerAt(t *testing.T, s *assess.State, at time.Time) string {
	t.Helper()
	a, err := s.At(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Results {
		if r.Subject.ID == "s1" && r.Expectation == "ai-system-owner-named" {
			return r.Owner
		}
	}
	return ""
}

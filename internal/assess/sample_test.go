package assess_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// drawn is an assessment with a population of n items, some of them exceptions.
func drawn(t *rapid.T, n int, mode string) *assess.Assessment {
	a := &assess.Assessment{AsOf: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Expectations: []assess.InForce{{Slug: "x", Control: "8.1", Mode: mode}},
		Populations: []assess.Population{{Expectation: "x", Count: n}}}
	for i := range n {
		r := &assess.Result{Expectation: "x", Subject: evidence.Subject{Type: "change", ID: fmt.Sprintf("acme/a#%d", i)}, Status: assess.StatusSatisfied}
		if rapid.IntRange(0, 9).Draw(t, "exception") == 0 {
			r.Status = assess.StatusFailing
		}
		if rapid.IntRange(0, 9).Draw(t, "high") == 0 {
			r.Tier = "high"
		}
		a.Results = append(a.Results, r)
	}
	return a
}

// TestDrawCanBeRepeated: the same seed gives the same draw, whatever the order
// of the items; exceptions are always in it; the ranks are those that anybody
// computes; and what was not drawn ranks above what was.
func TestDrawCanBeRepeated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 120).Draw(t, "n")
		a := drawn(t, n, "per_event")
		o := assess.SampleOptions{Seed: rapid.StringMatching(`[ -~]{1,12}`).Draw(t, "seed"), Size: rapid.IntRange(0, 40).Draw(t, "size")}
		if rapid.Bool().Draw(t, "high-risk") {
			o.Always = []string{assess.AlwaysHighRisk}
		}
		one, err := assess.Draw(a, "x", o)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := *a
		shuffled.Results = rapid.Permutation(a.Results).Draw(t, "order")
		two, err := assess.Draw(&shuffled, "x", o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("the order of the items shows:\n%s", diff)
		}
		in, highest, byRank := map[string]bool{}, "", 0
		for _, i := range one.Items {
			in[i.Subject.ID] = true
			if want := fmt.Sprintf("%x", sha256.Sum256([]byte(o.Seed+"\n"+i.Subject.ID))); i.Rank != want {
				t.Fatalf("rank of %s: %s, want %s", i.Subject.ID, i.Rank, want)
			}
			if i.Why == "drawn" {
				highest, byRank = max(highest, i.Rank), byRank+1
			}
		}
		left := 0
		for _, r := range a.Results {
			must := r.Status == assess.StatusFailing || len(o.Always) > 0 && r.Tier == "high"
			if in[r.Subject.ID] {
				continue
			}
			left++
			if must || assess.SampleRank(o.Seed, r.Subject.ID) < highest {
				t.Fatalf("%s was left out", r.Subject.ID)
			}
		}
		if left > 0 && byRank != one.Size {
			t.Fatalf("%d drawn by rank, %d asked for, %d left", byRank, one.Size, left)
		}
	})
}

func TestSampleSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		mode := rapid.SampledFrom([]string{"state", "per_event"}).Draw(t, "mode")
		s, err := assess.Draw(drawn(t, n, mode), "x", assess.SampleOptions{Seed: "s"})
		if err != nil {
			t.Fatal(err)
		}
		want := min(n, 5)
		if mode == "per_event" && n > 5 {
			want = min(n, 25)
		}
		if s.Size != want {
			t.Fatalf("%d items, %s: size %d, want %d", n, mode, s.Size, want)
		}
	})
	if _, err := assess.Draw(&assess.Assessment{}, "x", assess.SampleOptions{Seed: "s"}); err == nil {
		t.Error("an expectation that is not there can be drawn from")
	}
	if _, err := assess.Draw(&assess.Assessment{}, "x", assess.SampleOptions{}); err == nil {
		t.Error("a draw without a seed")
	}
}

// TestPopulationFields: what runs say of how they enumerated is in the fields,
// and what they do not say is said to be not established.
func TestPopulationFields(t *testing.T) {
	eng := storied(t)
	w := merged(t, eng)
	set := func(f func(*evidence.KindRead)) {
		read := w.runs[0].Kinds[pullKind]
		f(&read)
		w.runs[0].Kinds[pullKind] = read
	}
	reading := func() (assess.Population, assess.PopulationReading) {
		a := w.assess(t, eng, w.at)
		for _, p := range a.Populations {
			if p.Expectation == releaseOf {
				i := slices.IndexFunc(p.Readings, func(r assess.PopulationReading) bool { return r.Kind == pullKind })
				return p, p.Readings[i]
			}
		}
		t.Fatal("no population")
		return assess.Population{}, assess.PopulationReading{}
	}
	says := func(p assess.Population, words ...string) {
		t.Helper()
		for _, want := range words {
			if !strings.Contains(p.Statement, want) {
				t.Errorf("statement %q does not say %q", p.Statement, want)
			}
		}
	}

	p, r := reading()
	if r.Independent != nil || r.Difference != nil || r.Canary.Result != assess.CanaryNotEstablished || r.Identity != "reader" || r.Run != "r1" {
		t.Errorf("reading: %+v", r)
	}
	says(p, "contains 1 items", "by identity reader", "Independent count: not established", "Canary: not established", "with query not established")

	set(func(k *evidence.KindRead) { k.Query, k.Seen, k.IndependentCount = "list, canary acme/a#1", 3, 3 })
	p, r = reading()
	if r.Canary.Result != assess.CanaryFound || !slices.Equal(r.Canary.Names, []string{"acme/a#1"}) || *r.Difference != 0 {
		t.Errorf("reading: %+v", r)
	}
	says(p, "Canary: acme/a#1 found", "Independent count: 3. Difference: 0.")

	set(func(k *evidence.KindRead) { k.Query, k.IndependentCount = "list, no canary", 5 })
	p, r = reading()
	if r.Canary.Result != assess.CanaryNone || *r.Difference != -2 {
		t.Errorf("reading: %+v", r)
	}
	says(p, "Difference: -2, explained by: not established", "none declared")

	w.runs[0].Gaps = []evidence.Gap{{Kinds: []string{pullKind}, Scope: "record 7", Reason: "malformed"}, {Kinds: []string{pullKind}, Scope: "record 8", Reason: "malformed"}}
	set(func(k *evidence.KindRead) { k.Query, k.Coverage = "list, canary acme/a#1", "partial" })
	p, r = reading()
	if r.Canary.Result != assess.CanaryNotEstablished || r.Explained == "" {
		t.Errorf("reading: %+v", r)
	}
	says(p, "each named as not covered", "record 7 (malformed)")

	w.runs[0].Gaps = append(w.runs[0].Gaps, evidence.Gap{Kinds: []string{pullKind}, Scope: "repository acme/b", Reason: "hidden", Permission: "pulls:read",
		Detail: "the canary acme/a#1 is not among them"})
	p, r = reading()
	if r.Canary.Result != assess.CanaryNotFound || !slices.Equal(r.Missing, []string{"pulls:read"}) || p.Complete {
		t.Errorf("reading: %+v, complete %t", r, p.Complete)
	}
	says(p, "acme/a#1 not found", "missing pulls:read")
}

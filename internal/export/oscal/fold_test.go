package oscal

import (
	"math/rand/v2"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// TestFold: whatever comes together, satisfied needs all, not-satisfied needs
// one that is established, and what nobody knows settles nothing.
func TestFold(t *testing.T) {
	reasons := []string{assess.ReasonEventWindow + ": old", assess.ReasonInvalidated, assess.ReasonCollectionGap + ": refused", "", "else"}
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for range 20_000 {
		var results []*assess.Result
		n := map[assess.Status]int{}
		severity := []string{"major", "minor", "observation"}[rnd.IntN(3)]
		outlivedOnes := 0
		for range rnd.IntN(4) {
			r := &assess.Result{Status: worst[rnd.IntN(len(worst))], Reason: reasons[rnd.IntN(len(reasons))], Severity: severity}
			results = append(results, r)
			n[r.Status]++
			if r.Status == assess.StatusStale && (r.Reason == reasons[0] || r.Reason == reasons[1]) {
				outlivedOnes++
			}
		}
		o := fold(results)
		seen[o.verdict.state]++
		applies := len(results) - n[assess.StatusNotApplicable]
		all := applies > 0 && n[assess.StatusSatisfied] == applies
		short := n[assess.StatusFailing]+n[assess.StatusMissing] > 0 || outlivedOnes > 0 && n[assess.StatusNotAssessed] == 0
		want := ""
		switch {
		case all:
			want = satisfied
		case short && severity != "observation":
			want = notSatisfied
		}
		if o.verdict.state != want {
			t.Fatalf("%v, severity %s: %q, want %q", n, severity, o.verdict.state, want)
		}
		if o.total != applies || (len(o.decides) > 0) != (want != "") {
			t.Fatalf("%v: %d apply, %d decide", n, o.total, len(o.decides))
		}
		for _, r := range o.decides {
			if verdictOf(r).state != want {
				t.Fatalf("%v: a result that is %s decides for %s", n, r.Status, want)
			}
		}
	}
	for _, state := range []string{"", satisfied, notSatisfied} {
		if seen[state] < 500 {
			t.Errorf("%q came %d times: not tried", state, seen[state])
		}
	}
}

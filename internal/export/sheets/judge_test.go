package sheets

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// The sheet's grade is the worst that the control's findings have: both come
// from one rule, and say the same of a control of which some results are stale.
func TestSuggestedGrade(t *testing.T) {
	results := func(severity string, bad, good int, st assess.Status, reason string, tier ...string) []*assess.Result {
		var out []*assess.Result
		for range bad {
			out = append(out, &assess.Result{Control: "c", Expectation: "e", Status: st, Reason: reason, Severity: severity, Tier: strings.Join(tier, "")})
		}
		for range good {
			out = append(out, &assess.Result{Control: "c", Expectation: "e", Status: assess.StatusSatisfied, Severity: severity})
		}
		return out
	}
	tests := []struct {
		name    string
		results []*assess.Result
		want    string
	}{
		{"nothing open", results("major", 0, 5, assess.StatusFailing, ""), ""},
		{"minor, isolated", results("minor", 1, 9, assess.StatusFailing, ""), "Minor: isolated: 1 of 10"},
		{"minor, more than a tenth", results("minor", 1, 8, assess.StatusFailing, ""), "Major: not isolated"},
		{"minor, three subjects", results("minor", 3, 97, assess.StatusMissing, ""), "Major: not isolated"},
		{"major, isolated", results("major", 2, 18, assess.StatusFailing, ""), "Minor: isolated, not high-risk, and others pass"},
		{"major, high risk", results("major", 1, 19, assess.StatusFailing, "", "high"), "Major: a high-risk system"},
		{"major, nobody passed", results("major", 1, 0, assess.StatusMissing, ""), "Major:"},
		{"observation", results("observation", 5, 0, assess.StatusFailing, ""), "OFI"},
		{"too old", results("major", 1, 0, assess.StatusStale, assess.ReasonEventWindow+": 400 days"), ""},
		{"not collected", results("major", 1, 0, assess.StatusStale, assess.ReasonCollectionGap+": 3 days"), ""},
		{"unknown", results("major", 4, 0, assess.StatusNotAssessed, ""), ""},
		{"waived", results("major", 4, 0, assess.StatusWaived, ""), ""},
	}
	for _, tt := range tests {
		b := &Book{snap: &export.Snapshot{Assessment: &assess.Assessment{Results: tt.results}}}
		if got := b.suggestions()["c"]; !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSpans(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 0, time.UTC) }
	gap := evidence.Gap{Kinds: []string{"k"}, Scope: "repo", Reason: "denied", Detail: "403"}
	run := func(start int, st evidence.RunStatus, gaps ...evidence.Gap) evidence.Run {
		r := evidence.Run{Provenance: evidence.Provenance{Source: "s", Connector: "c"}, StartedAt: at(start), FinishedAt: at(start + 1), Status: st, Gaps: gaps}
		if st == evidence.RunComplete {
			r.Kinds = map[string]evidence.KindRead{"k": {Coverage: "complete"}}
		}
		if st == evidence.RunFailed {
			r.Error = "refused"
		}
		return r
	}
	type span struct {
		kind, reason string
		from, to     int
		open         bool
	}
	tests := []struct {
		name string
		runs []evidence.Run
		want []span
	}{
		{"all well", []evidence.Run{run(0, evidence.RunComplete), run(4, evidence.RunComplete)}, nil},
		{"once, then closed", []evidence.Run{run(0, evidence.RunComplete), run(4, evidence.RunPartial, gap), run(8, evidence.RunComplete)},
			[]span{{"k", "denied", 1, 9, false}}},
		{"twice is one span", []evidence.Run{run(0, evidence.RunPartial, gap), run(4, evidence.RunPartial, gap)}, []span{{"k", "denied", 0, 20, true}}},
		{"a failed run does not close a gap", []evidence.Run{run(0, evidence.RunPartial, gap), run(4, evidence.RunFailed), run(8, evidence.RunComplete)},
			[]span{{"k", "denied", 0, 9, false}, {wholeSource, "failed", 4, 9, false}}},
		{"failed since the last complete one", []evidence.Run{run(0, evidence.RunComplete), run(4, evidence.RunFailed)},
			[]span{{wholeSource, "failed", 1, 20, true}}},
		{"never ended", []evidence.Run{run(2, evidence.RunOpen)}, []span{{wholeSource, "not ended", 2, 20, true}}},
	}
	for _, tt := range tests {
		var got []span
		for _, u := range spans(tt.runs, at(20)) {
			got = append(got, span{u.kind, u.reason, u.from.Hour(), u.to.Hour(), u.open})
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(span{})); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

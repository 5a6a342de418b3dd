package gather_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// The scope is what was approved last, not what was written last, and says
// when nobody approved it.
func TestScopeAndHeadcount(t *testing.T) {
	st, key := world(t)
	scope := func(id, payload string) evidence.Record {
		return record("scope.statement", "organization", id, payload)
	}
	read(t, st, "three", 11, scope("a", `{"statement":"A draft."}`))
	if s := snapshot(t, st, key, at(12)); s.Scope != "A draft." || s.ScopeBy != "" || s.Headcount != nil {
		t.Errorf("a draft alone: %q by %q, %v", s.Scope, s.ScopeBy, s.Headcount)
	}
	read(t, st, "four", 13, scope("b", `{"statement":"All AI of Lisbon.","boundaries":"Without Porto.","approved_by":"ann","approved_at":"2026-06-02T00:00:00Z",`+
		`"headcount":[{"role":"deployer","people":45},{"role":"developer","people":12}]}`),
		scope("c", `{"statement":"Not yet.","approved_by":"ann","approved_at":"2026-07-30T00:00:00Z"}`))
	s := snapshot(t, st, key, at(14))
	if s.Scope != "All AI of Lisbon.\nWithout Porto." || s.ScopeBy != "ann" || s.ScopeAt.IsZero() {
		t.Errorf("approved: %q by %q at %v", s.Scope, s.ScopeBy, s.ScopeAt)
	}
	if d := cmp.Diff([]export.Count{{Name: "deployer", N: 45}, {Name: "developer", N: 12}}, s.Headcount); d != "" {
		t.Errorf("headcount: %s", d)
	}
}

func TestScopeThatCannotBeReadStopsNothing(t *testing.T) {
	st, key := world(t)
	read(t, st, "three", 11, record("scope.statement", "organization", "a", `{"statement":5}`))
	if s := snapshot(t, st, key, at(12)); !strings.HasPrefix(s.Scope, "not established: evidence ") {
		t.Errorf("scope: %q", s.Scope)
	}
}

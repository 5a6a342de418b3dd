package assess_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// TestLookedForBeforeAnyRecordHadIt: a condition that looked for a text which
// no record had is judged again when one comes that has it.
func TestLookedForBeforeAnyRecordHadIt(t *testing.T) {
	own := parsed(t, []byte(`control: A.10.3
expectations:
  - slug: own-rule
    version: 1
    title: T
    statement: S
    severity: minor
    strength: existence
    automation: full
    per: organization
    population: {kind: organization}
    params: {names: [nobody-yet, nor-this-one]}
    uses:
      vendors: {kind: vendor.record, match: {vendor_id: params.names}}
    freshness: {mode: state, collection_max_age: 2d}
    checks:
      - that: vendors.size() > 0
        otherwise: missing
        because: '"none of them is there"'
    remedy: R
`))
	eng := compiled(t, assess.Options{Files: []*yamlfile.File{own}})
	w, s := newWorld(eng), eng.NewState()
	w.load(t, s)
	status := func() assess.Status {
		for _, r := range assessed(t, s, w.at).Results {
			if r.Expectation == "own-rule" {
				return r.Status
			}
		}
		return ""
	}
	if got := status(); got != assess.StatusMissing {
		t.Fatalf("%s before, want missing", got)
	}
	if err := s.Apply(*w.item(t, "vendor.record", "vendor/nor-this-one", `{"vendor_id":"nor-this-one"}`)); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != assess.StatusSatisfied {
		t.Fatalf("%s after it came, want satisfied", got)
	}
}

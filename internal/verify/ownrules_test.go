package verify_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/verify"
	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

func saying(t *testing.T, b []byte, o verify.Options) (verify.Report, string) {
	t.Helper()
	r, err := verify.Bundle(t.Context(), bytes.NewReader(b), o)
	if err != nil || !r.OK() {
		t.Fatalf("%v, %v", err, r.First)
	}
	return r, strings.Join(r.Notes, "\n")
}

// TestOwnRulesAreSaid: a result that follows only because the organisation
// changed what is expected is not shown without saying so.
func TestOwnRulesAreSaid(t *testing.T) {
	l := lab(t)
	o := verifytest.Options(t, l.Own)
	if _, notes := saying(t, l.Good, o); !strings.Contains(notes, "1 expectations have thresholds of the organisation: change-approved (approvals)") {
		t.Errorf("a threshold of the organisation's is not in %q", notes)
	}
	w := verifytest.New(t, verifytest.Honest(t), l.Own)
	w.Rules.Own = append(w.Rules.Own, evaluate.RuleFile{Name: "ours.yaml", Text: []byte("overrides:\n  change-approved: {off: it never mattered}\n")})
	for _, quick := range []bool{false, true} {
		if quick {
			o.Recompute = nil
		}
		_, notes := saying(t, w.Bundle(redact.Profile{}, bundle.Whole), o)
		if !strings.Contains(notes, "1 expectations are switched off by the organisation: change-approved (it never mattered)") {
			t.Errorf("what was switched off is not in %q", notes)
		}
	}
}

// TestOtherRulesAreSaid: rules that call themselves the product's and are not.
func TestOtherRulesAreSaid(t *testing.T) {
	l := lab(t)
	w := verifytest.New(t, verifytest.Honest(t), l.Own)
	o := verifytest.Options(t, l.Own)
	o.Recompute.Shipped = w.Rules.Shipped
	if r, notes := saying(t, l.Good, o); r.Recomputed != "yes" || strings.Contains(notes, "outside rules/own/") {
		t.Errorf("recomputed %q, notes %q", r.Recomputed, notes)
	}
	weak := fstest.MapFS{}
	for name, f := range w.Rules.Shipped.(fstest.MapFS) {
		weak[name] = &fstest.MapFile{Data: bytes.Replace(f.Data, []byte("r.submitted_at <= change.merged_at"), []byte("true"), 1)}
	}
	w.Rules.Shipped = weak
	r, notes := saying(t, w.Bundle(redact.Profile{}, bundle.Whole), o)
	if r.Recomputed == "yes" || !strings.Contains(notes, "1 files of rules outside rules/own/ are not those that this program comes with: rules/expectations/A.6.2.5.yaml") {
		t.Errorf("recomputed %q, notes %q", r.Recomputed, notes)
	}
	o.Recompute.Shipped = config.FS
	if _, notes := saying(t, l.Good, o); !strings.Contains(notes, "(missing)") && !strings.Contains(notes, "more") {
		t.Errorf("rules that are left out are not in %q", notes)
	}
}

// TestOtherWordsAreSaid: whoever has the key can seal a README that promises
// what nobody checked.
func TestOtherWordsAreSaid(t *testing.T) {
	l := lab(t)
	const words = "not in the words of this program"
	if _, notes := saying(t, l.Good, verify.Options{}); strings.Contains(notes, words) {
		t.Errorf("notes of a good bundle: %q", notes)
	}
	if _, notes := saying(t, l.Promising(), verify.Options{}); !strings.Contains(notes, "README.txt, manifest.json (trust): "+words) {
		t.Errorf("other words are not in %q", notes)
	}
}

// TestSheetsLeftOut: a profile that hides nothing and leaves a sheet out is
// recomputed like any bundle of the whole ledger.
func TestSheetsLeftOut(t *testing.T) {
	l := lab(t)
	w := verifytest.New(t, verifytest.Honest(t), l.Own)
	if r, _ := saying(t, w.Bundle(redact.Profile{Name: "slim", Sheets: []string{"People"}}, bundle.Whole), verifytest.Options(t, l.Own)); r.Recomputed != "yes" {
		t.Errorf("recomputed: %s", r.Recomputed)
	}
}

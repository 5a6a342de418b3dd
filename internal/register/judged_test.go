package register_test

import (
	"io/fs"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// judge assesses what a register says, read once at now.
func judge(t *testing.T, r *register.Register) map[string]assess.Status {
	t.Helper()
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(load(t), assess.Options{Rules: rules, Trusted: true, Checked: config.Conditions})
	if err != nil {
		t.Fatal(err)
	}
	st := eng.NewState()
	records, err := r.Records(now)
	if err != nil {
		t.Fatal(err)
	}
	run := evidence.Run{ID: "run", Provenance: evidence.Provenance{Source: register.SourceName}, StartedAt: now, FinishedAt: now,
		Status: evidence.RunComplete, Kinds: map[string]evidence.KindRead{}}
	for _, kind := range r.Declares() {
		run.Kinds[kind] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	}
	st.ApplyRun(run)
	for i, rec := range records {
		err := st.Apply(evidence.Evidence{Seq: int64(i), Digest: evidence.Sum(rec.Payload), Run: run.ID, Source: register.SourceName, Kind: rec.Kind,
			Major: 1, Subject: rec.Subject, Key: rec.Key, Revision: 1, EventTime: rec.EventTime, CollectedAt: now, Payload: rec.Payload})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := st.At(now, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]assess.Status{}
	for _, res := range a.Results {
		out[res.Expectation] = res.Status
	}
	return out
}

// What the sections say is what the expectations ask for; a section that is
// not there leaves them unknown, never missing.
func TestProfileIsJudged(t *testing.T) {
	slugs := []string{"scope-statement-approved", "scope-covers-inventory", "context-register-current", "stakeholder-register-current", "objectives-measurable"}
	full := judge(t, parse(t, string(example(t))))
	bare := judge(t, parse(t, base))
	withdrawn := judge(t, parse(t, base+"scope: {statement: s}\nobjectives: []\n"))
	for _, slug := range slugs {
		if full[slug] != assess.StatusSatisfied {
			t.Errorf("%s of the example: %s", slug, full[slug])
		}
		if slug != "scope-covers-inventory" && bare[slug] != assess.StatusNotAssessed {
			t.Errorf("%s without a profile: %s", slug, bare[slug])
		}
	}
	if withdrawn["scope-statement-approved"] != assess.StatusFailing || withdrawn["objectives-measurable"] != assess.StatusMissing {
		t.Errorf("a scope without approval %s, no objectives %s", withdrawn["scope-statement-approved"], withdrawn["objectives-measurable"])
	}
}

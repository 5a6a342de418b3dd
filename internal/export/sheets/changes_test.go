package sheets

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// shipped compiles the shipped expectations, once for all tests.
var shipped = sync.OnceValues(func() (*assess.Engine, error) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		return nil, err
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		return nil, err
	}
	return assess.Compile(cat, assess.Options{Rules: rules})
})

// judge holds the records of a small snapshot against the shipped expectations
// and returns the book of what came out. All changes of code were read.
func judge(t *testing.T, s *small) *Book {
	t.Helper()
	eng, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	st := eng.NewState()
	for _, run := range s.snap.Runs {
		for _, kind := range []string{"github.pull_request", "github.pull_request_review", "github.push", "jira.change_request", "model_registry.approval", "jira.issue"} {
			run.Kinds[kind] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
		}
		st.ApplyRun(run)
	}
	for ev, err := range s.Used(t.Context()) {
		if err == nil {
			ev.Payload, err = s.Payload(t.Context(), ev.PayloadSum)
		}
		if err == nil {
			err = st.Apply(ev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.snap.Assessment, err = st.At(today, s.snap.Assessment.Checkpoint); err != nil {
		t.Fatal(err)
	}
	b, err := New(s.snap)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// made is a payload of a value.
func made(t *testing.T, v map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// history makes merges with reviews of every sort, before and after, at the
// head and at older commits, by authors, bots, outsiders and one person under
// two names.
func history(t *testing.T, changes int) []rec {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 42))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	at := func(hours int) string {
		return today.AddDate(0, 0, -40).Add(time.Duration(hours) * time.Hour).Format(time.RFC3339)
	}
	records := []rec{
		{"inventory.ai_system", "ai_system", "scorer", `{"system_id":"scorer","name":"Scorer","in_scope":true,"risk_tier":"limited","repositories":[{"name":"acme/scorer","ai_paths":["src/**"],"production_branch":"main"}]}`},
		{"inventory.ai_system", "ai_system", "triage", `{"system_id":"triage","in_scope":true,"risk_tier":"high","repositories":[{"name":"acme/triage","ai_paths":["prompts/**"]}]}`},
		{"inventory.ai_system", "ai_system", "old", `{"system_id":"old","in_scope":false,"repos":["acme/old"]}`},
		{"github.repository", "repository", "acme/triage", `{"repo":"acme/triage","name":"triage","id":1,"default_branch":"trunk"}`},
		{"directory.names", "person", "bob", `{"person":"bob","names":["Bob Builder","bob@acme.example"]}`},
	}
	for n := range changes {
		repo := pick("acme/scorer", "acme/scorer", "acme/triage", "acme/old", "acme/elsewhere")
		id := fmt.Sprintf("%s#%d", repo, n)
		p := map[string]any{"repo": repo, "number": n, "author": pick("bob", "Bob.Builder", "ann", "cid"), "head_sha": fmt.Sprintf("head%d", n), "merge_commit_sha": fmt.Sprintf("merge%d", n),
			"base_ref": pick("main", "main", "main", "trunk", "trunk", "side"), "files": []string{pick("src/a.go", "prompts/a.md", "README.md"), pick("src/b.go", "docs/x", "prompts/b.md")}, "merged_at": at(100)}
		if rnd.IntN(8) == 0 {
			delete(p, "merged_at")
		}
		if rnd.IntN(10) == 0 {
			p["files"], p["files_truncated"] = []string{"docs/y"}, true
		}
		records = append(records, rec{"github.pull_request", "change", id, made(t, p)})
		for r := range rnd.IntN(6) {
			v := map[string]any{"repo": repo, "pr_number": n, "review_id": n*10 + r, "reviewer": pick("bob", "bob@acme.example", "ann", "cid", "dee", "dee"), "state": pick("APPROVED", "APPROVED", "APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"),
				"commit_id": pick(fmt.Sprintf("head%d", n), fmt.Sprintf("head%d", n), "older"), "submitted_at": at(98 + rnd.IntN(5)), "reviewer_association": pick("MEMBER", "MEMBER", "OWNER", "NONE", "CONTRIBUTOR")}
			if rnd.IntN(6) == 0 {
				v["reviewer_type"] = "Bot"
			}
			if rnd.IntN(9) == 0 {
				v["reviewer_is_author"] = true
			}
			records = append(records, rec{"github.pull_request_review", "change", id, made(t, v)})
		}
	}
	for n := range changes / 4 {
		repo, sha := pick("acme/scorer", "acme/triage"), fmt.Sprintf("merge%d", n*4)
		if n%2 == 0 {
			sha = fmt.Sprintf("direct%d", n)
		}
		records = append(records, rec{"github.push", "change", repo + "@" + sha, made(t, map[string]any{"repo": repo, "ref": pick("main", "trunk"), "sha": sha, "committer": "ann", "author": "ann",
			"files": []string{pick("src/a.go", "prompts/x.md", "README.md")}, "committed_at": at(120), "association": pick("none", "none", "unknown")})})
	}
	return records
}

// The sheet says of who agreed when what the expectation about changes says,
// and has the changes that it looks at.
func TestChangesSayWhatTheRuleSays(t *testing.T) {
	_, s := smallBook(t, []export.System{{ID: "scorer", Name: "Scorer"}}, history(t, 600)...)
	b := judge(t, s)
	g := show(t, b, "Changes")
	rows := map[string]map[string]string{}
	for _, row := range g.rows {
		rows[row["change id"]] = row
	}
	reasons := map[string]int{}
	for _, r := range s.snap.Assessment.Results {
		if r.Expectation != "release-change-approved" {
			continue
		}
		row, shown := rows[r.Subject.ID]
		if !shown {
			if r.Subject.Type == "change" {
				t.Errorf("%s is judged (%s: %s), and not shown", r.Subject.ID, r.Status, r.Reason)
			}
			continue
		}
		delete(rows, r.Subject.ID)
		before, final := row["approval before effect"], row["approved commit is final"]
		start, want, says := "", "", before+final
		for prefix, x := range map[string]string{"nobody reviewed": "NN", "reviewed, never approved": "NN", "approved only by people who may not": "NN", "approved only by its author or by a bot": "NN",
			"approved at an older commit": "?N", "approved only after the merge": "NY", "approved before the merge": "YY", "too few people approved": "?Y", "pushed to": "NN",
			"it could not be asked": "not establishednot established"} {
			if strings.HasPrefix(r.Reason, prefix) {
				start, want = prefix, x
			}
		}
		reasons[start]++
		if start == "" {
			t.Errorf("%s: the rule says something that this test does not know: %s", r.Subject.ID, r.Reason)
		} else if strings.TrimPrefix(want, "?") != strings.TrimPrefix(says, says[:max(0, strings.Index(want, "?")+1)]) {
			t.Errorf("%s: before %s, final %s by %q; the rule: %s: %s", r.Subject.ID, before, final, row["approver"], r.Status, r.Reason)
		}
		if badness(assess.Status(row["result"])) < badness(r.Status) {
			t.Errorf("%s: shown as %s, and the rule says %s", r.Subject.ID, row["result"], r.Status)
		}
		if r.Status == assess.StatusSatisfied && before != "Y" {
			t.Errorf("%s is satisfied, and shown as not approved before", r.Subject.ID)
		}
	}
	for id := range rows {
		t.Errorf("%s is shown, and the rule does not look at it", id)
	}
	for _, must := range []string{"nobody reviewed", "reviewed, never approved", "approved only by its author or by a bot", "approved at an older commit", "approved only after the merge",
		"approved before the merge", "too few people approved", "pushed to", "it could not be asked"} {
		if reasons[must] == 0 {
			t.Errorf("no change for which the rule says %q: this test does not try enough: %v", must, reasons)
		}
	}
}

func TestChangesOfVendorsAndEndpoints(t *testing.T) {
	system := `{"system_id":"bot","name":"Bot","in_scope":true,"vendors":["acme-ai"],"models":["m-1"],"cloud_refs":["bot-prod","guard"]}`
	deployed := func(updated int, arn string) string {
		return fmt.Sprintf(`{"platform":"sagemaker","endpoint_id":"bot-prod","config_ref":"cfg-2","updated_at":%q,"variants":[{"name":"a","model":"bot","version":"2","model_package_arn":%q,"weight":1},{"name":"s","model":"bot","version":"9","shadow":true,"weight":1}]}`, ago(updated), arn)
	}
	approved := func(days int, status, basis string) rec {
		return rec{"model_registry.approval", "model", "bot/2", fmt.Sprintf(`{"registry":"r","model":"bot","version":"2","arn_or_uri":"arn:2","approval_status":%q,"changed_by":"ann","changed_at":%q,"basis":%q}`, status, ago(days), basis)}
	}
	request := func(days int) rec {
		return rec{"jira.change_request", "change", "CHG-1", fmt.Sprintf(`{"key":"CHG-1","approved_by":"dee","approved_at":%q,"linked_refs":["bot-prod","guard"]}`, ago(days))}
	}
	for _, tt := range []struct {
		name          string
		records       []rec
		before, final string
		approver      string
	}{
		{"nothing", nil, "N", "N", ""},
		{"approved before", []rec{approved(11, "Approved", "audit_log")}, "Y", "Y", "ann"},
		{"approved, then rejected before", []rec{approved(12, "Approved", "audit_log"), approved(11, "Rejected", "audit_log")}, "N", "N", ""},
		{"approved after", []rec{approved(9, "Approved", "audit_log")}, "N", "N", ""},
		{"rejected after, and what held before is not known", []rec{approved(9, "Rejected", "last_change")}, "N", "not established", ""},
		{"a request of a week before", []rec{request(17)}, "Y", "N", "dee"},
		{"a request of forty days before", []rec{request(50)}, "N", "N", ""},
		{"a request after", []rec{request(3)}, "N", "N", ""},
	} {
		records := append([]rec{{"inventory.ai_system", "ai_system", "bot", system}, {"model_registry.deployment", "deployment", "bot-prod@eu", deployed(10, "arn:2")}}, tt.records...)
		_, s := smallBook(t, []export.System{{ID: "bot", Name: "Bot"}}, records...)
		b := judge(t, s)
		g := show(t, b, "Changes")
		g.is(t, 0, map[string]string{"change id": "bot-prod@eu", "system": "Bot (bot)", "type": "model", "initiated by": "us", "approval before effect": tt.before,
			"approved commit is final": tt.final, "approver": tt.approver, "what changed": "bot-prod serves bot/2"})
		for _, r := range s.snap.Assessment.Results {
			if r.Expectation == "operational-change-control" && r.Subject.ID == "bot-prod@eu" && (r.Status == assess.StatusSatisfied) != (tt.before == "Y") {
				t.Errorf("%s: the rule says %s: %s", tt.name, r.Status, r.Reason)
			}
		}
	}
}

func TestWhatVendorsChanged(t *testing.T) {
	seen := func(days int, requested, served string) rec {
		return rec{"vendor.model_observation", "model", "acme-ai/" + served, fmt.Sprintf(`{"vendor":"acme-ai","system_id":"bot","requested_model":%q,"served_model":%q,"observed_at":%q}`, requested, served, ago(days))}
	}
	records := []rec{
		{"inventory.ai_system", "ai_system", "bot", `{"system_id":"bot","in_scope":true,"vendors":["acme-ai"],"models":["m-1"]}`},
		seen(50, "m-1", "m-1"), seen(40, "m-1", "m-1-b"), seen(39, "m-1", "m-1-b"), seen(60, "m-1", "m-1"), seen(20, "m-2", "m-2"), seen(10, "m-1", "m-1"),
		{"vendor.model_lifecycle", "model", "acme-ai/m-1", fmt.Sprintf(`{"vendor":"acme-ai","model_id":"m-1","status":"deprecated","announced_at":%q,"shutdown_at":"2026-09-01T00:00:00Z"}`, ago(30))},
		{"vendor.model_lifecycle", "model", "acme-ai/m-9", fmt.Sprintf(`{"vendor":"acme-ai","model_id":"m-9","status":"deprecated","announced_at":%q}`, ago(30))},
		{"vendor.terms_revision", "vendor", "acme-ai", fmt.Sprintf(`{"vendor_id":"acme-ai","url":"https://acme.example/terms","page_type":"terms","content_sha256":"b","previous_sha256":"a","fetched_at":%q}`, ago(5))},
		{"vendor.terms_revision", "vendor", "acme-ai", fmt.Sprintf(`{"vendor_id":"acme-ai","url":"https://acme.example/terms","page_type":"terms","content_sha256":"a","fetched_at":%q}`, ago(90))},
		{"evaluation.run", "release", "EV-1", fmt.Sprintf(`{"run_id":"EV-1","system_id":"bot","subject_ref":"acme-ai/m-1-b","passed":false,"finished_at":%q}`, ago(35))},
		{"evaluation.run", "release", "EV-2", fmt.Sprintf(`{"run_id":"EV-2","system_id":"other","subject_ref":"m-1-b","passed":true,"finished_at":%q}`, ago(45))},
	}
	_, s := smallBook(t, []export.System{{ID: "bot", Vendors: []string{"acme-ai"}}}, records...)
	b := judge(t, s)
	g := show(t, b, "Changes")
	var got []string
	for _, row := range g.rows {
		got = append(got, row["initiated by"]+": "+row["what changed"])
	}
	want := []string{"vendor: asked for m-1, got m-1-b", "us: asked for another model than before: m-2", "vendor: announced: deprecated m-1, shut down 2026-09-01", "vendor: changed its terms https://acme.example/terms"}
	if !slices.Equal(got, want) {
		t.Fatalf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	day := today.AddDate(0, 0, -35).Format(time.DateOnly)
	g.is(t, 0, map[string]string{"type": "vendor", "author": "acme-ai", "approval before effect": "", "evaluation run": "EV-1 (" + day + ", after it took effect)", "passed": "N",
		"merged or effective (UTC)": export.Time(today.AddDate(0, 0, -40)), "result": "failing", "results about it": "pre-release-evaluation"})
	g.is(t, 1, map[string]string{"type": "model", "approval before effect": "not established", "evaluation run": ""})

	v := show(t, b, "Vendors and models")
	if len(v.rows) != 3 { // m-1, m-2, and m-9 that the vendor speaks of
		t.Fatalf("%d rows of vendors: %v", len(v.rows), v.rows)
	}
	v.is(t, 0, map[string]string{"vendor": "acme-ai", "requested model": "m-1", "served model": "m-1 seen " + today.AddDate(0, 0, -10).Format(time.DateOnly), "lifecycle state": "deprecated", "days to shutdown": "63",
		"contract hash": "none on record", "assessed (UTC)": "not assessed", "pinned": "not established", "last change event": today.AddDate(0, 0, -5).Format(time.DateOnly) + ": changed its terms https://acme.example/terms"})
	show(t, b, "AI systems").is(t, 0, map[string]string{"models": "served: acme-ai/m-1\nserved: acme-ai/m-2"})
}

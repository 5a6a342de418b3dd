//go:build peers

// Package real runs the main job against servers that nobody here wrote, from
// a configuration as a user writes it, with the binaries that a user installs.
// README.md says which servers, and what each cannot do.
package real

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
)

func TestReal(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	addresses := map[string]string{
		"Connectors":   binaries(t),
		"GitHub":       peertest.Emulate(t, "github", absolute(t, "github/emulate.yaml")),
		"Jira":         peertest.Prism(t, jiraSpec(t, "jira", jiraSeeds(t, now)), "/rest/api/3/myself"),
		"JiraExamples": peertest.Prism(t, jiraSpec(t, "jira-examples", nil), "/rest/api/3/myself"),
		"AWS":          peertest.Moto(t),
		"Repository":   governance(t, now),
	}
	seedGitHub(t, addresses["GitHub"])
	seedAWS(t, addresses["AWS"])
	t.Run("main job", func(t *testing.T) {
		o := openOffice(t, "config", addresses, now)
		o.run(0, "connectors", "lock")
		checkDoctor(t, o)
		before := checkCollect(t, o)
		checkUnchanged(t, o, before)
		checkExports(t, o)
	})
	t.Run("what is not there is said", func(t *testing.T) {
		checkRefused(t, openOffice(t, "refused", addresses, now))
	})
	t.Run("what cannot be right is refused", func(t *testing.T) {
		checkMistakes(t, openOffice(t, "config", addresses, now))
	})
}

// binaries is the folder of the installed binaries.
func binaries(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("EXHIBIT_BIN")
	if dir == "" {
		t.Fatal("EXHIBIT_BIN is not set: run this test through make test-peers")
	}
	return dir
}

// diagnosis is a line of exhibit doctor -o json.
type diagnosis struct {
	Area   string
	OK     bool
	Detail string
	Remedy string
}

// untestable are permissions of which these servers do not say whether they
// are there: moto_server answers 500 for what it does not know, and prism
// serves no service management.
var untestable = []string{
	"source aws: sagemaker:DescribeInferenceComponent",
	"source aws: sagemaker:ListInferenceComponents",
	"source aws: sagemaker:ListTags",
	"source aws: tag:GetResources",
	"source jira: issue security level",
	"source jira: read:attachment:jira",
	"source jira: read:servicedesk-request",
}

func checkDoctor(t *testing.T, o *office) {
	t.Helper()
	var unknown []string
	for _, d := range decode[[]diagnosis](o, 0, "doctor") {
		if !d.OK {
			t.Errorf("doctor: %+v", d)
		}
		list, ok := strings.CutPrefix(d.Detail, "not tested: permission ")
		if !ok || strings.Contains(d.Detail, "(not needed: ") {
			continue
		}
		list, _, _ = strings.Cut(list, " (")
		for _, p := range strings.Split(list, ", ") {
			unknown = append(unknown, d.Area+": "+p)
		}
	}
	slices.Sort(unknown)
	if diff := cmp.Diff(untestable, unknown); diff != "" {
		t.Errorf("permissions that could not be tested (-want +got)\n%s", diff)
	}
}

// seeded are the records that each source must give, counted from the seeds.
var seeded = map[string]map[string]int64{
	"github": {
		"github.repository": 2, "github.pull_request": 8, "github.pull_request_review": 6,
		"github.push":              3, // two first commits, and one past the pull requests
		"github.branch_protection": 1, // of the other branch it is not known whether rulesets protect it
		// Eight files. Beside the commit of a branch emulate lists the merge that brought it, for five of them.
		"github.file_revision": 13,
		"github.workflow_run":  0, // emulate makes none through its API
	},
	"jira":     {"jira.issue": 3, "jira.issue_transition": 4, "jira.incident": 2, "jira.change_request": 1},
	"aws":      {"model_registry.model": 2, "model_registry.model_version": 5, "model_registry.approval": 5, "model_registry.deployment": 5},
	"policies": {"document.revision": 3, "document.approval": 2, "risk.assessment": 2, "vendor.assessment": 1},
	"register": {"inventory.ai_system": 3, "vendor.record": 2, "waiver.record": 0, "soa.record": 0,
		"role.assignment": 9, // four people, three owners, two deputies
		"directory.names": 4},
	"shadow": {"shadow_ai.finding": 5, "shadow_ai.scan_run": 1}, // what the others saw, held against the register
}

// unseen is what emulate cannot do, as Exhibit has to say it.
var unseen = []string{
	"github: meridian/credit-scoring main: unsupported: github.branch_protection",
	"github: meridian/credit-scoring@commit: unsupported: github.push",
	"github: meridian/support-assistant main: unsupported: github.branch_protection",
	"github: meridian/support-assistant#6: truncated: github.pull_request",
	"github: meridian/support-assistant@commit: unsupported: github.push", // two: the first commit, and the push
	"github: meridian/support-assistant@commit: unsupported: github.push",
}

// statuses are what the seeds determine, by expectation and subject.
var statuses = map[string]string{
	"release-change-approved meridian/credit-scoring#1":         "satisfied", // a high-risk system: by two
	"release-change-approved meridian/credit-scoring#2":         "",          // still open
	"release-change-approved meridian/support-assistant#1":      "satisfied",
	"release-change-approved meridian/support-assistant#2":      "missing",      // merged by its author, nobody looked
	"release-change-approved meridian/support-assistant#3":      "failing",      // approved, then changed
	"release-change-approved meridian/support-assistant#4":      "",             // touches no AI file
	"release-change-approved meridian/support-assistant#5":      "failing",      // refused, merged all the same
	"release-change-approved meridian/support-assistant#6":      "not_assessed", // which files it changes cannot be known
	"release-change-approved meridian/support-assistant@hotfix": "not_assessed", // whether a pull request brought it, neither
	"meridian-change-names-issue meridian/credit-scoring#1":     "satisfied",
	"meridian-change-names-issue meridian/support-assistant#1":  "failing",
	"operational-change-control meridian/credit-scoring#1":      "satisfied",
	// GitHub's pull request names AIGOV-2, which somebody approved in Jira.
	"operational-change-control meridian/support-assistant#2":        "satisfied",
	"operational-change-control meridian/support-assistant#5":        "missing",
	"operational-change-control credit-scoring-prod@eu-central-1":    "satisfied",
	"operational-change-control support-assistant-prod@eu-central-1": "missing",
	"deployed-model-approved credit-scoring-prod@eu-central-1":       "satisfied",
	"deployed-model-approved support-assistant-prod@eu-central-1":    "failing", // rejected
	"deployed-model-approved fraud-monitor-prod@eu-central-1":        "failing", // from bare files
	"deployed-model-approved leftover-prod@eu-central-1":             "failing", // pending, and nobody's
	"deployed-model-approved credit-scoring-staging@eu-central-1":    "",        // not in production
	"branch-protection-enforced credit-scoring":                      "satisfied",
	"branch-protection-enforced support-assistant":                   "not_assessed",
	"branch-protection-enforced fraud-monitor":                       "not_assessed", // its repository is nobody's
	"incident-handled AIGOV-1":                                       "failing",      // its corrective action, CAPA-7, is in a project that is not read
	"incident-handled AIGOV-3":                                       "missing",
	"ai-policy-approved organization":                                "satisfied",
	"risk-assessment-per-system credit-scoring":                      "satisfied",
	"risk-assessment-per-system support-assistant":                   "failing", // approved by its assessor
	"risk-assessment-per-system fraud-monitor":                       "missing",
	"vendor-assessed aws":                                            "satisfied",
	"vendor-assessed babbler":                                        "missing",
	"ai-system-owner-named credit-scoring":                           "satisfied",
	"ai-system-owner-named support-assistant":                        "failing", // no deputy
	"ai-system-owner-named fraud-monitor":                            "failing", // the owner has left
}

// runRow is a line of exhibit collect -o json.
type runRow struct {
	Source, Status, Error    string
	Seen, New, Revised, Gone int64
}

type gapRow struct {
	Source, Scope, Reason, Detail string
	Kinds                         []string
}

// commitID is in what is about one commit.
var commitID = regexp.MustCompile(`@[0-9a-f]{40}`)

func gaps(o *office) (all, details []string) {
	o.t.Helper()
	for _, g := range decode[[]gapRow](o, 0, "gaps") {
		all = append(all, g.Source+": "+commitID.ReplaceAllString(g.Scope, "@commit")+": "+g.Reason+": "+strings.Join(g.Kinds, " "))
		details = append(details, g.Detail)
	}
	slices.Sort(all)
	return all, details
}

type result struct {
	Expectation string
	Control     string
	Subject     struct{ ID string }
	Status      string
	Reason      string
	Evidence    []string
	CollectedAt *time.Time `json:"collected_at"`
}

type assessment struct {
	Controls []struct{ ID, Status string }
	Results  []result
}

func (a assessment) statuses() map[string]string {
	out := map[string]string{}
	for _, r := range a.Results {
		out[r.Expectation+" "+commitID.ReplaceAllString(r.Subject.ID, "@hotfix")] = r.Status // the only push to AI files
	}
	return out
}

func (a assessment) reason(what string) string {
	for _, r := range a.Results {
		if what == r.Expectation+" "+r.Subject.ID {
			return r.Reason
		}
	}
	return "there is no such result"
}

// checkCollect reads everything for the first time and compares what came with
// what was seeded.
func checkCollect(t *testing.T, o *office) assessment {
	t.Helper()
	for _, r := range decode[[]runRow](o, 3, "collect") {
		want := "complete"
		if r.Source == "github" {
			want = "partial"
		}
		if r.Status != want || r.Error != "" || r.New != r.Seen {
			t.Errorf("run %+v, want it %s with new records only", r, want)
		}
	}
	if diff := cmp.Diff(seeded, o.counts()); diff != "" {
		t.Errorf("records by source and kind (-want +got)\n%s", diff)
	}
	got, _ := gaps(o)
	if diff := cmp.Diff(unseen, got); diff != "" {
		t.Errorf("gaps (-want +got)\n%s", diff)
	}
	a := decode[assessment](o, 0, "assess")
	all := a.statuses()
	for what, want := range statuses {
		if all[what] != want {
			t.Errorf("%s is %q, want %q: %s", what, all[what], want, a.reason(what))
		}
	}
	for _, r := range a.Results {
		if r.Status == "satisfied" && len(r.Evidence) == 0 && r.CollectedAt == nil {
			t.Errorf("%s of %s is satisfied without evidence, and without a complete run that found nothing", r.Expectation, r.Subject.ID)
		}
	}
	checkForPeople(t, o, a)
	return a
}

// checkForPeople compares what people read with the assessment.
func checkForPeople(t *testing.T, o *office, a assessment) {
	t.Helper()
	open := 0
	for _, r := range a.Results {
		if r.Status != "satisfied" && r.Status != "not_applicable" && r.Status != "waived" {
			open++
		}
	}
	if got := len(decode[[]json.RawMessage](o, 0, "findings")); got != open {
		t.Errorf("%d findings, want %d: one for each result that is not in order", got, open)
	}
	if out := o.run(0, "status", "A.6.2.5"); !strings.Contains(out, "meridian/support-assistant#3") || !strings.Contains(out, "approved at an older commit") {
		t.Errorf("status A.6.2.5 does not say what is wrong with #3:\n%s", out)
	}
	o.run(4, "assess", "--fail-on", "failing")
	o.run(4, "status", "--fail-on", "missing")
}

// checkUnchanged reads everything again: nothing is new, and nothing looks
// better or worse for it.
func checkUnchanged(t *testing.T, o *office, before assessment) {
	t.Helper()
	for _, r := range decode[[]runRow](o, 3, "collect") {
		if r.New+r.Revised+r.Gone != 0 || r.Error != "" {
			t.Errorf("nothing has changed, but the run of %s is %+v", r.Source, r)
		}
	}
	got, _ := gaps(o)
	if diff := cmp.Diff(unseen, got); diff != "" {
		t.Errorf("gaps of the second run (-want +got)\n%s", diff)
	}
	after := decode[assessment](o, 0, "assess")
	if diff := cmp.Diff(before.statuses(), after.statuses()); diff != "" {
		t.Errorf("statuses after reading again what did not change (-before +after)\n%s", diff)
	}
}

// report is what exhibit verify -o json prints.
type report struct {
	What        string
	Established bool `json:"identity_established"`
	First       any  `json:"first_failure"`
}

// checkExports writes workbook and bundle, verifies them and the store with
// the public key alone, and finds a single changed bit in each.
func checkExports(t *testing.T, o *office) {
	t.Helper()
	for _, d := range decode[[]diagnosis](o, 0, "doctor") {
		if d.Area == "signing key" {
			write(t, filepath.Join(o.dir, "exhibit.pub"), []byte(d.Detail+"\n"), 0o644)
		}
	}
	o.run(0, "export", "workbook", "-o", "exhibit.xlsx")
	o.run(0, "export", "bundle", "-o", "exhibit-bundle.zip")
	checkWorkbook(t, filepath.Join(o.dir, "exhibit.xlsx"))
	elsewhere := &office{t: t, dir: t.TempDir(), bin: o.bin} // an auditor's machine: no configuration, no store
	for file, what := range map[string]string{"exhibit.xlsx": "workbook", "exhibit-bundle.zip": "bundle", "exhibit.db": "store"} {
		whole := mustRead(t, filepath.Join(o.dir, file))
		write(t, filepath.Join(elsewhere.dir, file), whole, 0o600)
		write(t, filepath.Join(elsewhere.dir, "exhibit.pub"), mustRead(t, filepath.Join(o.dir, "exhibit.pub")), 0o644)
		if r := decode[report](elsewhere, 0, "verify", file, "--key", "exhibit.pub"); r.What != what || !r.Established || r.First != nil {
			t.Errorf("verify %s: %+v", file, r)
		}
		if what == "store" {
			continue
		}
		for _, at := range []int{len(whole) / 3, len(whole) / 2, 2 * len(whole) / 3} {
			bad := slices.Clone(whole)
			bad[at] ^= 1
			write(t, filepath.Join(elsewhere.dir, "changed-"+file), bad, 0o600)
			elsewhere.run(12, "verify", "changed-"+file, "--key", "exhibit.pub")
		}
	}
	write(t, filepath.Join(elsewhere.dir, "changed.db"), flippedStore(t, filepath.Join(o.dir, "exhibit.db")), 0o600)
	elsewhere.run(12, "verify", "changed.db", "--key", "exhibit.pub")
}

// checkWorkbook reads the workbook as an auditor does.
func checkWorkbook(t *testing.T, path string) {
	t.Helper()
	for sheet, want := range map[string][]string{
		"Results":        {"release-change-approved", "meridian/support-assistant#3", "failing", "approved at an older commit"},
		"Evidence":       {"github.pull_request_review", "meridian/credit-scoring#1", "exhibit-reader"},
		"AI systems":     {"fraud-monitor", "Fraud monitor", "henrik"},
		"Collector runs": {"aws", "complete", "arn:aws:sts::123456789012:user/moto"},
		"Coverage gaps":  {"github", "meridian/support-assistant#6", "truncated"},
	} {
		list := rows(t, path, sheet)
		if !slices.ContainsFunc(list, func(row string) bool {
			return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(row, w) })
		}) {
			t.Errorf("sheet %s has no row with %q:\n%s", sheet, want, strings.Join(list, "\n"))
		}
	}
}

// checkRefused collects what these servers do not give, and wants it said.
func checkRefused(t *testing.T, o *office) {
	t.Helper()
	o.run(0, "connectors", "lock")
	problems := map[string]string{}
	for _, d := range decode[[]diagnosis](o, 3, "doctor") {
		if !d.OK {
			problems[d.Area] += d.Detail + "\n"
		}
	}
	for area, want := range map[string]string{
		"source github-all":     "repositories of meridian: users/meridian/repos: 404",
		"source github-archive": "meridian/scoring-archive: no repository of this name",
		"source jira-canary":    "none of the projects can be browsed",
		"register":              "no register is configured",
	} {
		if !strings.Contains(problems[area], want) {
			t.Errorf("doctor says of %s %q, want %q", area, problems[area], want)
		}
		delete(problems, area)
	}
	if len(problems) > 0 {
		t.Errorf("doctor finds problems besides: %v", problems)
	}
	want := map[string]string{"github-all": "failed", "github-archive": "partial", "jira-canary": "failed", "jira-examples": "partial", "aws-virginia": "complete"}
	got := map[string]string{}
	for _, r := range decode[[]runRow](o, 3, "collect") {
		got[r.Source] = r.Status
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got)\n%s", diff)
	}
	said, details := gaps(o)
	all := strings.Join(said, "\n") + "\n" + strings.Join(details, "\n")
	for _, want := range []string{
		"github-all: run: failed", "github-archive: meridian/scoring-archive: not_found", "jira-canary: run: failed",
		// Atlassian's example of an issue has no date of creation, its example of a history goes on for ever, and
		// its count speaks of other issues.
		"jira-examples: issue ED-1: malformed: jira.issue", "jira-examples: issue ED-1: malformed: jira.issue_transition",
		"jira-examples: project EX: hidden", "the search listed 1 issues, the count says about 153", "field created: missing",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no gap says %q:\n%s", want, all)
		}
	}
	for _, r := range decode[assessment](o, 0, "assess").Results {
		if r.Status == "satisfied" && r.Expectation != "evidence-integrity-verified" { // which is about the agent's own store
			t.Errorf("%s of %s is satisfied, with next to nothing read: %s", r.Expectation, r.Subject.ID, r.Reason)
		}
	}
}

// checkMistakes makes mistakes that users make.
func checkMistakes(t *testing.T, o *office) {
	t.Helper()
	o.run(10, "status")                                                                // nothing collected yet
	if out := o.run(1, "collect"); !strings.Contains(out, "exhibit connectors lock") { // nobody said that these binaries are trusted
		t.Errorf("no lock file, and no word of what to do:\n%s", out)
	}
	o.run(2, "collect", "gitlab")
	config := string(mustRead(t, filepath.Join(o.dir, "exhibit.yaml")))
	write(t, filepath.Join(o.dir, "exhibit.yaml"), []byte(strings.Replace(config, "base_url", "base_ulr", 1)), 0o644)
	o.run(0, "connectors", "lock")
	out := o.run(3, "collect", "github")
	if !strings.Contains(out, "base_ulr") {
		t.Errorf("the misspelt setting is not named:\n%s", out)
	}
}

package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// hasty is a clock that nobody waits for.
type hasty struct{}

func (hasty) Now() time.Time                                   { return time.Now() }
func (hasty) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func runHasty(t *testing.T, cfg connector.Config, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage, error) {
	t.Helper()
	return connectortest.Collect(t, &Connector{clock: hasty{}}, connector.Request{Config: cfg}, prev)
}

// reasons are those of the gaps, each once.
func reasons(rec *connectortest.Recorder) map[connector.Reason]bool {
	out := map[connector.Reason]bool{}
	for _, g := range rec.Gaps() {
		out[g.Reason] = true
	}
	return out
}

func subjects(rec *connectortest.Recorder, kind string) map[string]int {
	out := map[string]int{}
	for _, r := range rec.Records(kind) {
		out[r.Subject.ID]++
	}
	return out
}

func TestReadsAll(t *testing.T) {
	f := newFake(t)
	f.fill()
	rec, cov := collect(t, f.config(obj{"canary": "triage", "page_size": 1, "system_tag": "system",
		"approval": obj{"tag": "approval_status", "by_tag": "approved_by"}, "evaluation": obj{"experiments": []string{"tests"}, "passed_tag": "gate"}}), nil)
	wantComplete(t, rec, cov)
	if !cov[records.KindModel].Enumerated || !cov[records.KindModelVersion].Enumerated || cov[records.KindModelApproval].Enumerated || cov[kindEvaluation].Enumerated {
		t.Errorf("enumerated: %+v", cov)
	}
	if d := cmp.Diff(map[string]int{"triage/1": 1, "triage/2": 1}, subjects(rec, records.KindModelVersion)); d != "" {
		t.Error(d)
	}
	if v := find(t, rec, records.KindModelVersion, "triage/2"); v["stage_or_alias"] != "Production" || cmp.Diff([]any{"champion"}, v["aliases"]) != "" {
		t.Errorf("version %v", v)
	}
	if a := find(t, rec, records.KindModelApproval, "triage/1"); a["approval_status"] != "Rejected" {
		t.Errorf("approval %v", a)
	}
	if a := find(t, rec, records.KindModelApproval, "triage/2"); a["approval_status"] != "Approved" || a["changed_by"] != "bo" {
		t.Errorf("approval %v", a)
	}
	if e := find(t, rec, kindEvaluation, "triage/2"); e["run_id"] != "t1" || e["passed"] != true || e["subject_ref"] != "triage/2" {
		t.Errorf("test %v", e)
	}
	for _, h := range f.auth {
		if h != "Bearer "+fakeToken {
			t.Errorf("authorisation %q", h)
		}
	}
}

// Nothing is called approved unless somebody said what approval is, and no run
// passed unless a tag says so.
func TestNoVerdictOfOurOwn(t *testing.T) {
	f := newFake(t)
	f.fill()
	rec, cov := collect(t, f.config(nil), nil)
	if n := len(rec.Records(records.KindModelApproval)); n != 0 || cov[records.KindModelApproval].Status != connector.NotRead {
		t.Errorf("%d approvals, coverage %+v", n, cov)
	}
	for _, r := range rec.Records(kindEvaluation) {
		if _, there := connectortest.Payload(t, r)["passed"]; there {
			t.Errorf("%s passed or not: nobody said", r.Key)
		}
	}
}

func TestRunsAreReadOnce(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.runs["r1"] = fakeRun("r1", "RUNNING")
	delete(f.runs["r1"]["info"].(obj), "end_time")
	f.versions[1]["creation_timestamp"] = 1700000000000 + 2*int64(overlap)
	first, _ := collect(t, f.config(nil), nil)
	if n := len(first.Records(kindEvaluation)); n != 1 {
		t.Errorf("%d evaluations: a run that goes on has tested nothing yet", n)
	}
	f.calls[pathRun] = 0
	f.versions = append(f.versions, fakeVersion("triage", 3, "None", "r1"))
	f.versions[2]["creation_timestamp"] = 1700000000000 + 9*int64(overlap)
	f.runs["r1"] = fakeRun("r1", "FINISHED")
	second, _ := collect(t, f.config(nil), first)
	if d := cmp.Diff(map[string]int{"triage/1": 1, "triage/2": 1, "triage/3": 1}, subjects(second, records.KindLineage)); d != "" || f.calls[pathRun] != 2 {
		t.Errorf("%d calls; the open, the latest and the new: %s", f.calls[pathRun], d)
	}
	third, _ := collect(t, f.config(nil), second)
	if d := cmp.Diff(map[string]int{"triage/3": 1}, subjects(third, records.KindLineage)); d != "" {
		t.Error(d)
	}
	other, _ := collect(t, f.config(obj{"system_tag": "system"}), third)
	if n := len(other.Records(records.KindLineage)); n != 3 {
		t.Errorf("other settings, but only %d of 3 are read again", n)
	}
}

// What the API answers when it does not answer: each a gap, none a record or
// a clean claim.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		path    string
		handler http.HandlerFunc
		want    connector.Reason
	}{
		"403":              {pathModels, failing(403, `{"error_code":"PERMISSION_DENIED","message":"no"}`), connector.Denied},
		"404":              {pathModels, failing(404, `<html>`), connector.NotFound},
		"410":              {pathModels, failing(410, ``), connector.Unsupported},
		"500":              {pathModels, failing(500, `{"message":"boom"}`), connector.Unavailable},
		"503":              {pathModels, failing(503, ``), connector.Unavailable},
		"400":              {pathModels, failing(400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"max_results"}`), connector.Malformed},
		"429 seconds":      {pathModels, failing(429, ``, "Retry-After", "1"), connector.RateLimited},
		"429 a date":       {pathModels, failing(429, ``, "Retry-After", "Mon, 02 Jan 2040 15:04:05 GMT"), connector.RateLimited},
		"429 nothing said": {pathModels, failing(429, ``), connector.RateLimited},
		"403 with a limit": {pathModels, failing(403, ``, "Retry-After", "9999"), connector.RateLimited},
		"login page":       {pathModels, failing(200, `<html>Sign in</html>`, "Content-Type", "text/html"), connector.Malformed},
		"truncated":        {pathModels, failing(200, `{"registered_models":[{"name":"tri`), connector.Malformed},
		"no list":          {pathModels, failing(200, `{"registered_models":"none"}`), connector.Malformed},
		"null":             {pathModels, failing(200, `null`), connector.Malformed},
		"renamed":          {pathModels, failing(200, `{"models":[]}`), connector.Malformed},
		"unasked 304":      {pathModels, failing(304, ``), connector.Malformed},
		"token a number":   {pathModels, failing(200, `{"registered_models":[],"next_page_token":5}`), connector.Malformed},
		"endless":          {pathModels, failing(200, `{"registered_models":[],"next_page_token":"again"}`), connector.Malformed},
		"row without name": {pathModels, failing(200, `{"registered_models":[{"creation_timestamp":1}]}`), connector.Malformed},
		"row typed anew":   {pathModels, failing(200, `{"registered_models":[{"name":["x"]}]}`), connector.Malformed},
		"versions 403":     {pathVersions, failing(403, `{}`), connector.Denied},
		"version typed":    {pathVersions, failing(200, `{"model_versions":[{"name":"triage","version":{"n":1}}]}`), connector.Malformed},
		"run 403":          {pathRun, failing(403, `{"error_code":"PERMISSION_DENIED","message":"no"}`), connector.Denied},
		"run 404":          {pathRun, failing(404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}`), connector.NotFound},
		"run of another":   {pathRun, failing(200, `{"run":{"info":{"run_id":"other"}}}`), connector.Malformed},
		"run without run":  {pathRun, failing(200, `{}`), connector.Malformed},
		"experiment 404":   {pathExperiment, failing(404, `{"message":"no"}`), connector.NotFound},
		"experiment no id": {pathExperiment, failing(200, `{"experiment":{}}`), connector.Malformed},
		"runs 403":         {pathRuns, failing(403, ``), connector.Denied},
		"metric no number": {pathRuns, failing(200, `{"runs":[{"data":{"metrics":[{"key":"a","value":"many"}]}}]}`), connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill()
			f.handlers[c.path] = c.handler
			rec, cov, err := runHasty(t, f.config(obj{"evaluation": obj{"experiments": []string{"tests"}}}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !reasons(rec)[c.want] {
				t.Errorf("gaps %+v, want %s", rec.Gaps(), c.want)
			}
			for _, g := range rec.Gaps() {
				if strings.Contains(g.Detail, fakeToken) {
					t.Errorf("the token is in %q", g.Detail)
				}
				for _, kind := range g.Kinds {
					if cov[kind].Status == connector.Complete || cov[kind].Enumerated {
						t.Errorf("%s is claimed to be whole", kind)
					}
				}
			}
			if c.path == pathModels && !strings.HasPrefix(name, "row") && len(rec.Records(records.KindModelVersion)) != 0 {
				t.Error("versions are told though their aliases are not known")
			}
		})
	}
}

func TestRefusedEndsTheRun(t *testing.T) {
	f := newFake(t)
	f.handlers[pathModels] = failing(401, "You are not authenticated")
	if _, _, err := runHasty(t, f.config(nil), nil); !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), fakeToken) {
		t.Error(err)
	}
	f.Close()
	if _, _, err := runHasty(t, f.config(nil), nil); err == nil {
		if rec, cov, _ := runHasty(t, f.config(nil), nil); cov[records.KindModel].Status != connector.Refused || !reasons(rec)[connector.Unavailable] {
			t.Errorf("a server that is gone: %+v", cov)
		}
	}
}

// A redirect to another host is followed without the token.
func TestRedirectKeepsTheTokenAtHome(t *testing.T) {
	var seen []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		reply(w, obj{})
	}))
	defer thief.Close()
	f := newFake(t)
	f.fill()
	f.handlers[pathModels] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
	}
	f.handlers[pathModel] = failing(404, "<html>")
	rec, cov, err := runHasty(t, f.config(nil), nil)
	if err != nil || cov[records.KindModel].Status == connector.Complete {
		t.Errorf("%v %+v %v", rec.Gaps(), cov, err)
	}
	for _, h := range seen {
		if h != "" {
			t.Errorf("another host got %q", h)
		}
	}
}

// An empty answer is believed only from an MLflow.
func TestEmpty(t *testing.T) {
	f := newFake(t)
	rec, cov := collect(t, f.config(nil), nil)
	wantComplete(t, rec, cov)
	f.handlers[pathModel] = failing(200, `{}`)
	rec, cov = collect(t, f.config(nil), nil)
	if cov[records.KindModel].Status != connector.Refused || !reasons(rec)[connector.Malformed] {
		t.Errorf("an empty object from anything: %+v", cov)
	}
}

func TestHidden(t *testing.T) {
	for name, change := range map[string]func(*fakeMLflow) obj{
		"canary": func(*fakeMLflow) obj { return obj{"canary": "secret"} },
		"model left out": func(f *fakeMLflow) obj {
			f.versions = append(f.versions, fakeVersion("ghost", 1, "None", ""))
			return nil
		},
		"versions absent": func(f *fakeMLflow) obj { f.versions = f.versions[:1]; return nil },
		"no versions":     func(f *fakeMLflow) obj { f.versions = nil; return nil },
		"no models":       func(f *fakeMLflow) obj { f.models = nil; return nil },
		"only by grant":   func(f *fakeMLflow) obj { f.handlers[pathModel] = failing(403, "Permission denied"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill()
			rec, cov := collect(t, f.config(change(f)), nil)
			if !reasons(rec)[connector.Hidden] || cov[records.KindModelVersion].Enumerated {
				t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov)
			}
		})
	}
	t.Run("made while we read", func(t *testing.T) {
		f := newFake(t)
		f.fill()
		now := time.Now().UnixMilli()
		fresh := obj{"name": "fresh", "creation_timestamp": now}
		f.versions = append(f.versions, fakeVersion("fresh", 1, "None", ""))
		f.handlers[pathModel] = func(w http.ResponseWriter, _ *http.Request) { reply(w, obj{"registered_model": fresh}) }
		rec, cov := collect(t, f.config(nil), nil)
		wantComplete(t, rec, cov)
		find(t, rec, records.KindModel, "fresh")
	})
}

// The alias moves, and with it the approval; MLflow tells no time of it.
func TestAliasMoves(t *testing.T) {
	f := newFake(t)
	f.fill()
	cfg := f.config(obj{"approval": obj{"alias": "Champion"}})
	first, _ := collect(t, cfg, nil)
	if d := cmp.Diff(map[string]int{"triage/2": 1}, subjects(first, records.KindModelApproval)); d != "" {
		t.Error(d)
	}
	seen := find(t, first, records.KindModelApproval, "triage/2")["changed_at"]
	time.Sleep(2 * time.Millisecond)
	again, _ := collect(t, cfg, first)
	if got := find(t, again, records.KindModelApproval, "triage/2")["changed_at"]; got != seen {
		t.Errorf("first seen %v, then %v", seen, got)
	}
	f.models[0]["aliases"] = []obj{{"alias": "champion", "version": "1"}}
	moved, _ := collect(t, cfg, again)
	old, now := find(t, moved, records.KindModelApproval, "triage/2"), find(t, moved, records.KindModelApproval, "triage/1")
	if old["approval_status"] != undecided || old["previous_status"] != approved || old["changed_at"] == seen || now["approval_status"] != approved {
		t.Errorf("old %v, now %v", old, now)
	}
	later, _ := collect(t, cfg, moved)
	if d := cmp.Diff(byKey(moved), byKey(later)); d != "" {
		t.Error(d)
	}
}

func TestApprovalTimes(t *testing.T) {
	f := newFake(t)
	f.fill()
	stage, _ := collect(t, f.config(obj{"approval": obj{"stage": "Production"}}), nil)
	if a := find(t, stage, records.KindModelApproval, "triage/2"); a["basis"] != basisLastChange || a["changed_at"] != "2023-11-14T22:13:25.002Z" {
		t.Errorf("stage: %v", a)
	}
	tags := f.versions[1]["tags"].([]obj)
	for value, want := range map[string]connector.Reason{"2024-01-02T03:04:05Z": "", "soon": connector.Malformed, "2100-01-01": connector.Malformed} {
		f.versions[1]["tags"] = append(tags[:2:2], obj{"key": "approved_at", "value": value})
		rec, _ := collect(t, f.config(obj{"approval": obj{"tag": "approved_by", "approved": []string{"*"}, "at_tag": "approved_at"}}), nil)
		if want != "" {
			if !reasons(rec)[want] || len(rec.Records(records.KindModelApproval)) != 0 {
				t.Errorf("%s: %v %v", value, rec.Gaps(), rec.Records(records.KindModelApproval))
			}
			continue
		}
		if a := find(t, rec, records.KindModelApproval, "triage/2"); a["basis"] != basisStated || a["changed_at"] != value {
			t.Errorf("stated: %v", a)
		}
	}
	delete(f.versions[1], "current_stage")
	rec, _ := collect(t, f.config(obj{"approval": obj{"stage": "Production"}}), nil)
	if !reasons(rec)[connector.Unsupported] {
		t.Errorf("a server without stages: %v", rec.Gaps())
	}
}

// Every name that MLflow could hold ends in a record or a gap.
func TestHostileNames(t *testing.T) {
	f := newFake(t)
	bad := []string{"a\nb", "\x00", strings.Repeat("x", 3000), "\u2028"}
	good := []string{"it's \"x\" 😀", "a|b", "../../x", "<script>", "=1+1", "%2e%2e"}
	for i, n := range append(bad, good...) {
		f.models = append(f.models, obj{"name": n, "description": n, "tags": []obj{{"key": n, "value": n}}})
		f.versions = append(f.versions, fakeVersion(n, i, "None\n", "", obj{"key": n, "value": n}))
	}
	rec, _ := collect(t, f.config(nil), nil)
	if n := len(rec.Records(records.KindModel)); n != len(good) {
		t.Errorf("%d models, want %d; gaps %v", n, len(good), rec.Gaps())
	}
	if n := len(rec.Gaps()); n != 2*len(bad) {
		t.Errorf("%d gaps: %v", n, rec.Gaps())
	}
}

func TestClockSkew(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.models[1]["creation_timestamp"] = time.Now().Add(48 * time.Hour).UnixMilli()
	f.tests[0]["info"].(obj)["end_time"] = time.Now().Add(48 * time.Hour).UnixMilli()
	cfg := f.config(obj{"evaluation": obj{"experiments": []string{"tests"}}})
	rec, _ := collect(t, cfg, nil)
	if n := len(rec.Records(records.KindModel)); n != 1 || !reasons(rec)[connector.Malformed] {
		t.Errorf("%d models, gaps %v", n, rec.Gaps())
	}
	var pos position
	if err := json.Unmarshal([]byte(rec.Cursors()["experiment:9"]), &pos); err != nil || pos.Until != 0 {
		t.Errorf("a run from the future moves the cursor there: %+v, %v", pos, err)
	}
}

package huggingface

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// hasty is a clock that nobody waits for; it notes what it was asked to.
type hasty struct{ waits *[]time.Duration }

func (hasty) Now() time.Time { return time.Now() }
func (h hasty) Sleep(ctx context.Context, d time.Duration) error {
	if h.waits != nil {
		*h.waits = append(*h.waits, d)
	}
	return ctx.Err()
}

func collect(t *testing.T, cfg connector.Config, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, &Connector{clock: hasty{}}, connector.Request{Config: cfg}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

func wantComplete(t *testing.T, rec *connectortest.Recorder, cov connector.Coverage) {
	t.Helper()
	for _, g := range rec.Gaps() {
		t.Errorf("gap %+v", g)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete && (!slices.Contains(datasets().kinds, kind) || c.Status != connector.NotRead) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

func find(t *testing.T, rec *connectortest.Recorder, kind, subject string) obj {
	t.Helper()
	for _, r := range rec.Records(kind) {
		if r.Subject.ID == subject {
			return connectortest.Payload(t, r)
		}
	}
	t.Errorf("no %s of %s", kind, subject)
	return obj{}
}

func reasons(rec *connectortest.Recorder) map[connector.Reason]bool {
	out := map[connector.Reason]bool{}
	for _, g := range rec.Gaps() {
		out[g.Reason] = true
	}
	return out
}

func wantFields(t *testing.T, got, want obj) {
	t.Helper()
	for k, v := range want {
		if d := cmp.Diff(v, got[k]); d != "" {
			t.Errorf("%s: %s", k, d)
		}
	}
}

func TestReadsAll(t *testing.T) {
	f := newFake(t)
	f.fill()
	rec, cov := collect(t, f.config(obj{"page_size": 1, "canary": "acme/triage", "repositories": []string{"meta/base"}}), nil)
	wantComplete(t, rec, cov)
	if c := cov[records.KindModel]; !c.Enumerated || c.IndependentCount != 3 || cov[records.KindModelVersion].Enumerated {
		t.Errorf("coverage %+v", cov)
	}
	wantFields(t, find(t, rec, records.KindModel, "acme/triage"), obj{"registry": "huggingface/" + strings.TrimPrefix(f.URL, "http://"), "owner": "acme", "visibility": "private",
		"gated": "manual", "licence": "other (acme-1)", "created_at": "2024-01-02T03:04:05Z", "id": "hf://acme/triage",
		"tags": obj{"pytorch": "", "license": "other", "dataset": "acme/claims, acme/more", "region": "us", "library_name": "transformers"}})
	wantFields(t, find(t, rec, records.KindModel, "meta/base"), obj{"gated": "auto", "visibility": "public", "licence": "mit"})
	v := find(t, rec, records.KindModelVersion, "acme/triage/"+shaA)
	wantFields(t, v, obj{"aliases": []any{"main"}, "created_by": "ada", "created_at": "2024-02-01T00:00:00Z", "revision_sha": shaA, "base_model": "meta/base",
		"datasets": []any{"acme/claims"}, "formats": []any{"pickle", "safetensors"}, "framework": "transformers"})
	if files := v["files"].([]any); len(files) != 4 || files[3].(obj)["format"] != "pickle" || len(files[3].(obj)["sha256"].(string)) != 64 || !strings.HasPrefix(v["artifact_digest"].(string), "sha256:") {
		t.Errorf("files %v, digest %v", files, v["artifact_digest"])
	}
	// The tag's revision has no card data: its own front matter tells.
	wantFields(t, find(t, rec, records.KindModelVersion, "acme/triage/"+shaB), obj{"aliases": []any{"v1"}, "base_model": "meta/base", "datasets": []any{"acme/claims"},
		"tags": obj{"license": "other (acme-1)"}})
	wantFields(t, find(t, rec, records.KindModelCard, "acme/triage/"+shaA), obj{"name": "Triage", "sections": obj{
		"Triage": "Sorts claims.", "Direct Use": "For claims handlers.", "Bias, Risks, and Limitations": "Knows only German."}})
	wantFields(t, find(t, rec, kindDataset, "acme/claims"), obj{"owner": "acme", "licence": "mit", "version": shaD, "updated_at": "2024-02-03T04:05:06Z", "location": f.URL + "/datasets/acme/claims"})
	s := find(t, rec, kindDatasheet, "acme/claims")
	wantFields(t, s, obj{"motivation": "To sort claims.", "composition": "Data Fields:\nid, text", "privacy": "Names were removed.", "limits": nil, "approved_at": nil})
	for _, h := range f.auth {
		if h != "Bearer "+fakeToken {
			t.Errorf("authorisation %q", h)
		}
	}
}

// What was read is not read again: a commit does not change.
func TestReadAgain(t *testing.T) {
	f := newFake(t)
	f.fill()
	cfg := f.config(nil)
	first, _ := collect(t, cfg, nil)
	clear(f.calls)
	second, cov := collect(t, cfg, first)
	wantComplete(t, second, cov)
	if n := len(second.Records(records.KindModelVersion, records.KindModelCard, kindDatasheet)); n != 0 {
		t.Errorf("%d records again", n)
	}
	if n := len(second.Attested()); n != 6 { // three versions, two cards, a datasheet
		t.Errorf("attested: %v", second.Attested())
	}
	calls := second.Counted()
	if calls.NotModified != 2 || calls.Requests != 6 { // two owners' pages, two lists, two refs
		t.Errorf("%+v %v", calls, f.calls)
	}
	r := f.repos["models/acme/triage"]
	r.add(shaD, fakeCard, "model.safetensors")
	r.row["sha"] = shaD
	r.refs = obj{"branches": []obj{{"name": "main", "targetCommit": shaD}}, "tags": []obj{{"name": "v1", "targetCommit": shaB}, {"name": "old", "targetCommit": shaA}}}
	third, _ := collect(t, cfg, second)
	if v := find(t, third, records.KindModelVersion, "acme/triage/"+shaA); cmp.Diff([]any{"old"}, v["aliases"]) != "" {
		t.Errorf("a tag where main was: %v", v["aliases"])
	}
	find(t, third, records.KindModelCard, "acme/triage/"+shaD)
	if n := len(third.Records(records.KindModelCard)); n != 1 {
		t.Errorf("%d cards, of which one is new", n)
	}
	full, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg, Full: true}, third)
	if err != nil || len(full.Attested()) != 0 || len(full.Records(records.KindModelVersion)) != 4 {
		t.Errorf("a full run: %v %v", full.Attested(), err)
	}
}

// Only a kind that was read before is called unchanged.
func TestKindsApart(t *testing.T) {
	f := newFake(t)
	f.fill()
	one := connector.Request{Config: f.config(nil), Kinds: []string{records.KindModelVersion}}
	first, _, err := connectortest.Collect(t, New(), one, nil)
	if err != nil {
		t.Fatal(err)
	}
	both, _ := collect(t, f.config(nil), first)
	if len(both.Records(records.KindModelCard)) != 2 || len(both.Records(records.KindModelVersion)) != 0 || len(both.Attested()) != 3 {
		t.Errorf("%v %v", both.Records(), both.Attested())
	}
}

// Without a token, and for repositories of others, the hub answers alike for
// what is private and what is not there.
func TestAnonymous(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.owners["acme"]["numModels"] = 1 // public ones only, to the public
	cfg := f.config(obj{"repositories": []string{"acme/triage-2", "meta/base"}})
	cfg.Secrets = nil
	f.repos["models/meta/base"].row["private"] = false
	rec, cov := collect(t, cfg, nil)
	if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.NotFound || !strings.Contains(rec.Gaps()[0].Detail, "alike") || cov[records.KindModel].Status != connector.Partial {
		t.Errorf("gaps %+v", rec.Gaps())
	}
	find(t, rec, records.KindModel, "meta/base")
}

func TestHidden(t *testing.T) {
	for name, change := range map[string]func(*fakeHub) obj{
		"canary":         func(*fakeHub) obj { return obj{"canary": "acme/secret"} },
		"counted more":   func(f *fakeHub) obj { f.owners["acme"]["numModels"] = 9; return nil },
		"counted sets":   func(f *fakeHub) obj { f.owners["acme"]["numDatasets"] = 2; return nil },
		"public counted": func(f *fakeHub) obj { f.owners["acme"]["numModels"] = 1; return obj{"canary": "acme/secret"} },
	} {
		f := newFake(t)
		f.fill()
		rec, _ := collect(t, f.config(change(f)), nil)
		if !reasons(rec)[connector.Hidden] {
			t.Errorf("%s: gaps %+v", name, rec.Gaps())
		}
	}
	f := newFake(t)
	f.fill()
	f.owners["acme"]["numModels"] = 1 // the owner's page counts what is public
	rec, cov := collect(t, f.config(nil), nil)
	wantComplete(t, rec, cov)
	if n := cov[records.KindModel].IndependentCount; n != 2 {
		t.Errorf("counted %d", n)
	}
}

// A name with nothing behind it lists as empty; that is no clean answer.
func TestNoSuchOwner(t *testing.T) {
	f := newFake(t)
	rec, cov := collect(t, f.config(obj{"organizations": []string{"acmee"}}), nil)
	if !reasons(rec)[connector.NotFound] || cov[records.KindModel].Status != connector.Refused {
		t.Errorf("%+v %+v", rec.Gaps(), cov)
	}
	f.owners["acme"] = obj{"name": "acme"}
	rec, cov = collect(t, f.config(nil), nil)
	wantComplete(t, rec, cov)
	if cov[records.KindModel].IndependentCount != -1 {
		t.Errorf("%+v", cov)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	list, triage := "/api/models", apiPath("models/acme/triage")
	revision, commits, file := triage+"/revision/"+shaA, triage+"/commits/"+shaA, "/acme/triage/resolve/"+shaA+"/"+readme
	for name, c := range map[string]struct {
		path    string
		handler http.HandlerFunc
		want    connector.Reason
	}{
		"403":              {list, failing(403, `{"error":"no"}`), connector.Denied},
		"410":              {list, failing(410, ``), connector.Unsupported},
		"500":              {list, failing(500, ``), connector.Unavailable},
		"502":              {list, failing(502, ``), connector.Unavailable},
		"400":              {list, failing(400, `{"error":"expand"}`), connector.Malformed},
		"429 own header":   {list, failing(429, ``, "RateLimit", `"api";r=0;t=55`), connector.RateLimited},
		"429 seconds":      {list, failing(429, ``, "Retry-After", "3"), connector.RateLimited},
		"429 a date":       {list, failing(429, ``, "Retry-After", "Mon, 02 Jan 2040 15:04:05 GMT"), connector.RateLimited},
		"429 nothing said": {list, failing(429, ``), connector.RateLimited},
		"page of HTML":     {list, failing(200, `<html>`, "Content-Type", "text/html"), connector.Malformed},
		"truncated":        {list, failing(200, `[{"id":"acme/tri`), connector.Malformed},
		"null":             {list, failing(200, `null`), connector.Malformed},
		"object":           {list, failing(200, `{"models":[]}`), connector.Malformed},
		"endless":          {list, failing(200, `[]`, "Link", `</api/models?author=acme&cursor=x>; rel="next"`), connector.Malformed},
		"of others":        {list, failing(200, `[]`, "Link", `</api/models?author=others&cursor=x>; rel="next"`), connector.Malformed},
		"row of others":    {list, failing(200, `[{"id":"others/x"}]`), connector.Malformed},
		"row typed anew":   {list, failing(200, `[{"id":"acme/x","tags":"pytorch"}]`), connector.Malformed},
		"gated typed anew": {list, failing(200, `[{"id":"acme/x","gated":5}]`), connector.Malformed},
		"time typed anew":  {list, failing(200, `[{"id":"acme/x","createdAt":"soon"}]`), connector.Malformed},
		"refs 403":         {triage + "/refs", failing(403, ``), connector.Denied},
		"refs renamed":     {triage + "/refs", failing(200, `{"heads":[]}`), connector.Malformed},
		"refs odd":         {triage + "/refs", failing(200, `{"branches":[{"name":"main","targetCommit":"../x"}]}`), connector.Malformed},
		"revision 404":     {revision, failing(404, ``), connector.NotFound},
		"another revision": {revision, failing(200, `{"sha":"`+shaB+`","siblings":[]}`), connector.Malformed},
		"no files":         {revision, failing(200, `{"sha":"`+shaA+`"}`), connector.Malformed},
		"no history":       {commits, failing(200, `[]`), connector.Malformed},
		"card 403":         {file, failing(403, `{"error":"restricted"}`), connector.Denied},
		"card 404":         {file, failing(404, ``), connector.NotFound},
		"card cut":         {file, failing(200, `# Tri`), connector.Malformed},
		"unasked 304":      {file, failing(304, ``), connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill()
			f.handlers[c.path] = c.handler
			rec, cov := collect(t, f.config(nil), nil)
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
			delete(f.handlers, c.path)
			again, cov := collect(t, f.config(nil), rec)
			wantComplete(t, again, cov)
			for _, kind := range []string{records.KindModelVersion, records.KindModelCard} {
				if group := kind + "|acme/triage@" + shaA; again.Attested()[group] == 0 && len(again.Records(kind)) == 0 {
					t.Errorf("%s is lost for good", group)
				}
			}
		})
	}
}

// A refused token ends the run; it is told apart from a repository that is not there.
func TestRefused(t *testing.T) {
	f := newFake(t)
	f.fill()
	cfg := f.config(nil)
	cfg.Secrets = map[string]string{"token": "hf_another-odd-token"}
	f.handlers["/api/models"] = failing(401, `{"error":"Invalid credentials in Authorization header"}`)
	_, _, err := connectortest.Collect(t, &Connector{clock: hasty{}}, connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "odd-token") {
		t.Error(err)
	}
}

// Files come from other hosts, which must not see the token.
func TestRedirectKeepsTheTokenAtHome(t *testing.T) {
	var seen []string
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(fakeCard))
	}))
	defer cdn.Close()
	f := newFake(t)
	f.fill()
	f.handlers["/acme/triage/resolve/"+shaA+"/"+readme] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(cdn.URL, "127.0.0.1", "localhost", 1)+"/blob?X-Amz-Signature=abc", http.StatusFound)
	}
	rec, cov := collect(t, f.config(nil), nil)
	wantComplete(t, rec, cov)
	find(t, rec, records.KindModelCard, "acme/triage/"+shaA)
	if len(seen) != 1 || seen[0] != "" {
		t.Errorf("the other host got %q", seen)
	}
}

// The hub's own header says how long to wait.
func TestWaitsAsTold(t *testing.T) {
	f := newFake(t)
	f.fill()
	told := false
	f.handlers["/api/models"] = func(w http.ResponseWriter, r *http.Request) {
		if !told {
			told = true
			failing(429, ``, "RateLimit", `"api";r=0;t=55`, "RateLimit-Policy", `"fixed window";"api";q=500;w=300`)(w, r)
			return
		}
		f.list(w, r, "models")
	}
	var waits []time.Duration
	rec, cov, err := connectortest.Collect(t, &Connector{clock: hasty{&waits}}, connector.Request{Config: f.config(nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantComplete(t, rec, cov)
	if len(waits) == 0 || waits[0] < 56*time.Second || waits[0] > 58*time.Second {
		t.Errorf("waited %v", waits)
	}
}

func TestClockSkew(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.handlers[apiPath("models/acme/triage/commits/"+shaA)] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, []obj{{"id": shaA, "date": time.Now().Add(48 * time.Hour).Format(time.RFC3339)}})
	}
	first, _ := collect(t, f.config(nil), nil)
	if !reasons(first)[connector.Malformed] {
		t.Errorf("gaps %v", first.Gaps())
	}
	second, _ := collect(t, f.config(nil), first)
	for group := range second.Attested() {
		if strings.Contains(group, shaA) {
			t.Errorf("%s is attested, though no host took it", group)
		}
	}
}

// More files than a record names: said in every run, not only in the first.
func TestManyFiles(t *testing.T) {
	f := newFake(t)
	f.fill()
	rev := f.repos["models/acme/empty"].revs[shaD]
	files := rev["siblings"].([]obj)
	for i := range maxFiles {
		files = append(files, obj{"rfilename": fmt.Sprint(i), "size": 1, "blobId": "b"})
	}
	rev["siblings"] = files
	var prev *connectortest.Recorder
	for range 2 {
		rec, cov := collect(t, f.config(nil), prev)
		v := find(t, rec, records.KindModelVersion, "acme/empty/"+shaD)
		if !reasons(rec)[connector.Truncated] || cov[records.KindModelVersion].Status != connector.Partial || len(v["files"].([]any)) != maxFiles || v["artifact_digest"] == nil {
			t.Errorf("%d files, %+v", len(v["files"].([]any)), cov)
		}
		prev = rec
	}
}

// A revision that the settings pin is read too.
func TestPinned(t *testing.T) {
	f := newFake(t)
	f.fill()
	base := f.repos["models/meta/base"]
	base.add(shaB, "", "model.safetensors")
	base.revs["v0.9"] = base.revs[shaB]
	rec, cov := collect(t, f.config(obj{"organizations": nil, "repositories": []string{"meta/base@v0.9", "meta/base@" + shaD, "meta/base"}}), nil)
	wantComplete(t, rec, cov)
	if len(rec.Records(records.KindModel)) != 1 || len(rec.Records(records.KindModelVersion)) != 2 {
		t.Errorf("%v", rec.Records())
	}
	if v := find(t, rec, records.KindModelVersion, "meta/base/"+shaB); v["aliases"] != nil {
		t.Errorf("%v", v)
	}
}

package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func keys(payloads map[string]map[string]any) []string {
	var out []string
	for k := range payloads {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// reasons of the gaps, in the order of the kinds and reasons.
func reasons(rec *connectortest.Recorder) []string {
	var out []string
	for _, r := range rec.Reasons() {
		out = append(out, strings.Fields(r)[1])
	}
	return out
}

func TestCluster(t *testing.T) {
	s := newServer(t)
	rec, cov := collect(t, s.config(map[string]any{"environment": "production"}))
	got := rec.Payloads(t, records.KindSighting)
	want := []string{
		"workload|azure-openai|ml/Deployment/gateway", "workload|cohere|jobs/CronJob/embed", "workload|kserve|ml/InferenceService/llm",
		"workload|ollama|ml/StatefulSet/ollama", "workload|openai|ml/Deployment/chat", "workload|vllm|ml/Pod/lone", "workload|vllm|ml/RayCluster/ray",
	}
	if d := cmp.Diff(want, keys(got)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	chat := got["workload|openai|ml/Deployment/chat"]
	for field, want := range map[string]any{
		"account": "prod", "environment": "production", "owner_hint": "search", "owner_hint_from": "label team", "first_seen": "2026-02-01T10:00:00Z",
		"confidence": "declared", "models": []any{"gpt-4o-2024-08-06"},
	} {
		if d := cmp.Diff(want, chat[field]); d != "" {
			t.Errorf("%s: %s", field, d)
		}
	}
	if hint := got["workload|ollama|ml/StatefulSet/ollama"]["owner_hint"]; hint != "search" {
		t.Errorf("owner hint %v", hint)
	}
	if c := cov[records.KindSighting]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter", "me:pass", "key=abc", testToken} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("a record holds %q", secret)
		}
	}
	if !strings.Contains(string(raw), "my-res.openai.azure.com") {
		t.Error("no host is named")
	}
	for _, asked := range s.Asked() {
		if strings.Contains(asked, "secrets") || strings.Contains(asked, "configmaps") || strings.Contains(asked, "acme.example") {
			t.Errorf("asked for %s", asked)
		}
	}
}

func TestNamespaces(t *testing.T) {
	s := newServer(t)
	for _, path := range append(builtin(), "apis/serving.kserve.io/v1beta1/inferenceservices") {
		at := strings.LastIndexByte(path, '/')
		s.Put("/"+path[:at]+"/namespaces/jobs"+path[at:], fmt.Sprintf(`{"kind":%q,"metadata":{},"items":[]}`, kindOf(path)+"List"))
	}
	rec, _ := collect(t, s.config(map[string]any{"namespaces": []string{"jobs"}}))
	if n := len(rec.Payloads(t, records.KindSighting)); n != 0 || len(rec.Reasons()) != 0 {
		t.Errorf("%d records, gaps %v", n, rec.Reasons())
	}
	rec, _ = collect(t, s.config(map[string]any{"exclude_namespaces": []string{"ml"}}))
	if got := keys(rec.Payloads(t, records.KindSighting)); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// What the server refuses, forgets or answers with something else.
func TestServerFailures(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*server)
		gaps  []string
		min   int
	}{
		"no right": {func(s *server) {
			s.On("/api/v1/pods", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"kind":"Status","message":"pods is forbidden","code":403}`)
			})
		}, []string{"denied"}, 5},
		"no discovery": {func(s *server) {
			s.On("/apis", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		}, []string{"denied"}, 6},
		"a page of HTML": {func(s *server) {
			s.On("/apis/apps/v1/deployments", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, "<html>login</html>")
			})
		}, []string{"malformed"}, 5},
		"no list": {func(s *server) { s.Put("/apis/apps/v1/deployments", `{"kind":"Status","metadata":{}}`) }, []string{"malformed"}, 5},
		"a circle": {func(s *server) {
			s.Put("/apis/apps/v1/deployments", `{"kind":"DeploymentList","metadata":{"continue":"x"},"items":[]}`)
		}, []string{"malformed"}, 5},
		"broken objects": {func(s *server) { s.add("apis/apps/v1/deployments", `{"metadata":{}}`, `7`, `{"metadata":{"name":3}}`) }, []string{"malformed", "malformed", "malformed"}, 7},
		"deep object": {func(s *server) {
			s.add("apis/apps/v1/deployments", `{"metadata":{"name":"deep","namespace":"x"},"spec":`+strings.Repeat(`{"a":`, 100)+`1`+strings.Repeat(`}`, 100)+`}`)
		}, []string{"malformed"}, 7},
		"forgot the page": {func(s *server) { s.forget("apis/apps/v1/deployments", 1) }, nil, 7},
		"forgets always":  {func(s *server) { s.forget("apis/apps/v1/deployments", 1000) }, []string{"unsupported"}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c.spoil(s)
			rec, cov := collect(t, s.config(nil))
			if d := cmp.Diff(c.gaps, reasons(rec)); d != "" {
				t.Errorf("gaps: %s", d)
			}
			if n := len(rec.Payloads(t, records.KindSighting)); n < c.min {
				t.Errorf("%d records, want at least %d", n, c.min)
			}
			if claim := cov[records.KindSighting]; claim.Enumerated != (len(c.gaps) == 0) {
				t.Errorf("coverage %+v", claim)
			}
		})
	}
}

// forget has the second page answered with 410 some times.
func (s *server) forget(path string, times int) {
	s.serve(path)
	var inner http.HandlerFunc
	n := 0
	lists := s.lists[path]
	inner = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continue") != "" && n < times {
			n++
			w.WriteHeader(http.StatusGone)
			fmt.Fprint(w, `{"kind":"Status","reason":"Expired","code":410}`)
			return
		}
		next, items := "", lists
		if r.URL.Query().Get("continue") == "" && len(lists) > 2 {
			next, items = "at-2", lists[:2]
		} else if len(lists) > 2 {
			items = lists[2:]
		}
		fmt.Fprintf(w, `{"kind":"DeploymentList","metadata":{"continue":%q},"items":[%s]}`, next, strings.Join(items, ","))
	}
	s.On("/"+path, inner)
}

func TestRefusedToken(t *testing.T) {
	s := newServer(t)
	cfg := s.config(nil)
	cfg.Secrets = map[string]string{secretToken: "another-token"}
	report, err := hasty().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || strings.Contains(report.Problem, "another-token") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	object := func(name string) string {
		return `{"apiVersion":"apps/v1","kind":"Deployment",` + deployment(name, `{"image":"ollama/ollama"}`)[1:]
	}
	wide := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(`{"apiVersion":"v1","kind":"List","items":[` + object("wide") + `]}`)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	put("a-list.json", []byte(`{"apiVersion":"v1","items":[`+object("one")+`,`+object("two")+`],"kind":"List","metadata":{"resourceVersion":""}}`))
	put("b-single.json", []byte(object("three")+"\n"+object("four")))
	put("c-wide.json", wide)
	put("d-torn.json", []byte(`{"kind":"List","items":[`+object("five")+`,{"apiVersion":"apps`))
	put("e-yaml.json", []byte("kind: List\nitems: []\n"))
	put("f-empty.json", nil)
	put("g-array.json", []byte(`[1,2]`))
	put("h-null.json", []byte(`{"kind":"List","items":null}`))
	raw, err := json.Marshal(map[string]any{"cluster": "lab", "files": []string{filepath.Join(dir, "*.json"), filepath.Join(dir, "none")}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := connector.Config{Settings: raw}
	rec, cov := collect(t, cfg)
	var names []string
	for _, k := range keys(rec.Payloads(t, records.KindSighting)) {
		names = append(names, k[strings.LastIndexByte(k, '/')+1:])
	}
	if d := cmp.Diff([]string{"five", "four", "one", "three", "two", "wide"}, names); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]string{"hidden", "malformed", "malformed", "malformed", "malformed", "not_found"}, reasons(rec)); d != "" {
		t.Errorf("gaps -want +got:\n%s", d)
	}
	if cov[records.KindSighting].Enumerated {
		t.Error("a list with gaps is said to be whole")
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem != "" {
		t.Errorf("%+v, %v", report, err)
	}
	if detail := report.Permissions[2].Detail; !strings.Contains(detail, "e-yaml.json: it does not begin with an object in JSON") || !strings.Contains(detail, "no such file") {
		t.Errorf("the check says of files: %s", detail)
	}
}

// A list that was saved long ago says nothing of today, and makes nothing gone.
func TestOldList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.json")
	object := `{"apiVersion":"apps/v1","kind":"Deployment",` + deployment("one", `{"image":"ollama/ollama"}`)[1:]
	if err := os.WriteFile(path, []byte(`{"kind":"List","items":[`+object+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]int{1: 0, 30: 1} {
		at := time.Now().AddDate(0, 0, -days)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(map[string]any{"cluster": "lab", "files": []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		rec, cov := collect(t, connector.Config{Settings: raw})
		if n := len(rec.Payloads(t, records.KindSighting)); n != 1 || len(rec.Gaps()) != want {
			t.Errorf("%d days: %d records, gaps %v", days, n, rec.Gaps())
		}
		if cov[records.KindSighting].Enumerated != (want == 0) {
			t.Errorf("%d days: %+v", days, cov)
		}
	}
}

func TestSettings(t *testing.T) {
	for name, settings := range map[string]string{
		"nothing": `{"cluster":"a"}`, "no token": `{"cluster":"a","url":"https://x"}`, "no address": `{"cluster":"a","url":"x","token_file":"/t"}`,
		"password": `{"cluster":"a","url":"https://u:p@x","token_file":"/t"}`, "relative file": `{"cluster":"a","files":["x.json"]}`,
	} {
		if _, err := parseConfig(connector.Config{Settings: json.RawMessage(settings)}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Whatever a specification holds, what is kept of its values is a host or a
// model.
func FuzzObject(f *testing.F) {
	set, err := New().signatures()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"containers":[{"image":"a","env":[{"name":"X","value":"https://api.openai.com/"}],"args":["--model=gpt-4o"]}]}`)
	f.Add(`{"env":{"name":"\u0000","value":"sk-"},"image":{"repository":"a/b","tag":"c"},"args":[[["x"]]]}`)
	f.Fuzz(func(t *testing.T, spec string) {
		facts, err := factsOf([]byte(spec))
		if err != nil {
			return
		}
		for _, e := range match(set, &object{Kind: "Pod"}, facts) {
			for _, s := range sorted(e.signals) {
				if len(s) > 1000 || strings.ContainsAny(s, "\n\x00") {
					t.Errorf("signal %q", s)
				}
			}
		}
	})
}

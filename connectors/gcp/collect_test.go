package gcp

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	var got []string
	for _, r := range rec.Records() {
		got = append(got, r.Kind+" "+r.Subject.ID)
	}
	slices.Sort(got)
	want := []string{
		"cloud.ai_resource_inventory organization", "cloud.ai_resource_inventory organization", "cloud.ai_resource_inventory organization",
		"cloud.audit_event gcp/acme-ai",
		"cloud.invocation_logging 10@europe-west4", "cloud.invocation_logging 9@europe-west4",
		"cloud.model_monitor 10@europe-west4", "cloud.model_monitor 11/2", "cloud.model_monitor 9@europe-west4",
		"evaluation.run projects/acme-ai/locations/europe-west4/models/11@1",
		"model_registry.approval 11/2",
		"model_registry.deployment 10@europe-west4", "model_registry.deployment 9@europe-west4",
		"model_registry.lineage 11/1", "model_registry.lineage 12/2",
		"model_registry.model 11", "model_registry.model 12",
		"model_registry.model_version 11/1", "model_registry.model_version 11/2", "model_registry.model_version 12/2",
		"vendor.model_lifecycle gemini-1@001",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	byKey := map[string]map[string]any{}
	for _, r := range rec.Records() {
		byKey[r.Kind+" "+r.Subject.ID] = connectortest.Payload(t, r)
	}
	live := byKey["model_registry.deployment 9@europe-west4"]
	if d := cmp.Diff("production", live["environment"]); d != "" {
		t.Error(d)
	}
	first := live["variants"].([]any)[0].(map[string]any)
	if first["name"] != "d1" || first["weight"] != 90.0 || first["version"] != "2" || first["instance_count"] != 2.0 || first["resolved"] != true {
		t.Errorf("variant %v", first)
	}
	approval := byKey["model_registry.approval 11/2"]
	if approval["approval_status"] != "Approved" || approval["changed_at"] != "2026-02-03T10:00:00Z" || approval["basis"] != "last_change" || approval["previous_status"] != nil {
		t.Errorf("approval %v", approval)
	}
	if never := byKey["cloud.model_monitor 10@europe-west4"]; never["last_run_at"] != nil {
		t.Errorf("a monitor that never ran: %v", never)
	}
	if off := byKey["cloud.invocation_logging 10@europe-west4"]; off["enabled"] != false {
		t.Errorf("logging that is off: %v", off)
	}
	for _, r := range rec.Records() {
		if strings.Contains(string(r.Payload), "hidden") {
			t.Errorf("the request of an act is in %s", r.Payload)
		}
	}
	again, _ := f.collect(t, rec)
	t.Logf("first run %+v, unchanged run %+v", rec.Counted(), again.Counted())
}

// An alias that is taken away, or moves, is a change with what was before.
func TestApprovalMoves(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, nil)
	f.put(place1+"/models/11:listVersions", `{"models":[
	  {"name":"x/models/11@1","versionId":"1","versionCreateTime":"2026-01-01T10:00:00Z","versionUpdateTime":"2026-01-03T10:00:00Z","versionAliases":["prod"]},
	  {"name":"x/models/11@2","versionId":"2","versionCreateTime":"2026-02-01T10:00:00Z","versionUpdateTime":"2026-02-03T10:00:00Z","versionAliases":["latest"]}]}`)
	second, _ := f.collect(t, first)
	var got []string
	for _, r := range second.Records(records.KindModelApproval) {
		p := connectortest.Payload(t, r)
		got = append(got, fmt.Sprint(r.Subject.ID, " ", p["previous_status"], " > ", p["approval_status"], " ", p["basis"]))
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"11/1 <nil> > Approved first_seen", "11/2 Approved > Rejected first_seen"}, got); d != "" {
		t.Error(d)
	}
	third, _ := f.collect(t, second)
	if n := len(third.Records(records.KindModelApproval)); n != 1 {
		t.Errorf("%d approvals where nothing moved, want the standing one", n)
	}
}

// Where nobody said what approval is, none was looked for.
func TestNoApprovalInTheSettings(t *testing.T) {
	f := newFake(t)
	cfg := f.config()
	cfg.Settings = []byte(strings.Replace(f.settings(), `"approval_aliases":["prod"],`, "", 1))
	_, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || cov[records.KindModelApproval].Status != connector.NotRead {
		t.Errorf("%v, %+v", err, cov[records.KindModelApproval])
	}
}

// Each fault ends in a gap of what it concerns, and the rest is read.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"denied":           {place1 + "/models", 403, "", records.KindModel, connector.Denied},
		"not there":        {place1 + "/endpoints", 404, "", records.KindDeployment, connector.NotFound},
		"broken":           {place1 + "/endpoints", 500, "", records.KindDeployment, connector.Unavailable},
		"gone":             {place1 + "/tuningJobs", 410, "", records.KindLineage, connector.Unsupported},
		"html":             {place1 + "/models", 200, "<html>", records.KindModel, connector.Malformed},
		"null":             {place1 + "/models", 200, "null", records.KindModel, connector.Malformed},
		"renamed":          {place1 + "/models", 200, `{"items":[{"name":"x"}]}`, records.KindModel, connector.Malformed},
		"no list":          {place1 + "/models", 200, `{"models":{"a":1}}`, records.KindModel, connector.Malformed},
		"circle":           {place1 + "/endpoints", 200, `{"nextPageToken":"again"}`, records.KindDeployment, connector.Malformed},
		"no time":          {place1 + "/models", 200, `{"models":[{"name":"x/models/1","createTime":"soon"}]}`, records.KindModel, connector.Malformed},
		"a version denied": {place1 + "/models/11:listVersions", 403, "", records.KindModelVersion, connector.Denied},
		"evaluations":      {place1 + "/models/11@1/evaluations", 403, "", kindEvaluation, connector.Denied},
		"no preview":       {"/v1beta1/projects/acme-ai/locations/europe-west4/modelMonitors", 404, "", records.KindModelMonitor, connector.Unsupported},
		"log denied":       {"/v2/entries:list", 403, "", records.KindCloudAuditEvent, connector.Denied},
		"tomorrow":         {"/v2/entries:list", 200, `{"entries":[{"insertId":"e","timestamp":"2999-01-01T00:00:00Z"}]}`, records.KindCloudAuditEvent, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.put(c.path, c.body)
			}
			rec, cov := f.collect(t, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov[c.kind])
			}
			if len(rec.Records(records.KindAIResource, records.KindModelLifecycle)) == 0 {
				t.Error("the rest was not read")
			}
		})
	}
}

func TestKeyOfAServiceAccount(t *testing.T) {
	f := newFake(t)
	issued := 0
	f.on("/token", func(w http.ResponseWriter, _ *http.Request, body string) {
		issued++
		if !strings.Contains(body, "assertion=") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, fakeToken)
	})
	cfg := f.config()
	cfg.Secrets = map[string]string{secretKey: f.keyFile(t)}
	rec, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Records()) == 0 || issued != 1 {
		t.Errorf("%v, %d records, %d tokens", err, len(rec.Records()), issued)
	}
	f.status("/token", 400)
	_, _, err = connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("a deleted key: %v", err)
	}
	cfg.Settings = []byte(`{"projects":["acme-ai"]}`)
	if _, err := parseConfig(cfg); err == nil {
		t.Error("a key that sends its claim to another host than Google's is taken")
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	report, err := New().Check(t.Context(), f.config())
	if err != nil || report.Problem != "" {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, p := range report.Permissions {
		want := connector.Granted
		switch p.Permission {
		case permLogs:
			want = connector.Missing
		case permPublishers:
			want = connector.GrantUnknown
		}
		if p.Grant != want {
			t.Errorf("%+v, want %q", p, want)
		}
	}
	cfg := f.config()
	cfg.Secrets = map[string]string{secretToken: "another"}
	if report, err := New().Check(t.Context(), cfg); err != nil || report.Problem == "" || len(report.Permissions) != len(permissions()) {
		t.Errorf("%+v, %v", report, err)
	}
}

// The token goes to Google alone.
func TestRedirect(t *testing.T) {
	f := newFake(t)
	var header http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		fmt.Fprint(w, `{}`)
	}))
	defer other.Close()
	f.on(place1+"/models", func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	f.collect(t, nil)
	if header == nil || header.Get("Authorization") != "" {
		t.Errorf("the other host saw %v", header)
	}
}

func TestLocationsAreListed(t *testing.T) {
	f := newFake(t)
	f.put("/v1/projects/acme-ai/locations", `{"locations":[{"locationId":"europe-west4"}]}`)
	cfg := f.config()
	cfg.Settings = []byte(strings.Replace(f.settings(), `"locations":["europe-west4"],`, "", 1))
	rec, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Records(records.KindModel)) != 2 {
		t.Fatalf("%v, %d models", err, len(rec.Records(records.KindModel)))
	}
	f.put("/v1/projects/acme-ai/locations", `{"locations":[{"locationId":"../x"}]}`)
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || cov[records.KindModel].Status != connector.Refused || len(rec.Gaps()) == 0 {
		t.Errorf("a location that is a path: %v, %+v", err, cov[records.KindModel])
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"models":[{"name":"x/models/1","createTime":"2026-01-01T00:00:00Z"}],"nextPageToken":"t"}`))
	f.Add([]byte(`{"endpoints":[{"trafficSplit":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		defer s.Close()
		settings := `{"projects":["acme-ai"],"locations":["europe-west4"],"approval_aliases":["prod"],"requests_per_second":1000,"base_url":"` + s.URL + `"}`
		_, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: []byte(settings), Secrets: map[string]string{secretToken: fakeToken}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(cov) != len(New().Describe().Kinds) {
			t.Errorf("%d kinds are covered", len(cov))
		}
	})
}

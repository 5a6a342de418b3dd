package azure

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func gapOf(rec *connectortest.Recorder, kind string, reason connector.Reason) bool {
	return slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, kind) && g.Reason == reason })
}

// A role on a resource group hides the others without a word: nothing is whole,
// and nothing is gone. Where that cannot be asked, nothing is gone either.
func TestRoleOnAPart(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		status int
		hidden bool
		want   connector.CoverageStatus
	}{
		"whole":          {`{"value":[{"actions":["*/read"]}]}`, 200, false, connector.Complete},
		"on a group":     {`{"value":[]}`, 200, true, connector.Partial},
		"may not ask":    {``, 403, false, connector.Complete},
		"not understood": {`{}`, 200, false, connector.Complete},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.put(sub+"/providers/Microsoft.Authorization/permissions", c.answer)
			if c.status != 200 {
				f.status(sub+"/providers/Microsoft.Authorization/permissions", c.status)
			}
			rec, cov := f.collect(t, nil)
			for _, kind := range []string{records.KindAIResource, records.KindModel, records.KindDeploymentPolicy, records.KindInvocationLogging} {
				if got := cov[kind]; got.Status != c.want || got.Enumerated != (name == "whole") || gapOf(rec, kind, connector.Hidden) != c.hidden {
					t.Errorf("%s: %+v, gaps %+v", kind, got, rec.Gaps())
				}
			}
			if name == "may not ask" && !strings.Contains(cov[records.KindModel].Query, "could not be asked") {
				t.Errorf("query %q", cov[records.KindModel].Query)
			}
		})
	}
}

// An app that may not ask about its rights is not said to lack them.
func TestCheckThatMayNotAsk(t *testing.T) {
	f := newFake(t)
	f.status(sub+"/providers/Microsoft.Authorization/permissions", 403)
	report, err := New().Check(t.Context(), f.config())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Permissions {
		want := connector.GrantUnknown
		if p.Permission == permOwn {
			want = connector.Missing
		}
		if p.Grant != want {
			t.Errorf("%+v, want %q", p, want)
		}
	}
}

// What is malformed is a gap of all that is missing with it.
func TestMalformedParts(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		kinds      []string
	}{
		"account":    {sub + "/providers/Microsoft.CognitiveServices/accounts", `{"value":[{"id":"x","name":"a","kind":"OpenAI","location":"swedencentral"}]}`, accountKinds()},
		"deployment": {cog + "/deployments", `{"value":[{"id":"x","name":"a"}]}`, []string{records.KindDeployment, records.KindModelObservation, records.KindGuardrail}},
		"workspace":  {sub + "/providers/Microsoft.MachineLearningServices/workspaces", `{"value":[{"id":"x","name":"a"}]}`, []string{records.KindModel, records.KindModelVersion, records.KindModelMonitor, records.KindDeployment}},
		"registry":   {sub + "/providers/Microsoft.MachineLearningServices/registries", `{"value":[{"id":"x","name":"a"}]}`, []string{records.KindModel, records.KindModelVersion}},
		"logging":    {cog + "/providers/Microsoft.Insights/diagnosticSettings", `{"value":[{"properties":{"workspaceId":"w"}}]}`, []string{records.KindInvocationLogging}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.put(c.path, c.body)
			rec, cov := f.collect(t, nil)
			for _, kind := range c.kinds {
				if !gapOf(rec, kind, connector.Malformed) || cov[kind].Status == connector.Complete || cov[kind].Enumerated {
					t.Errorf("%s: %+v, gaps %+v", kind, cov[kind], rec.Gaps())
				}
			}
		})
	}
}

// What is archived or disabled is asked for: else it would look gone.
func TestArchivedModels(t *testing.T) {
	f := newFake(t)
	asked := map[string]string{}
	for _, path := range []string{mlw + "/models", mlw + "/models/triage/versions", mlr + "/models", mlw + "/schedules"} {
		f.mu.Lock()
		old := f.answers[strings.ToLower(path)]
		f.mu.Unlock()
		f.on(path, func(w http.ResponseWriter, r *http.Request) {
			asked[path] = r.URL.Query().Get("listViewType")
			old(w, r)
		})
	}
	f.collect(t, nil)
	for path, view := range asked {
		if view != "All" {
			t.Errorf("%s: only %q", path, view)
		}
	}
	if len(asked) != 4 {
		t.Errorf("%v", asked)
	}
}

// Where other logs go is not where calls go.
func TestWhereCallsGo(t *testing.T) {
	setting := func(dest, category string) string {
		return `{"properties":{` + dest + `,"logs":[{"category":"` + category + `","enabled":true}]}}`
	}
	for name, c := range map[string]struct {
		body    string
		enabled bool
		group   any
	}{
		"audit alone":    {setting(`"workspaceId":"/w/audit"`, "Audit"), false, nil},
		"to a partner":   {setting(`"marketplacePartnerId":"/p"`, "RequestResponse"), true, nil},
		"calls and acts": {setting(`"workspaceId":"/w/calls"`, "RequestResponse") + "," + setting(`"workspaceId":"/w/audit"`, "Audit"), true, "/w/calls"},
		"calls nowhere":  {`{"properties":{"logs":[{"category":"RequestResponse","enabled":true}]}},` + setting(`"workspaceId":"/w/audit"`, "Audit"), false, nil},
	} {
		f := newFake(t)
		f.put(cog+"/providers/Microsoft.Insights/diagnosticSettings", `{"value":[`+c.body+`]}`)
		rec, _ := f.collect(t, nil)
		for _, r := range rec.Records(records.KindInvocationLogging) {
			if r.Subject.ID != "acme-ai" {
				continue
			}
			if p := connectortest.Payload(t, r); p["enabled"] != c.enabled || p["log_group"] != c.group {
				t.Errorf("%s: %v", name, p)
			}
		}
	}
}

const models = sub + "/providers/Microsoft.CognitiveServices/locations/swedencentral/models"

func stateKeys(rec *connectortest.Recorder) (out []string) {
	for _, r := range rec.Records(records.KindModelLifecycle) {
		out = append(out, r.Key)
	}
	slices.Sort(out)
	return out
}

// When a state was first seen is remembered of what was read before a page that
// could not be, and the order of two entries for a model decides nothing.
func TestStatesAreRemembered(t *testing.T) {
	f := newFake(t)
	entry := func(end string) string {
		return `{"model":{"name":"m","version":"1","lifecycleStatus":"GenerallyAvailable","deprecation":{"inference":"` + end + `"}}}`
	}
	a, b := entry("2999-01-01T00:00:00Z"), entry("2999-06-01T00:00:00Z")
	body := a + "," + b
	f.on(models, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "2" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"value":[`+body+`],"nextLink":"`+f.URL+models+`?page=2"}`)
	})
	first, _ := f.collect(t, nil)
	body = b + "," + a
	second, _ := f.collect(t, first)
	if one, two := stateKeys(first), stateKeys(second); len(one) != 1 || !slices.Equal(one, two) || !gapOf(first, records.KindModelLifecycle, connector.Denied) {
		t.Errorf("%v, %v", one, two)
	}
}

// Two subscriptions in a region may list a model otherwise; it has one state.
func TestTwoSubscriptionsInARegion(t *testing.T) {
	f := newFake(t)
	other := func(path string) string { return strings.Replace(path, "/s-1", "/s-2", 1) }
	f.put(other(sub+"/providers/Microsoft.CognitiveServices/accounts"), `{"value":[{"id":"`+other(cog)+`","name":"acme-ai","kind":"OpenAI","location":"swedencentral"}]}`)
	f.put(other(models), `{"value":[{"model":{"name":"gpt-4o","version":"2024-08-06","lifecycleStatus":"Deprecated"}}]}`)
	cfg := f.config()
	cfg.Settings = []byte(strings.Replace(string(cfg.Settings), `["s-1"]`, `["s-1","s-2"]`, 1))
	first, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, first)
	if one, two := stateKeys(first), stateKeys(second); err != nil || len(one) != 3 || !slices.Equal(one, two) {
		t.Errorf("%v\n%v\n%v", err, one, two)
	}
}

// A link to another host is not followed: what stands there is not Azure's.
func TestLinkToAnotherHost(t *testing.T) {
	f := newFake(t)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	defer other.Close()
	f.on(cog+"/deployments", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.TrimSuffix(deployments("1", "2026-02-01T10:00:00Z"), "}")+`,"nextLink":"`+other.URL+`/more"}`)
	})
	rec, _ := f.collect(t, nil)
	if !gapOf(rec, records.KindDeploymentPolicy, connector.Malformed) || len(rec.Records(records.KindDeploymentPolicy)) != 1 {
		t.Errorf("gaps %+v", rec.Gaps())
	}
}

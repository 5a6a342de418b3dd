package gcp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Whatever leaves something out of a list is a gap of all that is missing with
// it, and nothing is called gone.
func TestListsThatAreNotWhole(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		kinds      []string
		reason     connector.Reason
	}{
		"unreachable":      {place1 + "/endpoints", `{"endpoints":[],"unreachable":["projects/1/locations/europe-west4"]}`, []string{records.KindDeployment, records.KindAIResource}, connector.Unavailable},
		"null":             {place1 + "/models", `{"models":null}`, []string{records.KindModel, records.KindModelVersion}, connector.Malformed},
		"something else":   {place1 + "/endpoints", `{"message":"sign in"}`, []string{records.KindDeployment}, connector.Malformed},
		"model no name":    {place1 + "/models", `{"models":[{"createTime":"2026-01-01T10:00:00Z"}]}`, []string{records.KindModel, records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation}, connector.Malformed},
		"version no id":    {place1 + "/models/11:listVersions", `{"models":[{"name":"x/models/11@1"}]}`, []string{records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation}, connector.Malformed},
		"job without name": {place1 + "/tuningJobs", `{"tuningJobs":[{"tunedModel":{"model":"x/models/12@2"}}]}`, []string{records.KindLineage}, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.put(c.path, c.body)
			rec, cov := f.collect(t, nil)
			for _, kind := range c.kinds {
				found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, kind) && g.Reason == c.reason })
				if !found || cov[kind].Status == connector.Complete || cov[kind].Enumerated {
					t.Errorf("%s: gaps %+v, coverage %+v", kind, rec.Gaps(), cov[kind])
				}
			}
		})
	}
}

// A version that was there without the alias was not approved before that.
func TestApprovalIsNotDatedBack(t *testing.T) {
	f := newFake(t)
	versions := func(alias, updated string) string {
		return `{"models":[{"name":"x/models/11@1","versionId":"1","versionCreateTime":"2026-01-01T10:00:00Z","versionUpdateTime":"` + updated + `","versionAliases":["` + alias + `"]}]}`
	}
	f.put(place1+"/models/11:listVersions", versions("latest", "2026-01-03T10:00:00Z"))
	first, _ := f.collect(t, nil)
	f.put(place1+"/models/11:listVersions", versions("prod", "2026-01-03T10:00:00Z"))
	second, _ := f.collect(t, first)
	third, _ := f.collect(t, second)
	got, again := second.Records(records.KindModelApproval), third.Records(records.KindModelApproval)
	if len(got) != 1 || len(again) != 1 || got[0].Key != again[0].Key {
		t.Fatalf("%v, %v", got, again)
	}
	if p := connectortest.Payload(t, got[0]); p["basis"] != "first_seen" || strings.HasPrefix(fmt.Sprint(p["changed_at"]), "2026-01-03") {
		t.Errorf("seen without the alias after that day: %v", p)
	}
}

// Approvals of more versions than are remembered end no run, and a run that
// fails does not hide what was there.
func TestManyVersionsWithAnAlias(t *testing.T) {
	g := given{Versions: map[string]approved{}}
	for i := range 1000 {
		g.Versions[fmt.Sprint(i)] = approved{On: i == 7}
	}
	g.forget()
	if len(g.Versions) != maxGiven || !g.Versions["7"].On {
		t.Errorf("%d versions, the standing one is %+v", len(g.Versions), g.Versions["7"])
	}
}

// What was first seen is remembered, of however many models, and of those read
// before a page that could not be.
func TestPublishersAreRemembered(t *testing.T) {
	f := newFake(t)
	var list []string
	for i := range 900 {
		list = append(list, fmt.Sprintf(`{"name":"publishers/google/models/m%d","versionId":"001","launchStage":"GA"}`, i))
	}
	f.pages("/v1beta1/publishers/google/models", `{"publisherModels":[`+strings.Join(list, ",")+`]}`, `{"publisherModels":[`)
	first, cov := f.collect(t, nil)
	if cov[records.KindModelLifecycle].Status != connector.Partial {
		t.Errorf("%+v", cov[records.KindModelLifecycle])
	}
	second, _ := f.collect(t, first)
	keys := func(r *connectortest.Recorder) (out []string) {
		for _, rec := range r.Records(records.KindModelLifecycle) {
			out = append(out, rec.Key)
		}
		slices.Sort(out)
		return out
	}
	if a, b := keys(first), keys(second); len(a) != 900 || !slices.Equal(a, b) {
		t.Errorf("%d and %d models; nothing changed and keys did", len(a), len(b))
	}
}

// A model of another project is named as what it is.
func TestModelOfAnotherProject(t *testing.T) {
	f := newFake(t)
	f.put(place1+"/endpoints", `{"endpoints":[{"name":"projects/1/locations/europe-west4/endpoints/9","createTime":"2026-02-01T10:00:00Z","updateTime":"2026-02-01T10:00:00Z",
	  "deployedModels":[{"id":"a","model":"projects/7/locations/us-central1/models/11","modelVersionId":"2"},{"id":"b","model":"projects/1/locations/europe-west4/models/11","modelVersionId":"2"}]}]}`)
	rec, _ := f.collect(t, nil)
	variants := connectortest.Payload(t, rec.Records(records.KindDeployment)[0])["variants"].([]any)
	for i, want := range []string{"projects/7/locations/us-central1/models/11@2", "projects/acme-ai/locations/europe-west4/models/11@2"} {
		if got := variants[i].(map[string]any)["model_package_arn"]; got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// One monitor whose runs are denied names the permission for runs, and the
// others are read.
func TestRunsOfOneMonitorDenied(t *testing.T) {
	f := newFake(t)
	parent := "/v1beta1/projects/acme-ai/locations/europe-west4/modelMonitors"
	f.put(parent, `{"modelMonitors":[{"name":"x/modelMonitors/1"},{"name":"x/modelMonitors/2","modelMonitoringTarget":{"vertexModel":{"model":"x/models/11","modelVersionId":"1"}}}]}`)
	f.status(parent+"/1/modelMonitoringJobs", 403)
	f.put(parent+"/2/modelMonitoringJobs", `{}`)
	rec, _ := f.collect(t, nil)
	if !slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return g.Permission == permMonitorRuns }) {
		t.Errorf("gaps %+v", rec.Gaps())
	}
	if !slices.ContainsFunc(rec.Records(records.KindModelMonitor), func(r connector.Record) bool { return r.Subject.ID == "11/1" }) {
		t.Error("the other monitor was not read")
	}
}

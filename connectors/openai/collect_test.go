package openai

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// notTold is the gap that every run has: what OpenAI's API does not tell.
const notTold = "vendor.data_controls unsupported training_opt_out and retention in days"

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, "", nil)
	if d := cmp.Diff([]string{notTold}, rec.Reasons()); d != "" {
		t.Error(d)
	}
	for _, kind := range []string{records.KindVendorUser, records.KindVendorProject, records.KindAPIKey} {
		if c := cov[kind]; c.Status != connector.Complete || !c.Enumerated {
			t.Errorf("%s: %+v", kind, c)
		}
	}
	counts := map[string]int{}
	for _, r := range rec.Records() {
		counts[r.Kind]++
		if strings.Contains(string(r.Payload), "***") || strings.Contains(string(r.Payload), "192.0.2.1") {
			t.Errorf("a part of a key or an address of a person: %s", r.Payload)
		}
	}
	want := map[string]int{
		records.KindVendorUser: 5, records.KindVendorProject: 2, records.KindAPIKey: 3, records.KindVendorUsage: 6, records.KindModelObservation: 4,
		records.KindVendorAuditLog: 2, records.KindDataControls: 2, records.KindModelLifecycle: 4, records.KindModelVersion: 1, records.KindLineage: 1,
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Error(d)
	}
	for kind, keys := range map[string]map[string]any{
		records.KindVendorUser: {"openai|user-1": map[string]any{"vendor": "openai", "user_id": "user-1", "name": "Ana", "email": "Ana@example.test", "role": "owner",
			"service_account": false, "added_at": "2026-01-01T00:00:00Z", "last_used_at": "2026-04-24T00:00:00Z", "status": "active"},
			"openai|svc-1": map[string]any{"vendor": "openai", "user_id": "svc-1", "name": "batch", "role": "reader", "service_account": true,
				"added_at": "2026-01-01T00:00:02Z", "status": "active", "projects": []any{"proj_a"}}},
		records.KindVendorProject: {"openai|proj_a": map[string]any{"vendor": "openai", "project_id": "proj_a", "name": "chat", "status": "active",
			"created_at": "2026-01-01T00:00:04Z", "region": "EU_STORAGE_PROCESSING", "members": 2.0, "service_accounts": 2.0}},
		records.KindDataControls: {"openai|organization": map[string]any{"vendor": "openai", "org_or_project": "organization", "retention_type": "modified_abuse_monitoring", "zdr": false},
			"openai|proj_a": map[string]any{"vendor": "openai", "org_or_project": "proj_a", "retention_type": "zero_data_retention", "zdr": true,
				"region": "EU_STORAGE_PROCESSING", "model_policy": "allow_list", "allowed_models": []any{"gpt-4o", "o3"}}},
		records.KindVendorUsage: {"openai|proj_a|key_1|gpt-4o-2024-08-06|" + yesterday(): map[string]any{"vendor": "openai", "project_or_workspace": "proj_a", "api_key_id": "key_1",
			"model": "gpt-4o-2024-08-06", "day": yesterday(), "requests": 3.0, "tokens": 15.0},
			"openai|proj_a|||" + yesterday() + "|cost": map[string]any{"vendor": "openai", "project_or_workspace": "proj_a", "day": yesterday(), "cost": 0.16}},
		records.KindVendorAuditLog: {"openai|audit_2": map[string]any{"vendor": "openai", "event_id": "audit_2", "event_type": "api_key.deleted", "actor": "ana@example.test",
			"effective_at": "2026-04-24T03:06:42Z", "target": "key_0", "project_or_workspace": "proj_a"}},
		records.KindModelVersion: {"openai/org-acme/ft:gpt-4o-mini-2024-07-18:acme:triage:9abc": map[string]any{"registry": "openai/org-acme", "model": "ft:gpt-4o-mini-2024-07-18:acme:triage",
			"version": "9abc", "arn_or_uri": "ft:gpt-4o-mini-2024-07-18:acme:triage:9abc", "created_at": "2026-01-01T00:01:49Z", "source_run": "ftjob-1",
			"base_model": "gpt-4o-mini-2024-07-18", "status": "succeeded", "tags": map[string]any{}}},
	} {
		got := rec.Payloads(t, kind)
		for key, want := range keys {
			if d := cmp.Diff(want, any(got[key])); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", kind, key, d)
			}
		}
	}
}

// A disabled user, an archived project, a key whose owner left and one that has
// run out are there as such; a key that was revoked is gone, and who did it
// stands in the log.
func TestWhatIsNoLongerInUse(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	for _, c := range []struct{ kind, key, field, want string }{
		{records.KindVendorUser, "openai|user-2", "status", "disabled"},
		{records.KindVendorUser, "openai|inv-1", "status", "invited"},
		{records.KindVendorProject, "openai|proj_b", "status", "archived"},
		{records.KindVendorProject, "openai|proj_b", "archived_at", "2026-02-02T02:40:00Z"},
		{records.KindAPIKey, "openai|key_2", "owner_access", "inactive"},
		{records.KindAPIKey, "openai|key_2", "owner", "bo@example.test"},
		{records.KindAPIKey, "openai|key_admin", "status", "expired"},
		{records.KindAPIKey, "openai|key_admin", "key_type", "admin"},
		{records.KindAPIKey, "openai|key_1", "key_type", "service_account"},
	} {
		if got := first.Payloads(t, c.kind)[c.key][c.field]; got != c.want {
			t.Errorf("%s of %s: %v, want %s", c.field, c.key, got, c.want)
		}
	}
	if used, ok := first.Payloads(t, records.KindAPIKey)["openai|key_2"]["last_used_at"]; ok {
		t.Errorf("a key that was never used: %v", used)
	}
	f.Put(org+"projects/proj_a/api_keys", list1(""))
	second, cov := f.collect(t, "", first)
	if got := second.Payloads(t, records.KindAPIKey); len(got) != 1 || !cov[records.KindAPIKey].Enumerated {
		t.Errorf("keys after revoking: %v, %+v", got, cov[records.KindAPIKey])
	}
	if got := first.Payloads(t, records.KindVendorAuditLog)["openai|audit_2"]; got["event_type"] != "api_key.deleted" || got["target"] != "key_0" {
		t.Errorf("%v", got)
	}
}

// The same source gives the same records, and reports are read from where the
// last run ended.
func TestUnchanged(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.Asked()
	second, _ := f.collect(t, "", first)
	if d := cmp.Diff(byKey(first), byKey(second)); d != "" {
		t.Errorf("a second run tells another story:\n%s", d)
	}
	for _, a := range f.Asked() {
		if strings.HasPrefix(a, "/organization/usage/completions") && !strings.Contains(a, "page=") {
			want := usage.Midnight(time.Now().Add(-usage.Settled)).AddDate(0, 0, -usage.Unsettled).Unix()
			if !strings.Contains(a, "start_time="+json.Number(jsonInt(want)).String()) {
				t.Errorf("asked %s, want from %d", a, want)
			}
		}
	}
	t.Logf("first run %+v, unchanged run %+v", first.Counted(), second.Counted())
}

func jsonInt(n int64) string {
	raw, err := json.Marshal(n)
	if err != nil {
		return ""
	}
	return string(raw)
}

func byKey(rec *connectortest.Recorder) map[string]string {
	out := map[string]string{}
	for _, r := range rec.Records() {
		out[r.Kind+" "+r.Key] = string(r.Payload)
	}
	return out
}

// A day that is told otherwise later is a new revision of the same record.
func TestLateUse(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.use("completions", `{"input_tokens":20,"output_tokens":5,"num_model_requests":4,"project_id":"proj_a","api_key_id":"key_1","model":"gpt-4o-2024-08-06"}`)
	second, _ := f.collect(t, "", first)
	key := "openai|proj_a|key_1|gpt-4o-2024-08-06|" + yesterday()
	if a, b := first.Payloads(t, records.KindVendorUsage)[key], second.Payloads(t, records.KindVendorUsage)[key]; a["requests"] != 3.0 || b["requests"] != 4.0 {
		t.Errorf("%v, then %v", a, b)
	}
}

// What was asked for, where the settings say so, beside what answered.
func TestServedForAsked(t *testing.T) {
	observed := func(settings string) (out []string, gaps []string) {
		f := newFake(t)
		rec, _ := f.collect(t, settings, nil)
		for _, r := range rec.Records(records.KindModelObservation) {
			p := connectortest.Payload(t, r)
			if r.Key != strings.TrimSuffix(r.Key, yesterday())+yesterday() {
				continue
			}
			out = append(out, strings.TrimSpace(text(p["system_id"])+" asked "+text(p["requested_model"])+" got "+text(p["served_model"])))
		}
		slices.Sort(out)
		return out, slices.DeleteFunc(rec.Reasons(), func(s string) bool { return s == notTold })
	}
	for name, c := range map[string]struct {
		settings   string
		want, gaps []string
	}{
		"nothing declared": {"", []string{"asked  got gpt-4o-2024-08-06", "asked  got gpt-image-1"}, []string{}},
		"an alias, and another": {`"requests":[{"project":"proj_a","model":"gpt-4o","system":"chat"},{"project":"proj_a","model":"gpt-image-1","system":"art"}]`,
			[]string{"art asked gpt-image-1 got gpt-image-1", "chat asked gpt-4o got gpt-4o-2024-08-06"}, []string{}},
		"one model for all": {`"requests":[{"api_key":"key_1","model":"gpt-4o-2024-05-13","system":"chat"}]`,
			[]string{"chat asked gpt-4o-2024-05-13 got gpt-4o-2024-08-06", "chat asked gpt-4o-2024-05-13 got gpt-image-1"}, []string{}},
		"not known which": {`"requests":[{"project":"proj_a","model":"o3","system":"chat"},{"project":"proj_a","model":"gpt-image-1","system":"chat"}]`,
			[]string{"chat asked  got gpt-4o-2024-08-06", "chat asked gpt-image-1 got gpt-image-1"},
			[]string{"vendor.model_observation not_found what was asked for when gpt-4o-2024-08-06 answered in project proj_a"}},
		"no such project": {`"requests":[{"project":"proj_x","model":"o3","system":"chat"}]`,
			[]string{"asked  got gpt-4o-2024-08-06", "asked  got gpt-image-1"}, []string{"vendor.model_observation not_found project proj_x"}},
	} {
		got, gaps := observed(c.settings)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(c.gaps, gaps); d != "" {
			t.Errorf("%s, gaps (-want +got):\n%s", name, d)
		}
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// A model's end is announced when it is first seen, keeps that time in a full
// run, and is announced anew when its day moves.
func TestLifecycle(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	was := first.Payloads(t, records.KindModelLifecycle)
	for key, want := range map[string]string{
		"openai|gpt-4o|active|":                             records.AnnouncedPublished,
		"openai|o1|deprecated|2999-01-01T00:00:00Z":         records.AnnouncedFirstSeen,
		"openai|gpt-4-0314|deprecated|2026-03-26T00:00:00Z": records.AnnouncedFirstSeen,
		"openai|gpt-4-0314|retired|2026-03-26T00:00:00Z":    records.AnnouncedPublished,
	} {
		if was[key] == nil || was[key]["announced_basis"] != want {
			t.Errorf("%s: %v", key, was[key])
		}
	}
	f.Put("/models", `{"object":"list","data":[{"id":"o1","created":1678604601,"shutdown_date":"2999-02-01"}]}`)
	second, _, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(""), Full: true}, first)
	if err != nil {
		t.Fatal(err)
	}
	now := second.Payloads(t, records.KindModelLifecycle)
	gone := "openai|gpt-4-0314|deprecated|2026-03-26T00:00:00Z"
	if len(now) != 3 || now["openai|o1|deprecated|2999-02-01T00:00:00Z"] == nil || now[gone]["announced_at"] != was[gone]["announced_at"] {
		t.Errorf("after the day moved: %v", now)
	}
}

// An organisation that has not switched its audit log on is told from one in
// which nothing happened lately.
func TestAuditLogThatIsOff(t *testing.T) {
	f := newFake(t)
	f.Put(org+"audit_logs", list1(""))
	rec, cov := f.collect(t, "", nil)
	if got := rec.Reasons(); !slices.Contains(got, "vendor.audit_log hidden audit log") || cov[records.KindVendorAuditLog].Status == connector.Complete {
		t.Errorf("%v, %+v", got, cov[records.KindVendorAuditLog])
	}
	f.On(org+"audit_logs", func(w http.ResponseWriter, r *http.Request) {
		body := list1("")
		if r.URL.Query().Get("effective_at[gte]") == "" {
			body = list1(`{"id":"old","type":"login.succeeded","effective_at":1700000000}`)
		}
		_, _ = w.Write([]byte(body))
	})
	rec, cov = f.collect(t, "", rec)
	if c := cov[records.KindVendorAuditLog]; c.Status != connector.Complete || c.Since.IsZero() || len(rec.Records(records.KindVendorAuditLog)) != 0 {
		t.Errorf("a quiet log: %+v", c)
	}
}

// A model that answers through many keys is one observation a day.
func TestOneObservationForManyKeys(t *testing.T) {
	f := newFake(t)
	f.use("completions", `{"num_model_requests":1,"project_id":"proj_a","api_key_id":"key_1","model":"m"},{"num_model_requests":1,"project_id":"proj_a","api_key_id":"key_2","model":"m"}`)
	rec, _ := f.collect(t, "", nil)
	if n := len(rec.Records(records.KindModelObservation)); n != 4 { // and that of an image, on two days
		t.Errorf("%d observations", n)
	}
}

// A project that is used and in no list was hidden from us.
func TestHiddenProject(t *testing.T) {
	f := newFake(t)
	f.use("embeddings", `{"input_tokens":1,"num_model_requests":1,"project_id":"proj_z","api_key_id":"key_9","model":"text-embedding-3-small"}`)
	rec, cov := f.collect(t, "", nil)
	if !slices.Contains(rec.Reasons(), "vendor.project+vendor.api_key_inventory+vendor.data_controls hidden project proj_z") || cov[records.KindVendorProject].Enumerated {
		t.Errorf("%v, %+v", rec.Reasons(), cov[records.KindVendorProject])
	}
}

// Without a key of a project the models are not read, which is a gap only for
// who asks for them.
func TestWithoutAKeyOfAProject(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	delete(cfg.Secrets, secretKey)
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || cov[records.KindModelLifecycle].Status != connector.NotRead || len(rec.Gaps()) != 1 {
		t.Errorf("%v, %+v, %v", err, cov[records.KindModelLifecycle], rec.Reasons())
	}
	rec, _, err = connectortest.Collect(t, New(), connector.Request{Config: cfg, Kinds: []string{records.KindModelLifecycle}}, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Permission != permModels {
		t.Errorf("%v, %v", err, rec.Reasons())
	}
}

package anthropic

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// notTold is the gap that every run has: what Anthropic's API does not tell.
const notTold = "vendor.data_controls unsupported training_opt_out, zdr and retention"

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
		for _, secret := range []string{"sk-ant", "igAA", "192.0.2.1", `"zdr"`, `"training_opt_out"`} {
			if strings.Contains(string(r.Payload), secret) {
				t.Errorf("%s is in %s", secret, r.Payload)
			}
		}
	}
	want := map[string]int{
		records.KindVendorUser: 3, records.KindVendorProject: 3, records.KindAPIKey: 4, records.KindVendorUsage: 8, records.KindModelObservation: 4,
		records.KindVendorAuditLog: 1, records.KindDataControls: 2, records.KindModelLifecycle: 5,
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Error(d)
	}
	for kind, keys := range map[string]map[string]any{
		records.KindVendorUser: {"anthropic|user_1": map[string]any{"vendor": "anthropic", "user_id": "user_1", "name": "Ana", "email": "Ana@example.test", "role": "admin",
			"service_account": false, "added_at": "2026-01-01T10:00:00Z", "status": "active"}},
		records.KindVendorProject: {"anthropic|wrkspc_a": map[string]any{"vendor": "anthropic", "project_id": "wrkspc_a", "name": "chat", "status": "active",
			"created_at": "2026-01-04T10:00:00Z", "region": "us", "members": 2.0}},
		records.KindDataControls: {
			"anthropic|wrkspc_a": map[string]any{"vendor": "anthropic", "org_or_project": "wrkspc_a", "region": "us", "inference_regions": []any{"us"}},
			"anthropic|wrkspc_d": map[string]any{"vendor": "anthropic", "org_or_project": "wrkspc_d", "region": "us", "inference_regions": []any{"unrestricted"}}},
		records.KindVendorUsage: {
			"anthropic|wrkspc_a|apikey_1|claude-sonnet-4-5-20250929|" + yesterday(): map[string]any{"vendor": "anthropic", "project_or_workspace": "wrkspc_a", "api_key_id": "apikey_1",
				"model": "claude-sonnet-4-5-20250929", "day": yesterday(), "tokens": 30.0},
			"anthropic|wrkspc_d||claude-opus-4-1-20250805|" + yesterday(): map[string]any{"vendor": "anthropic", "project_or_workspace": "wrkspc_d",
				"model": "claude-opus-4-1-20250805", "day": yesterday(), "tokens": 21.0},
			"anthropic|wrkspc_a|||" + yesterday() + "|cost": map[string]any{"vendor": "anthropic", "project_or_workspace": "wrkspc_a", "day": yesterday(), "cost": 1.24},
			"anthropic|wrkspc_d|||" + yesterday() + "|cost": map[string]any{"vendor": "anthropic", "project_or_workspace": "wrkspc_d", "day": yesterday(), "cost": -1.0}},
		records.KindVendorAuditLog: {"anthropic|activity_2": map[string]any{"vendor": "anthropic", "event_id": "activity_2", "event_type": "platform_api_key_updated", "actor": "ana@example.test",
			"effective_at": "2026-04-24T03:06:42.123456Z", "target": "apikey_2", "project_or_workspace": "wrkspc_a"}},
		records.KindAPIKey: {"anthropic|apikey_1": map[string]any{"vendor": "anthropic", "key_id": "apikey_1", "name": "prod", "key_type": "workspace", "project_or_workspace": "wrkspc_a",
			"owner": "user_1", "created_at": "2026-01-05T10:00:00Z", "last_used_at": yesterday() + "T00:00:00Z", "status": "active"}},
	} {
		got := rec.Payloads(t, kind)
		for key, want := range keys {
			if d := cmp.Diff(want, any(got[key])); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", kind, key, d)
			}
		}
	}
}

// Keys that were switched off, archived or have run out, an archived workspace
// and a user who left are there as such, or gone.
func TestWhatIsNoLongerInUse(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	for _, c := range []struct{ kind, key, field, want string }{
		{records.KindVendorUser, "anthropic|invite_1", "status", "invited"},
		{records.KindVendorProject, "anthropic|wrkspc_b", "status", "archived"},
		{records.KindVendorProject, "anthropic|wrkspc_b", "archived_at", "2026-02-02T10:00:00Z"},
		{records.KindAPIKey, "anthropic|apikey_2", "status", "inactive"},
		{records.KindAPIKey, "anthropic|apikey_2", "project_or_workspace", "wrkspc_d"},
		{records.KindAPIKey, "anthropic|apikey_3", "status", "archived"},
		{records.KindAPIKey, "anthropic|apikey_3", "key_type", "service_account"},
		{records.KindAPIKey, "anthropic|apikey_3", "owner", "svac_1"},
		{records.KindAPIKey, "anthropic|apikey_4", "status", "expired"},
		{records.KindAPIKey, "anthropic|apikey_4", "key_type", "organization"},
		{records.KindAPIKey, "anthropic|apikey_4", "expires_at", "2026-01-06T10:00:00Z"},
	} {
		if got := first.Payloads(t, c.kind)[c.key][c.field]; got != c.want {
			t.Errorf("%s of %s: %v, want %s", c.field, c.key, got, c.want)
		}
	}
	if used, ok := first.Payloads(t, records.KindAPIKey)["anthropic|apikey_2"]["last_used_at"]; ok {
		t.Errorf("a key that was not used: %v", used)
	}
	f.Put(org+"users", list1(`{"id":"user_1","email":"Ana@example.test","name":"Ana","role":"admin","added_at":"2026-01-01T10:00:00Z"}`))
	second, cov := f.collect(t, "", first)
	if got := second.Payloads(t, records.KindVendorUser); len(got) != 2 || !cov[records.KindVendorUser].Enumerated {
		t.Errorf("users after one left: %v, %+v", got, cov[records.KindVendorUser])
	}
}

// The same source gives the same records; the last use of a key is remembered,
// in a full run too.
func TestUnchanged(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.Asked()
	second, _ := f.collect(t, "", first)
	if d := cmp.Diff(byKey(first), byKey(second)); d != "" {
		t.Errorf("a second run tells another story:\n%s", d)
	}
	want := "starting_at=" + lastDay().AddDate(0, 0, 1-usage.Unsettled).Format("2006-01-02T15") + "%3A00%3A00Z"
	asked := f.Asked()
	found := slices.ContainsFunc(asked, func(a string) bool {
		return strings.HasPrefix(a, org+"usage_report/messages") && strings.Contains(a, want)
	})
	if !found {
		t.Errorf("asked %v, want %s", asked, want)
	}
	t.Logf("first run %+v, unchanged run %+v", first.Counted(), second.Counted())
	f.report(org+"usage_report/messages", "")
	third, _, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(""), Full: true}, second)
	if err != nil {
		t.Fatal(err)
	}
	if got := third.Payloads(t, records.KindAPIKey)["anthropic|apikey_1"]["last_used_at"]; got != yesterday()+"T00:00:00Z" {
		t.Errorf("last use is forgotten: %v", got)
	}
}

func byKey(rec *connectortest.Recorder) map[string]string {
	out := map[string]string{}
	for _, r := range rec.Records() {
		out[r.Kind+" "+r.Key] = string(r.Payload)
	}
	return out
}

// What was asked for, where the settings say so, beside what answered.
func TestServedForAsked(t *testing.T) {
	for name, c := range map[string]struct {
		settings   string
		want, gaps []string
	}{
		"nothing declared": {"", []string{"asked  got claude-opus-4-1-20250805", "asked  got claude-sonnet-4-5-20250929"}, []string{}},
		"an alias": {`"requests":[{"workspace":"wrkspc_a","model":"claude-sonnet-4-5","system":"chat"}]`,
			[]string{"asked  got claude-opus-4-1-20250805", "chat asked claude-sonnet-4-5 got claude-sonnet-4-5-20250929"}, []string{}},
		"the default workspace, another model": {`"requests":[{"workspace":"default","model":"claude-opus-4-20250514","system":"desk"}]`,
			[]string{"asked  got claude-sonnet-4-5-20250929", "desk asked claude-opus-4-20250514 got claude-opus-4-1-20250805"}, []string{}},
		"by key": {`"requests":[{"api_key":"apikey_1","model":"claude-sonnet-4-20250514","system":"chat"}]`,
			[]string{"asked  got claude-opus-4-1-20250805", "chat asked claude-sonnet-4-20250514 got claude-sonnet-4-5-20250929"}, []string{}},
		"not known which": {`"requests":[{"workspace":"wrkspc_a","model":"a","system":"x"},{"workspace":"wrkspc_a","model":"b","system":"y"}]`,
			[]string{"asked  got claude-opus-4-1-20250805", "asked  got claude-sonnet-4-5-20250929"},
			[]string{"vendor.model_observation not_found what was asked for when claude-sonnet-4-5-20250929 answered in workspace wrkspc_a"}},
		"no such workspace": {`"requests":[{"workspace":"wrkspc_x","model":"a","system":"x"}]`,
			[]string{"asked  got claude-opus-4-1-20250805", "asked  got claude-sonnet-4-5-20250929"}, []string{"vendor.model_observation not_found workspace wrkspc_x"}},
	} {
		rec, _ := newFake(t).collect(t, c.settings, nil)
		var got []string
		for _, r := range rec.Records(records.KindModelObservation) {
			if p := connectortest.Payload(t, r); strings.HasSuffix(r.Key, yesterday()) {
				got = append(got, strings.TrimSpace(text(p["system_id"])+" asked "+text(p["requested_model"])+" got "+text(p["served_model"])))
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(c.gaps, slices.DeleteFunc(rec.Reasons(), func(s string) bool { return s == notTold })); d != "" {
			t.Errorf("%s, gaps (-want +got):\n%s", name, d)
		}
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// Anthropic says when it deprecated a model; a past end of a deprecated model is
// overdue; an end that moves is announced anew.
func TestLifecycle(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	was := first.Payloads(t, records.KindModelLifecycle)
	for key, want := range map[string][2]string{
		"anthropic|claude-opus-4-5-20251101|active|":                         {"published", "2025-11-24T00:00:00Z"},
		"anthropic|claude-sonnet-4-20250514|deprecated|2999-01-01T00:00:00Z": {"published", "2026-02-01T00:00:00Z"},
		"anthropic|claude-3-haiku-20240307|deprecated|2026-03-01T00:00:00Z":  {"published", "2025-08-01T00:00:00Z"},
		"anthropic|claude-2.1|deprecated|2025-07-21T00:00:00Z":               {"published", "2025-01-21T00:00:00Z"},
		"anthropic|claude-2.1|retired|2025-07-21T00:00:00Z":                  {"published", "2025-07-21T00:00:00Z"},
	} {
		if p := was[key]; p == nil || p["announced_basis"] != want[0] || p["announced_at"] != want[1] {
			t.Errorf("%s: %v", key, p)
		}
	}
	f.Put("/v1/models", list1(`{"id":"claude-sonnet-4-20250514","created_at":"2025-05-22T00:00:00Z","lifecycle":"deprecated","deprecated_at":"2026-02-01T00:00:00Z","retires_at":"2998-01-01T00:00:00Z"},
		{"id":"claude-3-haiku-20240307","created_at":"1970-01-01T00:00:00Z","lifecycle":"retired","deprecated_at":"2025-08-01T00:00:00Z","retires_at":null}`))
	second, _, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(""), Full: true}, first)
	if err != nil {
		t.Fatal(err)
	}
	now := second.Payloads(t, records.KindModelLifecycle)
	moved := now["anthropic|claude-sonnet-4-20250514|deprecated|2998-01-01T00:00:00Z"]
	if moved["announced_basis"] != "first_seen" || moved["announced_at"] == "2026-02-01T00:00:00Z" {
		t.Errorf("an end that moved: %v", moved)
	}
	if gone := now["anthropic|claude-3-haiku-20240307|retired|"]; gone["announced_basis"] != "first_seen" || gone["shutdown_at"] != nil {
		t.Errorf("retired without a day: %v", gone)
	}
	third, _ := f.collect(t, "", second)
	if d := cmp.Diff(now, third.Payloads(t, records.KindModelLifecycle)); d != "" {
		t.Error(d)
	}
}

// A feed that is off is told from a quiet one.
func TestActivityFeedThatIsOff(t *testing.T) {
	f := newFake(t)
	f.Put(org+"compliance_settings", `{"type":"compliance_settings","state":{"type":"disabled"}}`)
	rec, cov := f.collect(t, "", nil)
	if got := rec.Reasons(); !slices.Contains(got, "vendor.audit_log unsupported activity feed") || cov[records.KindVendorAuditLog].Status != connector.Refused {
		t.Errorf("%v, %+v", got, cov[records.KindVendorAuditLog])
	}
	f.status(org+"compliance_settings", 403)
	f.Put("/v1/compliance/activities", list1(""))
	if rec, _ = f.collect(t, "", nil); !slices.Contains(rec.Reasons(), "vendor.audit_log hidden activity feed") {
		t.Errorf("%v", rec.Reasons())
	}
	f.Put("/v1/compliance/activities", list1(`{"id":"a","type":"compliance_api_accessed","created_at":"2026-04-24T03:06:43Z","actor":{"type":"x"}}`))
	rec, cov = f.collect(t, "", nil)
	if c := cov[records.KindVendorAuditLog]; c.Status != connector.Complete || c.Since.IsZero() || len(rec.Records(records.KindVendorAuditLog)) != 0 {
		t.Errorf("a quiet feed: %+v", c)
	}
	var asked string
	f.On("/v1/compliance/activities", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("activity_types[]")
		_, _ = w.Write([]byte(list1(`{"id":"b","type":"claude_chat_created","created_at":"2026-04-24T03:06:43Z","actor":{"type":"x"}}`)))
	})
	if rec, _ = f.collect(t, `"activity_types":["claude_chat_created"]`, nil); asked != "claude_chat_created" || len(rec.Records(records.KindVendorAuditLog)) != 1 {
		t.Errorf("types that were asked for: %q, %v", asked, rec.Records(records.KindVendorAuditLog))
	}
}

// A workspace or key that is used and in no list was hidden from us.
func TestHidden(t *testing.T) {
	f := newFake(t)
	f.report(org+"usage_report/messages", row("wrkspc_z", "apikey_9", "claude-x", 1))
	rec, cov := f.collect(t, "", nil)
	want := []string{"vendor.api_key_inventory hidden key apikey_9", notTold, "vendor.project+vendor.data_controls hidden workspace wrkspc_z"}
	if d := cmp.Diff(want, rec.Reasons()); d != "" || cov[records.KindAPIKey].Enumerated {
		t.Errorf("%s %+v", d, cov[records.KindAPIKey])
	}
}

// Without a key of a workspace the models are not read, which is a gap only for
// who asks for them.
func TestWithoutAKeyOfAWorkspace(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	delete(cfg.Secrets, secretKey)
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || cov[records.KindModelLifecycle].Status != connector.NotRead || len(rec.Gaps()) != 1 {
		t.Errorf("%v, %+v, %v", err, cov[records.KindModelLifecycle], rec.Reasons())
	}
	rec, _, err = connectortest.Collect(t, New(), connector.Request{Config: cfg, Kinds: []string{records.KindModelLifecycle}}, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Permission != permKey {
		t.Errorf("%v, %v", err, rec.Reasons())
	}
}

package anthropic

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

const (
	fakeAdmin = "sk-ant-admin01-fake-0123456789"
	fakeKey   = "sk-ant-api03-fake-0123456789"
)

// fake imitates Anthropic: an answer by path.
type fake struct{ *connectortest.Answers }

func list1(items string) string {
	return `{"data":[` + items + `],"has_more":false,"first_id":null,"last_id":null}`
}

const org = "/v1/organizations/"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{connectortest.NewAnswers(t, admit)}
	f.Put(org+"me", `{"id":"11111111-2222-3333-4444-555555555555","type":"organization","name":"Acme"}`)
	f.pages(org+"users",
		`{"id":"user_1","type":"user","email":"Ana@example.test","name":"Ana","role":"admin","added_at":"2026-01-01T10:00:00Z"}`,
		`{"id":"user_2","type":"user","email":"bo@example.test","name":"Bo","role":"developer","added_at":"2026-01-02T10:00:00Z"}`)
	f.Put(org+"invites", list1(`{"id":"invite_1","email":"cy@example.test","role":"user","status":"pending","invited_at":"2026-01-03T10:00:00Z","expires_at":"2026-02-03T10:00:00Z"},
		{"id":"invite_2","email":"old@example.test","role":"user","status":"expired","invited_at":"2026-01-03T10:00:00Z","expires_at":"2026-01-04T10:00:00Z"}`))
	f.On(org+"workspaces", func(w http.ResponseWriter, r *http.Request) {
		items := `{"id":"wrkspc_a","name":"chat","created_at":"2026-01-04T10:00:00Z","archived_at":null,"data_residency":{"workspace_geo":"us","default_inference_geo":"us","allowed_inference_geos":["us"]}}`
		if r.URL.Query().Get("include_archived") == "true" {
			items += `,{"id":"wrkspc_b","name":"old","created_at":"2026-01-04T10:00:00Z","archived_at":"2026-02-02T10:00:00Z","data_residency":{"workspace_geo":"us","default_inference_geo":"us","allowed_inference_geos":"unrestricted"}}`
		}
		if r.URL.Query().Get("include_default") == "true" {
			items += `,{"id":"wrkspc_d","name":"Default","created_at":"2025-01-04T10:00:00Z","archived_at":null,"data_residency":{"workspace_geo":"us","default_inference_geo":"global","allowed_inference_geos":"unrestricted"}}`
		}
		fmt.Fprint(w, list1(items))
	})
	f.Put(org+"workspaces/wrkspc_a/members", list1(`{"user_id":"user_1","workspace_id":"wrkspc_a","workspace_role":"workspace_admin"},{"user_id":"user_2","workspace_id":"wrkspc_a","workspace_role":"workspace_user"}`))
	f.Put(org+"api_keys", list1(`
		{"id":"apikey_1","name":"prod","status":"active","partial_key_hint":"sk-ant-api03-R2D...igAA","created_at":"2026-01-05T10:00:00Z","expires_at":null,"created_by":{"id":"user_1","type":"user"},"principal":null,"workspace_id":"wrkspc_a","scope":{"type":"workspace","workspace_id":"wrkspc_a"}},
		{"id":"apikey_2","name":"off","status":"inactive","partial_key_hint":"sk-ant-api03-R2D...igAB","created_at":"2026-01-05T10:00:00Z","expires_at":null,"created_by":{"id":"user_2","type":"user"},"workspace_id":null},
		{"id":"apikey_3","name":"batch","status":"archived","partial_key_hint":null,"created_at":"2026-01-05T10:00:00Z","expires_at":null,"created_by":null,"principal":{"type":"service_account_actor","service_account_id":"svac_1"},"workspace_id":null,"scope":{"type":"organization"}},
		{"id":"apikey_4","name":"short","status":"expired","partial_key_hint":null,"created_at":"2026-01-05T10:00:00Z","expires_at":"2026-01-06T10:00:00Z","created_by":null,"principal":{"type":"user_actor","user_id":"user_1"},"workspace_id":null,"scope":{"type":"organization"}}`))
	f.report(org+"usage_report/messages", row("wrkspc_a", "apikey_1", "claude-sonnet-4-5-20250929", 10)+","+row("", "", "claude-opus-4-1-20250805", 7)+","+row("wrkspc_a", "apikey_2", "claude-sonnet-4-5-20250929", 0))
	f.report(org+"cost_report", `{"workspace_id":"wrkspc_a","amount":"123.45","currency":"USD"},{"workspace_id":"wrkspc_a","amount":"0.55","currency":"USD"},{"workspace_id":null,"amount":"-100","currency":"USD"}`)
	f.Put(org+"compliance_settings", `{"type":"compliance_settings","state":{"type":"enabled"}}`)
	f.Put("/v1/compliance/activities", list1(`
		{"id":"activity_3","type":"compliance_api_accessed","created_at":"2026-04-24T03:06:43Z","actor":{"type":"admin_api_key_actor","admin_api_key_id":"admin_key_1"}},
		{"id":"activity_2","type":"platform_api_key_updated","created_at":"2026-04-24T03:06:42.123456Z","organization_id":"org_1","workspace_id":"wrkspc_a","api_key_id":"apikey_2","actor":{"type":"user_actor","email_address":"ana@example.test","user_id":"user_1","ip_address":"192.0.2.1"}},
		{"id":"activity_1","type":"claude_chat_created","created_at":"2026-04-24T03:06:41Z","claude_chat_id":"c","actor":{"type":"user_actor","email_address":"bo@example.test"}}`))
	f.Put("/v1/models", list1(`
		{"id":"claude-opus-4-5-20251101","type":"model","display_name":"x","created_at":"2025-11-24T00:00:00Z","lifecycle":"active","deprecated_at":null,"retires_at":null},
		{"id":"claude-sonnet-4-20250514","type":"model","display_name":"x","created_at":"2025-05-22T00:00:00Z","lifecycle":"deprecated","deprecated_at":"2026-02-01T00:00:00Z","retires_at":"2999-01-01T00:00:00Z"},
		{"id":"claude-3-haiku-20240307","type":"model","display_name":"x","created_at":"1970-01-01T00:00:00Z","lifecycle":"deprecated","deprecated_at":"2025-08-01T00:00:00Z","retires_at":"2026-03-01T00:00:00Z"},
		{"id":"claude-2.1","type":"model","display_name":"x","created_at":"2023-11-21T00:00:00Z","lifecycle":"retired","deprecated_at":"2025-01-21T00:00:00Z","retires_at":"2025-07-21T00:00:00Z"}`))
	return f
}

// row is a row of the usage report, with a third of the tokens from a cache.
func row(workspace, key, model string, output int) string {
	quote := func(s string) string {
		if s == "" {
			return "null"
		}
		return strconv.Quote(s)
	}
	return fmt.Sprintf(`{"uncached_input_tokens":%d,"cache_creation":{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":0},"cache_read_input_tokens":%d,"output_tokens":%d,"server_tool_use":{"web_search_requests":0},
		"api_key_id":%s,"workspace_id":%s,"model":%s}`, output, output, output, quote(key), quote(workspace), quote(model))
}

func (f *fake) status(path string, code int) {
	f.On(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, `{"type":"error","error":{"type":"permission_error","message":"because"}}`)
	})
}

// pages answers page after page; the token is the number of the next.
func (f *fake) pages(path string, items ...string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("after_id"), "p%d", &n)
		if n+1 < len(items) {
			fmt.Fprintf(w, `{"data":[%s],"has_more":true,"last_id":"p%d"}`, items[n], n+1)
			return
		}
		fmt.Fprint(w, list1(items[n]))
	})
}

// report answers with rows on the last two days that were asked for, a page a
// day.
func (f *fake) report(path, rows string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		start, err := time.Parse(time.RFC3339, q.Get("starting_at"))
		end, err2 := time.Parse(time.RFC3339, q.Get("ending_at"))
		if err != nil || err2 != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		from := end.AddDate(0, 0, -2)
		if from.Before(start) {
			from = start
		}
		if p, err := time.Parse(time.RFC3339, q.Get("page")); err == nil {
			from = p
		}
		if !from.Before(end) {
			fmt.Fprint(w, `{"data":[],"has_more":false,"next_page":null}`)
			return
		}
		more, next := "false", "null"
		if to := from.AddDate(0, 0, 1); to.Before(end) {
			more, next = "true", strconv.Quote(to.Format(time.RFC3339))
		}
		fmt.Fprintf(w, `{"data":[{"starting_at":%q,"ending_at":%q,"results":[%s]}],"has_more":%s,"next_page":%s}`,
			from.Format(time.RFC3339), from.AddDate(0, 0, 1).Format(time.RFC3339), rows, more, next)
	})
}

// admit answers a key that is not the one for what is asked.
func admit(w http.ResponseWriter, r *http.Request) bool {
	want := fakeKey
	if strings.HasPrefix(r.URL.Path, org) || strings.HasPrefix(r.URL.Path, "/v1/compliance/") {
		want = fakeAdmin
	}
	if r.Header.Get("X-Api-Key") != want || r.Header.Get("Anthropic-Version") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`)
		return false
	}
	return true
}

func (f *fake) config(settings string) connector.Config {
	if settings != "" {
		settings = "," + settings
	}
	return connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + f.URL + `"` + settings + `}`),
		Secrets:  map[string]string{secretAdmin: fakeAdmin, secretKey: fakeKey},
	}
}

func (f *fake) collect(t *testing.T, settings string, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, &Connector{clock: connectortest.Hasty{}}, connector.Request{Config: f.config(settings)}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

func lastDay() time.Time { return usage.Midnight(time.Now().Add(-usage.Settled)).AddDate(0, 0, -1) }

// yesterday is the last day that is told of.
func yesterday() string { return lastDay().Format(time.DateOnly) }

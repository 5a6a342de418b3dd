//go:build peers

package googleworkspace

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Google's own descriptions of its interfaces, served by prism, which refuses
// what does not fit them. Names and times are ours, as theirs are made up.
func TestRealGoogleDescriptions(t *testing.T) {
	yesterday := grants.Midnight(time.Now()).Add(-12 * time.Hour)
	value := func(name, v string) map[string]any { return map[string]any{"name": name, "value": v} }
	document := peertest.Discovery(t, []string{"google-directory", "google-reports", "google-licensing"}, []string{
		"admin/directory/v1/users", "admin/directory/v1/users/{userKey}/tokens", "admin/reports/v1/activity/users/{userKey}/applications/{applicationName}",
		"apps/licensing/v1/product/{productId}/users",
	}, map[string]any{
		"User.suspended": false, "User.archived": false, "User.primaryEmail": "ana@acme.example", "Token.clientId": "client-1", "Token.displayText": "ChatGPT",
		"Token.scopes": []any{"https://www.googleapis.com/auth/drive.readonly"}, "Activity.id": map[string]any{"time": yesterday.Format(time.RFC3339), "uniqueQualifier": "7"},
		"Activity.events": []any{
			map[string]any{"type": "auth", "name": "authorize", "parameters": []any{value("client_id", "client-1"), value("app_name", "ChatGPT"), map[string]any{"name": "scope", "multiValue": []any{"openid"}}}},
			map[string]any{"type": "auth", "name": "activity", "parameters": []any{value("client_id", "client-1"), value("app_name", "ChatGPT"), map[string]any{"name": "num_response_bytes", "intValue": "512"}}},
			map[string]any{"type": "login", "name": "login_success", "parameters": []any{value("application_name", "Claude")}},
			map[string]any{"type": "ai_usage_event", "name": geminiUse, "parameters": []any{value("app_name", "docs")}},
		},
	})
	address := peertest.Prism(t, document, "/admin/directory/v1/users?customer=my_customer")
	cfg := connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + address + `","customer_id":"C01","licences":true,"api_calls":true}`),
		Secrets:  map[string]string{secretToken: "any", grants.SecretSalt: fakeSalt},
	}
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.Sound(t, New())
	var got []string
	for _, r := range rec.Records() {
		p := connectortest.Payload(t, r)
		got = append(got, fmt.Sprint(r.Key, " ", p["actors"], " ", p["requests"], " ", p["bytes_out"]))
	}
	slices.Sort(got)
	day := yesterday.Format(time.DateOnly)
	want := []string{
		"app|openai|client-1|" + day + " 1 1 512", "app|google-gemini|gemini_in_workspace_apps/docs|" + day + " 1 1 <nil>", "app|google-gemini|licence 101047/string 1 <nil> <nil>",
		"app|google-gemini|licence 101068/string 1 <nil> <nil>", "oauth|openai|client-1 1 <nil> <nil>", "oauth|openai|client-1|" + day + " 1 1 <nil>",
		"sso|anthropic|Claude|" + day + " 1 1 <nil>",
	}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" || len(rec.Gaps()) != 0 {
		t.Errorf("gaps %+v, records (-want +got):\n%s", rec.Gaps(), d)
	}
	if !cov[records.KindSighting].Enumerated || cov[records.KindActivity].Status != connector.Complete {
		t.Errorf("%+v", cov)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem != "" {
		t.Errorf("%+v %v", report, err)
	}
	for _, p := range report.Permissions {
		if p.Grant != connector.Granted {
			t.Errorf("%+v", p)
		}
	}
	connectortest.Peer(t, peertest.PrismName+" with Google's descriptions", rec.Kinds())
}

package okta

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
)

const (
	fakeToken = "00fake-token-0123456789"
	fakeSalt  = "a salt that only the test knows"
)

// fake imitates Okta: an answer by path.
type fake struct{ *connectortest.Answers }

const (
	v1       = "/api/v1/"
	chatGPT  = `{"id":"0oa1","name":"acme_chatgpt_1","label":"ChatGPT Enterprise","status":"ACTIVE","created":"2026-01-02T10:00:00.000Z","signOnMode":"SAML_2_0","settings":{"app":{},"signOn":{"ssoAcsUrl":"https://auth.openai.com/saml/acs"}},"credentials":{}}`
	claude   = `{"id":"0oa2","name":"oidc_client","label":"Desktop helper","status":"ACTIVE","created":"2026-01-03T10:00:00.000Z","signOnMode":"OPENID_CONNECT","settings":{"oauthClient":{"redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}},"credentials":{"oauthClient":{"client_id":"0oa2"}}}`
	otter    = `{"id":"0oa3","name":"otterai","label":"Otter.ai","status":"INACTIVE","created":"2026-01-04T10:00:00.000Z","signOnMode":"SAML_2_0","settings":{},"credentials":{}}`
	gallery  = `{"id":"0oa4","name":"acme_monet_1","label":"Claude Monet gallery","status":"ACTIVE","created":"2026-01-05T10:00:00.000Z","signOnMode":"BOOKMARK","settings":{"app":{"url":"https://gallery.example.test"}},"credentials":{}}`
	payroll  = `{"id":"0oa5","name":"workday","label":"Payroll","status":"ACTIVE","created":"2026-01-06T10:00:00.000Z","signOnMode":"SAML_2_0","settings":{"app":{"siteURL":"https://acme.workday.com"}},"credentials":{}}`
	everyone = `{"id":"00u1","credentials":{"userName":"Ana@example.test"}},{"id":"00u2","credentials":{"userName":"bo@example.test"}}`
)

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{connectortest.NewAnswers(t, admit)}
	f.pages("apps", chatGPT+","+gallery, claude+","+otter, payroll)
	f.list("apps/0oa1/users", everyone)
	f.list("apps/0oa1/groups", `{"id":"00g1","priority":0}`)
	f.list("apps/0oa2/users", `{"id":"00u2","credentials":{"userName":"bo@example.test"}}`)
	f.list("apps/0oa2/groups", "")
	f.list("apps/0oa3/users", "")
	f.list("apps/0oa3/groups", "")
	f.list("apps/0oa2/grants", `{"id":"oag2","status":"ACTIVE","created":"2026-02-02T10:00:00.000Z","createdBy":{"id":"00u2","type":"User"},"clientId":"0oa2","scopeId":"okta.users.read"},
		{"id":"oag1","status":"ACTIVE","created":"2026-02-01T10:00:00.000Z","createdBy":{"id":"00u1","type":"User"},"clientId":"0oa2","scopeId":"okta.logs.read"},
		{"id":"oag0","status":"REVOKED","created":"2026-01-01T10:00:00.000Z","createdBy":{"id":"00u2","type":"User"},"clientId":"0oa2","scopeId":"okta.groups.manage"}`)
	f.list("users", `{"id":"00u1","profile":{"login":"Ana@example.test"}},{"id":"00u2","profile":{"login":"bo@example.test"}}`)
	f.Put(v1+"users/me", `{"id":"00u9","profile":{"login":"reader@example.test"}}`)
	f.Put(v1+"users/00u1", `{"id":"00u1","profile":{"login":"Ana@example.test"}}`)
	f.list("users/00u1/clients", `{"client_id":"cl-otter","client_name":"Otter.ai","client_uri":"https://otter.ai"},{"client_id":"cl-x","client_name":"Calendar sync"}`)
	f.list("users/00u2/clients", `{"client_id":"cl-otter","client_name":"Otter.ai","client_uri":"https://otter.ai"}`)
	f.list("users/00u1/clients/cl-otter/grants", `{"status":"ACTIVE","scopeId":"calendar.read"}`)
	f.list("users/00u2/clients/cl-otter/grants", `{"status":"ACTIVE","scopeId":"openid"},{"status":"REVOKED","scopeId":"mail.read"}`)
	f.logs(time.Now())
	return f
}

func (f *fake) list(path, items string) { f.Put(v1+path, "["+items+"]") }

// pages answers page after page, linked as Okta does it.
func (f *fake) pages(path string, items ...string) {
	f.On(v1+path, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("after"), "p%d", &n)
		w.Header().Add("Link", fmt.Sprintf(`<http://elsewhere.example/api/v1/%s?limit=200>; rel="self"`, path))
		if n+1 < len(items) {
			w.Header().Add("Link", fmt.Sprintf(`<http://elsewhere.example/api/v1/%s?after=p%d&limit=200>; rel="next"`, path, n+1))
		}
		fmt.Fprintf(w, "[%s]", items[n])
	})
}

func entry(id, kind, app, user, result string, at time.Time) string {
	return fmt.Sprintf(`{"uuid":%q,"eventType":%q,"published":%q,"actor":{"id":%q,"type":"User","alternateId":"secret@example.test"},"outcome":{"result":%q},
		"client":{"ipAddress":"192.0.2.1"},"target":[{"id":%q,"type":"AppInstance"}]}`, id, kind, at.UTC().Format("2006-01-02T15:04:05.000Z"), user, result, app)
}

// logs answers with what happened to the application that is asked for, within
// the time that is asked for. The last page names a next one, as Okta's do.
func (f *fake) logs(now time.Time) {
	yesterday := grants.Midnight(now).Add(-12 * time.Hour)
	all := []string{
		entry("e1", signIn, "0oa1", "00u1", "SUCCESS", yesterday.AddDate(0, 0, -5)),
		entry("e2", signIn, "0oa1", "00u1", "SUCCESS", yesterday),
		entry("e3", signIn, "0oa1", "00u2", "FAILURE", yesterday.Add(time.Hour)),
		entry("e4", "app.oauth2.token.grant.access_token", "0oa2", "00u2", "SUCCESS", yesterday),
		entry("e5", "user.session.start", "0oa1", "00u2", "SUCCESS", yesterday),
	}
	times := []time.Time{yesterday.AddDate(0, 0, -5), yesterday, yesterday.Add(time.Hour), yesterday, yesterday}
	f.On(v1+"logs", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("after") != "" || q.Get("filter") == "" {
			fmt.Fprint(w, "[]")
			return
		}
		since, _ := time.Parse(time.RFC3339, q.Get("since"))
		var out []string
		for i, e := range all {
			for _, id := range []string{"0oa1", "0oa2", "0oa3"} {
				if strings.Contains(q.Get("filter"), `"`+id+`"`) && strings.Contains(e, `"`+id+`"`) && !times[i].Before(since) {
					out = append(out, e)
				}
			}
		}
		w.Header().Add("Link", `<https://x.example/api/v1/logs?after=end&limit=1000>; rel="next"`)
		fmt.Fprint(w, "["+strings.Join(out, ",")+"]")
	})
}

func (f *fake) status(path string, code int) {
	f.On(v1+path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, `{"errorCode":"E0000006","errorSummary":"because"}`)
	})
}

func admit(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/oauth2/v1/token" {
		return true
	}
	if h := r.Header.Get("Authorization"); h != "SSWS "+fakeToken && h != "Bearer "+fakeToken || r.Method != http.MethodGet {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`)
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
		Secrets:  map[string]string{secretToken: fakeToken, grants.SecretSalt: fakeSalt},
	}
}

// signatures are read once for all tests.
var signatures = sync.OnceValues(grants.NewMatcher)

// hasty is a connector that never waits.
func hasty() *Connector { return &Connector{clock: connectortest.Hasty{}, matcher: signatures} }

func (f *fake) collect(t *testing.T, settings string, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, hasty(), connector.Request{Config: f.config(settings)}, prev)
	if err != nil {
		t.Fatal(err)
	}
	rec.Sound(t, New())
	return rec, cov
}

package googleworkspace

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
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
	fakeToken = "ya29.fake-0123456789"
	fakeSalt  = "a salt that only the test knows"
	dir       = "/admin/directory/v1/users"
	logs      = "/admin/reports/v1/activity/users/all/applications/"
	product   = "/apps/licensing/v1/product/"
)

// fake imitates Google's interfaces: an answer by path.
type fake struct{ *connectortest.Answers }

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{connectortest.NewAnswers(t, admit)}
	f.pages(dir, "users",
		`{"id":"1","primaryEmail":"Ana@example.test","customerId":"C01"},{"id":"2","primaryEmail":"bo@example.test","customerId":"C01"}`,
		`{"id":"3","primaryEmail":"gone@example.test","suspended":true},{"id":"4","primaryEmail":"di@example.test"}`)
	f.tokens("1", `{"clientId":"111.apps.googleusercontent.com","displayText":"ChatGPT","scopes":["openid","https://www.googleapis.com/auth/drive.readonly"]},
		{"clientId":"222.apps.googleusercontent.com","displayText":"Claude Monet gallery","scopes":["openid"]}`)
	f.tokens("2", `{"clientId":"111.apps.googleusercontent.com","displayText":"ChatGPT","scopes":["https://www.googleapis.com/auth/gmail.readonly"]},
		{"clientId":"https://otter.ai","displayText":"notes","anonymous":true,"nativeApp":true,"scopes":["https://www.googleapis.com/auth/calendar"]}`)
	f.Put(dir+"/4/tokens", `{"kind":"admin#directory#tokenList"}`)
	f.logs(time.Now())
	f.Put(product+"101047/users", `{"kind":"licensing#licenseAssignmentList","items":[{"userId":"Ana@example.test","skuId":"1010470009","skuName":"AI Expanded Access"},{"userId":"bo@example.test","skuId":"1010470009","skuName":"AI Expanded Access"}]}`)
	f.Put(product+"101068/users", `{"kind":"licensing#licenseAssignmentList"}`)
	return f
}

func (f *fake) tokens(id, items string) {
	f.Put(dir+"/"+id+"/tokens", `{"kind":"admin#directory#tokenList","items":[`+items+`]}`)
}

// pages answers page after page.
func (f *fake) pages(path, field string, items ...string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("pageToken"), "p%d", &n)
		next := ""
		if n+1 < len(items) {
			next = fmt.Sprintf(`,"nextPageToken":"p%d"`, n+1)
		}
		fmt.Fprintf(w, `{"kind":"x",%q:[%s]%s}`, field, items[n], next)
	})
}

// an is an entry of a log; its parameters are name=value.
func an(id, who, name string, at time.Time, parameters ...string) string {
	var ps []map[string]any
	for _, p := range parameters {
		key, value, _ := strings.Cut(p, "=")
		switch key {
		case "scope":
			ps = append(ps, map[string]any{"name": key, "multiValue": strings.Fields(value)})
		case "num_response_bytes":
			ps = append(ps, map[string]any{"name": key, "intValue": value})
		default:
			ps = append(ps, map[string]any{"name": key, "value": value})
		}
	}
	raw, _ := json.Marshal(map[string]any{
		"kind": "admin#reports#activity", "id": map[string]any{"time": at.UTC().Format("2006-01-02T15:04:05.000Z"), "uniqueQualifier": id},
		"actor": map[string]any{"email": who, "profileId": "p-" + who}, "ipAddress": "192.0.2.1", "events": []any{map[string]any{"type": "auth", "name": name, "parameters": ps}},
	})
	return string(raw)
}

// logs answers with what happened in the time that is asked for.
func (f *fake) logs(now time.Time) {
	yesterday := grants.Midnight(now).Add(-12 * time.Hour)
	old := yesterday.AddDate(0, 0, -5)
	const gpt = "111.apps.googleusercontent.com"
	f.within("token", map[time.Time][]string{
		old: {an("1", "Ana@example.test", "authorize", old, "client_id="+gpt, "app_name=ChatGPT", "scope=openid https://www.googleapis.com/auth/drive.readonly")},
		yesterday: {
			an("2", "bo@example.test", "authorize", yesterday, "client_id="+gpt, "app_name=ChatGPT"), an("2", "bo@example.test", "authorize", yesterday, "client_id="+gpt, "app_name=ChatGPT"),
			an("3", "bo@example.test", "authorize", yesterday, "client_id=x", "app_name=Calendar sync"),
			an("4", "bo@example.test", "activity", yesterday, "client_id="+gpt, "app_name=ChatGPT", "num_response_bytes=1000"),
			an("5", "bo@example.test", "activity", yesterday, "client_id="+gpt, "app_name=ChatGPT", "num_response_bytes=24"),
		},
	})
	f.within("saml", map[time.Time][]string{yesterday: {
		an("6", "Ana@example.test", "login_success", yesterday, "application_name=Claude"), an("7", "bo@example.test", "login_failure", yesterday, "application_name=Claude"),
		an("8", "bo@example.test", "login_success", yesterday, "application_name=Payroll"),
	}})
	f.within("gemini_in_workspace_apps", map[time.Time][]string{yesterday: {
		an("9", "Ana@example.test", geminiUse, yesterday, "app_name=gmail", "action=conversation"), an("10", "bo@example.test", geminiUse, yesterday, "app_name=gmail"),
	}})
}

func (f *fake) within(name string, entries map[time.Time][]string) {
	f.On(logs+name, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		since, _ := time.Parse(time.RFC3339, q.Get("startTime"))
		var out []string
		for at, list := range entries {
			for _, e := range list {
				if !at.Before(since) && strings.Contains(e, `"name":"`+q.Get("eventName")) && strings.Contains(e, strings.TrimPrefix(q.Get("filters"), "client_id==")) {
					out = append(out, e)
				}
			}
		}
		fmt.Fprintf(w, `{"kind":"admin#reports#activities","items":[%s]}`, strings.Join(out, ","))
	})
}

func (f *fake) status(path string, code int) {
	f.On(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":"because","errors":[{"reason":"forbidden"}]}}`, code)
	})
}

func admit(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		w.Header().Set("Content-Type", "application/json")
		return true
	}
	if r.Header.Get("Authorization") != "Bearer "+fakeToken || r.Method != http.MethodGet {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"code":401,"message":"Request had invalid authentication credentials"}}`)
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

// keyFile makes the key of a service account that f issues tokens for; scopes
// that are named are not delegated.
func (f *fake) keyFile(t *testing.T, missing ...string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f.On("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		var claim struct{ Scope, Sub string }
		if parts := strings.Split(r.PostForm.Get("assertion"), "."); len(parts) == 3 {
			raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
			_ = json.Unmarshal(raw, &claim)
		}
		for _, scope := range missing {
			if claim.Scope == scope {
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, `{"error":"unauthorized_client","error_description":"this client may not"}`) //nolint:misspell // OAuth's word
				return
			}
		}
		if claim.Sub != "admin@example.test" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Invalid email or User ID"}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"`+fakeToken+`","token_type":"Bearer","expires_in":3600}`)
	})
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	out, err := json.Marshal(serviceKey{Type: "service_account", Email: "reader@acme.example", KeyID: "k1", PrivateKey: text, TokenURI: f.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

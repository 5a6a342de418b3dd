package entra

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
	fakeSecret = "fake-secret~0123456789"
	fakeSalt   = "a salt that only the test knows"
	fakeToken  = "eyJ.fake.token"
	// of a workload identity
	fakeAssertion = "an.assertion.signed"

	chatGPT = "e0476654-c1d5-430b-ab80-70cbd947616a"
	copilot = "fb8d773d-7ef8-4ec0-a117-179f88add510"
	v1      = "/v1.0/"
	sps     = v1 + "servicePrincipals"
)

// fake imitates Graph and the issuer of tokens: an answer by path.
type fake struct{ *connectortest.Answers }

func value(items string) string { return `{"@odata.context":"x","value":[` + items + `]}` }

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{connectortest.NewAnswers(t, admit)}
	f.Put("/acme.example/oauth2/v2.0/token", `{"token_type":"Bearer","expires_in":3599,"access_token":"`+fakeToken+`"}`)
	f.pages(sps, 6,
		`{"id":"sp1","appId":"`+chatGPT+`","displayName":"ChatGPT","accountEnabled":true,"verifiedPublisher":{"displayName":"OpenAI, L.L.C."},"replyUrls":["https://chatgpt.com/cb"]},
		 {"id":"sp2","appId":"a2","displayName":"Claude Monet gallery","accountEnabled":true,"verifiedPublisher":{"displayName":null}}`,
		`{"id":"sp3","appId":"`+copilot+`","displayName":"Enterprise Copilot Platform","appOwnerOrganizationId":"`+microsoft+`","accountEnabled":true},
		 {"id":"sp4","appId":"a4","displayName":"Office 365 Exchange Online","appOwnerOrganizationId":"`+microsoft+`","accountEnabled":true}`,
		`{"id":"sp5","appId":"a5","displayName":"Meeting notes","appDisplayName":"Otter.ai","homepage":"https://otter.ai","accountEnabled":false},{"id":"sp6","appId":"a6","displayName":"Payroll"}`)
	for _, id := range []string{"sp1", "sp3", "sp5"} {
		for _, what := range []string{"oauth2PermissionGrants", "appRoleAssignments", "appRoleAssignedTo", "owners"} {
			f.Put(sps+"/"+id+"/"+what, value(""))
		}
	}
	f.Put(sps+"/sp1/oauth2PermissionGrants", value(`{"consentType":"Principal","principalId":"u1","scope":" User.Read Mail.Read","resourceId":"res"},{"consentType":"Principal","principalId":"u2","scope":"Files.Read.All","resourceId":"res"}`))
	f.Put(sps+"/sp1/appRoleAssignments", value(`{"appRoleId":"role1","resourceId":"res"},{"appRoleId":"role2","resourceId":"res"}`))
	f.Put(sps+"/res", `{"appRoles":[{"id":"role1","value":"Calendars.Read"}]}`)
	f.Put(sps+"/sp1/appRoleAssignedTo", value(`{"principalType":"User","principalId":"u1"},{"principalType":"User","principalId":"u3"},{"principalType":"Group","principalId":"g1"},{"principalType":"ServicePrincipal","principalId":"s1"}`))
	f.Put(sps+"/sp5/oauth2PermissionGrants", value(`{"consentType":"AllPrincipals","principalId":null,"scope":"Calendars.Read offline_access"}`))
	f.Put(sps+"/sp5/owners", value(`{"id":"u2","userPrincipalName":"bo@example.test"}`))
	f.On(v1+"users", func(w http.ResponseWriter, r *http.Request) {
		var out []string
		for id, name := range map[string]string{"u1": "Ana@example.test", "u2": "bo@example.test"} {
			if strings.Contains(r.URL.Query().Get("$filter"), "'"+id+"'") {
				out = append(out, fmt.Sprintf(`{"id":%q,"userPrincipalName":%q}`, id, name))
			}
		}
		fmt.Fprint(w, value(strings.Join(out, ",")))
	})
	f.Put(v1+"oauth2PermissionGrants", value(""))
	f.Put(v1+"subscribedSkus", value(`{"skuId":"639","skuPartNumber":"Microsoft_365_Copilot","capabilityStatus":"Enabled","consumedUnits":25,"prepaidUnits":{"enabled":30},"servicePlans":[{"servicePlanName":"M365_COPILOT_APPS"}]},
		{"skuPartNumber":"SPE_E5","capabilityStatus":"Enabled","consumedUnits":99,"prepaidUnits":{"enabled":100},"servicePlans":[{"servicePlanName":"EXCHANGE_S_ENTERPRISE"},{"servicePlanName":"Bing_Chat_Enterprise"}]},
		{"skuPartNumber":"COPILOT_TRIAL","capabilityStatus":"Deleted","consumedUnits":0,"prepaidUnits":{"enabled":0}}`))
	f.logs(time.Now())
	return f
}

// properties are those of a service principal in Graph v1.0, by its metadata.
const properties = " accountEnabled addIns alternativeNames appDescription appDisplayName appId applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired appRoles " +
	"createdByAppId customSecurityAttributes description disabledByMicrosoftStatus displayName homepage id info isDisabled keyCredentials loginUrl logoutUrl notes " +
	"notificationEmailAddresses oauth2PermissionScopes passwordCredentials preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls " +
	"resourceSpecificApplicationPermissions samlSingleSignOnSettings servicePrincipalNames servicePrincipalType signInAudience tags tokenEncryptionKeyId verifiedPublisher "

// pages answers page after page, linked as Graph does it.
func (f *fake) pages(path string, count int, items ...string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("$skiptoken"), "p%d", &n)
		next, counted := "", ""
		if n+1 < len(items) {
			next = fmt.Sprintf(`"@odata.nextLink":"https://elsewhere.example/v1.0/x?$top=999&$skiptoken=p%d",`, n+1)
		}
		for field := range strings.SplitSeq(r.URL.Query().Get("$select"), ",") {
			if field != "" && !strings.Contains(properties, " "+field+" ") {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"error":{"code":"BadRequest","message":"Could not find a property named '%s'"}}`, field)
				return
			}
		}
		if n == 0 && r.URL.Query().Get("$count") == "true" {
			if r.Header.Get("ConsistencyLevel") != "eventual" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			counted = fmt.Sprintf(`"@odata.count":%d,`, count)
		}
		fmt.Fprintf(w, `{%s%s"value":[%s]}`, counted, next, items[n])
	})
}

// logs answers with what happened in the time that is asked for.
func (f *fake) logs(now time.Time) {
	yesterday := grants.Midnight(now).Add(-12 * time.Hour)
	old := yesterday.AddDate(0, 0, -5)
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	f.within(v1+"auditLogs/directoryAudits", map[time.Time]string{
		old:       `{"id":"c1","activityDateTime":"` + at(old) + `","result":"success","initiatedBy":{"user":{"id":"u1","userPrincipalName":"Ana@example.test","ipAddress":"192.0.2.1"}},"targetResources":[{"id":"sp1","type":"ServicePrincipal"}]}`,
		yesterday: `{"id":"c2","activityDateTime":"` + at(yesterday) + `","result":"success","initiatedBy":{"user":{"id":"u2","userPrincipalName":"bo@example.test"}},"targetResources":[{"id":"sp1"},{"id":"sp2"}]},{"id":"c3","activityDateTime":"` + at(yesterday) + `","result":"success","targetResources":[{"id":"other"}]}`,
	}, nil)
	f.within(v1+"auditLogs/signIns", map[time.Time]string{
		old: `{"id":"s1","createdDateTime":"` + at(old) + `","userId":"u1","userPrincipalName":"Ana@example.test","status":{"errorCode":0}}`,
		yesterday: `{"id":"s2","createdDateTime":"` + at(yesterday) + `","userId":"u1","status":{"errorCode":0}},{"id":"s3","createdDateTime":"` + at(yesterday.Add(time.Hour)) + `","userId":"u2","status":{"errorCode":53003}},
			{"id":"s3","createdDateTime":"` + at(yesterday.Add(time.Hour)) + `","userId":"u2","status":{"errorCode":53003}}`,
	}, []string{chatGPT})
	f.Put("/"+copilotReport, fmt.Sprintf(`{"value":[{"reportRefreshDate":"x","reportPeriod":30,"adoptionByDate":[
		{"reportDate":%q,"anyAppEnabledUsers":25,"anyAppActiveUsers":11},{"reportDate":%q,"anyAppEnabledUsers":25,"anyAppActiveUsers":0}]}]}`, old.Format(time.DateOnly), yesterday.Format(time.DateOnly)))
}

func (f *fake) within(path string, entries map[time.Time]string, apps []string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		filter := r.URL.Query().Get("$filter")
		_, from, _ := strings.Cut(filter, "ge ")
		since, _ := time.Parse(time.RFC3339, from)
		var out []string
		for at, e := range entries {
			if !at.Before(since) && (apps == nil || strings.Contains(filter, "'"+apps[0]+"'")) {
				out = append(out, e)
			}
		}
		fmt.Fprint(w, value(strings.Join(out, ",")))
	})
}

func (f *fake) status(path string, code int, word string) {
	f.On(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"code":%q,"message":"because"}}`, word)
	})
}

func admit(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, "/token") {
		_ = r.ParseForm()
		if (r.PostForm.Get("client_secret") == fakeSecret || r.PostForm.Get("client_assertion") == fakeAssertion && !r.PostForm.Has("client_secret")) && r.PostForm.Get("grant_type") == "client_credentials" && strings.HasSuffix(r.PostForm.Get("scope"), "/.default") {
			w.Header().Set("Content-Type", "application/json")
			return true
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: `+r.PostForm.Get("client_secret")+`"}`)
		return false
	}
	if r.Header.Get("Authorization") != "Bearer "+fakeToken || r.Method != http.MethodGet {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"code":"InvalidAuthenticationToken","message":"x"}}`)
		return false
	}
	return true
}

func (f *fake) config(settings string) connector.Config {
	if settings != "" {
		settings = "," + settings
	}
	return connector.Config{
		Settings: []byte(`{"tenant_id":"acme.example","client_id":"c-1","requests_per_second":1000,"base_url":"` + f.URL + `","authority_url":"` + f.URL + `"` + settings + `}`),
		Secrets:  map[string]string{secretClient: fakeSecret, grants.SecretSalt: fakeSalt},
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

//go:build peers

package okta

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func against(t *testing.T, address, token, settings string) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	cfg := connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + address + `"` + settings + `}`),
		Secrets:  map[string]string{secretToken: token, grants.SecretSalt: fakeSalt},
	}
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.Sound(t, New())
	return rec, cov
}

// Okta's own specification, served by prism with its examples, of which two are
// made to be of AI and of yesterday. The part has no groups of an application
// and no single person.
func TestRealOktaSpecification(t *testing.T) {
	yesterday := grants.Midnight(time.Now()).Add(-12 * time.Hour)
	address := peertest.Prism(t, specification(t, yesterday), "/api/v1/apps")
	rec, cov := against(t, address, "any", `,"user_grants":true`)
	id := "0oa1gjh63g214q0Hq0g4"
	want := []string{"shadow_ai.sighting not_found groups assigned of application " + id, "shadow_ai.sighting not_found who granted rights of application " + id}
	if d := cmp.Diff(want, rec.Reasons()); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	p := rec.Payloads(t, records.KindSighting)["sso|openai|"+id]
	if p["actors"] != 1.0 || p["status"] != "active" || p["first_seen"] != "2016-08-09T20:12:19Z" || !slices.Equal(p["scopes_granted"].([]any), []any{"okta.apps.manage", "okta.users.read"}) {
		t.Errorf("%v", p)
	}
	if c := rec.Payloads(t, records.KindSighting)["oauth|anthropic|0oabskvc6442nkvQO0h7"]; c["actors"] == nil || c["place_name"] != "Claude" {
		t.Errorf("%v", rec.Payloads(t, records.KindSighting))
	}
	a := rec.Payloads(t, records.KindActivity)["sso|openai|"+id+"|"+yesterday.Format(time.DateOnly)]
	if a["requests"] != 1.0 || a["actors"] != 1.0 {
		t.Errorf("%v", rec.Payloads(t, records.KindActivity))
	}
	if cov[records.KindActivity].Status != connector.Complete {
		t.Errorf("%+v", cov)
	}
	connectortest.Peer(t, peertest.PrismName+" with Okta's specification", rec.Kinds())
}

// specification writes the part of Okta's that is asked for.
func specification(t *testing.T, at time.Time) string {
	t.Helper()
	raw, err := os.ReadFile(peertest.Path(t, "specs", "okta.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(raw, &doc); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	paths := doc["paths"].(map[string]any)
	for path := range paths {
		if !slices.Contains([]string{"/api/v1/apps", "/api/v1/apps/{appId}/grants", "/api/v1/apps/{appId}/users", "/api/v1/logs", "/api/v1/users",
			"/api/v1/users/{userId}/clients", "/api/v1/users/{userId}/clients/{clientId}/grants"}, path) {
			delete(paths, path)
		}
	}
	examples := doc["components"].(map[string]any)["examples"].(map[string]any)
	first := func(name string) map[string]any {
		e, ok := examples[name].(map[string]any)
		if !ok {
			t.Fatalf("the specification has no example %s", name)
		}
		return e["value"].([]any)[0].(map[string]any)
	}
	app := first("GetApplicationsByUserResponseEx")
	app["label"] = "ChatGPT"
	app["credentials"].(map[string]any)["oauthClient"] = map[string]any{"client_id": app["id"]}
	first("ListUserClients")["client_name"] = "Claude"
	log := first("ListLogs")
	log["eventType"], log["published"] = signIn, at.Format("2006-01-02T15:04:05.000Z")
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "okta.json")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A stateful imitation of Okta: applications come with the people they are
// assigned to, over several pages. It knows no groups of applications, no grants
// and no log.
func TestRealEmulate(t *testing.T) {
	seed, err := filepath.Abs("testdata/emulate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	address := peertest.Emulate(t, "okta", seed)
	rec, cov := against(t, address, "okta-reader", `,"people":"names"`)
	var got []string
	for key, p := range rec.Payloads(t, records.KindSighting) {
		got = append(got, fmt.Sprint(key, " ", p["status"], " ", p["actors"], " ", p["confidence"]))
	}
	slices.Sort(got)
	want := []string{
		"sso|anthropic|0oa2 active 1 declared", "sso|anthropic|0oa2|bo@acme.example active <nil> declared", "sso|openai|0oa1 active 2 declared",
		"sso|openai|0oa1|ana@acme.example active <nil> declared", "sso|openai|0oa1|bo@acme.example active <nil> declared",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	gaps := []string{
		"shadow_ai.activity not_found System Log of application 0oa1", "shadow_ai.activity not_found System Log of application 0oa2",
		"shadow_ai.sighting not_found groups assigned of 2 applications: 0oa1, 0oa2", "shadow_ai.sighting not_found rights granted of application 0oa2",
	}
	if d := cmp.Diff(gaps, rec.Reasons()); d != "" || cov[records.KindActivity].Status != connector.Refused {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	connectortest.Peer(t, peertest.EmulateName, rec.Kinds())
}

//go:build peers

package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// Every request fits Atlassian's own specification, its examples become
// records, and what a mock cannot know (a count that fits, a canary, the size of
// a file) becomes a gap.
func TestAgainstPrism(t *testing.T) {
	url := peertest.Prism(t, peertest.Path(t, "specs", "jira.json"), "/rest/api/3/serverInfo")
	settings := map[string]any{"base_url": url, "email": "reader@example.com", "attachments": map[string]any{"sha256": true},
		"custom_fields": map[string]string{"team": "customfield_10000"},
		"projects":      []any{map[string]any{"key": "EX", "canary": "ED-1"}},
		"issue_types":   []any{map[string]any{"project": "EX", "jql": "labels = ai", "kind": "jira.incident", "fields": map[string]any{"declared_at": "created"}}}}
	rep, err := New().Check(t.Context(), config0(t, settings))
	if err != nil || rep.Identity != "mia@example.com" || rep.Problem != "" && !strings.Contains(rep.Problem, "none of the projects") {
		t.Errorf("check: %+v, %v", rep, err)
	}
	rec, cov, err := run(t, settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rec.Gaps() {
		t.Logf("gap %+v", g)
		if strings.Contains(g.Detail, "status 4") && g.Reason != connector.NotFound {
			t.Errorf("a request that the specification refuses: %s", g.Detail)
		}
	}
	if len(rec.Records(KindIssue)) == 0 {
		t.Error("the specification's example of an issue gave no record")
	}
	if cov[KindIssue].Status == connector.Complete {
		t.Errorf("a mock's answers look complete: %+v", cov[KindIssue])
	}
	askBulk(t, settings)
	connectortest.Peer(t, peertest.PrismName+" with Atlassian's specification", rec.Kinds())
}

// askBulk asks for two histories at once: one is asked for alone, and the
// specification's example of a search has one issue.
func askBulk(t *testing.T, settings map[string]any) {
	t.Helper()
	cfg, err := parseConfig(config0(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	api, err := newClient(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.bulkHistories(t.Context(), []*issue{{id: "10100"}, {id: "10101"}}); statusOf(err) != 0 {
		t.Errorf("bulkfetch: %v", err)
	}
}

// stub is an answer that WireMock gives.
type stub map[string]any

// wireMock runs WireMock with stubs.
func wireMock(t *testing.T, stubs ...stub) string {
	t.Helper()
	dir := t.TempDir()
	b, err := json.Marshal(map[string]any{"mappings": stubs})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "mappings"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mappings", "jira.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return peertest.WireMock(t, dir)
}

// answers is a stub for a route.
func answers(method, path string, status int, body any, more ...func(stub)) stub {
	response := map[string]any{"status": status, "headers": map[string]any{"Content-Type": "application/json"}}
	if body != nil {
		response["jsonBody"] = body
	}
	s := stub{"request": map[string]any{"method": method, "urlPath": path}, "response": response}
	for _, m := range more {
		m(s)
	}
	return s
}

// after gives an answer in a state of a scenario only, and moves on.
func after(scenario, state, next string) func(stub) {
	return func(s stub) {
		s["scenarioName"], s["requiredScenarioState"], s["newScenarioState"] = scenario, state, next
	}
}

func header(name, value string) func(stub) {
	return func(s stub) { s["response"].(map[string]any)["headers"].(map[string]any)[name] = value }
}

func fault(name string) func(stub) {
	return func(s stub) { s["response"] = map[string]any{"fault": name} }
}

// withToken gives an answer to a body with a page token.
func withToken(token string) func(stub) {
	return func(s stub) {
		s["priority"] = 1
		s["request"].(map[string]any)["bodyPatterns"] = []any{map[string]any{"matchesJsonPath": fmt.Sprintf("$[?(@.nextPageToken == '%s')]", token)}}
	}
}

// A script of all that goes wrong before it goes right: pages by token, limits,
// broken answers, histories in parts, a file elsewhere.
func TestAgainstWireMock(t *testing.T) {
	f := &fakeJira{t: t, changes: map[string][]map[string]any{}, files: map[string]string{}}
	f.add(1, "Request", map[string]any{"attachment": []any{f.attach("7", "a.txt", "hello")}})
	f.add(2, "Task", nil)
	f.add(3, "Task", nil)
	const search, bulk = "/rest/api/3/search/jql", "/rest/api/3/changelog/bulkfetch"
	log := func(id string, entries ...any) map[string]any {
		return map[string]any{"issueId": id, "changeHistories": entries}
	}
	one, two, three := history(1, 1767265200000, "status", "A", "B"), history(2, 1767265300, "status", "B", "C"), history(3, "2026-01-02T10:00:00.000+0000", "status", "C", "D")
	file := answers("GET", "/media/7", 200, nil)
	file["response"].(map[string]any)["body"] = "hello"
	url := wireMock(t,
		answers("GET", "/rest/api/3/myself", 200, map[string]any{"accountId": "a", "timeZone": "Etc/UTC"}),
		answers("GET", "/rest/api/3/project/INC", 200, map[string]any{"key": "INC"}),
		answers("GET", "/rest/api/3/field", 200, []any{}),
		answers("POST", search, 429, nil, header("Retry-After", "0"), after("search", "Started", "limited")),
		answers("POST", search, 429, nil, header("X-RateLimit-Reset", "2026-01-01T00:00:00Z"), header("RateLimit-Reason", "jira-burst-based"), after("search", "limited", "busy")),
		answers("POST", search, 503, nil, header("Retry-After", "0"), after("search", "busy", "torn")),
		answers("POST", search, 200, nil, after("search", "torn", "reset"), fault("MALFORMED_RESPONSE_CHUNK")),
		answers("POST", search, 200, map[string]any{"issues": f.issues[:2], "nextPageToken": "p2", "isLast": false}, after("search", "reset", "open")),
		answers("POST", search, 200, nil, after("search", "open", "done"), fault("CONNECTION_RESET_BY_PEER"), withToken("p2")),
		answers("POST", search, 200, map[string]any{"issues": f.issues[2:], "isLast": true}, after("search", "done", "done"), withToken("p2")),
		answers("POST", "/rest/api/3/search/approximate-count", 200, map[string]any{"count": 3}),
		answers("POST", bulk, 200, map[string]any{"issueChangeLogs": []any{log("10001", one)}, "nextPageToken": "b2"}),
		answers("POST", bulk, 200, map[string]any{"issueChangeLogs": []any{log("10001", two, one), log("10003", three)}}, withToken("b2")),
		answers("GET", "/rest/servicedeskapi/request/INC-1/approval", 200, map[string]any{"start": 0, "isLastPage": true, "values": []any{approved("5", "acc-1")}}),
		answers("GET", "/rest/api/3/attachment/content/7", 303, nil, header("Location", "/media/7")), file,
		answers("POST", "/rest/api/3/search", 410, map[string]any{"errorMessages": []string{"removed"}}),
	)
	s := map[string]any{"base_url": url, "email": "reader@example.com", "attachments": map[string]any{"sha256": true}, "projects": []any{map[string]any{"key": "INC", "approvals": true}}}
	rec, cov, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, s)}, nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	if keysOf(rec) != "INC-1 INC-2 INC-3" || !strings.Contains(string(rec.Records(KindIssue)[0].Payload), helloSHA256) {
		t.Errorf("issues %s", keysOf(rec))
	}
	if diff := cmp.Diff([]string{"1.0", "2.0", "3.0"}, transitionsOf(rec)); diff != "" {
		t.Error(diff)
	}
	if c := cov[KindIssue]; c.Status != connector.Complete || c.IndependentCount != 3 || rec.Counted().RateLimited != 2 {
		t.Errorf("coverage %+v, calls %+v", c, rec.Counted())
	}
	connectortest.Peer(t, peertest.WireMockName, rec.Kinds())
}

// What a Data Center's search answers on Cloud, and a limit that lasts.
func TestAgainstWireMockRefusing(t *testing.T) {
	url := wireMock(t,
		answers("GET", "/rest/api/2/myself", 200, map[string]any{"name": "reader"}),
		answers("GET", "/rest/api/2/project/OLD", 200, map[string]any{"key": "OLD"}),
		answers("GET", "/rest/api/2/project/NEW", 200, map[string]any{"key": "NEW"}),
		answers("POST", "/rest/api/2/search", http.StatusGone, map[string]any{"errorMessages": []string{"removed"}}, after("s", "Started", "limited")),
		answers("POST", "/rest/api/2/search", 429, nil, header("Retry-After", "86400"), after("s", "limited", "limited")),
	)
	s := map[string]any{"base_url": url, "deployment": "datacenter", "projects": []any{map[string]any{"key": "OLD"}, map[string]any{"key": "NEW"}}}
	rec, _, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 2 || rec.Gaps()[0].Reason != connector.Unsupported || rec.Gaps()[1].Reason != connector.RateLimited {
		t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
	}
}

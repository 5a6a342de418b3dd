package github_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const seats = "/orgs/acme/copilot/billing/seats"

func seatList(n int) (list wrappedSeats) {
	for i := range n {
		list = append(list, seatJSON(100+i, fmt.Sprintf("user-%03d", i)))
	}
	return list
}

func readKind(h *host, f *fakeGitHub, kind string) connector.KindCoverage {
	h.t.Helper()
	return h.mustCollect(f, everything(), onlyKinds(kind))[kind]
}

// Seats are paged by query, all are read, and pages that did not change are
// attested.
func TestSeatsPaged(t *testing.T) {
	f, h := newInventory(t)
	list := seatList(250)
	f.set(seats, list)
	f.took()
	k := readKind(h, f, github.KindCopilotSeat)
	if len(h.records) != 250 || k.IndependentCount != 250 || k.Status != connector.Complete || len(h.gaps) > 0 {
		t.Errorf("%d records, %+v, gaps %+v", len(h.records), k, h.gaps)
	}
	for _, a := range f.took() {
		if strings.HasPrefix(a, seats) && !strings.Contains(a, "page=") {
			t.Errorf("asked %s", a)
		}
	}
	if readKind(h, f, github.KindCopilotSeat); h.attested != 250 || counted(h) != 0 || h.emitted != 0 {
		t.Errorf("again: %d attested, %d counted calls", h.attested, counted(h))
	}
	used := append(wrappedSeats{}, list...)
	used[3] = seatJSON(103, "user-003", "last_activity_at", "2026-03-09T23:00:00Z") // the same day
	f.set(seats, used)
	if readKind(h, f, github.KindCopilotSeat); h.revisions != 0 || counted(h) != 1 {
		t.Errorf("used again on a day: %d revisions, %d counted calls", h.revisions, counted(h))
	}
	f.set(seats, append(append(wrappedSeats{}, list[:50]...), list[51:]...))
	if k = readKind(h, f, github.KindCopilotSeat); len(h.records) != 249 || k.IndependentCount != 249 {
		t.Errorf("one was taken back: %d records, %+v", len(h.records), k)
	}
}

// A row that goes away while the run as a whole is partial must not be counted
// when its page is attested later.
func TestAttestAfterPartial(t *testing.T) {
	f, h := newInventory(t)
	readKind(h, f, github.KindSecretName)
	f.on("/repos/acme/app/dependabot/secrets", status(403, "no"))
	f.set("/orgs/acme/actions/secrets", wrapped{"secrets", []any{}}, "/repos/acme/app/actions/secrets", wrapped{"secrets", []any{named("OTHER")}})
	for range 2 { // the host of this test fails if a count is wrong
		if k := readKind(h, f, github.KindSecretName); k.Status != connector.Partial || k.Enumerated {
			t.Errorf("%+v", k)
		}
	}
	f.on("/repos/acme/app/dependabot/secrets", nil)
	readKind(h, f, github.KindSecretName)
	if got := strings.Join(h.keys(github.KindSecretName), " "); strings.Contains(got, "ANTHROPIC") || strings.Contains(got, "actions/secret/DEPLOY_KEY") || !strings.Contains(got, "OTHER") {
		t.Errorf("what is gone is still there: %s", got)
	}
}

// A row that moves from one page to the next while the listing is read is one
// record, and neither page is attested wrongly afterwards.
func TestRowMovesBetweenPages(t *testing.T) {
	f, h := newInventory(t)
	list := seatList(150)
	moved := true
	f.on(seats, func(w http.ResponseWriter, r *http.Request) {
		rows := []any(list)
		if moved && r.URL.Query().Get("page") == "2" { // one was added in front meanwhile
			rows = append([]any{seatJSON(7, "new")}, rows...)
		}
		f.send(w, r, wrappedSeats(rows))
	})
	if k := readKind(h, f, github.KindCopilotSeat); len(h.records) != 150 || len(h.gaps) != 1 && k.Status != connector.Complete {
		t.Errorf("%d records, %+v, gaps %+v", len(h.records), k, h.gaps)
	}
	moved = false
	if k := readKind(h, f, github.KindCopilotSeat); len(h.records) != 150 || k.Status != connector.Complete {
		t.Errorf("%d records, %+v, gaps %+v", len(h.records), k, h.gaps)
	}
	readKind(h, f, github.KindCopilotSeat)
}

// What is counted and not shown is a gap.
func TestRowsHidden(t *testing.T) {
	for path, field := range map[string]string{"/orgs/acme/installations": "installations", "/repos/acme/app/actions/secrets": "secrets",
		"/repos/acme/app/environments": "environments"} {
		f, h := newInventory(t)
		f.on(path, func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(obj{"total_count": 9, field: []any{}})
		})
		readFurther(h, f)
		if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Hidden {
			t.Errorf("%s: gaps %+v", path, h.gaps)
		}
	}
}

// A page of variables holds 30; values go nowhere, whatever happens.
func TestVariablesPaged(t *testing.T) {
	f, h := newInventory(t)
	var list []any
	for i := range 70 {
		list = append(list, variable(fmt.Sprintf("V%02d", i)))
	}
	list = append(list, variable("a\u0000b"), variable("", "value", obj{"deep": theValue}))
	f.set("/repos/acme/app/actions/variables", wrapped{"variables", list})
	f.took()
	readKind(h, f, github.KindSecretName)
	for _, a := range f.took() {
		if strings.Contains(a, "/variables") && !strings.Contains(a, "per_page=30") {
			t.Errorf("asked %s", a)
		}
	}
	if n := len(h.keys(github.KindSecretName)); n != 76 {
		t.Errorf("%d names", n)
	}
	if len(h.gaps) != 2 {
		t.Errorf("gaps %+v", h.gaps)
	}
	all, err := json.Marshal([]any{h.records, h.gaps, h.cursors, h.validators})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(all), "sk-value") {
		t.Error("a variable's value was kept")
	}
}

// An answer that breaks off in a value does not show it.
func TestVariablesTorn(t *testing.T) {
	f, h := newInventory(t)
	f.on("/repos/acme/app/actions/variables", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"total_count":1,"variables":[{"name":7,"value":"`+theValue+`"}]}`)
	})
	readKind(h, f, github.KindSecretName)
	if len(h.gaps) != 1 || strings.Contains(h.gaps[0].Detail, "sk-") {
		t.Errorf("gaps %+v", h.gaps)
	}
}

// Only an app is told which tokens were let in: for a person's token the
// refusal is no missing permission.
func TestTokenGrants(t *testing.T) {
	for _, tc := range []struct {
		token  string
		code   int
		reason connector.Reason
	}{
		{goodToken, 403, connector.Unsupported}, {goodToken, 404, connector.Unsupported}, {"ghs_app", 403, connector.Denied}, {"ghs_app", 404, connector.Denied},
	} {
		f, h := newInventory(t)
		f.admit = func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+tc.token }
		f.on("/orgs/acme/personal-access-tokens", status(tc.code, "no"))
		k := h.mustCollect(f, everything(), onlyKinds(github.KindTokenGrant), func(r *connector.Request) { r.Config.Secrets["token"] = tc.token })
		if len(h.gaps) != 1 || h.gaps[0].Reason != tc.reason || k[github.KindTokenGrant].Status != connector.Refused {
			t.Errorf("%+v: gaps %+v", tc, h.gaps)
		}
	}
}

func TestCopilotNotThere(t *testing.T) {
	f, h := newInventory(t)
	f.on("/orgs/acme/copilot/billing", status(422, "There is a problem with your account's associated payment method."))
	if k := readKind(h, f, github.KindCopilotPolicy); len(h.gaps) != 1 || h.gaps[0].Reason != connector.Unsupported || len(h.records) != 0 || k.Status != connector.Refused {
		t.Errorf("%+v, gaps %+v", k, h.gaps)
	}
}

// One of the three answers can change alone.
func TestCopilotPolicyChanges(t *testing.T) {
	f, h := newInventory(t)
	readKind(h, f, github.KindCopilotPolicy)
	f.set("/orgs/acme/copilot/content_exclusion", obj{})
	if readKind(h, f, github.KindCopilotPolicy); h.revisions != 1 || counted(h) != 1 {
		t.Errorf("%d revisions, %d counted calls", h.revisions, counted(h))
	}
	got := h.payloads(github.KindCopilotPolicy)["acme"]
	if len(got["content_exclusions"].([]any)) != 0 || got["plan_type"] != "business" || got["coding_agent_repositories"] != "selected" {
		t.Errorf("%v", got)
	}
}

// Many environments are made for a while only: names are read of some, and it
// is said of how many.
func TestManyEnvironments(t *testing.T) {
	f, h := newInventory(t)
	var list []any
	for i := range 120 {
		name := fmt.Sprintf("pr-%03d", i)
		list = append(list, obj{"id": 100 + i, "name": name, "created_at": day(i % 50), "updated_at": day(i % 50)})
		f.set("/repos/acme/app/environments/"+name+"/secrets", wrapped{"secrets", []any{}}, "/repos/acme/app/environments/"+name+"/variables", wrapped{"variables", []any{}})
	}
	f.set("/repos/acme/app/environments", wrapped{"environments", list})
	readFurther(h, f)
	if n := len(h.keys(github.KindEnvironment)); n != 120 || len(h.gaps) != 1 || h.gaps[0].Reason != connector.Truncated {
		t.Errorf("%d environments, gaps %+v", n, h.gaps)
	}
}

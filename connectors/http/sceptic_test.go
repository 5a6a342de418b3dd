package http

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// collectKinds collects for some kinds alone.
func (f *fake) collectKinds(t *testing.T, settings string, prev *connectortest.Recorder, kinds ...string) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(settings), Kinds: kinds}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

const sinceUpdated = `"since": {"param": "updated_after", "time": "item.updated", "overlap": "0s"},`

// A source whose clock is ahead does not make the next runs skip what comes
// until then.
func TestSinceWithAClockAhead(t *testing.T) {
	f := newFake(t)
	asked := ""
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("updated_after")
		fmt.Fprint(w, `{"list": [{"id":"a","updated":"2999-01-01T00:00:00Z"}]}`)
	})
	first, _ := f.collect(t, one(sinceUpdated), nil)
	f.collect(t, one(sinceUpdated), first)
	if at, err := time.Parse(time.RFC3339, asked); err != nil || at.After(time.Now()) {
		t.Errorf("the next run asks for what changed since %q", asked)
	}
}

// nested is a request with since, and one for each of its items.
const nested = `{"base_url": "BASE", "auth": {"type": "bearer"}, "requests_per_second": 1000, "requests": [
  {"name": "parents", "path": "x", "items": "body.list", "since": {"param": "updated_after", "time": "item.updated"},
   "records": [{"kind": "vendor.user", "subject_type": "person", "subject": "item.id", "key": "item.id", "payload": {"vendor": "'acme'", "user_id": "item.id", "service_account": "false"}}]},
  {"name": "children", "each": "parents", "path": "x/{parent.id}", "items": "body.list",
   "records": [{"kind": "vendor.incident", "subject_type": "vendor", "subject": "'acme'", "key": "item.id", "payload": {"vendor": "'acme'", "incident_id": "item.id"}}]}]}`

// What could not be read of an item is asked for again: the position stays.
func TestSinceStaysWhereSomethingWasMissed(t *testing.T) {
	f := newFake(t)
	asked, status := "", 500
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("updated_after")
		fmt.Fprint(w, `{"list": [{"id":"a","updated":"2026-05-01T00:00:00Z"}]}`)
	})
	f.on("/x/a", func(w http.ResponseWriter, _ *http.Request) {
		if status != 200 {
			w.WriteHeader(status)
			return
		}
		fmt.Fprint(w, `{"list": [{"id":"i"}]}`)
	})
	first, _ := f.collect(t, nested, nil)
	status = 200
	second, _ := f.collect(t, nested, first)
	if asked != "" || len(second.Records("vendor.incident")) != 1 {
		t.Errorf("after a failure asked since %q", asked)
	}
	if third, _ := f.collect(t, nested, second); asked == "" || len(third.Gaps()) != 0 {
		t.Error("the position does not move on")
	}
	asked = "-"
	fourth, _ := f.collectKinds(t, nested, nil, "vendor.user")
	f.collect(t, nested, fourth)
	if asked != "" {
		t.Errorf("a run for one of the kinds moved the position of all: since %q", asked)
	}
}

// Other settings make something else of a page that did not change.
func TestOtherSettings(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		f.answer(w, r, map[string]any{"list": []any{map[string]any{"id": "a", "impact": "major"}, map[string]any{"id": "b"}}})
	})
	first, _ := f.collect(t, one(`"where": "item.id == 'a'",`), nil)
	second, _ := f.collect(t, one(""), first)
	if n := len(second.Records()); n != 2 {
		t.Errorf("%d records after the settings changed, attested %v", n, second.Attested())
	}
	third, _ := f.collect(t, one(""), second)
	if len(third.Records()) != 0 || len(third.Attested()) != 1 {
		t.Errorf("unchanged: %d records, attested %v", len(third.Records()), third.Attested())
	}
}

// The same key twice on a page is one record, for the host too.
func TestTheSameTwice(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		f.answer(w, r, map[string]any{"list": []any{map[string]any{"id": "a"}, map[string]any{"id": "a"}}})
	})
	first, _ := f.collect(t, one(""), nil)
	second, _ := f.collect(t, one(""), first)
	for group, n := range second.Attested() {
		if n != 1 {
			t.Errorf("%s: %d records are attested, there is 1", group, n)
		}
	}
}

// A server may send each link in a header of its own.
func TestLinksInSeveralHeaders(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "2" {
			fmt.Fprint(w, `{"list": [{"id":"b"}]}`)
			return
		}
		w.Header().Add("Link", `</x?page=1>; rel="self"`)
		w.Header().Add("Link", `</x?page=2>; rel="last next"`)
		fmt.Fprint(w, `{"list": [{"id":"a"}]}`)
	})
	if rec, _ := f.collect(t, one(`"paging": {"type": "link"},`), nil); len(rec.Records()) != 2 {
		t.Errorf("%d records, want those of two pages", len(rec.Records()))
	}
}

// A value that no host takes does not end the run.
func TestHostilePayload(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"list": [{"id":"a","deep":{"x":%s1%s}},{"id":"b","deep":{"x":1e300}},{"id":"c","deep":{"x":1}}]}`, strings.Repeat("[", 100), strings.Repeat("]", 100))
	})
	settings := `{"base_url": "BASE", "auth": {"type": "bearer"}, "requests": [{"name": "g", "path": "x", "items": "body.list",
	  "records": [{"kind": "cloud.guardrail", "subject_type": "deployment", "subject": "item.id", "key": "item.id", "payload": {"provider": "'p'", "guardrail_id": "item.id", "name": "item.id", "policies": "item.deep"}}]}]}`
	rec, cov := f.collect(t, settings, nil)
	if len(rec.Gaps()) != 2 || cov["cloud.guardrail"].Status != connector.Partial {
		t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov["cloud.guardrail"])
	}
}

// Nothing is granted that was not seen: a login page, an answer of another
// form, a request for items of which there is none, one that is refused.
func TestCheckProves(t *testing.T) {
	for name, c := range map[string]struct {
		x, child string
		status   int
		want     connector.Grant
	}{
		"all answers": {`{"list": [{"id":"a"}]}`, `{"list": []}`, 200, connector.Granted},
		"other form":  {`{"rows": []}`, `{"list": []}`, 200, connector.GrantUnknown},
		"no item":     {`{"list": []}`, `{"list": []}`, 200, connector.GrantUnknown},
		"refused":     {`{"list": [{"id":"a"}]}`, `{}`, 403, connector.Missing},
	} {
		f := newFake(t)
		f.on("/x", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.x) })
		f.on("/x/a", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status); fmt.Fprint(w, c.child) })
		report, err := New().Check(t.Context(), f.config(nested))
		if err != nil || report.Problem != "" || report.Permissions[0].Grant != c.want {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// A source that repeats the credential does not bring it into a gap.
func TestRepeatedCredential(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"message": "no right: %s"}`, r.Header.Get("Authorization"))
	})
	rec, _ := f.collect(t, one(""), nil)
	if len(rec.Gaps()) != 1 || strings.Contains(rec.Gaps()[0].Detail, fakeSecret) {
		t.Errorf("%+v", rec.Gaps())
	}
}

func TestMoreSettings(t *testing.T) {
	_, err := parseConfig(connector.Config{Settings: []byte(`{"base_url": "https://x.example", "headers": {"X-Api-Key": "k", "Cookie": "c", "X-Version": "1"}, "requests": [
	  {"name": "a", "path": "p", "since": {"param": "s", "time": "item.t"}},
	  {"name": "b", "path": "p", "each": "a"},
	  {"name": "c", "path": "p", "each": "b", "enumerates": true, "records": [{"kind": "vendor.user", "subject": "'a'", "subject_type": "person", "key": "'a'", "payload": {"e_mail": "'x'"}}]}]}`)})
	for _, want := range []string{"X-Api-Key belongs in auth", "Cookie belongs in auth", "that changed since", "payload.e_mail: a vendor.user has no such field"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

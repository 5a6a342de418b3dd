package vendorwatch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// with collects with other settings.
func (w *web) with(t *testing.T, settings string, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: []byte(settings)}}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

func keys(rec *connectortest.Recorder, kind string) []string {
	var out []string
	for _, r := range rec.Records(kind) {
		out = append(out, r.Key+" "+r.EventTime.Format(time.RFC3339Nano))
	}
	slices.Sort(out)
	return out
}

// One feed under two names of a vendor: what is first seen under one is not
// forgotten for the other, and each is asked for conditionally.
func TestOneFeedUnderTwoNames(t *testing.T) {
	w := newWeb(t)
	w.tags = false
	w.put("/feed.json", feedOf(`{"provider":"A","model_id":"a-1","shutdown_date":"2999-01-01"}`, `{"provider":"B","model_id":"b-1","shutdown_date":"2999-01-01"}`))
	settings := fmt.Sprintf(`{"requests_per_second":1000,"vendors":[{"id":"v","feeds":[{"url":"%[1]s/feed.json","format":"deprecations","provider":"A"},{"url":"%[1]s/feed.json","format":"deprecations","provider":"B"}]}]}`, w.URL)
	first, _ := w.with(t, settings, nil)
	second, _ := w.with(t, settings, first)
	if got, want := keys(second, records.KindModelLifecycle), keys(first, records.KindModelLifecycle); !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("nothing changed:\n%v\n%v", want, got)
	}
}

// An end that moves is announced anew, when it was seen; moving back too.
func TestEndThatMoves(t *testing.T) {
	w := newWeb(t)
	w.tags = false
	put := func(day string) {
		w.put("/feed.json", feedOf(`{"provider":"OpenAI","model_id":"m","announcement_date":"2026-01-05","shutdown_date":"`+day+`"}`))
	}
	put("2999-01-01")
	one, _ := w.collect(t, nil)
	put("2999-06-01")
	two, _ := w.collect(t, one)
	put("2999-01-01")
	three, _ := w.collect(t, two)
	four, _ := w.collect(t, three)
	k1, k2, k3, k4 := keys(one, records.KindModelLifecycle)[0], keys(two, records.KindModelLifecycle)[0], keys(three, records.KindModelLifecycle)[0], keys(four, records.KindModelLifecycle)[0]
	if k1 == k2 || k2 == k3 || k1 == k3 || k3 != k4 {
		t.Errorf("A, B, A, A:\n%s\n%s\n%s\n%s", k1, k2, k3, k4)
	}
	if r := two.Records(records.KindModelLifecycle)[0]; time.Since(r.EventTime) > time.Hour {
		t.Errorf("the new date is dated %s", r.EventTime)
	}
}

// A feed with more than one cursor holds is remembered, and ends no run.
func TestLargeFeed(t *testing.T) {
	w := newWeb(t)
	var entries []string
	for i := range 3000 {
		entries = append(entries, fmt.Sprintf(`{"provider":"OpenAI","model_id":"%s%d","shutdown_date":"2999-01-01"}`, strings.Repeat("m", 150), i))
	}
	w.put("/feed.json", feedOf(entries...))
	w.tags = false
	first, _ := w.collect(t, nil)
	second, cov := w.collect(t, first)
	if got, want := keys(second, records.KindModelLifecycle), keys(first, records.KindModelLifecycle); !slices.Equal(got, want) || len(got) != 3000 || cov[records.KindModelLifecycle].Status != connector.Complete {
		t.Errorf("%d and %d, %+v", len(want), len(got), second.Gaps())
	}
}

// Of two entries for a model the order in the feed decides nothing; one that
// cannot be read is told, and the others are taken.
func TestEntriesThatContradict(t *testing.T) {
	day := func(s string) time.Time { at, _, _ := records.ParseTime(s); return at }
	a := `{"provider":"x","model_id":"m","announcement_date":"2026-01-01","shutdown_date":"2026-06-01"}`
	b := `{"provider":"x","model_id":"m","announcement_date":"2026-02-01","shutdown_date":"2026-12-01"}`
	for _, body := range []string{feedOf(a, b), feedOf(b, a)} {
		got, bad, err := parseFeed(feed{Provider: "x"}, []byte(body))
		if err != nil || bad != 0 || len(got) != 1 || !got[0].shutdown.Equal(day("2026-12-01")) {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	for range 20 { // litellm's table has no order
		got, _, err := parseFeed(feed{Format: "litellm", Provider: "x"}, []byte(`{"x/m":{"litellm_provider":"x","deprecation_date":"2026-03-01"},"m":{"litellm_provider":"x","deprecation_date":"2026-02-01"}}`))
		if err != nil || len(got) != 1 || !got[0].shutdown.Equal(day("2026-02-01")) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	w := newWeb(t)
	w.put("/feed.json", feedOf(`{"provider":"OpenAI","model_id":"a","shutdown_date":"2026-Q3"}`, `{"provider":"OpenAI","model_id":"","shutdown_date":"2026-01-01"}`, `{"provider":"OpenAI","model_id":"b","shutdown_date":"2999-01-01"}`))
	rec, cov := w.collect(t, nil)
	if len(rec.Records(records.KindModelLifecycle)) != 1 || len(rec.Gaps()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "2 entries") || cov[records.KindModelLifecycle].Status != connector.Partial {
		t.Errorf("%+v", rec.Gaps())
	}
}

// A shutdown whose day comes while the feed stays as it is becomes a
// retirement; one that the feed has withdrawn does not.
func TestRetirementWithoutAChange(t *testing.T) {
	w := newWeb(t)
	soon := time.Now().Add(1500 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	w.put("/feed.json", feedOf(`{"provider":"OpenAI","model_id":"stays","shutdown_date":"`+soon+`"}`, `{"provider":"OpenAI","model_id":"goes","shutdown_date":"`+soon+`"}`))
	first, _ := w.collect(t, nil)
	w.put("/feed.json", feedOf(`{"provider":"OpenAI","model_id":"stays","shutdown_date":"`+soon+`"}`))
	second, _ := w.collect(t, first)
	time.Sleep(1600 * time.Millisecond)
	third, _ := w.collect(t, second)
	if got := third.Records(records.KindModelLifecycle); len(got) != 1 || got[0].Subject.ID != "stays" || connectortest.Payload(t, got[0])["status"] != "retired" {
		t.Errorf("%v", got)
	}
}

// Settings that say what counts are no change of the vendor's text.
func TestOtherSettingsAreNoChange(t *testing.T) {
	w := newWeb(t)
	first, _ := w.collect(t, nil)
	settings := w.settings(`, "ignore": ["^Effective date"]`)
	second, _ := w.with(t, settings, first)
	got := second.Records(records.KindTermsRevision)
	if len(got) != 1 {
		t.Fatalf("%d revisions", len(got))
	}
	if p := connectortest.Payload(t, got[0]); p["previous_sha256"] != nil || !strings.Contains(fmt.Sprint(p["diff_summary"]), "read anew") {
		t.Errorf("other settings look like another text: %v", p)
	}
	w.put("/terms", terms("We train on your inputs."))
	third, _ := w.with(t, settings, second)
	if got := third.Records(records.KindTermsRevision); len(got) != 1 || connectortest.Payload(t, got[0])["previous_sha256"] == nil {
		t.Errorf("a change after that: %v", got)
	}
}

// A page in another encoding is read whole.
func TestOtherEncodings(t *testing.T) {
	encoded := func(s string) []byte {
		out, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte("<html><body><p>" + strings.Repeat("利用規約。", 40) + s + "</p></body></html>"))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one, err := parseText("text/html; charset=shift_jis", encoded("保存する"), &page{})
	two, err2 := parseText("text/html; charset=shift_jis", encoded("学習する"), &page{})
	if err != nil || err2 != nil || one.sum() == two.sum() || !strings.Contains(one.lines[0], "利用規約") {
		t.Errorf("%v, %v, %.60q", err, err2, one.lines)
	}
}

// A list that reaches back no further than the last run's newest has a hole,
// however short it is; one that is empty all of a sudden hides something.
func TestShortListsOfIncidents(t *testing.T) {
	for name, c := range map[string]struct {
		list   string
		open   string
		reason connector.Reason
	}{
		"a hole":             {`{"id":"n","created_at":"2026-04-01T10:00:00Z"}`, "", connector.Truncated},
		"none any more":      {``, "", connector.Hidden},
		"only open ones":     {``, `{"id":"i9","created_at":"2026-04-01T10:00:00Z"}`, connector.Hidden},
		"one that is broken": {`{"id":"","created_at":"2026-04-01T10:00:00Z"},{"id":"n","created_at":"2026-04-01T10:00:00Z"}`, "", connector.Truncated},
	} {
		w := newWeb(t)
		first, _ := w.collect(t, nil)
		w.put("/api/v2/incidents.json", `{"incidents":[`+c.list+`]}`)
		w.put("/api/v2/incidents/unresolved.json", `{"incidents":[`+c.open+`]}`)
		rec, cov := w.collect(t, first)
		if !slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return g.Reason == c.reason }) || cov[records.KindVendorIncident].Status == connector.Complete {
			t.Errorf("%s: gaps %+v", name, rec.Gaps())
		}
	}
}

// What an imitation does not offer is not said to have been read.
func TestWhatAnImitationLeavesOut(t *testing.T) {
	w := newWeb(t)
	w.mu.Lock()
	delete(w.pages, "/api/v2/scheduled-maintenances.json")
	w.mu.Unlock()
	_, cov := w.collect(t, nil)
	if q := cov[records.KindVendorIncident].Query; !strings.Contains(q, "maintenances were not read") {
		t.Errorf("query %q", q)
	}
}

// Only a page that is closed lacks the permission; one that is broken may be open.
func TestCheckDoesNotGuess(t *testing.T) {
	for status, want := range map[int]connector.Grant{http.StatusForbidden: connector.Missing, http.StatusInternalServerError: connector.GrantUnknown} {
		w := newWeb(t)
		other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) }))
		settings := strings.Replace(w.settings(""), w.URL+"/terms", other.URL+"/terms", 1)
		report, err := New().Check(t.Context(), connector.Config{Settings: []byte(settings)})
		other.Close()
		if err != nil || report.Permissions[0].Grant != want {
			t.Errorf("%d: %+v, %v", status, report, err)
		}
	}
}

// A page that is made to be slow to read ends in a gap or a text, soon.
func TestPagesMadeToBeSlow(t *testing.T) {
	for name, piece := range map[string]string{"formatting": "<b><i><a><div>", "tables": "<table><tr><td>", "attributes": `<p a="b" c='`, "entities": "&lt;&#x41;&copy ", "selects": "<select><option>", "formless": "<a><b></a></b>"} {
		began := time.Now()
		_, _ = parseText("text/html", []byte("<html><body>"+strings.Repeat(piece, 2<<20/len(piece))), &page{})
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("%s: %s", name, d)
		} else {
			t.Log(name, d)
		}
	}
}

package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

func TestResultsArePagedByKeyAndNothingIsSentTwice(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	var all []*assess.Result
	cursor := ""
	for n := 0; ; n++ {
		var page Page[*assess.Result]
		o.get(who, "/v1/results?limit=37&cursor="+cursor).want(t, http.StatusOK).into(t, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
		if n > 1000 {
			t.Fatal("the list does not end")
		}
	}
	v, err := o.service.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(v.Assessment.Results) {
		t.Fatalf("%d results were listed of %d", len(all), len(v.Assessment.Results))
	}
	for i, r := range v.Assessment.Results {
		if resultKey(all[i]) != resultKey(r) {
			t.Fatalf("result %d is %s/%s of %s, want %s/%s of %s", i, all[i].Subject.Type, all[i].Subject.ID, all[i].Expectation, r.Subject.Type, r.Subject.ID, r.Expectation)
		}
	}
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	first := o.get(who, "/v1/controls").want(t, http.StatusOK)
	tag := first.Header.Get("ETag")
	again := o.get(who, "/v1/controls", "If-None-Match", tag).want(t, http.StatusNotModified)
	if again.text != "" || again.Header.Get("ETag") != tag {
		t.Errorf("a 304 with %d bytes and ETag %s, want none and %s", len(again.text), again.Header.Get("ETag"), tag)
	}
	o.get(who, "/v1/controls?as_of=2026-11-01", "If-None-Match", tag).want(t, http.StatusOK)
}

func TestWhatIsRefusedSaysWhyAndWhatToDo(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	for name, c := range map[string]struct {
		who    access.Principal
		path   string
		status int
		says   []string
	}{
		"nobody":                   {access.Principal{}, "/v1/controls", 401, []string{`"hint":`}},
		"no operation":             {who, "/v1/nothing", 404, []string{"no such operation", "/v1/openapi.json"}},
		"no control":               {who, "/v1/controls/A.6.2.44", 404, []string{"did you mean A.6.2."}},
		"no time":                  {who, "/v1/controls?as_of=yesterday", 422, []string{"as_of", "2026-06-30"}},
		"the future":               {who, "/v1/controls?as_of=2031-01-01", 422, []string{"future"}},
		"unknown parameter":        {who, "/v1/controls?asof=2026-06-30", 422, []string{"asof"}},
		"bad status":               {who, "/v1/results?status=green", 422, []string{"status"}},
		"bad cursor":               {who, "/v1/results?cursor=%21", 422, []string{"cursor"}},
		"a cursor of another list": {who, "/v1/results?cursor=" + place{List: "findings", At: 3}.String(), 422, []string{"cursor"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := o.get(c.who, c.path).want(t, c.status, c.says...)
			if got := a.Header.Get("Content-Type"); got != problemType {
				t.Errorf("the content type is %q", got)
			}
			var p Problem
			a.into(t, &p)
			if p.Status != c.status || p.Title == "" || p.Hint == "" || p.Type != "about:blank" {
				t.Errorf("the problem is %+v", p)
			}
		})
	}
	o.ask(who, http.MethodPost, "/v1/controls", "{}").want(t, http.StatusMethodNotAllowed, "GET")
}

// TestPastOfEachToken: a token that asked for too many earlier instants does not
// keep another one of the same machine, and account, from asking.
func TestPastOfEachToken(t *testing.T) {
	o := actor(t)
	one, other := someone("", access.Viewer), someone("", access.Viewer)
	one.Token, other.Token = "one", "other"
	at := func(i int) string {
		return "/v1/controls?as_of=" + o.now.Add(-time.Duration(i+1)*time.Hour).UTC().Format(time.RFC3339)
	}
	last := 0
	for i := range 8 {
		last = o.get(one, at(i)).StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("an eighth: %d", last)
	}
	o.get(other, at(8)).want(t, http.StatusOK)
}

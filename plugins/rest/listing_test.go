package rest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// gather reads a listing and returns the ids and the entries that were bad.
func gather(t *testing.T, c *rest.Client, whole bool) (ids, bad []string, pages int, err error) {
	t.Helper()
	s := rest.Sink[item]{
		Each:  func(i item) error { ids = append(ids, i.ID); return nil },
		Bad:   func(n int, _ string) error { bad = append(bad, rest.Entry("things", n)); return nil },
		Saw:   func() { pages++ },
		Whole: whole,
	}
	err = rest.List(t.Context(), c, rest.Call{Path: "things", Query: url.Values{"limit": {"2"}}}, "after", s)
	return ids, bad, pages, err
}

// The next page begins after last_id, or after the last entry's own id; one
// entry of another form does not cost the others.
func TestList(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["limit"]; !slices.Equal(got, []string{"2"}) {
			t.Errorf("limit %v", got)
		}
		fmt.Fprint(w, map[string]string{
			"":  `{"data":[{"id":"a"},{"id":7}],"has_more":true,"last_id":"x"}`,
			"x": `{"data":[{"id":"b"},{"id":"c"}],"has_more":true}`,
			"c": `{"data":[{"id":"d"}],"has_more":false,"last_id":"d"}`,
		}[r.URL.Query().Get("after")])
	}, nil)
	ids, bad, pages, err := gather(t, c, false)
	if err != nil || !slices.Equal(ids, []string{"a", "b", "c", "d"}) || !slices.Equal(bad, []string{"things, entry 2"}) || pages != 3 {
		t.Errorf("%v, bad %v, %d pages, %v", ids, bad, pages, err)
	}
}

// A page that is none, or that does not say how to go on, is an error.
func TestListingsThatAreNone(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                             rest.NoList,
		`{"data":null,"has_more":false}`: rest.NoList,
		`{"data":[]}`:                    rest.NoList,
		`{"data":[],"has_more":true}`:    rest.NoToken,
		`{"data":[{}],"has_more":true}`:  rest.NoToken,
		`{"data":[[]],"has_more":true}`:  rest.NoToken,
		`{"data":[{"id":"a"}],"has_more":` + `true,"last_id":"a"}`: "came a second time",
	} {
		_, _, _, err := gather(t, newClient(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }, nil), false)
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "in a circle") || coverage.ReasonOf(err) != connector.Malformed {
			t.Errorf("%s: %v", body, err)
		}
	}
	ids, _, pages, err := gather(t, newClient(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"a"}]}`) }, nil), true)
	if err != nil || len(ids) != 1 || pages != 1 {
		t.Errorf("a listing without pages: %v, %v", ids, err)
	}
}

// An error of who takes the entries ends the listing.
func TestListEnds(t *testing.T) {
	enough := errors.New("enough")
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"a"}],"has_more":true}`) }, nil)
	s := rest.Sink[item]{Each: func(item) error { return enough }, Saw: func() { t.Error("the page counts as read") }}
	if err := rest.List(t.Context(), c, rest.Call{Path: "things"}, "after", s); !errors.Is(err, enough) {
		t.Error(err)
	}
}

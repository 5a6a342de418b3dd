package grants

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestDays(t *testing.T) {
	var d Days
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, e := range []Event{
		{Place: "b", At: noon, Who: "ana"},
		{Place: "a", At: noon.Add(14 * time.Hour), Who: "ana"},
		{Place: "a", At: noon.Add(time.Hour), Who: "bo", Blocked: true},
		{Place: "a", At: noon.In(time.FixedZone("", -5*3600)), Who: "ana", Scopes: []string{"s"}},
		{Place: "a", At: noon.Add(2 * time.Hour), Who: "ana", Scopes: []string{"s"}},
		{Place: "a", At: noon.Add(3 * time.Hour)},
	} {
		d.Add(e)
	}
	all := d.All()
	if len(all) != 3 || all[0].Place != "a" || all[0].Day != "2026-03-01" || all[1].Day != "2026-03-02" || all[2].Place != "b" {
		t.Fatalf("%+v", all)
	}
	if s := all[0]; s.Requests != 4 || s.Blocked != 1 || s.People() != 2 || !s.First.Equal(noon) || !s.Last.Equal(noon.Add(3*time.Hour)) || len(s.Scopes) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestPositions(t *testing.T) {
	now := time.Date(2026, 3, 10, 15, 30, 0, 0, time.UTC)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	desc := connector.Descriptor{Kinds: []connector.KindSpec{{Kind: records.KindActivity}}}
	run := func(prev *connectortest.Recorder, at time.Time, places map[string]time.Time, missed string) *connectortest.Recorder {
		t.Helper()
		rec := connectortest.NewRecorder()
		req := connector.Request{}
		if prev != nil {
			req.Cursors = prev.Cursors()
		}
		book := coverage.New(desc, req, rec)
		p := OpenPositions(book, "log", at, 7, time.Time{})
		for place, want := range places {
			if got := p.From(place); !got.Equal(want) {
				t.Errorf("%s at %s: from %s, want %s", place, at, got, want)
			}
			if place != missed {
				p.Done(place, records.KindActivity)
			}
		}
		if err := p.Save(); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	first := run(nil, now, map[string]time.Time{"a": day(3), "b": day(3)}, "b")
	second := run(first, now.Add(time.Hour), map[string]time.Time{"a": day(9), "b": day(3), "new": day(3)}, "")
	run(second, now.AddDate(0, 0, 3), map[string]time.Time{"a": day(9), "b": day(9)}, "")
	run(second, now.AddDate(0, 0, 30), map[string]time.Time{"a": time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)}, "")
	run(second, now.AddDate(0, 0, -2), map[string]time.Time{"a": day(1)}, "") // the clock went back
}

func TestPrivacy(t *testing.T) {
	salt := "0123456789abcdef"
	for name, c := range map[string]struct {
		p            Privacy
		salt         string
		actor, owner string
		fails        bool
	}{
		"nothing":         {Privacy{}, "", "", "", false},
		"a salt":          {Privacy{}, salt, "", Pseudonym(salt, "ana@example.test"), false},
		"pseudonyms":      {Privacy{People: "pseudonyms"}, salt, Pseudonym(salt, "ana@example.test"), Pseudonym(salt, "ana@example.test"), false},
		"without salt":    {Privacy{People: "pseudonyms"}, "", "", "", true},
		"hints unsalted":  {Privacy{Owners: "pseudonyms"}, "", "", "", true},
		"a short salt":    {Privacy{}, "short", "", "", true},
		"names of owners": {Privacy{Owners: "names"}, "", "", "Ana@Example.test", false},
		"no hints":        {Privacy{Owners: "none"}, salt, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.p
			if err := p.Settle(c.salt); (err != nil) != c.fails {
				t.Fatal(err)
			}
			if c.fails {
				return
			}
			if d := cmp.Diff([]string{c.actor, c.owner}, []string{p.Actor("Ana@Example.test"), p.Owner("Ana@Example.test")}); d != "" {
				t.Error(d)
			}
		})
	}
	if Pseudonym(salt, "a") == Pseudonym(salt+"x", "a") || Pseudonym(salt, "a") == Pseudonym(salt, "b") || len(Pseudonym(salt, "a")) != 18 {
		t.Error("a pseudonym depends on salt and person")
	}
}

func TestScopes(t *testing.T) {
	got := Scopes([]string{"openid", "Mail.Read", "openid", "", "profile", "https://www.googleapis.com/auth/drive.readonly"})
	if d := cmp.Diff([]string{"Mail.Read", "https://www.googleapis.com/auth/drive.readonly", "openid", "profile"}, got); d != "" {
		t.Error(d)
	}
}

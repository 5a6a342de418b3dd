package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
)

func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return v.UTC()
}

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

func window(tb testing.TB, s string) blackout.Window {
	tb.Helper()
	w, err := blackout.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// TestNextDue follows schedules over several times, also over the changes of the
// clock. In Berlin it goes from 02:00 to 03:00 on 29 March 2026 and from 03:00
// back to 02:00 on 25 October; in Lord Howe by half an hour on 4 April and 3 October.
func TestNextDue(t *testing.T) {
	berlin, howe := zone(t, "Europe/Berlin"), zone(t, "Australia/Lord_Howe")
	for name, c := range map[string]struct {
		s    Scheduled
		from string
		want []string
	}{
		"every six hours": {Scheduled{Spec: "0 */6 * * *"}, "2026-11-20T06:00:00Z", []string{"2026-11-20T12:00:00Z", "2026-11-20T18:00:00Z"}},
		"zone":            {Scheduled{Spec: "0 7 * * *", Zone: berlin}, "2026-11-20T06:00:00Z", []string{"2026-11-21T06:00:00Z"}},
		"winter time":     {Scheduled{Spec: "0 7 * * *", Zone: berlin}, "2026-10-24T05:00:00Z", []string{"2026-10-25T06:00:00Z", "2026-10-26T06:00:00Z"}},
		"descriptor":      {Scheduled{Spec: "@hourly"}, "2026-11-20T06:30:00Z", []string{"2026-11-20T07:00:00Z"}},
		"left out by the change of the clock": {Scheduled{Spec: "30 2 * * *", Zone: berlin}, "2026-03-27T12:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		"several left out": {Scheduled{Spec: "0,20,40 2 * * *", Zone: berlin}, "2026-03-28T23:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z", "2026-03-30T00:00:00Z"}},
		"left out on the only day of the year": {Scheduled{Spec: "30 2 29 3 *", Zone: berlin}, "2025-12-01T00:00:00Z",
			[]string{"2026-03-29T01:30:00Z", "2027-03-29T00:30:00Z"}},
		"every hour of the short day": {Scheduled{Spec: "30 * * * *", Zone: berlin}, "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}},
		"the hour that comes twice": {Scheduled{Spec: "30 2 * * *", Zone: berlin}, "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"asked within the hour's second coming": {Scheduled{Spec: "30 2 * * *", Zone: berlin}, "2026-10-25T01:10:00Z",
			[]string{"2026-10-26T01:30:00Z"}},
		"every hour of the long day": {Scheduled{Spec: "0 * * * *", Zone: berlin}, "2026-10-24T23:30:00Z",
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
		"half an hour left out": {Scheduled{Spec: "15 2 * * *", Zone: howe}, "2026-10-02T00:00:00Z",
			[]string{"2026-10-02T15:45:00Z", "2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"}},
		"interval": {Scheduled{Spec: "@every 90m", Zone: berlin}, "2026-03-29T00:30:00Z", []string{"2026-03-29T02:00:00Z", "2026-03-29T03:30:00Z"}},
	} {
		var got, want []time.Time
		from := at(t, c.from)
		for _, w := range c.want {
			n, err := c.s.next(from)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, want, from = append(got, n.due), append(want, at(t, w)), n.due
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, spec := range []string{"", "61 * * * *", "0 0 30 2 *"} {
		if got, err := (Scheduled{Source: "x", Spec: spec}).next(at(t, "2026-11-20T06:30:00Z")); err == nil {
			t.Errorf("schedule %q: next = %v, want an error", spec, got)
		}
	}
}

func TestJitterIsFixedAndWithinItsBounds(t *testing.T) {
	jittered := Scheduled{Source: "github", Spec: "@hourly", Jitter: 10 * time.Minute}
	first, err := jittered.next(at(t, "2026-11-20T06:30:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	shift := first.due.Sub(at(t, "2026-11-20T07:00:00Z"))
	if shift <= 0 || shift >= 10*time.Minute {
		t.Errorf("shift %v is not within the jitter", shift)
	}
	second, err := jittered.next(first.due)
	if err != nil || !second.due.Equal(first.due.Add(time.Hour)) {
		t.Errorf("second %v, %v: want an hour after %v", second, err, first)
	}
}

// TestBlackoutPutsOff holds that a time inside a window is put off to its end,
// and stays the time that it was.
func TestBlackoutPutsOff(t *testing.T) {
	s := Scheduled{Source: "x", Spec: "0 */4 * * *", Blackout: []blackout.Window{
		window(t, "Mon-Fri 08:00-18:00 Europe/Berlin"), window(t, "18:00-18:30 Europe/Berlin"), window(t, "Sat 22:00-02:00"),
	}}
	for _, c := range []struct{ from, due, at string }{
		{"2026-11-20T03:00:00Z", "2026-11-20T04:00:00Z", "2026-11-20T04:00:00Z"}, // a Friday, before
		{"2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z", "2026-11-20T17:30:00Z"}, // inside: to the end of both
		{"2026-11-21T07:00:00Z", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z"}, // a Saturday
		{"2026-11-21T23:00:00Z", "2026-11-22T00:00:00Z", "2026-11-22T02:00:00Z"}, // over midnight
	} {
		got, err := s.next(at(t, c.from))
		want := tick{at(t, c.due), at(t, c.at)}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(tick{})); err != nil || diff != "" {
			t.Errorf("from %s: %v %s", c.from, err, diff)
		}
	}
	s.Blackout = []blackout.Window{window(t, "00:00-24:00")}
	if got, err := s.next(at(t, "2026-11-20T03:00:00Z")); err == nil {
		t.Errorf("a blackout of all time leaves %v", got)
	}
}

func TestScheduleIsKeptAsItIs(t *testing.T) {
	want := Scheduled{Source: "a", Connector: "fake", Spec: "@daily", Zone: zone(t, "Europe/Berlin"), Jitter: time.Minute, Priority: 3,
		Blackout: []blackout.Window{window(t, "Sun 10:00-11:00 Asia/Tokyo")}, Budget: Budget{"pat", 5000, time.Hour}}
	text, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeScheduled(text)
	if err != nil {
		t.Fatal(err)
	}
	name := cmp.Transformer("name", func(v *time.Location) string { return v.String() })
	if diff := cmp.Diff(want, got, name, cmpopts.EquateComparable(), cmp.Transformer("text", func(w blackout.Window) string { return w.String() })); diff != "" {
		t.Error(diff)
	}
	if again, err := got.encode(); err != nil || again != text {
		t.Errorf("kept as %s, then as %s, %v", text, again, err)
	}
}

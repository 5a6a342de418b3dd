package dashboard

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/tell"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// toldAs tells people as it was told to.
type toldAs struct {
	status tell.Status
	err    error
}

func (s toldAs) Status(context.Context) (tell.Status, error) { return s.status, s.err }

// TestTold: what waits, fails, was given up and opened is there to be seen, and so
// is that nobody is told.
func TestTold(t *testing.T) {
	o := reader(t)
	options := o.dash.Options
	at, later := o.now.Add(-time.Hour), o.now.Add(time.Hour)
	show := func(s Told, texts ...string) {
		t.Helper()
		d, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		d.Told = s
		mine := *o
		mine.dash = d
		status := 200
		if f, ok := s.(toldAs); ok && f.err != nil {
			status = 500
		}
		a := mine.get(someone("", access.Viewer), "/told")
		a.want(t, status, texts...)
		for _, why := range unsound(a) {
			t.Error(why)
		}
	}
	show(nil, "No agent tells anybody from here")
	show(toldAs{}, "No channel is configured, so nobody is told", "No tracker is configured, so no ticket is opened")
	show(toldAs{err: errors.New("the database is away")}, "Something went wrong on this side")
	show(toldAs{status: tell.Status{
		Notify: &notify.Status{Observed: &at, Channels: []notify.ChannelStatus{
			{Name: "ops", Kind: "slack", Waiting: 3, Sent: 7, SentAt: &at, Failures: 2, NotBefore: &at, Error: "it answered 502", ErrorAt: &at, Dead: 1},
			{Name: "old", Removed: true, Pending: 4}, {Name: "night", Kind: "webhook", Place: "https://night.example", Pending: 2, Next: &later}},
			Told: []notify.SentMessage{{ID: "s", Channel: "ops", Recipient: "ana@example", Created: at, SentAt: at, Attempts: 2, Changes: 6}},
			Dead: []notify.DeadLetter{{ID: "m", Channel: "ops", Recipient: "bo@example", Created: at, Attempts: 9, Changes: 5, Error: "<b>refused</b>"}}},
		Tracked: true, DryRun: true,
		Trackers: []ticket.TrackerStatus{{Name: "jira", Failures: 1, Error: "no such project", Waiting: 6}},
		Tickets: []*ticket.Row{{Tracker: "jira", Finding: "F-1", Key: "AIMS-4", URL: "https://jira.example/browse/AIMS-4", State: ticket.Open, Created: &at, Updated: &at},
			{Tracker: "jira", Finding: "F-2", Key: "AIMS-5", URL: "javascript:alert(1)", State: ticket.ClosedByHand, Note: "closed by a person"}},
	}}, "No route leads to a channel", "3 messages waiting to be sent", "6 changes kept for later", "2 channels and trackers failing", "1 message given up", "1 ticket open",
		"1 closed by hand while the finding is open", "ops slack failed 2 times it answered 502 2026-11-24 08:00", "night webhook https://night.example", "2 changes until 2026-11-24 10:00 or later", "2026-11-24 08:00 ops ana@example 6", "ops bo@example 5 9", "not configured any more", "<b>refused</b>", "A dry run is configured",
		"no such project", "AIMS-4 jira open F-1", "AIMS-5 jira closed by hand F-2", "closed by a person")
}

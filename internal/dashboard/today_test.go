package dashboard

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// atDesk lets a person put something on record.
func (o *org) atDesk(person string, do func(context.Context, *service.Desk) error) {
	o.t.Helper()
	who, err := o.service.Person(person, person+"@host")
	if err != nil {
		o.t.Fatal(err)
	}
	desk, err := o.service.Desk(o.t.Context(), who)
	if err != nil {
		o.t.Fatal(err)
	}
	defer desk.Leave()
	if err := do(o.t.Context(), desk); err != nil {
		o.t.Fatal(err)
	}
}

// twoPeople are two of the register who may approve.
func (o *org) twoPeople() (first, second string) {
	o.t.Helper()
	reg, err := o.service.Register()
	if err != nil {
		o.t.Fatal(err)
	}
	var ids []string
	for _, p := range reg.People {
		if p.IsActive() && len(p.Roles) > 0 {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) < 2 {
		o.t.Fatalf("%d people of the register may approve", len(ids))
	}
	return ids[0], ids[1]
}

// TestWaiting: what somebody began waits on the page of the day for a second
// person, is marked as not theirs to decide, and waits no more once it was
// decided. A waiver that ends soon is shown with its end.
func TestWaiting(t *testing.T) {
	o := actor(t)
	first, second := o.twoPeople()
	f := o.openFinding()
	subject := f.Subject.Type + "/" + f.Subject.ID
	var made people.Waiver
	o.atDesk(first, func(ctx context.Context, d *service.Desk) (err error) {
		made, err = d.RequestWaiver(ctx, people.Waiver{Expectation: f.Expectation, Reason: "moving house", CompensatingControls: "a lock"}, subject, o.now.AddDate(0, 0, 20))
		return err
	})
	o.conclude()
	row := func(person string) string {
		t.Helper()
		a := o.get(someone(person, access.Approver), "/")
		for _, n := range a.elements("tr") {
			words := (&answer{doc: n}).words()
			if strings.Contains(words, made.ID) {
				return words
			}
		}
		return ""
	}
	if got := row(first); !strings.Contains(got, "you: somebody else decides") || !strings.Contains(got, f.Expectation) {
		t.Errorf("to whoever asked: %q", got)
	}
	if got := row(second); got == "" || strings.Contains(got, "you:") {
		t.Errorf("to a second person: %q", got)
	}
	o.atDesk(second, func(ctx context.Context, d *service.Desk) error {
		_, err := d.StepWaiver(ctx, made.ID, "", func(p people.Policy, who people.Person, w people.Waiver, _ string, now time.Time) (people.Waiver, evidence.Record, error) {
			return p.Approve(who, w, now)
		})
		return err
	})
	o.conclude()
	want := o.now.AddDate(0, 0, 20).Format(time.DateOnly) + " " + made.ID
	if got := row(first); !strings.HasPrefix(got, want) {
		t.Errorf("a waiver that ends is shown as %q, want %q…", got, want)
	}
}

// TestMine: the page of the day begins with what is the person's own.
func TestMine(t *testing.T) {
	o := reader(t)
	for _, v := range o.view().Owners {
		if v.Person == "" || len(v.Findings)+len(v.Duties) == 0 {
			continue
		}
		a := o.get(someone(v.Person, access.Viewer), "/")
		a.want(t, 200, "Yours", "Everybody else", "acts as "+v.Person)
		rows := -1
		for _, s := range a.elements("section") {
			if attr(s, "aria-labelledby") == "mine" {
				rows = len((&answer{doc: s}).elements("tr")) - 1
			}
		}
		if rows != min(listedToday, len(v.Findings)+len(v.Duties)) {
			t.Errorf("%s: %d rows for %d findings and %d duties", v.Person, rows, len(v.Findings), len(v.Duties))
		}
		return
	}
	t.Fatal("nobody has anything to do")
}

// TestTimelineGoesOn: where it takes long to lay out the timelines of a new view, and
// somebody does, the page of a system shows the view before, whole, until they are
// there.
func TestTimelineGoesOn(t *testing.T) {
	o := actor(t)
	later := func() {
		if _, err := o.service.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	who, path := someone("", access.Viewer), o.links().SystemLink(o.view().Systems()[0].ID)
	o.get(who, path).want(t, 200, "As of 2026-11-24 09:00")
	o.now = o.now.Add(5 * time.Minute)
	later()
	o.service.TraceWait = 1
	o.service.TraceAhead(true)
	o.get(who, path).want(t, 200, "As of 2026-11-24 09:00")
	o.get(who, "/systems").want(t, 200, "As of 2026-11-24 09:05")
	if err := o.dash.warmTimelines(t.Context(), o.view()); err != nil {
		t.Fatal(err)
	}
	o.get(who, path).want(t, 200, "As of 2026-11-24 09:05")
	o.now = o.now.Add(11 * time.Minute)
	later()
	o.get(who, path).want(t, 200, "As of 2026-11-24 09:16")
}

package dashboard

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// TestUndecided: the page of the day lists the uses of AI that wait for a decision,
// the soonest first, with who is to be asked; not those that are settled, nor those
// that wait for a second person.
func TestUndecided(t *testing.T) {
	o := reader(t)
	open := 0
	for _, k := range o.view().Shadow.Cases {
		if k.Open() && k.Pending == "" {
			open++
		}
	}
	list := o.dash.prepare(o.view()).undecided()
	if open == 0 || len(list) != open {
		t.Fatalf("%d uses of AI are listed of %d that are open", len(list), open)
	}
	for i := range list[1:] {
		if list[i].Until().After(list[i+1].Until()) {
			t.Errorf("%s comes before %s and is due later", list[i].ID, list[i+1].ID)
		}
	}
	a := o.get(someone(askedOf(&list[0]), access.Viewer), "/")
	first := list[0]
	a.want(t, 200, "AI that nobody registered", "uses of AI to decide on", day(first.Until()), clip(120, first.Title))
	if askedOf(&first) != "" {
		a.want(t, 200, askedOf(&first))
	}
	leads := false
	for _, n := range a.elements("a") {
		leads = leads || strings.HasPrefix(attr(n, "href"), "/shadow/"+first.ID)
	}
	if !leads {
		t.Error("no link leads to the case")
	}

	made := &service.View{Shadow: shadow.Result{Cases: []shadow.Case{
		{ID: "later", Status: shadow.New}, {ID: "second", Status: shadow.New, Pending: "D-1"}, {ID: "gone", Status: shadow.Gone}, {ID: "asked", Status: shadow.New, Hint: "ines"}}}}
	got := o.dash.prepare(made).undecided()
	if len(got) != 2 || got[0].ID != "later" || got[1].ID != "asked" {
		t.Errorf("undecided: %+v", got)
	}
}

// TestConfinement: how a connector was confined is on the page of its source.
func TestConfinement(t *testing.T) {
	got := confinementOf("confined by landlock, seccomp; denied: writing; reads /etc/resolv.conf")
	if got.First != "confined by landlock, seccomp" || len(got.More) != 2 || confinementOf("") != nil {
		t.Errorf("%+v", got)
	}
	o := reader(t)
	o.get(someone("", access.Viewer), "/sources/register").want(t, 200, "Confined", "no connector ran")
}

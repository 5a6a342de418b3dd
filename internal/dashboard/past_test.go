package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
)

// TestNothingIsDoneInThePast: no page of the past holds a form that puts
// something on record, and a form that is sent to one is refused.
func TestNothingIsDoneInThePast(t *testing.T) {
	o := actor(t)
	f := o.openFinding()
	who := someone(o.aPerson(), access.Operator, access.Approver, access.Auditor, access.Security)
	past := "as_of=" + url.QueryEscape(o.now.Format(time.RFC3339))
	for pattern, paths := range addresses(o) {
		path := paths[0]
		if method, _, _ := strings.Cut(pattern, " "); method != http.MethodGet || strings.HasSuffix(path, ".json") || strings.Contains(path, "?") {
			continue
		}
		for _, form := range o.get(who, path+"?"+past).elements("form") {
			if attr(form, "method") == "post" && attr(form, "action") != "/logout" {
				t.Errorf("%s of the past holds a form to %s", path, attr(form, "action"))
			}
		}
	}
	size := o.size() // pages of raw payloads leave an entry each
	o.post(who, "/findings/"+f.ID+"/acknowledge?"+past, url.Values{"note": {"late"}}).want(t, http.StatusBadRequest, "on a page of the past")
	if got := o.size(); got != size {
		t.Errorf("the ledger went from %d to %d", size, got)
	}
}

// TestInstantsThatNobodyMeans: an instant of a year that cannot be written is
// refused, and is no failure of this side.
func TestInstantsThatNobodyMeans(t *testing.T) {
	o := actor(t)
	who := someone("", access.Viewer)
	for _, at := range []string{"0000-01-01", "0001-01-01T00:00:00Z", "0000-01-01T00:00", "0000-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"} {
		o.get(who, "/controls?as_of="+at).want(t, http.StatusBadRequest, "of no year")
	}
}

// refusing is a schedule of which nothing can be asked.
type refusing struct{ err error }

func (s refusing) Status(context.Context) ([]agent.SourceStatus, error) { return nil, nil }
func (s refusing) Nodes(context.Context) ([]agent.NodeStatus, error)    { return nil, nil }
func (s refusing) Pause(context.Context, string, string, string) error  { return s.err }
func (s refusing) Resume(context.Context, string, string) error         { return s.err }
func (s refusing) RunNow(context.Context, string, string) (waiting bool, err error) {
	return false, s.err
}

// TestScheduleMistakes: what cannot be asked of the schedule is told, and is no
// failure of this side.
func TestScheduleMistakes(t *testing.T) {
	o := actor(t)
	who := someone(o.aPerson(), access.Operator)
	for path, err := range map[string]error{
		"/sources/register/pause":  agent.ErrReason,
		"/sources/register/resume": agent.ErrNotPaused,
		"/sources/register/run":    agent.ErrUnknownSource,
	} {
		o.dash.Sources = refusing{fmt.Errorf("register: %w", err)}
		o.post(who, path, url.Values{"because": {" "}}).want(t, http.StatusUnprocessableEntity, err.Error())
	}
}

// TestCommandsAreNamedAsTyped: a sentence that begins with a command leaves it alone.
func TestCommandsAreNamedAsTyped(t *testing.T) {
	for text, want := range map[string]string{"exhibit waive list shows them": "exhibit waive list shows them.", "say why": "Say why."} {
		if got := sentence(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestPastIsBounded: who asks for one earlier instant after the other is told to
// wait, by a page that asks again; others are answered.
func TestPastIsBounded(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	who.Account += "/impatient"
	last := http.StatusOK
	for i := range 7 {
		path := "/plan?as_of=" + o.now.Add(-time.Duration(i+50)*time.Hour).Format(time.RFC3339)
		a := o.get(who, path)
		if last = a.StatusCode; last == http.StatusTooManyRequests {
			a.want(t, http.StatusTooManyRequests, "Not just now", "This page asks again in 60 s")
			if a.Header.Get("Retry-After") != "60" || a.Header.Get("Refresh") != "60" {
				t.Errorf("headers: %v", a.Header)
			}
			o.get(someone("", access.Auditor), path).want(t, http.StatusOK, "This is how it stood at")
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the seventh was answered by status %d", last)
	}
}

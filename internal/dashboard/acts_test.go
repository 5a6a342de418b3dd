package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// openFinding is a finding that is open and that nobody has taken note of.
func (o *org) openFinding() service.FindingRow {
	o.t.Helper()
	for _, f := range o.view().Findings {
		if f.State.IsOpen() && f.AcknowledgedAt == nil && f.Recorded {
			return f
		}
	}
	o.t.Fatal("no finding is open")
	return service.FindingRow{}
}

// aPerson is somebody of the register who is active.
func (o *org) aPerson() string {
	o.t.Helper()
	reg, err := o.service.Register()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, p := range reg.People {
		if p.IsActive() {
			return p.ID
		}
	}
	o.t.Fatal("nobody is active")
	return ""
}

// TestAcknowledge: what a person does by a form is on record under their name and
// account, and the page that follows shows it.
func TestAcknowledge(t *testing.T) {
	o := actor(t)
	f, person := o.openFinding(), o.aPerson()
	who := someone(person, access.Operator)
	path := "/findings/" + f.ID + "/acknowledge"
	o.get(who, path).want(t, 200, "Take note", "under the name of "+person)
	a := o.post(who, path, url.Values{"note": {"seen, will ask"}})
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %.500s", a.StatusCode, a.words())
	}
	next := o.get(who, a.Header.Get("Location"))
	next.want(t, 200, "Put on record", "acknowledged by "+person)
	l, err := o.service.Life(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	last := l.History[len(l.History)-1]
	if last.By != person || last.Account != who.ActingAccount() || !strings.Contains(last.Cause, "seen, will ask") {
		t.Errorf("on record: %+v", last)
	}
	// A second time is refused, says why, and shows what was written again.
	again := o.post(who, path, url.Values{"note": {"once more"}})
	again.want(t, http.StatusUnprocessableEntity, "Nothing was put on record", "once more")
}

// TestActsAreRefused: without the secret of the session, without the permission,
// and for whoever is nobody of the register.
func TestActsAreRefused(t *testing.T) {
	o := actor(t)
	f := o.openFinding()
	path, size := "/findings/"+f.ID+"/acknowledge", o.size()
	for name, c := range map[string]struct {
		who    access.Principal
		form   url.Values
		status int
		says   string
	}{
		"no secret":     {someone(o.aPerson(), access.Operator), url.Values{access.CSRFField: {""}}, 403, "not sent from a page of this session"},
		"other secret":  {someone(o.aPerson(), access.Operator), url.Values{access.CSRFField: {"guess"}}, 403, "not sent from a page of this session"},
		"no permission": {someone(o.aPerson(), access.Viewer), url.Values{}, 403, "act_findings"},
		"nobody":        {someone("", access.Operator), url.Values{}, 422, "no person of the register"},
		"stranger":      {someone("not.there", access.Operator), url.Values{}, 422, "no person of the register"},
		"too large":     {someone(o.aPerson(), access.Operator), url.Values{"note": {strings.Repeat("x", maxForm+1)}}, 413, "too large"},
	} {
		t.Run(name, func(t *testing.T) { o.post(c.who, path, c.form).want(t, c.status, c.says) })
	}
	if o.size() != size {
		t.Errorf("the ledger grew from %d to %d", size, o.size())
	}
	o.post(someone(o.aPerson(), access.Operator), "/findings/nothing/acknowledge", url.Values{}).want(t, 404)
}

func (o *org) size() int64 {
	o.t.Helper()
	n, err := o.service.Size(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

// accesses are the entries of the ledger that say who saw payloads.
func (o *org) accesses() []access.Event {
	o.t.Helper()
	var out []access.Event
	for e, err := range o.store.Entries(o.t.Context(), 0, o.size(), evidence.EntryAccess) {
		if err != nil {
			o.t.Fatal(err)
		}
		ev, err := access.ParseEvent(e)
		if err != nil {
			o.t.Fatal(err)
		}
		out = append(out, ev)
	}
	return out
}

// TestPayload: a raw payload is shown to whoever may see it, after the ledger
// says so; to others, and where the ledger cannot be written, it is not.
func TestPayload(t *testing.T) {
	o := actor(t)
	ev := o.someEvidence("inventory.ai_system")
	body, err := o.store.Payload(t.Context(), ev.PayloadSum)
	if err != nil {
		t.Fatal(err)
	}
	var held struct {
		ID string `json:"system_id"`
	}
	if err := json.Unmarshal(body, &held); err != nil || held.ID == "" {
		t.Fatalf("%s: %v", body, err)
	}
	page := "/evidence/" + ev.Digest.String()
	viewer, auditor := someone("", access.Viewer), someone("", access.Auditor)
	if a := o.get(viewer, page); strings.Contains(a.text, "/payload") || strings.Contains(a.text, string(body)) {
		t.Error("a viewer is offered the payload")
	}
	o.get(viewer, page+"/payload").want(t, 403, "read_payload")
	o.get(viewer, page+"/payload.json").want(t, 403)
	o.get(auditor, page).want(t, 200, "The ledger records that you saw it")
	if n := len(o.accesses()); n != 0 {
		t.Fatalf("%d accesses on record, and nobody saw a payload", n)
	}
	o.get(auditor, page+"/payload").want(t, 200, `"system_id": "`+held.ID+`"`)
	file := o.get(auditor, page+"/payload.json")
	if file.text != string(body) || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment;") ||
		file.Header.Get("Content-Type") != "application/json" || file.Header.Get("X-Content-Type-Options") != "nosniff" || file.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the file: %v %.200s", file.Header, file.text)
	}
	list := o.accesses()
	if len(list) != 2 {
		t.Fatalf("%d accesses on record, want 2", len(list))
	}
	for i, purpose := range []string{"page " + page + "/payload", "file " + page + "/payload.json"} {
		if e := list[i]; e.Account != auditor.Account || e.Purpose != purpose || !slices.Equal(e.Digests, []evidence.Digest{ev.Digest}) {
			t.Errorf("on record: %+v", e)
		}
	}
	o.dash.Payload = access.NewJournal(func(context.Context, ...store.NewEntry) error { return store.ErrLocked }, o.dash.Clock)
	if a := o.get(auditor, page+"/payload"); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.text, `"system_id"`) {
		t.Errorf("shown though it could not be put on record: status %d", a.StatusCode)
	}
	if _, err := o.store.Erase(t.Context(), store.Erasure{Payload: ev.PayloadSum, By: "a person", Reason: "asked for"}); err != nil {
		t.Fatal(err)
	}
	o.get(auditor, page+"/payload").want(t, http.StatusGone, "erased")
}

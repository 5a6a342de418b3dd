package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// pair are two people of the register who may decide, each with every role.
func (o *org) pair() (first, second access.Principal) {
	o.t.Helper()
	reg, err := o.service.Register()
	if err != nil {
		o.t.Fatal(err)
	}
	var out []access.Principal
	for _, p := range reg.People {
		who := someone(p.ID, access.Operator, access.Approver, access.Security, access.Auditor, access.Admin)
		if person, err := who.PersonOf(reg, o.now); err == nil && person.Active && len(person.Roles) > 0 {
			out = append(out, who)
		}
	}
	if len(out) < 2 {
		o.t.Fatal("too few people may decide")
	}
	return out[0], out[1]
}

// done fails unless an act was done; it returns the page that follows.
func (o *org) done(who access.Principal, path string, form url.Values) *answer {
	o.t.Helper()
	a := o.post(who, path, form)
	if a.StatusCode != http.StatusSeeOther {
		o.t.Fatalf("%s: status %d: %.1500s", path, a.StatusCode, a.words())
	}
	next := o.get(who, a.Header.Get("Location"))
	next.want(o.t, 200)
	return next
}

// desk is where a person acts without a page.
func (o *org) desk(who access.Principal, do func(*service.Desk)) {
	o.t.Helper()
	reg, err := o.service.Register()
	if err != nil {
		o.t.Fatal(err)
	}
	person, err := who.PersonOf(reg, o.now)
	if err != nil {
		o.t.Fatal(err)
	}
	d, err := o.service.Desk(o.t.Context(), person)
	if err != nil {
		o.t.Fatal(err)
	}
	defer d.Leave()
	do(d)
}

// waiver is the waiver on record that is like that.
func (o *org) waiver(like func(people.Waiver) bool) people.Waiver {
	o.t.Helper()
	all, err := o.service.Waivers(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, w := range all {
		if like(w) {
			return w
		}
	}
	o.t.Fatal("no waiver is like that")
	return people.Waiver{}
}

// TestForms: what people do by forms is on record under them, and what they may
// not do is not.
func TestForms(t *testing.T) {
	o := actor(t)
	for _, of := range []struct {
		name string
		test func(*testing.T, *org)
	}{{"findings", findingForms}, {"waivers", waiverForms}, {"statement", statementForms}, {"reviews", reviewForms}, {"shadow", shadowForms},
		{"samples", sampleForms}, {"sources", sourceForms}} {
		t.Run(of.name, func(t *testing.T) {
			mine := *o
			mine.t = t
			of.test(t, &mine)
		})
	}
}

// findingForms: who owns a finding, and which grade it has, is put on record
// under whoever decided it.
func findingForms(t *testing.T, o *org) {
	first, second := o.pair()
	f := o.openFinding()
	path := "/findings/" + f.ID
	o.done(first, path+"/assign", url.Values{"to": {second.Person}, "note": {"knows the system"}}).want(t, 200, "another owner", second.Person)
	o.done(second, path+"/grade", url.Values{"grade": {"major"}, "because": {"it concerns many"}}).want(t, 200, "major")
	l, err := o.service.Life(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := len(l.History)
	if a, g := l.History[n-2], l.History[n-1]; a.By != first.Person || a.Account != first.Account || g.By != second.Person || g.Account != second.Account {
		t.Errorf("on record: %+v", l.History[n-2:])
	}
	size := o.size()
	o.post(first, path+"/assign", url.Values{"to": {"nobody.at.all"}}).want(t, 422, "Nothing was put on record")
	o.post(first, path+"/grade", url.Values{"grade": {"certified"}, "because": {"x"}}).want(t, 422, "Nothing was put on record")
	o.post(someone(first.Person, access.Viewer), path+"/assign", url.Values{"to": {second.Person}}).want(t, 403)
	if o.size() != size {
		t.Error("the ledger grew by what was refused")
	}
}

// waiverForms: one person asks, another one decides, under an account of
// their own; nobody decides on their own request.
func waiverForms(t *testing.T, o *org) {
	first, second := o.pair()
	f := o.openFinding()
	ask := func() people.Waiver {
		t.Helper()
		before := map[string]bool{}
		all, err := o.service.Waivers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			before[w.ID] = true
		}
		o.done(first, "/waivers/new", url.Values{"expectation": {f.Expectation}, "subject": {f.Subject.Type + "/" + f.Subject.ID}, "reason": {"moved next month"},
			"compensating": {"checked by hand each week"}, "expires": {o.now.AddDate(0, 2, 0).Format(time.DateOnly)}}).want(t, 200, "covers nothing until", "moved next month")
		return o.waiver(func(w people.Waiver) bool { return !before[w.ID] })
	}
	w := ask()
	if w.RequestedBy != first.Person || w.State(o.now) != people.WaiverRequested {
		t.Errorf("on record: %+v", w)
	}
	path := "/waivers/" + w.ID
	o.get(first, "/waivers?id="+w.ID).want(t, 200, first.Person+" began it and cannot decide on it", second.Person)
	o.post(first, path+"/approve", url.Values{}).want(t, 422, "began it and cannot decide")
	same := second
	same.Account = first.Account
	o.post(same, path+"/approve", url.Values{}).want(t, 422, "same account")
	o.post(someone(second.Person, access.Operator), path+"/approve", url.Values{}).want(t, 403, "approve")
	o.done(second, path+"/approve", url.Values{}).want(t, 200, "approved what somebody else began", "active")
	byID := func(x people.Waiver) bool { return x.ID == w.ID }
	if got := o.waiver(byID); got.ApprovedBy != second.Person || got.State(o.now) != people.WaiverActive {
		t.Errorf("on record: %+v", got)
	}
	if past := o.get(second, "/waivers?id="+w.ID+"&as_of="+o.now.AddDate(0, 0, -1).Format(time.DateOnly)); strings.Contains(past.text, `action="/waivers/`) {
		t.Error("a page of the past has a form")
	}
	o.done(second, path+"/revoke", url.Values{"because": {"it was moved"}}).want(t, 200, "ends now", "revoked")
	if got := o.waiver(byID); got.RevokedBy != second.Person || got.RevokedBecause != "it was moved" {
		t.Errorf("on record: %+v", got)
	}
	w = ask()
	o.done(second, "/waivers/"+w.ID+"/reject", url.Values{"because": {"too long"}}).want(t, 200, "rejected")
	if got := o.waiver(byID); got.RejectedBy != second.Person || got.State(o.now) != people.WaiverRejected {
		t.Errorf("on record: %+v", got)
	}
	o.post(first, "/waivers/new", url.Values{"expectation": {f.Expectation}, "subject": {"*"}, "reason": {"kept"}, "expires": {"soon"}}).want(t, 422, "kept")
}

// statementForms: a version of the statement comes into force by a second
// person who approves the text that the page showed.
func statementForms(t *testing.T, o *org) {
	first, second := o.pair()
	st, err := o.service.FindStatement(t.Context(), "", o.now)
	if err != nil {
		t.Fatal(err)
	}
	st.Version = "2099.1"
	o.desk(first, func(d *service.Desk) {
		if _, err := d.ProposeStatement(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	})
	o.conclude()
	proposed, err := o.service.FindStatement(t.Context(), st.Version, o.now)
	if err != nil {
		t.Fatal(err)
	}
	form := func(sum string) url.Values { return url.Values{"version": {st.Version}, "digest": {sum}} }
	page := o.get(second, "/applicability?version="+st.Version)
	page.want(t, 200, st.Version)
	if !strings.Contains(page.text, proposed.ControlsSum) {
		t.Error("the form does not name the text")
	}
	o.post(first, "/applicability/approve", form(proposed.ControlsSum)).want(t, 422, "began it and cannot decide")
	o.post(second, "/applicability/approve", form(strings.Repeat("0", 64))).want(t, 422, "Nothing was put on record")
	o.post(someone(second.Person, access.Viewer), "/applicability/approve", form(proposed.ControlsSum)).want(t, 403)
	o.done(second, "/applicability/approve", form(proposed.ControlsSum)).want(t, 200, "approved")
	if got, err := o.service.FindStatement(t.Context(), "", o.now); err != nil || got.Version != st.Version || got.ApprovedBy != second.Person {
		t.Errorf("in force: %s by %s, %v", got.Version, got.ApprovedBy, err)
	}
}

// reviewForms: what somebody handed in is accepted or rejected by another
// person.
func reviewForms(t *testing.T, o *org) {
	first, second := o.pair()
	f := o.openFinding()
	hand := func(name string) people.Upload {
		t.Helper()
		var u people.Upload
		o.desk(first, func(d *service.Desk) {
			var err error
			u, err = d.Submit(t.Context(), service.Submission{File: service.File{Name: name, MediaType: "text/plain", Content: []byte("what was seen in " + name)},
				Upload: people.Upload{Title: "minutes of " + name, Expectation: f.Expectation, About: &f.Subject, SourceSystem: "the meeting", CaptureMethod: "export", URL: "https://minutes.example/1", Account: "ines@example"},
				Times:  people.Times{Captured: o.now.AddDate(0, 0, -1), Event: o.now.AddDate(0, 0, -2)}})
			if err != nil {
				t.Fatal(err)
			}
		})
		o.conclude()
		return u
	}
	for decision, said := range map[string]string{"accept": "counts from now on", "reject": "rejected what somebody else"} {
		u := hand(decision + ".txt")
		path := "/reviews/" + u.ID + "/" + decision
		o.get(first, "/reviews?id="+u.ID).want(t, 200, u.ID)
		o.post(first, path, url.Values{"note": {"mine"}}).want(t, 422, "began it and cannot decide")
		o.post(someone(second.Person, access.Viewer), path, url.Values{}).want(t, 403)
		o.done(second, path, url.Values{"note": {"looked at"}}).want(t, 200, said)
		h, err := o.service.FindHandedIn(t.Context(), u.ID)
		if err != nil || h.Reviewer != second.Person || h.State != decision+"ed" {
			t.Errorf("on record: %+v, %v", h, err)
		}
	}
}

// shadowForms: what is decided on a use of AI is put on record; what needs a
// second person waits for one.
func shadowForms(t *testing.T, o *org) {
	first, second := o.pair()
	id := o.caseID()
	path := "/shadow/" + id
	o.post(first, path+"/decide", url.Values{"decision": {people.CaseAccepted}, "because": {"kept text"}, "until": {"soon"}}).want(t, 422, "Nothing was put on record")
	o.post(someone(first.Person, access.Viewer), path+"/decide", url.Values{"decision": {people.CaseBlocked}}).want(t, 403)
	o.done(first, path+"/decide", url.Values{"decision": {people.CaseAccepted}, "because": {"a trial with invented data"}, "until": {o.now.AddDate(0, 1, 0).Format(time.DateOnly)}}).want(t, 200, "what you decided")
	all, err := o.service.CaseDecisions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var made people.CaseDecision
	for _, d := range all {
		if d.DecidedBy == first.Person && d.Reason == "a trial with invented data" {
			made = d
		}
	}
	if made.ID == "" {
		t.Fatalf("on record: %+v", all)
	}
	o.post(first, path+"/approve", url.Values{"decision": {made.ID}}).want(t, 422, "began it and cannot decide")
	o.done(second, path+"/approve", url.Values{"decision": {made.ID}}).want(t, 200, "approved")
	all, err = o.service.CaseDecisions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.ID == made.ID && d.ApprovedBy != second.Person {
			t.Errorf("on record: %+v", d)
		}
	}
}

// sampleForms: a draw is put on record, and what was found when an item was
// looked at again.
func sampleForms(t *testing.T, o *org) {
	who, _ := o.pair()
	slug := ""
	for _, p := range o.view().Assessment.Populations {
		if p.Count > 3 && slug == "" {
			slug = p.Expectation
		}
	}
	path := "/populations/" + slug
	o.post(someone(who.Person, access.Viewer), path+"/draw", url.Values{"seed": {"s"}}).want(t, 403, "sample")
	o.post(who, path+"/draw", url.Values{"seed": {"dice 3 5 1"}, "size": {"many"}}).want(t, 422, "no number")
	o.done(who, path+"/draw", url.Values{"seed": {"dice 3 5 1"}, "size": {"2"}}).want(t, 200, "the draw", "dice 3 5 1")
	samples, err := o.service.Samples(t.Context())
	if err != nil || len(samples) == 0 || samples[len(samples)-1].Expectation != slug {
		t.Fatalf("on record: %+v, %v", samples, err)
	}
	s := samples[len(samples)-1]
	draw, err := (&call{d: o.dash, view: o.view()}).draw(slug, "dice 3 5 1", "2")
	if err != nil || len(draw.Items) == 0 {
		t.Fatalf("%+v, %v", draw, err)
	}
	item := draw.Items[0].Subject
	o.done(who, path+"/retest", url.Values{"subject": {item.Type + "/" + item.ID}, "result": {people.Pass}, "note": {"read it again"}, "sample": {s.ID}}).want(t, 200, "The result stays as it is", "read it again")
	retests, err := o.service.Retests(t.Context())
	if err != nil || len(retests) != 1 || retests[0].TestedBy != who.Person {
		t.Errorf("on record: %+v, %v", retests, err)
	}
}

// sourceForms: a schedule is paused with a reason, taken up again, and asked
// to read now.
func sourceForms(t *testing.T, o *org) {
	who, _ := o.pair()
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), opsdb.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ctx, stop := context.WithCancel(t.Context())
	ended, reads := make(chan error, 1), make(chan string, 10)
	go func() {
		ended <- agent.Run(ctx, agent.Options{DB: db, Locks: agent.Locks{Dir: t.TempDir()}, Node: "n", Schedules: []agent.Scheduled{{Source: "register", Spec: "@every 24h"}},
			Concurrency: 1, Tick: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, DeadAfter: 2 * time.Second, StopTimeout: 2 * time.Second, Logger: o.dash.Logger,
			Read: func(_ context.Context, ord agent.Order) (evidence.Run, error) {
				reads <- "read"
				return evidence.Run{ID: time.Now().String(), Status: evidence.RunComplete}, nil
			},
			After: func(context.Context, evidence.Run) error { return nil }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	schedule, err := agent.OpenSchedule(t.Context(), db, o.dash.Logger)
	if err != nil {
		t.Fatal(err)
	}
	o.dash.Sources = schedule
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if list, err := schedule.Status(t.Context()); err == nil && len(list) > 0 {
			break
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatal("no schedule came up")
		}
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		list, err := schedule.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 && list[0].Running == nil && list[0].Waiting == nil && list[0].Last != nil {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("the first run did not end")
		}
	}
	path := "/sources/register"
	o.post(someone("", access.Viewer), path+"/pause", url.Values{"because": {"x"}}).want(t, 403, "run_sources")
	o.done(who, path+"/pause", url.Values{"because": {"the register is being moved"}}).want(t, 200, "pauses", "the register is being moved", who.Person)
	o.done(who, path+"/resume", url.Values{}).want(t, 200, "goes on")
	for len(reads) > 0 {
		<-reads
	}
	o.done(who, path+"/run", url.Values{}).want(t, 200, "read as soon as")
	select {
	case <-reads:
	case <-time.After(2 * time.Minute):
		t.Error("the source was not read")
	}
	o.get(who, "/sources").want(t, 200, "@every 24h")
}

package people_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

var (
	now   = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	marek = people.Person{ID: "marek", Account: "marek@host", Active: true, Roles: []string{"risk_owner"}}
	ines  = people.Person{ID: "ines", Account: "ines@host", Active: true, Roles: []string{"ai_officer"}}
)

func asked() people.Waiver {
	return people.Waiver{Expectation: "x", Subject: evidence.Subject{Type: "a", ID: "b"}, Reason: "r", CompensatingControls: "c"}
}

func onRecord(t testing.TB, rec evidence.Record) evidence.Evidence {
	t.Helper()
	return evidence.Evidence{Kind: rec.Kind, Key: rec.Key, Source: people.Source, Payload: rec.Payload}
}

func TestWaiverLife(t *testing.T) {
	var p people.Policy
	w, rec, err := p.Request(marek, asked(), now.AddDate(0, 6, 0), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	back, err := people.ParseWaiver(onRecord(t, rec))
	if err != nil || back != w {
		t.Fatalf("what is on record is not what was asked for: %v\n%+v\n%+v", err, back, w)
	}
	if w.State(now) != people.WaiverRequested {
		t.Errorf("a request is %s", w.State(now))
	}
	w, _, err = p.Approve(ines, w, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	end := now.AddDate(0, 6, 0)
	for at, want := range map[time.Time]string{
		now: people.WaiverRequested, now.Add(time.Hour): people.WaiverActive,
		end: people.WaiverActive, end.Add(time.Second): people.WaiverLapsed,
	} {
		if got := w.State(at); got != want {
			t.Errorf("at %s it is %s, want %s", at, got, want)
		}
	}
	w, _, err = p.Revoke(marek, w, "mended", now.Add(2*time.Hour))
	if err != nil || w.State(now.Add(2*time.Hour)) != people.WaiverRevoked {
		t.Errorf("revoked: %v, %s", err, w.State(now.Add(2*time.Hour)))
	}
}

func TestRefusals(t *testing.T) {
	strict := people.Policy{Approvers: map[people.Act][]string{people.ActWaiver: {"board"}}}
	gone := people.Person{ID: "lena", Account: "lena@host"}
	sameAccount := people.Person{ID: "ines", Account: "marek@host", Active: true, Roles: []string{"ai_officer"}}
	spelt := people.Person{ID: " Marek ", Account: "else@host", Active: true, Roles: []string{"ai_officer"}}
	noRole := people.Person{ID: "sade", Account: "sade@host", Active: true}
	var p people.Policy
	w, _, err := p.Request(marek, asked(), now.AddDate(0, 1, 0), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	approve := func(p people.Policy, who people.Person, at time.Time) error {
		_, _, err := p.Approve(who, w, at)
		return err
	}
	request := func(w people.Waiver, end time.Time) error {
		_, _, err := p.Request(marek, w, end, nil, now)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{approve(p, marek, now), "began it and cannot decide"},
		{approve(p, spelt, now), "began it and cannot decide"},
		{approve(p, gone, now), "not active"},
		{approve(p, sameAccount, now), "same account"},
		{approve(p, noRole, now), "holds no role"},
		{approve(strict, ines, now), "none of the roles"},
		{approve(p, ines, now.AddDate(0, 1, 0)), "which is past"},
		{request(asked(), now.AddDate(1, 0, 1)), "longer than 365 days"},
		{request(asked(), now), "which is past"},
		{request(people.Waiver{Reason: "r"}, now.AddDate(0, 1, 0)), "--compensating is empty"},
	} {
		var r *people.Refusal
		if !errors.As(c.err, &r) || !strings.Contains(c.err.Error(), c.want) || r.Hint() == "" {
			t.Errorf("want a refusal with %q and a remedy, got %v", c.want, c.err)
		}
	}
	shared := people.Policy{SharedAccount: true}
	if err := approve(shared, sameAccount, now); err != nil {
		t.Errorf("where accounts are shared: %v", err)
	}
}

// Exactly 365 days are allowed, one second more is not.
func TestLongestWaiver(t *testing.T) {
	var p people.Policy
	if _, _, err := p.Request(marek, asked(), now.Add(people.DefaultMaxWaiver), nil, now); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Request(marek, asked(), now.Add(people.DefaultMaxWaiver+time.Second), nil, now); err == nil {
		t.Error("a second more was accepted")
	}
}

// Whatever people do, and whoever they are, a waiver that is active was
// approved by somebody else, from another account, and ends within a year.
func TestNoWaiverApprovedAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := rapid.Custom(func(t *rapid.T) people.Person {
			return people.Person{
				ID:      rapid.SampledFrom([]string{"marek", "Marek", " marek", "ines", "sade"}).Draw(t, "id"),
				Account: rapid.SampledFrom([]string{"a@h", "b@h"}).Draw(t, "account"),
				Active:  rapid.Bool().Draw(t, "active"), Roles: rapid.SampledFrom([][]string{nil, {"x"}}).Draw(t, "roles"),
			}
		})
		p := people.Policy{MaxWaiver: time.Duration(rapid.IntRange(0, 500).Draw(t, "max")) * 24 * time.Hour}
		at := now
		var w people.Waiver
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 24*90).Draw(t, "hours")) * time.Hour)
			var next people.Waiver
			var err error
			switch person := who.Draw(t, "who"); rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				next, _, err = p.Request(person, asked(), at.Add(time.Duration(rapid.IntRange(-5, 500).Draw(t, "days"))*24*time.Hour), nil, at)
			case 1:
				next, _, err = p.Approve(person, w, at)
			case 2:
				next, _, err = p.Reject(person, w, "no", at)
			default:
				next, _, err = p.Revoke(person, w, "no more", at)
			}
			if err == nil {
				w = next
			}
			if w.State(at) != people.WaiverActive {
				continue
			}
			if people.Same(w.RequestedBy, w.ApprovedBy) || w.RequestedAccount == w.ApprovedAccount ||
				w.ExpiresAt.Sub(w.ApprovedAt.Time) > people.DefaultMaxWaiver {
				t.Fatalf("active: %+v", w)
			}
		}
	})
}

func TestStatement(t *testing.T) {
	var p people.Policy
	yes := true
	s := people.Statement{Version: "1", Controls: []people.Decision{{ID: "A.2.2", Applicable: &yes, Justification: "we use AI"}}}
	if _, err := p.Propose(marek, s, []string{"A.2.2", "A.2.3"}, nil, now); err == nil || !strings.Contains(err.Error(), "nothing is decided on A.2.3") {
		t.Errorf("an undecided control was accepted: %v", err)
	}
	rec, err := p.Propose(marek, s, []string{"A.2.2"}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	proposed, err := people.ParseStatement(onRecord(t, rec))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Confirm(marek, proposed, "", now); err == nil {
		t.Error("who proposed it approved it")
	}
	altered := proposed
	altered.Controls = []people.Decision{{ID: "A.2.2", Applicable: &yes, Justification: "another reason"}}
	if _, err := p.Confirm(ines, altered, "", now); err == nil {
		t.Error("a text that is not the proposed one was approved")
	}
	rec, err = p.Confirm(ines, proposed, proposed.ControlsSum, now)
	if err != nil {
		t.Fatal(err)
	}
	approved, err := people.ParseStatement(onRecord(t, rec))
	if err != nil || approved.ApprovedSum != proposed.ControlsSum || approved.ApprovedBy != "ines" {
		t.Errorf("%v %+v", err, approved)
	}
	if got, ok := people.InForce([]people.Statement{proposed, approved}, now); !ok || got.ApprovedBy != "ines" {
		t.Errorf("in force: %+v", got)
	}
	if _, ok := people.InForce([]people.Statement{approved}, now.Add(-time.Second)); ok {
		t.Error("in force before it was approved")
	}
	if _, err := p.Propose(marek, s, nil, []people.Statement{approved}, now); err == nil {
		t.Error("an approved version was overwritten")
	}
	if d := people.Diff(proposed, altered); len(d) != 1 || d[0].ID != "A.2.2" {
		t.Errorf("diff: %+v", d)
	}
}

func TestUpload(t *testing.T) {
	var p people.Policy
	u := people.Upload{SourceSystem: "s", URL: "https://s.example/1", Account: "a", CaptureMethod: "export", SHA256: "00"}
	captured := people.Times{Captured: now.Add(-time.Hour)}
	for name, spoil := range map[string]func(*people.Upload, *people.Times){
		"--system is missing":             func(u *people.Upload, _ *people.Times) { u.SourceSystem = " " },
		"--url is missing":                func(u *people.Upload, _ *people.Times) { u.URL = "" },
		"--url is not an http address":    func(u *people.Upload, _ *people.Times) { u.URL = "javascript:alert(1)" },
		"--account is missing":            func(u *people.Upload, _ *people.Times) { u.Account = "" },
		"--method is missing":             func(u *people.Upload, _ *people.Times) { u.CaptureMethod = "" },
		"--captured-at is missing":        func(_ *people.Upload, t *people.Times) { t.Captured = time.Time{} },
		"--captured-at is later":          func(_ *people.Upload, t *people.Times) { t.Captured = now.Add(time.Second) },
		"--event-time is later":           func(_ *people.Upload, t *people.Times) { t.Event = now.Add(time.Second) },
		"--from and --to belong":          func(_ *people.Upload, t *people.Times) { t.From = now.Add(-time.Hour) },
		"--from and --to belong together": func(_ *people.Upload, t *people.Times) { t.From, t.To = now.Add(-time.Hour), now.Add(-2*time.Hour) },
	} {
		spoilt, times := u, captured
		spoil(&spoilt, &times)
		if _, _, err := p.Submit(marek, spoilt, times, nil, now); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want a refusal with %q, got %v", name, err)
		}
	}
	got, rec, err := p.Submit(marek, u, captured, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if !rec.EventTime.Equal(captured.Captured) {
		t.Errorf("event time %s, want the capture's", rec.EventTime)
	}
	if _, err := p.Review(marek, got, people.Accepted, "", now); err == nil {
		t.Error("the uploader accepted it")
	}
	if _, err := p.Review(ines, got, people.Rejected, " ", now); err == nil {
		t.Error("rejected without a reason")
	}
	if rec, err = p.Review(ines, got, people.Accepted, "", now); err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(rec.Payload, &body); err != nil || body["review_decision"] != "accepted" || body["reviewer"] != "ines" {
		t.Errorf("%v %v", err, body)
	}
}

func TestFile(t *testing.T) {
	if _, _, err := people.File("empty", "", nil); err == nil {
		t.Error("an empty file was accepted")
	}
	if _, _, err := people.File("large", "", make([]byte, people.MaxFile+1)); err == nil {
		t.Error("a file beyond the limit was accepted")
	}
	for _, mediaType := range []string{"x", "../..", "text/", "/plain", "text/plain/x", "text/html\r\nX: y", "-/-"} {
		if _, _, err := people.File("a.txt", mediaType, []byte("a")); err == nil {
			t.Errorf("%q was taken for a media type", mediaType)
		}
	}
	rec, sum, err := people.File("a.txt", "text/plain", []byte("a"))
	if err != nil || rec.Key != sum || sum != evidence.Sum([]byte("a")).String() {
		t.Errorf("%v %+v", err, rec)
	}
}

func TestAttest(t *testing.T) {
	rec, err := people.Attest(marek, people.Attestation{System: "triage"}, "Marek", "", now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := people.ParseAttestation(onRecord(t, rec))
	if err != nil || a.By != "marek" || !a.At.Equal(now) {
		t.Errorf("%v %+v", err, a)
	}
	if _, err := people.Attest(ines, people.Attestation{System: "triage"}, "marek", "", now); err == nil {
		t.Error("somebody who is neither owner nor deputy confirmed the entry")
	}
	if _, err := people.Attest(ines, people.Attestation{System: "triage"}, "marek", "ines", now); err != nil {
		t.Errorf("the deputy could not: %v", err)
	}
	left := people.Person{ID: "marek", Account: "marek@host"}
	if _, err := people.Attest(left, people.Attestation{System: "triage"}, "marek", "", now); err == nil {
		t.Error("an owner who left confirmed the entry")
	}
}

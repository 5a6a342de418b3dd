package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// TestSpeltOtherwise: no spelling makes a second person of the first one, be
// the letters large, the words joined by a dot, or something in it unseen.
func TestSpeltOtherwise(t *testing.T) {
	for _, other := range []string{"MAREK.NOWAK", " marek  nowak", "marek-nowak", "@marek_nowak", "marek\u200b.nowak", "marek\u00a0nowak", "\ufeffMarek Nowak."} {
		if !people.Same("marek.nowak", other) {
			t.Errorf("%q is somebody else", other)
		}
	}
	for _, other := range []string{"marek", "mareknowak", "marek.nowak2", ""} {
		if people.Same("marek.nowak", other) {
			t.Errorf("%q is the same", other)
		}
	}
}

// TestSaysNothing: what cannot be seen is no reason.
func TestSaysNothing(t *testing.T) {
	var p people.Policy
	for _, empty := range []string{"", " \t\n", "\u200b", "\u00a0\u2060", "\x1b", "\u202e\u202c"} {
		w := asked()
		w.Reason = empty
		if _, _, err := p.Request(marek, w, now.AddDate(0, 1, 0), nil, now); err == nil {
			t.Errorf("%q is a reason", empty)
		}
		yes := true
		s := people.Statement{Version: "1", Controls: []people.Decision{{ID: "A.2.2", Applicable: &yes, Justification: empty}}}
		if _, err := p.Propose(marek, s, nil, nil, now); err == nil {
			t.Errorf("%q is a justification", empty)
		}
	}
	for _, version := range []string{" ", " 1", "1\n", "a\x1b[31mb", "\u202ex", strings.Repeat("1", 65)} {
		yes := true
		s := people.Statement{Version: version, Controls: []people.Decision{{ID: "A.2.2", Applicable: &yes, Justification: "x"}}}
		if _, err := p.Propose(marek, s, nil, nil, now); err == nil {
			t.Errorf("%q is a version", version)
		}
	}
}

// TestLastMoment: a waiver covers at its very end, as the assessment has it, and
// not a nanosecond later.
func TestLastMoment(t *testing.T) {
	w := people.Waiver{RequestedBy: "a", ApprovedBy: "b"}
	w.ApprovedAt.Time, w.ExpiresAt.Time = now, now.Add(time.Hour)
	if got := w.State(now.Add(time.Hour)); got != people.WaiverActive {
		t.Errorf("at its end it is %s", got)
	}
	if got := w.State(now.Add(time.Hour + 1)); got != people.WaiverLapsed {
		t.Errorf("after its end it is %s", got)
	}
}

// TestLatestDay: the day that the refusal names is one that is accepted.
func TestLatestDay(t *testing.T) {
	var p people.Policy
	end := func(day time.Time) time.Time { return day.Truncate(24 * time.Hour).Add(24*time.Hour - time.Second) }
	_, _, err := p.Request(marek, asked(), end(now.AddDate(0, 0, 365)), nil, now)
	if err == nil || !strings.Contains(err.(interface{ Hint() string }).Hint(), "the latest whole day 2027-11-27") {
		t.Fatalf("%v: %s", err, err.(interface{ Hint() string }).Hint())
	}
	if _, _, err := p.Request(marek, asked(), end(now.AddDate(0, 0, 364)), nil, now); err != nil {
		t.Error(err)
	}
}

// TestFromFile: no file brings what takes two people, nor the act of one.
func TestFromFile(t *testing.T) {
	for kind, payload := range map[string]string{
		people.KindWaiver:       `{"waiver_id":"W-1","requested_by":"a","approved_by":"b"}`,
		people.KindCaseDecision: `{"decision_id":"SD-1"}`,
		people.KindStatement:    `{"version":"1"}`, people.KindFile: `{}`, people.KindSample: `{}`, people.KindRetest: `{}`, people.KindAttestation: `{}`,
		people.KindUpload: `{"upload_id":"UP-1","uploader":"a","reviewer":"b","review_decision":"accepted","reviewed_at":"2026-01-01T00:00:00Z"}`,
	} {
		if err := people.FromFile(kind, []byte(payload)); err == nil {
			t.Errorf("a file brings %s", kind)
		}
	}
	if err := people.FromFile(people.KindUpload, []byte(`{"upload_id":"UP-1","uploader":"a"}`)); err != nil {
		t.Errorf("what waits for a review: %v", err)
	}
	if err := people.FromFile("risk.acceptance", []byte(`{}`)); err != nil {
		t.Errorf("another kind: %v", err)
	}
}

// TestNoSecretHandedIn: a private key, a password in an address, an event after
// its capture.
func TestNoSecretHandedIn(t *testing.T) {
	for _, key := range []string{"PRIVATE+KEY+exhibit/cc9f7b7ae256f299+e7375863+AAAA", "x\n-----BEGIN OPENSSH PRIVATE KEY-----\n"} {
		if _, _, err := people.File("key", "", []byte(key)); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("a private key: %v", err)
		}
	}
	if _, _, err := people.File("policy.txt", "", []byte("PRIVATE KEYs are kept in the vault")); err != nil {
		t.Error(err)
	}
	var p people.Policy
	u := people.Upload{SourceSystem: "s", URL: "https://u:hunter2@s.example/1", Account: "a", CaptureMethod: "export"}
	_, _, err := p.Submit(marek, u, people.Times{Captured: now.Add(-time.Hour)}, nil, now)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password in the address: %v", err)
	}
	u.URL = "https://s.example/1"
	for name, times := range map[string]people.Times{
		"an event after its capture": {Captured: now.Add(-time.Hour), Event: now.Add(-time.Minute)},
		"a slip of the year":         {Captured: now.AddDate(-2000, 0, 0)},
	} {
		if _, _, err := p.Submit(marek, u, times, nil, now); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestIdentity: what a file says of an account does not count.
func TestIdentity(t *testing.T) {
	for in, want := range map[string][2]string{
		people.Identity("marek", "root@host"):              {"marek", "root@host"},
		people.Identity("marek (else@there)", "root@host"): {"marek (else@there)", "root@host"},
		"upload form":                    {"upload form", ""},
		people.Identity("", "root@host"): {"", "root@host"},

		people.Identity("marek", "oidc:https://id.example#7"):              {"marek", "oidc:https://id.example#7"},
		people.Identity("marek (else@there)", "oidc:https://id.example#7"): {"marek (else@there)", "oidc:https://id.example#7"},
	} {
		if id, account := people.SplitIdentity(in); id != want[0] || account != want[1] {
			t.Errorf("%q: %q, %q", in, id, account)
		}
	}
}

// TestOneLogin: two people who come with one login are one, also where accounts
// of a machine may be shared.
func TestOneLogin(t *testing.T) {
	for account, shared := range map[string]bool{"root@host": true, "oidc:https://id.example#7": false} {
		p := people.Policy{SharedAccount: true}
		first := people.Person{ID: "marek", Account: account, Active: true, Roles: []string{"ai_officer"}}
		second := people.Person{ID: "ines", Account: account, Active: true, Roles: []string{"ai_officer"}}
		w, _, err := p.Request(first, asked(), now.AddDate(0, 1, 0), nil, now)
		if err != nil {
			t.Fatal(err)
		}
		w.Source = people.Source
		if _, _, err = p.Approve(second, w, now); (err == nil) != shared {
			t.Errorf("%s: %v", account, err)
		}
	}
}

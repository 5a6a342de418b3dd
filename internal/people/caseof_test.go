package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// TestDecideCase: who may decide what on a case, with which dates.
func TestDecideCase(t *testing.T) {
	p := people.Policy{Approvers: map[people.Act][]string{people.ActShadow: {"ai_officer"}}}
	soon := now.AddDate(0, 0, 30)
	for name, tt := range map[string]struct {
		who  people.Person
		d    people.CaseDecision
		t    people.Deadlines
		want string // part of the refusal
	}{
		"blocked":                    {marek, people.CaseDecision{Decision: people.CaseBlocked, Reason: "nobody may"}, people.Deadlines{}, ""},
		"somebody who left":          {people.Person{ID: "lena"}, people.CaseDecision{Decision: people.CaseBlocked, Reason: "x"}, people.Deadlines{}, "is not active"},
		"without a reason":           {marek, people.CaseDecision{Decision: people.CaseBlocked, Reason: " \u200b"}, people.Deadlines{}, "without a reason"},
		"taken up":                   {marek, people.CaseDecision{Decision: people.CaseTaken, Reason: "x"}, people.Deadlines{Due: soon}, ""},
		"taken up for ever":          {marek, people.CaseDecision{Decision: people.CaseTaken, Reason: "x"}, people.Deadlines{}, "says until when"},
		"taken up too late":          {marek, people.CaseDecision{Decision: people.CaseTaken, Reason: "x"}, people.Deadlines{Due: now}, "is past"},
		"accepted":                   {marek, people.CaseDecision{Decision: people.CaseAccepted, Reason: "x"}, people.Deadlines{Expires: soon}, ""},
		"accepted for ever":          {marek, people.CaseDecision{Decision: people.CaseAccepted, Reason: "x"}, people.Deadlines{}, "has an end"},
		"accepted for a year and on": {marek, people.CaseDecision{Decision: people.CaseAccepted, Reason: "x"}, people.Deadlines{Expires: now.AddDate(1, 0, 2)}, "longer than 365 days"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.d.Case, tt.d.Items = "SC-1", []string{"use:openai"}
			d, rec, err := p.DecideCase(tt.who, tt.d, tt.t, []people.CaseDecision{{ID: "SD-2026-01"}}, now)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || d.ID != "SD-2026-02" || d.DecidedBy != "marek" || rec.Key != d.ID || rec.EventTime.IsZero() {
				t.Fatalf("%+v, %+v, %v", d, rec, err)
			}
			back, err := people.ParseCaseDecision(evidence.Evidence{Payload: rec.Payload, Source: people.Source})
			if err != nil || back.Decision != d.Decision || len(back.Items) != 1 || !back.DecidedAt.Equal(now.Truncate(time.Second)) {
				t.Errorf("read back: %+v, %v", back, err)
			}
		})
	}
}

// TestApproveCase: what leaves AI in use unregistered takes two people.
func TestApproveCase(t *testing.T) {
	p := people.Policy{Approvers: map[people.Act][]string{people.ActShadow: {"ai_officer"}}}
	officer := people.Person{ID: "ines", Account: "ines@b", Active: true, Roles: []string{"ai_officer"}}
	made, _, err := p.DecideCase(marek, people.CaseDecision{Case: "SC-1", Decision: people.CaseAccepted, Reason: "a trial"}, people.Deadlines{Expires: now.AddDate(0, 1, 0)}, nil, now)
	if err != nil || !made.Since().IsZero() {
		t.Fatalf("it counts since %s: %v", made.Since(), err)
	}
	for name, who := range map[string]people.Person{
		"began it":               {ID: "MAREK", Account: "x@y", Active: true, Roles: []string{"ai_officer"}},
		"used the same account":  {ID: "ines", Account: marek.Account, Active: true, Roles: []string{"ai_officer"}},
		"holds none of the role": {ID: "sade", Account: "x@y", Active: true, Roles: []string{"risk_owner"}},
		"is not active":          {ID: "ines", Account: "x@y", Roles: []string{"ai_officer"}},
	} {
		if _, _, err := p.ApproveCase(who, made, now); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s approved it: %v", who.ID, err)
		}
	}
	later := now.AddDate(0, 2, 0)
	if _, _, err := p.ApproveCase(officer, made, later); err == nil {
		t.Error("an acceptance that has ended was approved")
	}
	done, _, err := p.ApproveCase(officer, made, now.Add(time.Hour))
	if err != nil || !done.Since().Equal(now.Add(time.Hour).Truncate(time.Second)) {
		t.Fatalf("it counts since %s: %v", done.Since(), err)
	}
	if _, _, err := p.ApproveCase(officer, done, now); err == nil {
		t.Error("it was approved twice")
	}
	done.ApprovedBy = "Marek."
	if !done.Since().IsZero() {
		t.Error("what one person decided and approved counts")
	}
	done.ApprovedBy, done.ExpiresAt.Time = "ines", now.AddDate(9, 0, 0)
	if got := done.Until(); got.After(now.AddDate(1, 0, 1)) {
		t.Errorf("it lasts until %s", got)
	}
}

package exporttest

import (
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// Tell adds to a snapshot of the sample what the assessment says beside its
// results: populations, the lives of findings, another framework, and what
// changed since an earlier instant.
func Tell(s *export.Snapshot) error {
	a := s.Assessment
	a.Populations, a.Expectations = populations(), []assess.InForce{
		{Slug: "release-change-approved", Control: "A.6.2.5"}, {Slug: "ai-system-owner-named", Control: "A.4.2"}}
	var book finding.Book
	events, err := finding.Update(&book, a, finding.Policy{Due: map[string]time.Duration{"major": 30 * 24 * time.Hour}})
	if err != nil {
		return err
	}
	for i := range events {
		events[i].At = AsOf.AddDate(0, -i%5, -1)
	}
	if err := book.Apply(events...); err != nil {
		return err
	}
	s.Lives = book.Lives()
	for _, l := range s.Lives {
		if l.State == finding.Open && l.Subject.ID == "nordlicht/claims-model#104" {
			ev, err := finding.Acknowledge(l, "a.berg", "seen", AsOf.Add(-time.Hour))
			if err != nil {
				return err
			}
			if err := book.Apply(ev); err != nil {
				return err
			}
		}
	}
	s.Lives, s.Crosswalk, s.Since = book.Lives(), frameworks(), since(a)
	return nil
}

func populations() []assess.Population {
	at, count, none := AsOf.Add(-time.Hour), int64(14), int64(0)
	pulls := assess.Population{Expectation: "release-change-approved", SubjectType: "change", Count: 14, IDs: evidence.Sum([]byte("ids")), Complete: true,
		Statement: "Population of release-change-approved contains 14 items.",
		Readings: []assess.PopulationReading{{Kind: "github.pull_request", Source: "github", Run: "run-0004", At: &at, Identity: "app/exhibit-reader",
			Query: "GET /repos/{o}/{r}/pulls?state=closed", Enumerated: true, Records: 14, Independent: &count, Difference: &none,
			Canary: assess.CanaryCheck{Names: []string{"nordlicht/claims-model#1"}, Result: assess.CanaryFound}}},
		Exclusions: []assess.Exclusion{{Kind: "github.pull_request", Reason: "not merged", Count: 3}}}
	systems := assess.Population{Expectation: "ai-system-owner-named", SubjectType: "ai_system", Count: 3, IDs: evidence.Sum([]byte("systems")),
		Statement:  "Population of ai-system-owner-named contains 3 items. How it was obtained: not established.",
		NotCovered: []string{"nordlicht/secret: denied"}}
	return []assess.Population{systems, pulls}
}

func frameworks() []crosswalk.Framework {
	return []crosswalk.Framework{{ID: "law", Title: "A law", Version: "2024/1", Date: AsOf.AddDate(-2, 0, 0), AsOf: AsOf, Note: "A pair is a relation.",
		Sources: []crosswalk.Source{{ID: "guide", Ref: "A guide by a body"}},
		Items:   []crosswalk.Item{{ID: "Art. 9", Title: "Risk", AppliesFrom: AsOf.AddDate(1, 0, 0)}, {ID: "Art. 14", Title: "Oversight"}},
		Pairs: []crosswalk.Pair{{Control: "6.1.2", Item: "Art. 9", Basis: crosswalk.Institutional, Sources: []string{"guide"}, Twin: true},
			{Control: "A.6.2.6", Item: "Art. 14", Basis: crosswalk.Proposed, Note: "-1 is no formula"}}}}
}

func since(a *assess.Assessment) *export.Since {
	before, after := evidence.Sum([]byte("before")), evidence.Sum([]byte("after"))
	d := &assess.Delta{From: AsOf.AddDate(-1, 0, 0), To: AsOf,
		Controls: []assess.ControlChange{{ID: "A.6.2.5", Title: "AI system deployment", Before: assess.Side{Status: assess.StatusSatisfied},
			After: assess.Side{Status: assess.StatusFailing, Reason: "2 of 14"}}},
		Records: []assess.RecordChange{
			{Kind: "vendor.record", Subject: evidence.Subject{Type: "vendor", ID: "anthropic"}, After: &after},
			{Kind: "inventory.ai_system", Subject: evidence.Subject{Type: "ai_system", ID: "doc-search"}, Before: &before, After: &after,
				Fields: []assess.FieldChange{{Name: "name", Before: []byte(`"=Search()"`), After: []byte(`"Document search"`)}}}},
		SoA:  assess.VersionChange{Before: "1", After: "2"},
		Runs: []assess.RunChange{{Source: "github", Complete: 2, Partial: 1}}}
	for n, r := range a.Results {
		if n%9 == 0 {
			d.Results = append(d.Results, assess.ResultChange{Expectation: r.Expectation, Control: r.Control, Subject: r.Subject,
				After: assess.Side{Status: r.Status, Reason: fmt.Sprint("after: ", r.Reason)}})
		}
	}
	return &export.Since{From: d.From, Delta: d}
}

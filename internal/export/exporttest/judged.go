package exporttest

import (
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

func systems() []export.System {
	yes, no := true, false
	return []export.System{
		{ID: "claims-triage", Name: "Claims triage", Purpose: "Sorts incoming claims by urgency and routes them to handlers.", Role: "developer", Tier: "high",
			Stage: "operate", Owner: "a.berg", Deputy: "m.ek", InScope: &yes, GoLive: AsOf.AddDate(-1, -2, 0), Models: []string{"claims-model 4.2"},
			Vendors: []string{"OpenAI"}, Repositories: []string{"nordlicht/claims-model", "nordlicht/triage-bot"}, LastRisk: AsOf.AddDate(0, -5, 0)},
		{ID: "doc-search", Name: "Document search", Purpose: "Finds policy documents for staff.", Role: "user", Tier: "limited", Stage: "operate",
			Owner: "t.holm", InScope: &yes, Vendors: []string{"Anthropic"}},
		{ID: "old-scorer", Name: "Fraud scorer (old)", Purpose: "Replaced.", Role: "developer", Tier: "minimal", Stage: "retire", Owner: "a.berg",
			InScope: &no, Retired: AsOf.AddDate(0, -3, 0)},
	}
}

func waivers() []export.Waiver {
	return []export.Waiver{
		{ID: "W-1", Expectation: "vendor-assessed", Subject: "openai", Reason: "Contract renewal moved; assessment with it.", Compensating: "Key use limited to one project",
			RequestedBy: "t.holm", ApprovedBy: "s.lindqvist", ApproverRole: "CISO", ApprovedAt: AsOf.AddDate(0, -1, 0), ExpiresAt: AsOf.AddDate(0, 1, 0)},
		{ID: "W-2", Expectation: "branch-protection-enforced", Subject: "nordlicht/triage-bot", Reason: "Migration", RequestedBy: "m.ek", ApprovedBy: "m.ek",
			ApprovedAt: AsOf.AddDate(0, -2, 0), ExpiresAt: AsOf.AddDate(0, 2, 0)},
		{ID: "W-3", Expectation: "risk-assessment-current", Reason: "Reorganisation", RequestedBy: "a.berg", ApprovedBy: "s.lindqvist",
			ApprovedAt: AsOf.AddDate(0, -8, 0), ExpiresAt: AsOf.AddDate(0, -2, 0)},
	}
}

func kinds() map[string]export.Kind {
	return map[string]export.Kind{
		"github.pull_request":      {Title: "Pull request", Strength: "operation"},
		"github.branch_protection": {Title: "Branch protection", Strength: "design"},
		"inventory.ai_system":      {Title: "Registered AI system", Strength: "existence"},
		"jira.issue":               {Title: "Jira issue", Strength: "existence"},
	}
}

func expectations() map[string]export.Expectation {
	day := 24 * time.Hour
	return map[string]export.Expectation{
		"release-change-approved": {Title: "Changes to AI assets are approved before they merge", Version: "1", Strength: "operation",
			Statement: "Every merged change to an AI asset carries an approving review by somebody else, given before the merge and on the merged commit.",
			Window:    365 * day, Kinds: []string{"github.pull_request", "github.pull_request_review"},
			Thresholds: "approvals 1, read at most 2d ago", Whose: "as shipped"},
		"branch-protection-enforced": {Title: "Default branches are protected", Statement: "The default branch demands an approving review.", Version: "1",
			Strength: "design", Window: 2 * day, Kinds: []string{"github.branch_protection"}},
		"risk-assessment-current": {Title: "Risk assessment is current", Statement: "Each system in scope has an approved risk assessment younger than a year.",
			Version: "2", Strength: "operation", Window: 365 * day, Kinds: []string{"risk.assessment"}},
		"vendor-assessed":       {Title: "Vendors are assessed", Version: "1", Strength: "operation", Window: 365 * day, Kinds: []string{"vendor.assessment"}},
		"ai-system-owner-named": {Title: "Each AI system has an owner and a deputy", Version: "1", Strength: "existence", Kinds: []string{"inventory.ai_system"}},
	}
}

func controlInfo() map[string]export.Control {
	return map[string]export.Control{
		"6.1.2":    {Area: "6 Planning", Stages: []string{"governance"}},
		"A.4.2":    {Area: "A.4 Resources for AI systems", Stages: []string{"intake"}},
		"A.6.2.4":  {Area: "A.6 AI system life cycle", Stages: []string{"test"}},
		"A.6.2.5":  {Area: "A.6 AI system life cycle", Stages: []string{"build", "deploy"}, Justification: "Needed by risk R-7"},
		"A.10.3":   {Area: "A.10 Third-party and customer relationships", Stages: []string{"operate"}},
		"A.10.4":   {Area: "A.10 Third-party and customer relationships", Justification: "No customers use our AI systems directly."},
		"9.2.2":    {Area: "9 Performance evaluation", Stages: []string{"governance"}},
		"A.7.4":    {Area: "A.7 Data for AI systems"},
		"A.5.2":    {Area: "A.5 Assessing impacts"},
		"A.6.2.6":  {Area: "A.6 AI system life cycle", Stages: []string{"operate"}},
		"A.6.1.99": {},
	}
}

// assessment judges the sample: every status occurs.
func assessment(d []evidence.Digest) *assess.Assessment {
	a := &assess.Assessment{AsOf: AsOf, Catalog: assess.CatalogRef{ID: "iso42001-2023", Version: "2026-11", Digest: evidence.Sum([]byte("catalog"))}}
	collected := AsOf.Add(-time.Hour)
	control := func(id, title string, st assess.Status, reason string, applicable bool, results ...*assess.Result) {
		c := assess.Control{ID: id, Title: title, Status: st, Reason: reason, Applicable: applicable, Counts: map[assess.Status]int{}, Results: results}
		for _, r := range results {
			r.Control = id
			if r.Evidence == nil {
				r.Evidence = []evidence.Digest{}
			}
			c.Counts[r.Status]++
			if r.Status != assess.StatusNotApplicable {
				c.Total++
			}
			if r.Status == assess.StatusSatisfied {
				c.Satisfied++
			}
		}
		a.Controls = append(a.Controls, c)
		a.Results = append(a.Results, results...)
	}
	at := func(days int) *time.Time {
		t := AsOf.Add(-time.Duration(days) * 24 * time.Hour)
		return &t
	}
	var changes []*assess.Result
	for n := range 14 {
		event := AsOf.Add(-time.Duration(n*9+3) * 24 * time.Hour)
		r := &assess.Result{Expectation: "release-change-approved", Subject: evidence.Subject{Type: "change", ID: fmt.Sprintf("nordlicht/claims-model#%d", 100+n)},
			Status: assess.StatusSatisfied, Reason: "1 approval by m.ek before the merge", EventTime: &event, CollectedAt: &collected,
			Evidence: []evidence.Digest{d[n]}, Severity: "major", Systems: []string{"claims-triage"}}
		if n%7 == 4 {
			r.Status, r.Reason, r.Owner = assess.StatusFailing, "merged by its author without a review", "a.berg"
			r.Remedy = "Have somebody else review the change now and record why it was merged without."
		}
		changes = append(changes, r)
	}
	control("6.1.2", "AI risk assessment", assess.StatusStale, "event_window_exceeded: 1 of 2", true,
		&assess.Result{Expectation: "risk-assessment-current", Subject: evidence.Subject{Type: "ai_system", ID: "claims-triage"}, Status: assess.StatusStale,
			Reason: "event_window_exceeded: approved 401 days ago, window 365", EventTime: at(401), CollectedAt: &collected, Evidence: []evidence.Digest{d[18]},
			Severity: "major", Owner: "a.berg", Systems: []string{"claims-triage"}},
		&assess.Result{Expectation: "risk-assessment-current", Subject: evidence.Subject{Type: "ai_system", ID: "doc-search"}, Status: assess.StatusDue,
			Reason: "change of tier opened a duty", DueAt: at(-12), CollectedAt: &collected, Severity: "major", Owner: "t.holm"})
	control("9.2.2", "Internal audit programme", assess.StatusPendingReview, "1 of 1", true,
		&assess.Result{Expectation: "audit-programme-approved", Subject: evidence.Subject{Type: "organization", ID: "organization"}, Status: assess.StatusPendingReview,
			Reason: "uploaded by t.holm, not accepted by a second person", Severity: "minor"})
	control("A.4.2", "Resource documentation", assess.StatusMissing, "1 of 3 has no deputy", true,
		&assess.Result{Expectation: "ai-system-owner-named", Subject: evidence.Subject{Type: "ai_system", ID: "claims-triage"}, Status: assess.StatusSatisfied,
			Reason: "owner and deputy named", CollectedAt: &collected, Evidence: []evidence.Digest{d[15]}, Severity: "minor"},
		&assess.Result{Expectation: "ai-system-owner-named", Subject: evidence.Subject{Type: "ai_system", ID: "doc-search"}, Status: assess.StatusMissing,
			Reason: "no deputy", CollectedAt: &collected, Evidence: []evidence.Digest{d[16]}, Severity: "minor", Owner: "t.holm", Remedy: "Name a deputy in the register."},
		&assess.Result{Expectation: "ai-system-owner-named", Subject: evidence.Subject{Type: "ai_system", ID: "old-scorer"}, Status: assess.StatusNotApplicable,
			Reason: "retired", Evidence: []evidence.Digest{d[17]}, Severity: "minor"})
	control("A.6.2.4", "AI system verification and validation", assess.StatusNotAssessed, "no source collects evaluation.run", true,
		&assess.Result{Expectation: "release-evaluated", Subject: evidence.Subject{Type: "organization", ID: "organization"}, Status: assess.StatusNotAssessed,
			Reason: "no source collects evaluation.run", Severity: "major"})
	control("A.6.2.5", "AI system deployment", assess.StatusFailing, "2 of 14", true, changes...)
	control("A.10.3", "Suppliers", assess.StatusWaived, "W-1 until 2026-12-23", true,
		&assess.Result{Expectation: "vendor-assessed", Subject: evidence.Subject{Type: "vendor", ID: "openai"}, Status: assess.StatusWaived,
			Underlying: assess.StatusMissing, Waiver: "W-1", Reason: "no assessment in 365 days", CollectedAt: &collected, Severity: "major"})
	control("A.10.4", "Customers", assess.StatusNotApplicable, "excluded: no customers use our AI systems directly", false)
	control("A.6.2.6", "AI system operation and monitoring", assess.StatusSatisfied, "2 of 2", true, hostileResults(d)...)
	return a
}

// hostileResults are satisfied, and their texts are not.
func hostileResults(d []evidence.Digest) []*assess.Result {
	var out []*assess.Result
	for n, h := range Hostile {
		out = append(out, &assess.Result{Expectation: "branch-protection-enforced", Subject: evidence.Subject{Type: "repository", ID: ValidText(h)},
			Status: assess.StatusSatisfied, Reason: ValidText(h), Evidence: []evidence.Digest{d[19+n]}, Severity: "minor"})
	}
	return out
}

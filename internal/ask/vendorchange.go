package ask

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

const triage = "vendor-model-change-triaged"

// vendorKinds are the kinds that tell of a change that a vendor made.
func vendorKinds() []string {
	return []string{"vendor.model_observation", "vendor.model_lifecycle", "vendor.terms_revision", "cloud.deployment_policy"}
}

// vendorChanges answers what happened after each change of a vendor: when it
// was seen, by when somebody had to decide, who did, and what was assessed anew.
func (w *World) vendorChanges(s System) []Part {
	var out []Part
	for _, r := range w.about(triage, s.ID) {
		out = append(out, w.vendorCase(r))
	}
	if len(out) == 0 && s.ID != "" {
		return []Part{w.none(triage, "No change of a vendor concerns this system")}
	}
	slices.SortStableFunc(out, func(x, y Part) int { return x.Facts[0].At.Compare(y.Facts[0].At) })
	return out
}

// judgesVendor picks the results about changes of vendors: other changes are
// judged by the same expectations.
func (w *World) judgesVendor(s System) func(*assess.Result) bool {
	cases := map[string]bool{}
	for _, r := range w.about(triage, s.ID) {
		cases[r.Subject.ID] = true
	}
	return func(r *assess.Result) bool {
		return w.concerns(r, s.ID) && (r.Expectation == triage || cases[r.Subject.ID])
	}
}

// vendorCase is the course of one change.
func (w *World) vendorCase(r *assess.Result) Part {
	p := Part{Title: "Change of " + r.Subject.ID}
	for _, kind := range vendorKinds() {
		for _, rec := range w.rests(r, kind) {
			if rec.Subject.ID == r.Subject.ID || strings.Contains(r.Subject.ID, rec.Subject.ID) {
				p.Facts = append(p.Facts, seenFact(rec))
			}
		}
	}
	if len(p.Facts) == 0 {
		f := Fact{Text: "seen: " + r.Reason, Subject: r.Subject}
		if r.EventTime != nil {
			f.At = *r.EventTime
		}
		p.Facts = append(p.Facts, f)
	}
	p.Facts = append(p.Facts, w.dutyFacts("triage", r)...)
	for _, issue := range w.rests(r, "jira.issue") {
		text := fmt.Sprintf("triaged in %s by %s, opened on %s", issue.text("key"), or(issue.text("assignee"), "nobody named"), day(issue.time("created")))
		if res := issue.text("resolution"); res != "" {
			text += ", resolved as " + res
		}
		p.Facts = append(p.Facts, issue.fact(issue.time("resolved_at"), text))
	}
	for _, slug := range []string{"risk-assessment-after-change", "impact-assessment-after-change"} {
		what := strings.TrimSuffix(slug, "-assessment-after-change")
		for _, again := range w.results[slug] {
			if again.Subject.ID == r.Subject.ID && again.Subject.Type == r.Subject.Type {
				p.Facts = append(p.Facts, w.dutyFacts("new "+what+" assessment", again)...)
				p.Facts = append(p.Facts, w.reassessments(again, what)...)
			}
		}
	}
	return p
}

// seenFact says what the vendor changed.
func seenFact(r record) Fact {
	text := r.Kind
	switch r.Kind {
	case "vendor.model_observation":
		text = fmt.Sprintf("%s served %s", r.text("vendor"), or(r.text("served_model"), "an unknown model"))
		if asked := r.text("requested_model"); asked != "" && asked != r.text("served_model") {
			text += ", asked for was " + asked
		}
		if score, ok := r.number("canary_score"); ok {
			text += fmt.Sprintf(", canary score %g", score)
		}
	case "vendor.model_lifecycle":
		text = fmt.Sprintf("%s announced that %s is %s", r.text("vendor"), r.text("model_id"), or(r.text("status"), "changed"))
		if at := r.time("shutdown_at"); !at.IsZero() {
			text += ", shut down on " + day(at)
		}
	case "vendor.terms_revision":
		text = "new terms of " + or(r.text("vendor_id"), r.Subject.ID)
		if what := r.text("diff_summary"); what != "" {
			text += ": " + what
		}
	case "cloud.deployment_policy":
		text = "the version behind " + or(r.text("deployment"), r.Subject.ID) + " may be swapped: " + or(r.text("version_upgrade_option"), "no option stated")
	}
	at := r.EventTime
	if at.IsZero() {
		at = r.CollectedAt
	}
	return r.fact(at, "seen: "+text)
}

// dutyFacts says by when somebody had to answer, and whether anybody did.
func (w *World) dutyFacts(what string, r *assess.Result) []Fact {
	if r.DueAt == nil {
		return []Fact{Fact{Text: what + ": " + r.Reason, Subject: r.Subject}.judged(r)}
	}
	due := Fact{Due: *r.DueAt, Text: what + " was due", Subject: r.Subject}.judged(r)
	switch {
	case r.AnsweredAt != nil && r.AnsweredAt.After(*r.DueAt):
		due.Text += fmt.Sprintf("; done %s late, on %s", span(r.AnsweredAt.Sub(*r.DueAt)), day(*r.AnsweredAt))
		due.Mark = Late
	case r.AnsweredAt != nil:
		due.Text += "; done in time, on " + day(*r.AnsweredAt)
	case r.DueAt.After(w.now()):
		due.Text = what + " is due; " + span(r.DueAt.Sub(w.now())) + " left"
		due.Mark = Pending
	default:
		due.Text += "; nothing on record, " + span(w.now().Sub(*r.DueAt)) + " over time"
		due.Mark = Absent
	}
	return []Fact{due}
}

func (w *World) reassessments(r *assess.Result, what string) []Fact {
	var out []Fact
	for _, rec := range w.rests(r, what+".assessment") {
		out = append(out, rec.fact(rec.time("approved_at"), fmt.Sprintf("%s assessment %s by %s, approved by %s", what, rec.text("assessment_id"),
			or(rec.text("assessor"), "nobody named"), or(rec.text("approved_by"), "nobody named"))))
	}
	return out
}

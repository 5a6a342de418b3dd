package ask

import (
	"slices"
	"strings"
	"unicode"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// Question is one of those that can be asked.
type Question struct {
	Name  string `json:"name"`
	Asked string `json:"asked"`
	// Expectations judge what the answer is about; they are its gaps where they
	// fall short.
	Expectations []string `json:"expectations"`
	Kinds        []string `json:"kinds"` // of record that the answer is read from

	words  []string // that point to it, as they begin
	answer func(*World, System) []Part
	judges func(*World, System) func(*assess.Result) bool // nil: results that concern the system
}

// Questions returns all of them, in the order in which auditors ask.
func Questions() []Question {
	return []Question{
		{
			Name: "who-approves", Asked: "Who approves a new AI use case before launch?",
			Expectations: []string{"use-case-intake-approved", "impact-screening-before-build", "release-approval-by-tier"},
			Kinds:        []string{"inventory.use_case_approval", "role.assignment", "release.approval"},
			words:        []string{"who", "approv", "launch", "intake", "permi", "allow", "authori", "sign", "go-live", "decid", "use", "case", "new"},
			answer:       (*World).approvals,
		},
		{
			Name: "human-review", Asked: "What human review happens before output reaches a customer?",
			Expectations: []string{"human-oversight-rule-defined", "human-oversight-operated"},
			Kinds:        []string{"oversight.rule", "oversight.human_decision"},
			words:        []string{"human", "oversight", "overs", "output", "customer", "overrul", "overrid", "person", "people", "review", "loop", "reach"},
			answer:       (*World).oversight,
		},
		{
			Name: "testing", Asked: "How are bias, safety and accuracy tested before deployment?",
			Expectations: []string{"evaluation-criteria-approved", "pre-release-evaluation", "bias-test-linked", "adversarial-test"},
			Kinds:        []string{"evaluation.criteria", "evaluation.run", "evaluation.red_team"},
			words:        []string{"test", "bias", "safe", "accura", "evaluat", "deploy", "fair", "valid", "red-team", "criteri", "group"},
			answer:       (*World).testing,
		},
		{
			Name: "vendor-change", Asked: "What happens when a vendor changes a model without notice?",
			Expectations: []string{"vendor-model-change-triaged", "unintended-change-reviewed", "risk-assessment-after-change", "impact-assessment-after-change"},
			Kinds:        append([]string{"jira.issue", "risk.assessment", "impact.assessment", "evaluation.run"}, vendorKinds()...),
			words:        []string{"vendor", "supplier", "provider", "chang", "notice", "third-party", "model", "drift", "swap", "deprecat", "silent"},
			answer:       (*World).vendorChanges, judges: (*World).judgesVendor,
		},
		{
			Name: "incidents", Asked: "How are incidents tracked, and how is corrective action proven?",
			Expectations: []string{"incident-handled", "incident-notified-on-time", "corrective-action-effective", "corrective-action-on-time"},
			Kinds:        []string{"jira.incident", "incident.communication", "corrective_action.record"},
			words:        []string{"incident", "correct", "track", "prov", "action", "harm", "cause", "capa", "wrong", "fail", "complain", "escalat"},
			answer:       (*World).incidents, judges: (*World).judgesIncident,
		},
	}
}

// QuestionNamed returns the question with a short name.
func QuestionNamed(name string) (Question, bool) {
	for _, q := range Questions() {
		if strings.EqualFold(q.Name, strings.TrimSpace(name)) {
			return q, true
		}
	}
	return Question{}, false
}

// Nearest returns the question that most words of a text point to. It returns
// false if none does, or two do equally.
func Nearest(text string) (Question, bool) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	var best Question
	most, tied := 0, false
	for _, q := range Questions() {
		n := 0
		for _, begin := range q.words {
			for _, w := range words {
				if strings.HasPrefix(w, begin) {
					n++
					break
				}
			}
		}
		switch {
		case n > most:
			best, most, tied = q, n, false
		case n == most:
			tied = true
		}
	}
	return best, most > 0 && !tied
}

// Kinds returns the kinds of record that answers to some questions need.
func Kinds(questions ...Question) []string {
	out := []string{"inventory.ai_system"}
	for _, q := range questions {
		for _, k := range q.Kinds {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

// Answer answers a question for one AI system, or with an empty id for each,
// and for what belongs to none. It is never empty.
func (w *World) Answer(q Question, system string) []Answer {
	var out []Answer
	for _, s := range w.systems {
		if system == "" || system == s.ID {
			out = append(out, w.answer(q, s))
		}
	}
	if system != "" && len(out) > 0 {
		return out
	}
	if rest := w.answer(q, System{}); rest.Answered != No || len(out) == 0 {
		out = append(out, rest)
	}
	return out
}

func (w *World) answer(q Question, s System) Answer {
	a := Answer{AsOf: w.a.AsOf, Checkpoint: w.a.Checkpoint, Question: q.Name, Asked: q.Asked, System: s, Parts: []Part{}, Gaps: w.gaps(q, s)}
	facts, unproven := 0, false
	for _, p := range q.answer(w, s) {
		if p.Facts == nil {
			p.Facts = []Fact{}
		}
		if len(p.Facts) > 0 || p.Note != "" {
			a.Parts = append(a.Parts, p)
		}
		for _, f := range p.Facts {
			if f.grounded() && !p.background() {
				facts++
			}
			unproven = unproven || f.Mark == Unproven
		}
	}
	switch {
	case facts == 0:
		a.Answered = No
		a.Gaps = append(a.Gaps, w.unspoken(q, s, a.Gaps)...)
	case len(a.Gaps) > 0 || unproven:
		a.Answered = InPart
	default:
		a.Answered = Yes
	}
	worst(a.Gaps)
	return a
}

// unspoken names the expectations of an unanswered question that are not
// among the gaps.
func (w *World) unspoken(q Question, s System, gaps []Gap) []Gap {
	rest := slices.DeleteFunc(slices.Clone(q.Expectations), func(slug string) bool {
		return slices.ContainsFunc(gaps, func(g Gap) bool { return g.Expectation == slug })
	})
	return w.unseen(q, rest, s)
}

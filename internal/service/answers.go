package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Basis is what questions are answered from: an assessment, and whose move each
// shortfall is.
type Basis struct {
	assessment *assess.Assessment
	policy     finding.Policy
	systems    *ask.World // nil: which AI systems there were is read with the rest
}

// Basis is the assessment of a view.
func (v *View) Basis() Basis { return Basis{v.Assessment, v.policy, v.systems} }

// BasisAt assesses as of an instant, without making a view of it.
func (s *Service) BasisAt(ctx context.Context, at time.Time) (Basis, error) {
	a, err := s.Assess(ctx, at)
	if err != nil {
		return Basis{}, err
	}
	policy, err := FindingPolicy(ctx, s.Config(), s.store, a.AsOf)
	return Basis{assessment: a, policy: policy}, err
}

// QuestionOf is the question that a text names, or else the nearest to it.
func QuestionOf(text string) (q ask.Question, named bool, err error) {
	if q, named = ask.QuestionNamed(text); named {
		return q, true, nil
	}
	q, near := ask.Nearest(text)
	if !near {
		var names []string
		for _, x := range ask.Questions() {
			names = append(names, x.Name)
		}
		return q, false, mistake("ask one of these: "+strings.Join(names, ", "), "none of the questions is nearest to %q", text)
	}
	return q, false, nil
}

// Ask answers a question for each AI system, or for one.
func (s *Service) Ask(ctx context.Context, b Basis, q ask.Question, system, seed string) ([]ask.Answer, error) {
	w, err := s.world(ctx, b, system, ask.Options{Seed: seed}, ask.Kinds(q))
	if err != nil {
		return nil, err
	}
	return w.Answer(q, system), nil
}

// Trace lays out the record of one AI system, stage by stage; chain may be empty.
func (s *Service) Trace(ctx context.Context, b Basis, system, chain string) (ask.Trace, error) {
	if err := KnownChain(chain); err != nil {
		return ask.Trace{}, err
	}
	w, err := s.world(ctx, b, system, ask.Options{Traces: true}, ask.TraceKinds())
	if err != nil {
		return ask.Trace{}, err
	}
	sys, err := systemOf(w, system)
	if err != nil {
		return ask.Trace{}, err
	}
	return w.Trace(sys, chain), nil
}

// KnownChain refuses a chain that there is not.
func KnownChain(chain string) error {
	if chain != "" && !slices.Contains(ask.Chains(), chain) {
		return mistake("one of "+strings.Join(ask.Chains(), ", "), "there is no chain %q", chain)
	}
	return nil
}

// world reads the evidence of some kinds that an assessment was made from. An AI
// system that is named has to be in the register as it was then.
func (s *Service) world(ctx context.Context, b Basis, system string, o ask.Options, kinds []string) (*ask.World, error) {
	known := func(w *ask.World) (err error) {
		if system != "" {
			_, err = systemOf(w, system)
		}
		return err
	}
	if b.systems != nil {
		if err := known(b.systems); err != nil { // before anything is read
			return nil, err
		}
	}
	o.Owner = func(r *assess.Result) string {
		who, _ := b.policy.Owner(r)
		return who
	}
	q := store.EvidenceQuery{Kinds: kinds, Before: b.assessment.Checkpoint.Size, Payloads: true}
	w, err := ask.NewWorld(b.assessment, s.store.Evidence(ctx, q), o)
	if err != nil {
		return nil, err
	}
	return w, known(w)
}

// systemOf returns the AI system with an id.
func systemOf(w *ask.World, id string) (ask.System, error) {
	if s, ok := w.System(id); ok && id != "" {
		return s, nil
	}
	var known []string
	for _, s := range w.Systems() {
		known = append(known, s.ID)
	}
	otherwise := "registered: " + firstFew(known, 20)
	if len(known) == 0 {
		otherwise = "no AI system was registered then: exhibit register"
	}
	return ask.System{}, notFound(id, known, otherwise, "there is no AI system %q in the register", id)
}

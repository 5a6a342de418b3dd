package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// ErrWith: the rules of whoever verifies cannot be run on the bundle. Nothing
// is wrong with the bundle for that.
var ErrWith = errors.New("rules of your own cannot be run")

// Other is a result that comes out differently under the rules of whoever
// verifies, or that only they give.
type Other struct {
	Control     string            `json:"control"`
	Expectation string            `json:"expectation"`
	Subject     evidence.Subject  `json:"subject"`
	Status      assess.Status     `json:"status"`
	Reason      string            `json:"reason"`
	Was         assess.Status     `json:"was"` // in the bundle; none: it has no such result
	Evidence    []evidence.Digest `json:"evidence"`
}

// None stands for a result that is not there.
const None assess.Status = "none"

// with assesses once more, with further rules after those of the bundle, on the
// same evidence and as of the same instant. Only the report hears of it.
func (a *archive) with(ctx context.Context) error {
	if len(a.opt.With) == 0 {
		return nil
	}
	if why := a.recomputable(); why != "" {
		return fmt.Errorf("%w: %s", ErrWith, why)
	}
	rules, err := a.ruleFiles()
	if err != nil {
		return err
	}
	rules.Own = append(rules.Own, a.opt.With...)
	eng, err := rules.Compile()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWith, err)
	}
	v, err := newView(a)
	if err != nil {
		return err
	}
	made, err := evaluate.New(eng, v).At(ctx, a.assessment.AsOf)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWith, err)
	}
	for _, f := range a.opt.With {
		a.report.WithRules = append(a.report.WithRules, RulesGiven{f.Name, evidence.Sum(f.Text)})
	}
	a.report.With = others(made, a.assessment)
	return nil
}

// RulesGiven is a file of rules that the report was made with.
type RulesGiven struct {
	Name   string          `json:"name"`
	SHA256 evidence.Digest `json:"sha256"`
}

// others are the results that differ in what they say, in the order in which
// they were made; those that are gone come last.
func others(made, found *assess.Assessment) []Other {
	type name struct {
		expectation string
		subject     evidence.Subject
	}
	was := make(map[name]*assess.Result, len(found.Results))
	for _, r := range found.Results {
		was[name{r.Expectation, r.Subject}] = r
	}
	out := []Other{}
	for _, r := range made.Results {
		key := name{r.Expectation, r.Subject}
		old := was[key]
		delete(was, key)
		switch {
		case old == nil:
			out = append(out, other(r, None))
		case old.Status != r.Status || old.Reason != r.Reason || !slices.Equal(old.Evidence, r.Evidence):
			out = append(out, other(r, old.Status))
		}
	}
	for _, r := range found.Results {
		if was[name{r.Expectation, r.Subject}] != nil {
			gone := other(r, r.Status)
			gone.Status, gone.Reason, gone.Evidence = None, "the rules given do not ask this", []evidence.Digest{}
			out = append(out, gone)
		}
	}
	return out
}

func other(r *assess.Result, was assess.Status) Other {
	digests := append([]evidence.Digest{}, r.Evidence...)
	return Other{Control: r.Control, Expectation: r.Expectation, Subject: r.Subject, Status: r.Status, Reason: r.Reason, Was: was, Evidence: digests}
}

package service

import (
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/trace"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// ExplainedControl is a clause or control with what is expected of it.
type ExplainedControl struct {
	*catalog.Control
	Place        string           `json:"place,omitempty" doc:"Where it stands in the organisation's copy of the standard."`
	Expectations []assess.InForce `json:"expectations" nullable:"false"`
}

// Explained is what a name of the catalog stands for: one of the three.
type Explained struct {
	Expectation *assess.Explanation
	Control     *ExplainedControl
	Kind        *catalog.Kind
}

// Said is the one that there is.
func (x Explained) Said() any {
	switch {
	case x.Expectation != nil:
		return x.Expectation
	case x.Control != nil:
		return x.Control
	}
	return x.Kind
}

// Explain says what an expectation, a control or a kind of record is.
func Explain(cfg *configfile.Config, eng *assess.Engine, what string) (Explained, error) {
	cat := eng.Catalog()
	if x, ok := eng.Explain(what); ok {
		return Explained{Expectation: &x}, nil
	}
	if ctl, ok := cat.Control(what); ok {
		where, err := references(cfg, cat)
		out := &ExplainedControl{Control: ctl, Place: where[ctl.ID], Expectations: []assess.InForce{}}
		for _, e := range eng.InForce() {
			if e.Control == ctl.ID {
				out.Expectations = append(out.Expectations, e)
			}
		}
		return Explained{Control: out}, err
	}
	if k, ok := cat.Kind(what); ok {
		return Explained{Kind: k}, nil
	}
	names := append(cat.ControlIDs(), cat.KindIDs()...)
	for _, e := range eng.Expectations() {
		names = append(names, e.Slug)
	}
	return Explained{}, notFound(what, names, "exhibit catalog explain lists controls and expectations", "no control, expectation or kind is called %q", what)
}

// references reads where each control stands in the organisation's licensed
// copy of the standard; the standard's text is in none of ours.
func references(cfg *configfile.Config, cat *catalog.Catalog) (map[string]string, error) {
	out := map[string]string{}
	if cfg.Expectations.References == "" {
		return out, nil
	}
	f, err := yamlfile.Read(cfg.Expectations.References)
	if err != nil {
		return nil, Mistake{err, "see expectations.references in the configuration"}
	}
	f.Decode(&out)
	for id := range out {
		if _, ok := cat.Control(id); !ok {
			p := f.KeyProblemf(yamlfile.At(id), "there is no control %q", id)
			if near := yamlfile.Nearest(id, cat.ControlIDs()); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
	}
	return out, f.Err()
}

// Explain says what an expectation, a control or a kind of record is, by the rules
// in force.
func (s *Service) Explain(what string) (Explained, error) {
	e, err := s.rules()
	if err != nil {
		return Explained{}, err
	}
	return Explain(s.Config(), e.Engine(), what)
}

// Covered says which control is reached by which evidence from which source.
func (s *Service) Covered(from trace.Delivers) ([]trace.Control, error) {
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	return trace.Table(s.Catalog, e.Engine().InForce(), from), nil
}

package service

import (
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// Explanations say in words how each expectation in force is judged, by slug.
// They wait for an evaluation that is under way; they stay the same as long as
// the digest of an assessment's catalog does.
func (s *Service) Explanations() (map[string]assess.Explanation, error) {
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	out := map[string]assess.Explanation{}
	for _, slug := range slugsOf(e) {
		if x, ok := e.Engine().Explain(slug); ok {
			out[slug] = x
		}
	}
	return out, nil
}

// Organisation is whose evidence it is: as the register calls it, or else the
// configuration.
func (s *Service) Organisation() string {
	cfg := s.Config()
	if cfg.Register != "" {
		if reg, err := register.Load(cfg.Register, register.Known{}); err == nil && reg.Organization.Name != "" {
			return reg.Organization.Name
		}
	}
	return cfg.Organization
}

// Latest is the newest view that was made, nil before the first. It makes none.
func (s *Service) Latest() *View { return s.view.Load() }

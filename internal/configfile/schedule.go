package configfile

import (
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Schedule is what holds for the schedules of all sources.
type Schedule struct {
	Blackout    []blackout.Window // when no source is read by schedule
	MissedAfter time.Duration     // a time of a schedule is missed if no run began for so long
}

// defaultMissedAfter is how late a run may begin.
const defaultMissedAfter = 30 * time.Minute

// Budget is how many requests all sources of one credential may make together.
type Budget struct {
	Name     string // of the credential; sources with the same name share the budget
	Requests int
	Per      time.Duration
}

type scheduleYAML struct {
	Blackout    []string      `yaml:"blackout"`
	MissedAfter time.Duration `yaml:"missed_after"`
}

type budgetYAML struct {
	Name     string        `yaml:"name,required"`
	Requests int           `yaml:"requests,required"`
	Per      time.Duration `yaml:"per,required"`
}

// slowest is the least budget: a connector cannot be told to make less than a
// request in ten minutes.
const slowest = 1.0 / 600

func (r reader) scheduling(y scheduleYAML) Schedule {
	at := yamlfile.At("schedule")
	s := Schedule{Blackout: r.blackout(at.Then("blackout"), y.Blackout), MissedAfter: defaultMissedAfter}
	if after := at.Then("missed_after"); r.f.Has(after) && !r.f.Faulty(after) {
		if y.MissedAfter < time.Minute {
			r.f.Problemf(after, "a run cannot always begin within less than a minute").Hint("30m is the default")
		}
		s.MissedAfter = y.MissedAfter
	}
	return s
}

func (r reader) blackout(at yamlfile.Path, list []string) []blackout.Window {
	var out []blackout.Window
	for i, text := range list {
		w, err := blackout.Parse(text)
		if err != nil {
			r.f.Problemf(at.Then(i), "%s", err).Hint("for example %s", blackout.Form)
			continue
		}
		out = append(out, w)
	}
	return out
}

// timing reads what a source says of its schedule beyond the expression.
func (r reader) timing(at yamlfile.Path, y sourceYAML, all Schedule, s *Source) {
	s.Priority = 2
	if place := at.Then("priority"); r.f.Has(place) && !r.f.Faulty(place) {
		if y.Priority < 1 || y.Priority > 4 {
			r.f.Problemf(place, "a priority is 1, 2, 3 or 4").Hint("1 is read first, 2 is the default")
		}
		s.Priority = y.Priority
	}
	s.Blackout = append(s.Blackout, all.Blackout...)
	s.Blackout = append(s.Blackout, r.blackout(at.Then("blackout"), y.Blackout)...)
	if s.Schedule == "" && len(y.Blackout) > 0 {
		r.f.KeyProblemf(at.Then("blackout"), "has no meaning without a schedule")
	}
	if _, err := blackout.Until(s.Blackout, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		r.f.Problemf(at, "%s", err).Hint("blackouts of the source and of schedule.blackout hold together")
	}
	if r.f.Has(at.Then("budget")) {
		s.Budget = r.budget(at.Then("budget"), y.Budget)
	}
}

func (r reader) budget(at yamlfile.Path, y budgetYAML) Budget {
	b := Budget(y)
	b.Name = strings.TrimSpace(b.Name)
	if b.Name != "" && !namePattern.MatchString(b.Name) {
		r.f.Problemf(at.Then("name"), "%q is not the name of a budget", b.Name).Hint("lower case letters, digits and -, the same for all sources that use the credential")
	}
	for key, bad := range map[string]bool{"requests": b.Requests <= 0, "per": b.Per <= 0} {
		if place := at.Then(key); bad && r.f.Has(place) && !r.f.Faulty(place) {
			r.f.Problemf(place, "a budget is greater than zero").Hint("for example {name: github-app, requests: 5000, per: 1h}")
		}
	}
	if b.Requests > 0 && b.Per > 0 && float64(b.Requests)/b.Per.Seconds() < slowest {
		r.f.Problemf(at, "less than a request in ten minutes reads nothing")
	}
	return b
}

// sameBudgets finds budgets of one name that differ.
func (r reader) sameBudgets(sources []Source) {
	first := map[string]Budget{}
	for i, s := range sources {
		if s.Budget.Name == "" {
			continue
		}
		if b, ok := first[s.Budget.Name]; ok && b != s.Budget {
			r.f.Problemf(yamlfile.At("sources", i, "budget"), "budget %q differs from what another source says of it", s.Budget.Name).
				Hint("one credential has one budget: write the same requests and per")
		} else if !ok {
			first[s.Budget.Name] = s.Budget
		}
	}
}

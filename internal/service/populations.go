package service

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// PopulationOf returns the population of an expectation.
func PopulationOf(a *assess.Assessment, slug string) (*assess.Population, error) {
	var known []string
	for i := range a.Populations {
		if a.Populations[i].Expectation == slug {
			return &a.Populations[i], nil
		}
		known = append(known, a.Populations[i].Expectation)
	}
	return nil, notFound(slug, known, "exhibit populations lists them", "there is no expectation %q", slug)
}

// PopulationPage is one population with its items' statuses counted.
type PopulationPage struct {
	*assess.Population
	AsOf       time.Time             `json:"as_of"`
	Checkpoint assess.Checkpoint     `json:"checkpoint"`
	Results    map[assess.Status]int `json:"results" doc:"Items by status."`
}

// PopulationPageOf counts the items of a population.
func PopulationPageOf(a *assess.Assessment, slug string) (PopulationPage, error) {
	p, err := PopulationOf(a, slug)
	if err != nil {
		return PopulationPage{}, err
	}
	page := PopulationPage{p, a.AsOf, a.Checkpoint, map[assess.Status]int{}}
	for _, r := range assess.Items(a, slug) {
		page.Results[r.Status]++
	}
	return page, nil
}

// PopulationItem is one member of a population.
type PopulationItem struct {
	Subject  evidence.Subject  `json:"subject"`
	Status   assess.Status     `json:"status"`
	Reason   string            `json:"reason"`
	Evidence []evidence.Digest `json:"evidence" nullable:"false"`
}

// ItemOf is the member that a result is about.
func ItemOf(r *assess.Result) PopulationItem {
	return PopulationItem{r.Subject, r.Status, r.Reason, r.Evidence}
}

package service

import "github.com/exhibit-aims/exhibit/internal/assess"

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

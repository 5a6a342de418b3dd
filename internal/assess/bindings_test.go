package assess

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBindingsFindWhatMatches: what is found by its texts is what is found by
// looking at every system.
func TestBindingsFindWhatMatches(t *testing.T) {
	names := []string{"a", "ab", "abc", "A", "acme/x", "Acme/X", "a*", "ab*", "abc*", "*", ""}
	functions := []string{"systemOf", "systemsOfRepository", "systemsOfVendor", "systemsOfModel", "systemsOfCloud", "systemsOfJira"}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom(names), 0, 4)
		var list []*systemView
		for range rapid.IntRange(0, 6).Draw(t, "systems") {
			s := &systemView{id: rapid.SampledFrom(names).Draw(t, "id"), repos: map[string]repositoryBinding{},
				cloud: texts.Draw(t, "cloud"), vendors: texts.Draw(t, "vendors"), models: texts.Draw(t, "models")}
			for _, r := range texts.Draw(t, "repos") {
				s.repos[r] = repositoryBinding{Name: r}
			}
			for _, p := range texts.Draw(t, "projects") {
				s.jira = append(s.jira, jiraBinding{Project: p, Component: rapid.SampledFrom(names).Draw(t, "component")})
			}
			list = append(list, s)
		}
		b := newBindings(list)
		for range 20 {
			q := question{rapid.SampledFrom(functions).Draw(t, "function"), rapid.SampledFrom(names).Draw(t, "arg"), rapid.SampledFrom(names).Draw(t, "second")}
			var want, got []int32
			for i, s := range list {
				if s.matches(q.function, q.arg, q.second) {
					want = append(want, int32(i))
				}
			}
			for _, i := range b.of(q) {
				if list[i].matches(q.function, q.arg, q.second) {
					got = append(got, i)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v: %v, want %v", q, got, want)
			}
		}
	})
}

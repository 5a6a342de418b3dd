package register

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Seen is what complete collections found. A nil list means that nobody
// looked, so nothing can be said; an empty one that there is nothing.
type Seen struct {
	Repositories []string // owner/name
	CloudRefs    []string // names or ids of resources
	JiraProjects []string // keys
}

// CheckBindings returns what the register names and nobody has, with the place
// in the file.
func (r *Register) CheckBindings(seen Seen) yamlfile.Problems {
	var out yamlfile.Problems
	report := func(at yamlfile.Path, what, name string, known []string) {
		p := r.file.ProblemAt(at, "the register names a %s nobody has: %s", what, name)
		if near := yamlfile.Nearest(name, known); near != "" {
			p.Hint("did you mean %s?", near)
		} else {
			p.Hint("correct the name, or give a source access to it")
		}
		out = append(out, p)
	}
	has := func(known []string, name string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	}
	for i, s := range r.Systems {
		at := yamlfile.At("systems", i)
		for j, repo := range s.Repositories {
			if seen.Repositories != nil && !has(seen.Repositories, repo.Name) {
				report(at.Then("repositories", j, "name"), "repository", repo.Name, seen.Repositories)
			}
		}
		for j, ref := range s.Cloud {
			if seen.CloudRefs != nil && !slices.ContainsFunc(seen.CloudRefs, func(k string) bool { return MatchRef(ref, k) }) {
				report(at.Then("cloud", j), "cloud resource", ref, seen.CloudRefs)
			}
		}
		for j, p := range s.Jira {
			if seen.JiraProjects != nil && !has(seen.JiraProjects, p.Project) {
				report(at.Then("jira", j, "project"), "Jira project", p.Project, seen.JiraProjects)
			}
		}
	}
	return out
}

// MatchRef reports whether a cloud reference of the register means a resource:
// the same text, or the same beginning if the reference ends in *.
func MatchRef(ref, resource string) bool {
	if prefix, ok := strings.CutSuffix(ref, "*"); ok {
		return strings.HasPrefix(resource, prefix)
	}
	return ref == resource
}

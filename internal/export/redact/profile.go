package redact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export"
)

// None is the name of the profile that hides nothing.
const None = "none"

// Profile says which kinds are hidden from whom. A pattern is a kind's id, the
// first part of one followed by ".*", or "*".
type Profile struct {
	Name   string   `json:"profile"`
	Hide   []string `json:"hide"`
	Keep   []string `json:"keep"` // exceptions from Hide
	Sheets []string `json:"sheets_omitted"`
}

// BuiltIn returns the profiles that need no configuration.
func BuiltIn() []Profile {
	return []Profile{
		{Name: "auditor"},
		{Name: "regulator",
			Hide: []string{"competence.*", "training.*", "directory.*", "concern.*", "communication.*", "vendor.*", "customer.*", "stakeholder.*",
				"feedback.*", "jira.*"},
			Sheets: []string{"People"}},
		{Name: "customer",
			Hide: []string{"*"},
			Keep: []string{"inventory.ai_system", "scope.statement", "soa.record", "disclosure.*", "document.*"},
			Sheets: []string{"People", "Collector runs", "Coverage gaps", "Shadow AI", "Vendors and models", "Incidents", "NC and actions", "Gaps",
				"Audit and review", "Population items"}},
	}
}

// Find returns the profile of a name: one of own, else a built-in one.
func Find(name string, own []Profile) (Profile, error) {
	if name == "" || name == None {
		return Profile{Name: None}, nil
	}
	var names []string
	for _, p := range append(slices.Clone(own), BuiltIn()...) {
		if p.Name == name {
			return p, p.Check()
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("no redaction profile is called %q; there are %s", name, strings.Join(names, ", "))
}

// Check says what is wrong with a profile's patterns.
func (p Profile) Check() error {
	for _, list := range [][]string{p.Hide, p.Keep} {
		for _, pattern := range list {
			if !validPattern(pattern) {
				return fmt.Errorf("redaction profile %s: %q is no pattern: write a kind, the first part of one and .*, or *", p.Name, pattern)
			}
		}
	}
	return nil
}

func validPattern(s string) bool {
	if s == "*" {
		return true
	}
	family, rest, ok := strings.Cut(s, ".")
	return ok && word(family) && (rest == "*" || word(rest))
}

func word(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Hides reports whether payloads of a kind are hidden.
func (p Profile) Hides(kind string) bool {
	fits := func(pattern string) bool {
		family, ok := strings.CutSuffix(pattern, ".*")
		return pattern == "*" || pattern == kind || ok && strings.HasPrefix(kind, family+".")
	}
	return slices.ContainsFunc(p.Hide, fits) && !slices.ContainsFunc(p.Keep, fits)
}

// Nothing reports whether no payload can be hidden.
func (p Profile) Nothing() bool { return len(p.Hide) == 0 }

// Why says, in words, why a payload of some kinds is hidden.
func (p Profile) Why(kinds []string) string {
	var hidden []string
	for _, k := range kinds {
		if p.Hides(k) {
			hidden = append(hidden, k)
		}
	}
	return "the profile " + p.Name + " hides " + strings.Join(hidden, ", ")
}

// Export is the profile in the form of a Snapshot; nil if it changes nothing.
func (p Profile) Export() *export.Redaction {
	if p.Nothing() && len(p.Sheets) == 0 {
		return nil
	}
	return &export.Redaction{Profile: p.Name, Hides: p.Hides,
		Omits:  func(sheet string) bool { return slices.Contains(p.Sheets, sheet) },
		Reason: func(kind string) string { return p.Why([]string{kind}) }}
}

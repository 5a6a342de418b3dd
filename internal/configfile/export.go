package configfile

import (
	"maps"
	"regexp"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Export says what is handed out to whom.
type Export struct {
	Redaction []Redaction // by name
}

// Redaction is a profile of what is hidden. A pattern is a kind, the first part
// of one followed by ".*", or "*".
type Redaction struct {
	Name          string
	Hide, Keep    []string
	SheetsOmitted []string
}

type exportYAML struct {
	Redaction map[string]redactionYAML `yaml:"redaction"`
}

type redactionYAML struct {
	Hide          []string `yaml:"hide"`
	Keep          []string `yaml:"keep"`
	SheetsOmitted []string `yaml:"sheets_omitted"`
}

var (
	profileName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	kindPattern = regexp.MustCompile(`^(\*|[a-z0-9_]+\.(\*|[a-z0-9_]+))$`)
)

func (r reader) export(y exportYAML) Export {
	var out Export
	at := yamlfile.At("export", "redaction")
	for _, name := range slices.Sorted(maps.Keys(y.Redaction)) {
		p, here := y.Redaction[name], at.Then(name)
		if !profileName.MatchString(name) || name == "none" {
			r.f.KeyProblemf(here, "%q is no name of a profile", name).Hint("lower-case letters, digits and dashes; none is taken")
		}
		for _, list := range []struct {
			key      string
			patterns []string
		}{{"hide", p.Hide}, {"keep", p.Keep}} {
			for i, pattern := range list.patterns {
				if !kindPattern.MatchString(pattern) {
					r.f.Problemf(here.Then(list.key, i), "%q is no pattern of kinds", pattern).Hint("a kind (jira.issue), the first part of one (jira.*), or *")
				}
			}
		}
		out.Redaction = append(out.Redaction, Redaction{Name: name, Hide: p.Hide, Keep: p.Keep, SheetsOmitted: p.SheetsOmitted})
	}
	return out
}

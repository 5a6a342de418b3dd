package records

import (
	"slices"
	"strings"
)

// Asked is what a system asks a vendor for, as the settings of a source declare
// it: through a project or workspace, or through one key.
type Asked struct {
	Project string `json:"project,omitempty"`
	APIKey  string `json:"api_key,omitempty"`
	Model   string `json:"model"`
	System  string `json:"system"`
}

// Use is a model that a vendor's report says was used.
type Use struct{ Project, APIKey, Model string }

// Served holds a model that answered against what was declared. It returns who
// asked for it and for what, sorted, each once. Who is nobody if nothing was
// declared of that project or key; Model is empty if several models were and it
// cannot be told which of them was asked for.
//
// A model asked for by name is itself; else it is the dated version of an alias
// that was asked for; else, where one model alone is asked for, it stands in
// its place.
func Served(declared []Asked, u Use) []Asked {
	scope := within(declared, u)
	for _, fits := range []func(Asked) bool{
		func(a Asked) bool { return a.Model == u.Model },
		func(a Asked) bool { return IsVersionOf(u.Model, a.Model) },
		func(a Asked) bool { return a.Model == scope[0].Model && len(models(scope)) == 1 },
	} {
		if found := slices.DeleteFunc(slices.Clone(scope), func(a Asked) bool { return !fits(a) }); len(found) > 0 {
			return who(found)
		}
	}
	for i := range scope {
		scope[i].Model = ""
	}
	return who(scope)
}

// within returns a copy of what was declared of the key, or else of the project.
func within(declared []Asked, u Use) []Asked {
	var byKey, byProject []Asked
	for _, a := range declared {
		switch {
		case a.Project != "" && a.Project != u.Project:
		case a.APIKey != "" && a.APIKey == u.APIKey:
			byKey = append(byKey, a)
		case a.APIKey == "" && a.Project != "":
			byProject = append(byProject, a)
		}
	}
	if len(byKey) > 0 {
		return byKey
	}
	return byProject
}

func models(asked []Asked) map[string]bool {
	out := map[string]bool{}
	for _, a := range asked {
		out[a.Model] = true
	}
	return out
}

// who reduces declarations to systems and models.
func who(asked []Asked) []Asked {
	var out []Asked
	for _, a := range asked {
		out = append(out, Asked{System: a.System, Model: a.Model})
	}
	slices.SortFunc(out, func(a, b Asked) int { return strings.Compare(a.System+"\x00"+a.Model, b.System+"\x00"+b.Model) })
	return slices.Compact(out)
}

// IsVersionOf reports whether model is a dated version of alias, as vendors
// write them: name-2024-08-06, name-20240806, name-0613, name-latest.
func IsVersionOf(model, alias string) bool {
	alias = strings.TrimSuffix(alias, "-latest")
	date, ok := strings.CutPrefix(model, alias+"-")
	if !ok || alias == "" {
		return false
	}
	parts := strings.Split(date, "-")
	if len(parts) != 1 && (len(parts) != 3 || len(parts[0]) != 4 || len(parts[1]) != 2 || len(parts[2]) != 2) {
		return false
	}
	digits := strings.Join(parts, "")
	return (len(digits) == 4 || len(digits) == 6 || len(digits) == 8) && strings.Trim(digits, "0123456789") == ""
}

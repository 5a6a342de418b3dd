package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var bazelLabel = regexp.MustCompile(`^@(?:pip|pypi|pip_deps|py_deps)(?:\w*)//([A-Za-z0-9_.-]+)(?::.*)?$`)

// bazel reads MODULE.bazel, WORKSPACE and BUILD files: what their rules fetch
// from the registries of other languages.
func bazel(f *file) {
	all := f.tokens(pythonSyntax)
	toks := plain(all)
	for i := 0; i+1 < len(toks); i++ {
		if m := bazelLabel.FindStringSubmatch(toks[i].text); m != nil && toks[i].kind == text {
			f.pkg(pypi, pypiName(m[1]), "", toks[i].line, fact.Direct)
		}
		if toks[i].kind != word || !toks[i+1].is("(") {
			continue
		}
		args := toks[i+2 : min(closing(toks, i+1), len(toks))]
		switch toks[i].text {
		case "install", "maven_install":
			f.bazelArtifacts(args)
		case "artifact":
			f.bazelArtifact(args)
		case "requirement":
			if len(args) == 1 && args[0].kind == text {
				f.require(args[0].text, args[0].line, fact.Direct)
			}
		case "go_repository":
			path := argument(args, "importpath")
			f.pkg(golang, path.text, argument(args, "version").text, path.line, fact.Direct)
		case "module", "override":
			if path := argument(args, "path"); strings.Contains(path.text, ".") && strings.Contains(path.text, "/") {
				f.pkg(golang, path.text, argument(args, "version").text, path.line, fact.Direct)
			}
		}
	}
	remarks(all, pythonSyntax, func(inner []token) {
		for _, t := range stringsOf(inner) {
			f.bazelCoordinate(t, fact.Commented)
		}
	})
}

// argument is the string that is given for a name.
func argument(toks []token, name string) token {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].is(name) && toks[i+1].is("=") && toks[i+2].kind == text {
			return toks[i+2]
		}
	}
	return token{}
}

func (f *file) bazelArtifacts(args []token) {
	for i := 0; i+2 < len(args); i++ {
		if args[i].kind != word || !args[i+1].is("=") || !args[i+2].is("[") {
			continue
		}
		st := fact.Direct
		switch args[i].text {
		case "artifacts":
		case "boms":
			st = fact.Central
		case "excluded_artifacts":
			st = fact.Excluded
		default:
			continue
		}
		for _, t := range stringsOf(args[i+2 : min(closing(args, i+2), len(args))]) {
			f.bazelCoordinate(t, st)
		}
	}
}

func (f *file) bazelCoordinate(t token, st fact.Standing) {
	parts := strings.Split(t.text, ":")
	if len(parts) < 2 || !coordinate.MatchString(parts[0]+":"+parts[1]) {
		return
	}
	version := ""
	if len(parts) > 2 {
		version = parts[len(parts)-1]
	}
	f.pkg(maven, parts[0]+":"+parts[1], version, t.line, st)
}

func (f *file) bazelArtifact(args []token) {
	group, name := argument(args, "group"), argument(args, "artifact")
	if group.text == "" || name.text == "" {
		if strs := stringsOf(args); len(strs) > 0 {
			f.bazelCoordinate(strs[0], fact.Direct)
		}
		return
	}
	st := fact.Direct
	for i := 0; i+2 < len(args); i++ {
		if args[i].is("testonly") && args[i+2].is("True") {
			st = fact.Development
		}
	}
	f.pkg(maven, group.text+":"+name.text, argument(args, "version").text, name.line, st)
}

// mavenInstall reads maven_install.json, the lockfile of those rules.
func mavenInstall(f *file) {
	root := f.json()
	root.get("artifacts").each(func(id string, v *node) {
		if parts := strings.Split(id, ":"); len(parts) >= 2 {
			f.pkg(maven, parts[0]+":"+parts[1], v.get("version").str(), v.line, fact.Transitive)
		}
	})
	for _, d := range root.get("dependency_tree", "dependencies").items() {
		c := d.get("coord")
		if parts := strings.Split(c.str(), ":"); len(parts) >= 3 {
			f.pkg(maven, parts[0]+":"+parts[1], parts[len(parts)-1], c.line, fact.Transitive)
		}
	}
}

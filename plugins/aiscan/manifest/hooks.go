package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// preCommit reads .pre-commit-config.yaml: what hooks are installed with.
func preCommit(f *file) {
	for _, repo := range f.yaml().get("repos").items() {
		for _, hook := range repo.get("hooks").items() {
			language := hook.get("language").str()
			for _, d := range hook.get("additional_dependencies").items() {
				name, spec := cutSpec(d.str())
				switch {
				case language == "node" || strings.HasPrefix(name, "@") || spec != "" && !strings.Contains(d.text, "://") && !strings.Contains(name, " "):
					f.npmSpec(name, spec, d.line, fact.Development)
				case language == "golang":
					f.pkg(golang, name, spec, d.line, fact.Development)
				case language == "ruby":
					gemName, version, _ := strings.Cut(d.str(), ":")
					f.pkg(gem, gemName, version, d.line, fact.Development)
				case language == "rust":
					crate, version, _ := strings.Cut(strings.TrimPrefix(d.str(), "cli:"), ":")
					f.pkg(cargo, crate, version, d.line, fact.Development)
				default:
					f.require(d.str(), d.line, fact.Development)
				}
			}
		}
	}
}

// tox reads tox.ini: the key deps of its environments.
func tox(f *file) {
	key := ""
	f.lines(func(n int, line string) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
			return
		case line[0] == '[':
			key = ""
			return
		case line[0] != ' ' && line[0] != '\t':
			name, value, ok := strings.Cut(line, "=")
			if !ok {
				key = ""
				return
			}
			key, trimmed = strings.TrimSpace(name), strings.TrimSpace(value)
		}
		if key != "deps" {
			return
		}
		st := fact.Development
		if env, dep, ok := strings.Cut(trimmed, ": "); ok && !strings.ContainsAny(env, " <>=;[") { // of some environments
			trimmed = dep
		}
		f.require(trimmed, n, st)
	})
}

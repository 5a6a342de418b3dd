package manifest

import (
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// pubspec reads pubspec.yaml and its overrides.
func pubspec(f *file) {
	root := f.yaml()
	for _, s := range []section{{"dependencies", fact.Direct}, {"dev_dependencies", fact.Development}, {"dependency_overrides", fact.Central}} {
		root.get(s.name).each(func(name string, v *node) {
			version := v.str()
			if v.isTable() {
				if v.get("path") != nil || v.get("sdk") != nil {
					return
				}
				version = v.get("version").str()
				if version == "" {
					version = v.get("git", "ref").str()
				}
				if hosted := v.get("hosted", "name").str(); hosted != "" {
					name = hosted
				}
			}
			f.pkg(pub, name, version, v.line, s.st)
		})
	}
	f.yamlRemarks(pub, "dependencies", "dev_dependencies")
}

// pubspecLock reads pubspec.lock, which tells what is direct.
func pubspecLock(f *file) {
	standings := map[string]fact.Standing{"direct main": fact.Direct, "direct dev": fact.Development,
		"direct overridden": fact.Central, "transitive": fact.Transitive}
	f.yaml().get("packages").each(func(name string, v *node) {
		if source := v.get("source").str(); source == "path" || source == "sdk" {
			return
		}
		st, ok := standings[v.get("dependency").str()]
		if !ok {
			st = fact.Transitive
		}
		f.pkg(pub, name, v.get("version").str(), v.line, st)
	})
}

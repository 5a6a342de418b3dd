package aisign

import (
	"regexp"
	"slices"
	"strings"
)

// ecosystems are other names under which package managers go.
func ecosystem(name string) string {
	switch n := lower(name); n {
	case "golang", "gomod":
		return "go"
	case "python", "pip":
		return "pypi"
	case "rubygems", "ruby":
		return "gem"
	case "crates.io", "crates", "rust":
		return "cargo"
	case "packagist", "php":
		return "composer"
	case "dart", "flutter", "pub.dev":
		return "pub"
	case "swiftpm", "swifturl", "spm":
		return "swift"
	case "gradle", "sbt", "java":
		return "maven"
	case "r":
		return "cran"
	case "haskell":
		return "hackage"
	case "elixir", "erlang":
		return "hex"
	case "pods", "cocoapod":
		return "cocoapods"
	default:
		return n
	}
}

var (
	runs     = regexp.MustCompile(`[-_.]+`)
	majors   = regexp.MustCompile(`/v[0-9]+(/|$)|\.v[0-9]+(/|$)`)
	extrasOf = regexp.MustCompile(`^([^\[\]]*)\[([^\[\]]*)\]$`)
)

// packageName is a name as its ecosystem compares names, without extras.
func packageName(ecosystem, name string) string {
	name = strings.TrimSpace(name)
	switch ecosystem {
	case "pypi":
		return runs.ReplaceAllString(strings.ToLower(name), "-")
	case "cargo":
		return strings.ReplaceAll(strings.ToLower(name), "_", "-")
	case "go", "swift":
		n := strings.ToLower(name)
		n = strings.TrimPrefix(strings.TrimPrefix(n, "https://"), "http://")
		n = strings.TrimSuffix(strings.TrimSuffix(n, "/"), ".git")
		// A major version is part of the path and says nothing about whose it is.
		return majors.ReplaceAllString(n, "$1$2")
	case "maven":
		parts := strings.SplitN(strings.ToLower(name), ":", 3)
		return strings.Join(parts[:min(2, len(parts))], ":")
	case "conan":
		n, _, _ := strings.Cut(strings.ToLower(name), "/")
		return n
	default:
		return strings.ToLower(name)
	}
}

// packageKeys are the names under which a package is looked up: itself, with
// each of its extras, and in Go the modules whose part it may be.
func packageKeys(ecosystem, name string) []string {
	if ecosystem == "pypi" && strings.Contains(name, "[") {
		if m := extrasOf.FindStringSubmatch(strings.TrimSpace(name)); m != nil {
			base := packageName(ecosystem, m[1])
			keys := []string{base}
			for extra := range strings.SplitSeq(m[2], ",") {
				keys = append(keys, base+"["+packageName(ecosystem, extra)+"]")
			}
			return keys
		}
	}
	keys := []string{packageName(ecosystem, name)}
	if ecosystem == "go" {
		for at := strings.LastIndexByte(keys[0], '/'); at > 0; at = strings.LastIndexByte(keys[0][:at], '/') {
			keys = append(keys, keys[0][:at])
		}
	}
	return keys
}

func (s *Set) packagesOf() map[string]*index {
	all := map[string]*index{}
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, eco := range sortedKeys(l.Packages) {
			x := all[eco]
			if x == nil {
				x = newIndex()
				all[eco] = x
			}
			for _, name := range l.Packages[eco] {
				x.add(entryName(eco, name), entry{sig, "packages", name, doubt})
			}
		}
	})
	return all
}

// entryName is the name of an entry as it is looked up.
func entryName(eco, name string) string {
	if eco != "pypi" || !strings.Contains(name, "[") {
		return packageName(eco, name)
	}
	if m := extrasOf.FindStringSubmatch(name); m != nil {
		return packageName(eco, m[1]) + "[" + packageName(eco, m[2]) + "]"
	}
	return packageName(eco, name)
}

// Package returns whose a package is: ecosystem as in the data or by its usual
// other names, name as a manifest writes it, without a version. A package that
// joins two products is both: langchain-openai is OpenAI's by its own entry,
// and LangChain's if that has an entry for it.
func (s *Set) Package(eco, name string) []Match {
	var f found
	eco = ecosystem(eco)
	x := s.packages()[eco]
	if x == nil || len(name) > maxName {
		return nil
	}
	for _, key := range packageKeys(eco, name) {
		x.find(key, &f)
	}
	return f.sorted()
}

// maxName bounds what is looked up: no name that is in the data is longer.
const maxName = 512

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

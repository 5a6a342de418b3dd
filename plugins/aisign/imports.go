package aisign

import "strings"

// tree finds entries by the beginning of a path, segment by segment.
type tree struct {
	index
	sep string
}

// separators of the segments of an imported name, by language.
func separator(language string) string {
	switch language {
	case "js", "go", "dart", "c":
		return "/"
	case "rb", "rs":
		return "::"
	case "php":
		return `\`
	default:
		return "."
	}
}

// imported are the ecosystems whose names of packages are the names by which
// code imports them.
func imported(language string) (eco string, ok bool) {
	switch language {
	case "py":
		return "pypi", true
	case "js":
		return "npm", true
	case "go":
		return "go", true
	case "rs":
		return "cargo", true
	case "rb":
		return "gem", true
	case "cs":
		return "nuget", true
	case "dart":
		return "pub", true
	case "jl":
		return "julia", true
	case "r":
		return "cran", true
	default:
		return "", false
	}
}

func derivable() []string { return []string{"py", "js", "go", "rs", "rb", "cs", "dart", "jl", "r"} }

// language is the name of a language in the data.
func language(name string) string {
	switch n := lower(name); n {
	case "python":
		return "py"
	case "javascript", "typescript", "ts", "tsx", "jsx", "mjs", "cjs", "vue", "svelte", "node":
		return "js"
	case "golang":
		return "go"
	case "kotlin", "kt", "scala", "groovy", "clojure":
		return "java"
	case "csharp", "c#", "fsharp", "f#", "fs", "vb", "dotnet":
		return "cs"
	case "ruby":
		return "rb"
	case "rust":
		return "rs"
	case "elixir", "exs":
		return "ex"
	case "julia":
		return "jl"
	case "haskell":
		return "hs"
	case "c++", "cpp", "cc", "h", "hpp":
		return "c"
	default:
		return n
	}
}

// importName is a path as its language compares paths, or empty if it names a
// file of the project itself.
func importName(lang, path string) string {
	path = strings.TrimSpace(path)
	if strings.HasPrefix(path, ".") {
		return ""
	}
	switch lang {
	case "js":
		return script(path)
	case "go":
		return packageName("go", path)
	case "rb":
		return strings.ReplaceAll(path, "/", "::")
	case "rs":
		return strings.TrimPrefix(path, "::")
	case "php":
		return strings.TrimPrefix(path, `\`)
	case "dart":
		return strings.TrimPrefix(path, "package:")
	default:
		return path
	}
}

// script is the package of a JavaScript specifier: npm:openai@4/helpers and
// https://esm.sh/openai@4 are openai.
func script(path string) string {
	for _, from := range []string{"npm:", "https://esm.sh/", "https://cdn.skypack.dev/", "https://cdn.jsdelivr.net/npm/", "https://unpkg.com/"} {
		path = strings.TrimPrefix(path, from)
	}
	if at := strings.IndexByte(path, '@'); at < 0 || at == 0 && strings.Count(path, "@") == 1 {
		return path
	}
	at := strings.LastIndexByte(path, '@')
	version := path[at+1:]
	if slash := strings.IndexByte(version, '/'); slash >= 0 {
		return path[:at] + version[slash:]
	}
	return path[:at]
}

// derived is the name by which code imports a package.
func derived(lang, name string) string {
	switch lang {
	case "py":
		base, _, _ := strings.Cut(name, "[")
		return strings.ReplaceAll(packageName("pypi", base), "-", "_")
	case "rs", "rb":
		return strings.ReplaceAll(name, "-", "_")
	case "go":
		return packageName("go", name)
	default:
		return name
	}
}

func (s *Set) importsOf() map[string]*tree {
	all := map[string]*tree{}
	of := func(lang string) *tree {
		if all[lang] == nil {
			all[lang] = &tree{*newIndex(), separator(lang)}
		}
		return all[lang]
	}
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, lang := range sortedKeys(l.Imports) {
			t := of(lang)
			for _, path := range l.Imports[lang] {
				name := strings.TrimSuffix(importName(lang, path), t.sep)
				t.add(name, entry{sig, "imports", path, doubt})
			}
		}
		for _, lang := range derivable() {
			if len(sig.Imports[lang])+len(sig.Doubtful.Imports[lang]) > 0 {
				continue
			}
			eco, _ := imported(lang)
			for _, name := range l.Packages[eco] {
				of(lang).add(derived(lang, name), entry{sig, "imports", name, doubt})
			}
		}
	})
	return all
}

// Import returns whose a module or namespace is that code imports. An entry is
// the beginning of a path, by whole segments: openai is not openai_api. Where a
// signature states no imports for a language, the names of its packages are
// taken for them.
func (s *Set) Import(lang, path string) []Match {
	lang = language(lang)
	t := s.imports()[lang]
	if t == nil || len(path) > maxName {
		return nil
	}
	key := importName(lang, path)
	var f found
	for key != "" {
		for _, e := range t.whole[key] {
			f.add(e.match(), exact+len(key))
		}
		for _, g := range t.globs {
			if glob(g.pattern, key) {
				f.add(g.match(), len(g.pattern))
			}
		}
		at := strings.LastIndex(key, t.sep)
		if at < 0 {
			break
		}
		key = key[:at]
	}
	return f.sorted()
}

package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// clojureName is group:artifact of a name that may have no group.
func clojureName(s string) string {
	group, name, ok := strings.Cut(s, "/")
	if !ok {
		name = group
	}
	name, _, _ = strings.Cut(name, "$")
	return group + ":" + name
}

// leiningen reads project.clj: vectors of [name "version"] behind certain keys.
func leiningen(f *file) {
	toks := f.tokens(clojSyntax)
	l := &leinReader{f}
	l.read(plain(toks), fact.Direct)
	remarks(toks, clojSyntax, func(inner []token) { l.vectors(plain(inner), fact.Commented) })
}

type leinReader struct{ *file }

func (l *leinReader) read(toks []token, st fact.Standing) {
	for i := 0; i+2 < len(toks); i++ {
		if !toks[i].is(":") {
			continue
		}
		end := min(closing(toks, i+2), len(toks))
		switch {
		case toks[i+1].is("dependencies") && toks[i+2].is("["):
			l.vectors(toks[i+3:end], st)
		case toks[i+1].is("plugins") && toks[i+2].is("["):
			l.vectors(toks[i+3:end], fact.Development)
		case toks[i+1].is("managed-dependencies") && toks[i+2].is("["):
			l.vectors(toks[i+3:end], fact.Central)
		case toks[i+1].is("profiles") && toks[i+2].is("{"):
			l.profiles(toks[i+3 : end])
		default:
			continue
		}
		i = end
	}
}

func (l *leinReader) profiles(toks []token) {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].is(":") && toks[i+2].is("{") {
			end := min(closing(toks, i+2), len(toks))
			l.read(toks[i+3:end], groupStanding(toks[i+1].text, fact.Optional))
			i = end
		}
	}
}

func (l *leinReader) vectors(toks []token, st fact.Standing) {
	for i := 0; i+1 < len(toks); i++ {
		if !toks[i].is("[") || toks[i+1].kind != word {
			continue
		}
		end := min(closing(toks, i), len(toks))
		body := toks[i+1 : end]
		version, own := "", st
		if i > 1 && toks[i-1].is("_") && toks[i-2].is("#") { // the reader drops the form
			own = fact.Commented
		}
		if len(body) > 1 && body[1].kind == text {
			version = body[1].text
		}
		for j := 0; j+2 < len(body); j++ {
			switch {
			case body[j].is("scope") && body[j+1].text == "test":
				own = weaker(st, fact.Development)
			case body[j].is("exclusions") && body[j+1].is("["):
				for _, x := range body[j+2 : min(closing(body, j+1), len(body))] {
					if x.kind == word && !x.is("_") {
						l.pkg(maven, clojureName(x.text), "", x.line, weaker(own, fact.Excluded))
					}
				}
			}
		}
		if st != fact.Commented || version != "" {
			l.pkg(maven, clojureName(body[0].text), version, body[0].line, own)
		}
		i = end
	}
}

// depsEdn reads deps.edn: maps of names to maps, behind certain keys.
func depsEdn(f *file) {
	toks := f.tokens(clojSyntax)
	d := &ednReader{f}
	d.read(plain(toks), "", 0)
	remarks(toks, clojSyntax, func(inner []token) { d.entries(plain(inner), fact.Commented) })
}

type ednReader struct{ *file }

func (d *ednReader) read(toks []token, alias string, depth int) {
	if depth > 20 {
		return
	}
	for i := 0; i+2 < len(toks); i++ {
		if !toks[i].is(":") || !toks[i+2].is("{") {
			continue
		}
		end := min(closing(toks, i+2), len(toks))
		body := toks[i+3 : end]
		st := fact.Direct
		if alias != "" {
			st = groupStanding(alias, fact.Optional)
		}
		switch toks[i+1].text {
		case "deps", "extra-deps", "replace-deps":
			d.entries(body, st)
		case "override-deps", "default-deps":
			d.entries(body, fact.Central)
		case "aliases":
			d.aliases(body, depth)
		}
		i = end
	}
}

func (d *ednReader) aliases(toks []token, depth int) {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].is(":") && toks[i+2].is("{") {
			end := min(closing(toks, i+2), len(toks))
			d.read(toks[i+3:end], toks[i+1].text, depth+1)
			i = end
		}
	}
}

func (d *ednReader) entries(toks []token, st fact.Standing) {
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].kind != word || !toks[i+1].is("{") {
			continue
		}
		end := min(closing(toks, i+1), len(toks))
		body := toks[i+2 : end]
		version, local := "", false
		for j := 0; j+1 < len(body); j++ {
			switch body[j].text {
			case "mvn/version", "git/tag":
				version = body[j+1].text
			case "git/sha", "sha":
				if version == "" {
					version = body[j+1].text
				}
			case "local/root":
				local = true
			}
		}
		name, own := toks[i].text, st
		if i > 0 && toks[i-1].is("#") && name[0] == '_' { // the reader drops the form
			name, own = name[1:], fact.Commented
		}
		if !local && name != "" {
			d.pkg(maven, clojureName(name), version, toks[i].line, own)
		}
		i = end
	}
}

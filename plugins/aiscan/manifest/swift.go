package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// packageSwift reads Package.swift: .package(url: …, from: …). A package of
// Swift has no registry's name; its repository is its name.
func packageSwift(f *file) {
	toks := f.tokens(swiftSyntax)
	f.swiftPackages(plain(toks), false)
	remarks(toks, swiftSyntax, func(inner []token) { f.swiftPackages(plain(inner), true) })
}

func (f *file) swiftPackages(toks []token, commented bool) {
	for i := 0; i+2 < len(toks); i++ {
		if !toks[i].is(".") || !toks[i+1].is("package") || !toks[i+2].is("(") {
			continue
		}
		args := toks[i+3 : min(closing(toks, i+2), len(toks))]
		st := fact.Direct
		if commented {
			st = fact.Commented
		}
		version := ""
		for _, key := range []string{"from", "exact", "branch", "revision"} {
			if v := labelled(args, key); version == "" {
				version = v.text
			}
		}
		if version == "" { // a range: two strings
			for j := 1; j+1 < len(args); j++ {
				if args[j].kind == text && args[j+1].is(".") && !args[j-1].is(":") {
					version = args[j].text
				}
			}
		}
		if url := labelled(args, "url"); url.text != "" {
			f.pkg(swift, repository(url.text), version, url.line, st)
		} else if id := labelled(args, "id"); id.text != "" {
			f.pkg(swift, id.text, version, id.line, st)
		}
	}
}

// labelled is the string behind a label: url: "…", .exact("…").
func labelled(toks []token, label string) token {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].is(label) && (toks[i+1].is(":") || toks[i+1].is("(")) {
			for j := i + 2; j < len(toks) && j < i+6; j++ {
				if toks[j].kind == text {
					return toks[j]
				}
			}
		}
	}
	return token{}
}

// packageResolved reads Package.resolved.
func packageResolved(f *file) {
	root := f.json()
	pins := root.get("pins")
	if pins == nil {
		pins = root.get("object", "pins")
	}
	for _, p := range pins.items() {
		url := p.get("location")
		if url == nil {
			url = p.get("repositoryURL")
		}
		version := ""
		for _, key := range []string{"version", "branch", "revision"} {
			if v := p.get("state", key).str(); version == "" {
				version = v
			}
		}
		name := repository(url.str())
		if name == "" && p.get("kind").str() == "registry" {
			name = p.get("identity").str()
		}
		f.pkg(swift, name, version, url.at(p.line), fact.Transitive)
	}
}

// cartfile reads Cartfile, Cartfile.private and Cartfile.resolved.
func cartfile(f *file) {
	st := fact.Direct
	switch {
	case strings.HasSuffix(f.path, ".private"):
		st = fact.Development
	case strings.HasSuffix(f.path, ".resolved"):
		st = fact.Transitive
	}
	f.lines(func(n int, line string) {
		line = strings.TrimSpace(line)
		own := st
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			line, own = strings.TrimSpace(rest), fact.Commented
		}
		kind, rest, _ := strings.Cut(line, " ")
		parts := strings.SplitN(rest, `"`, 3)
		if len(parts) < 3 {
			return
		}
		name := ""
		switch kind {
		case "github":
			name = "github.com/" + parts[1]
			if strings.Contains(parts[1], "://") {
				name = repository(parts[1])
			}
		case "git":
			name = repository(parts[1])
		}
		version, _, _ := strings.Cut(parts[2], "#")
		f.pkg(swift, name, strings.Trim(strings.TrimSpace(version), `"`), n, own)
	})
}

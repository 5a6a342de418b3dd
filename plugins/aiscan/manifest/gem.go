package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// gemfile reads Gemfile and gems.rb.
func gemfile(f *file) {
	toks := f.tokens(rubySyntax)
	r := &gemReader{file: f}
	r.lines(toks, r.statement)
	remarks(toks, rubySyntax, func(inner []token) {
		if len(inner) > 1 && inner[0].is("gem") && (inner[1].kind == text || inner[1].is("(")) {
			r.gem(inner, fact.Commented)
		}
	})
}

type gemReader struct {
	*file
	open []fact.Standing // of the blocks around
}

// lines calls visit for each line of tokens, as far as commas carry it.
func (r *gemReader) lines(toks []token, visit func([]token)) {
	for i := 0; i < len(toks); {
		if k := toks[i].kind; k == lineBreak || k == remark {
			i++
			continue
		}
		end := max(lineEnd(toks, i), i+1)
		visit(plain(toks[i:end]))
		i = end
	}
}

func (r *gemReader) standing() fact.Standing {
	st := fact.Direct
	for _, o := range r.open {
		st = weaker(st, o)
	}
	return st
}

func (r *gemReader) statement(toks []token) {
	if len(toks) == 0 || len(r.open) > maxDepth {
		return
	}
	last := toks[len(toks)-1]
	block := last.is("do") || last.is("|") && hasWord(toks, "do")
	switch first := toks[0]; {
	case first.is("gem"):
		r.gem(toks, r.standing())
	case first.is("end"):
		if n := len(r.open); n > 0 {
			r.open = r.open[:n-1]
		}
		return
	case first.is("group") && block:
		r.open = append(r.open, rubyGroups(toks[1:]))
		return
	case (first.is("platforms") || first.is("platform") || first.is("install_if")) && block,
		first.is("if") || first.is("unless") || first.is("case"):
		r.open = append(r.open, fact.Optional)
		return
	case first.is("path") && block:
		r.open = append(r.open, fact.Excluded)
		return
	case first.is("def") || first.is("begin") || first.is("while"):
		r.open = append(r.open, fact.Direct)
		return
	}
	if block {
		r.open = append(r.open, fact.Direct)
	}
}

func hasWord(toks []token, s string) bool {
	for _, t := range toks {
		if t.is(s) {
			return true
		}
	}
	return false
}

// rubyGroups is the standing of names of groups: development if all are for it.
func rubyGroups(toks []token) fact.Standing {
	st := fact.Development
	seen := false
	for i, t := range toks {
		if t.kind != word && t.kind != text || t.is("do") || t.is("optional") || t.is("true") {
			continue
		}
		if i+1 < len(toks) && toks[i+1].is(":") { // the next option
			continue
		}
		seen = true
		switch {
		case t.text == "default":
			return fact.Direct
		case !isDev(t.text):
			st = fact.Direct
		}
	}
	if !seen {
		return fact.Direct
	}
	if hasWord(toks, "optional") {
		return weaker(st, fact.Optional)
	}
	return st
}

// gem reads gem "name", "version", option: value.
func (r *gemReader) gem(toks []token, st fact.Standing) {
	i := 1
	if i < len(toks) && toks[i].is("(") {
		i++
	}
	if i >= len(toks) || toks[i].kind != text {
		return
	}
	name := toks[i]
	version, inOptions := "", false
	for j := i + 1; j < len(toks); j++ {
		t := toks[j]
		key := t.kind == word && j+1 < len(toks) && toks[j+1].is(":") && !toks[j-1].is(":") ||
			t.kind == word && toks[j-1].is(":") && j+2 < len(toks) && toks[j+1].is("=") && toks[j+2].is(">")
		switch {
		case key && t.is("path"):
			return
		case key && (t.is("group") || t.is("groups")):
			inOptions = true
			st = weaker(st, rubyGroups(optionValue(toks, j)))
		case key && (t.is("platforms") || t.is("platform") || t.is("install_if")):
			inOptions = true
			st = weaker(st, fact.Optional)
		case key && (t.is("tag") || t.is("ref") || t.is("branch")) && version == "":
			inOptions = true
			if strs := stringsOf(optionValue(toks, j)); len(strs) > 0 {
				version = strs[0].text
			}
		case key:
			inOptions = true
		case t.is("if") || t.is("unless"):
			st = weaker(st, fact.Optional)
			inOptions = true
		case t.kind == text && !inOptions && version == "":
			version = t.text
		}
	}
	if strings.Contains(name.text, "#{") {
		return
	}
	r.pkg(gem, name.text, version, name.line, st)
}

// optionValue is the tokens behind a key up to the comma that ends them.
func optionValue(toks []token, j int) []token {
	j++
	for j < len(toks) && (toks[j].is(":") || toks[j].is("=") || toks[j].is(">")) {
		j++
	}
	end := j
	for end < len(toks) && !toks[end].is(",") {
		if toks[end].is("[") {
			end = closing(toks, end)
		}
		end++
	}
	return toks[min(j, len(toks)):min(end, len(toks))]
}

// gemspec reads *.gemspec.
func gemspec(f *file) {
	toks := f.tokens(rubySyntax)
	read := func(toks []token, commented bool) {
		for i := 0; i+1 < len(toks); i++ {
			st, ok := map[string]fact.Standing{"add_dependency": fact.Direct, "add_runtime_dependency": fact.Direct,
				"add_development_dependency": fact.Development}[toks[i].text]
			if !ok || toks[i].kind != word {
				continue
			}
			args := stringsOf(toks[i+1 : max(i+1, lineEnd(toks, i+1))])
			if len(args) == 0 {
				continue
			}
			version := ""
			if len(args) > 1 {
				version = args[1].text
			}
			if commented {
				st = fact.Commented
			}
			f.pkg(gem, args[0].text, version, args[0].line, st)
		}
	}
	read(toks, false)
	remarks(toks, rubySyntax, func(inner []token) { read(inner, true) })
}

var gemLine = regexp.MustCompile(`^( {2}| {4}| {6})([A-Za-z0-9][\w.-]*)(?: \(([^)]*)\))?(!?)$`)

// gemfileLock reads Gemfile.lock and gems.locked.
func gemfileLock(f *file) {
	g := &graph{group: gem, direct: map[string]fact.Standing{}}
	section := ""
	f.lines(func(n int, line string) {
		if line != "" && line[0] != ' ' {
			section = strings.TrimSpace(line)
			if strings.HasPrefix(section, "<<<<<<<") || strings.HasPrefix(section, ">>>>>>>") {
				f.fail(n, "an unfinished merge")
			}
			return
		}
		m := gemLine.FindStringSubmatch(line)
		if m == nil {
			return
		}
		switch {
		case section == "DEPENDENCIES" && len(m[1]) == 2:
			g.direct[m[2]] = fact.Direct
		case section == "GEM" || section == "GIT" || section == "PATH" || strings.HasPrefix(section, "PLUGIN"):
			if len(m[1]) == 4 && m[3] != "" {
				version, _, _ := strings.Cut(m[3], "-") // the platform
				g.nodes = append(g.nodes, locked{key: m[2], name: m[2], version: version, line: n, own: section == "PATH"})
			} else if len(m[1]) == 6 && len(g.nodes) > 0 {
				last := &g.nodes[len(g.nodes)-1]
				last.deps = append(last.deps, m[2])
				if last.own {
					g.direct[m[2]] = fact.Direct
				}
			}
		}
	})
	f.lock(g)
}

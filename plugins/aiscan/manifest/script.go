package manifest

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// headSize is how much of a source file may hold what it depends on.
const headSize = 16 << 10

// script implements Script.
func script(p string, data []byte) ([]fact.Fact, error) {
	head := data[:min(len(data), headSize)]
	read, ok := scripts[strings.ToLower(path.Ext(p))]
	if !ok || !read.mark(head) {
		return nil, nil
	}
	return (&format{name: read.name, read: read.read, code: true}).Read(p, head)
}

// scriptFormat is a language whose source files can name packages.
type scriptFormat struct {
	name  string
	marks []string // one of them is in the head of a file that does
	read  func(*file)
}

func (s scriptFormat) mark(head []byte) bool {
	for _, m := range s.marks {
		if bytes.Contains(head, []byte(m)) {
			return true
		}
	}
	return false
}

var (
	sharpScript = scriptFormat{"csharp-script", []string{"#:package", "#:sdk", "nuget:"}, sharpHead}
	jvmScript   = scriptFormat{"jvm-script", []string{"DependsOn", "//DEPS", "using dep", "using lib", "@Grab", "using test.dep"}, jvmHead}
)

var scripts = map[string]scriptFormat{
	".py":     {"python-script", []string{"# /// script"}, pythonHead},
	".cs":     sharpScript,
	".csx":    sharpScript,
	".fsx":    sharpScript,
	".kts":    jvmScript,
	".kt":     jvmScript,
	".java":   jvmScript,
	".groovy": jvmScript,
	".scala":  jvmScript,
	".sc":     jvmScript,
	".rb":     {"ruby-script", []string{"bundler/inline"}, rubyHead},
	".exs":    {"elixir-script", []string{"Mix.install"}, elixirHead},
	".rs":     {"rust-script", []string{"---cargo", "```cargo", "--- cargo"}, rustHead},
}

// pythonHead reads the block between "# /// script" and "# ///".
func pythonHead(f *file) {
	var block []string
	in, done := false, false
	f.lines(func(_ int, line string) {
		trimmed := strings.TrimRight(line, " \t")
		switch {
		case !in && !done && trimmed == "# /// script":
			in = true
			line = ""
		case in && (trimmed == "# ///" || !strings.HasPrefix(line, "#")):
			in, done = false, true
			line = ""
		case in:
			line = strings.TrimPrefix(strings.TrimPrefix(line, "#"), " ")
		default:
			line = ""
		}
		block = append(block, line)
	})
	inner := &file{path: f.path, format: f.format, text: []byte(strings.Join(block, "\n"))}
	root, comments := inner.toml()
	inner.requireAll(root.get("dependencies"), fact.Direct)
	inner.requireAll(root.get("tool", "uv", "constraint-dependencies"), fact.Central)
	inner.tomlRemarks(comments, pypi, func([]string) bool { return true })
	f.facts, f.err = append(f.facts, inner.facts...), inner.err
}

var (
	sharpPackage = regexp.MustCompile(`^\s*(//\s*)?#:(package|sdk)\s+([A-Za-z0-9][\w.-]*)(?:@(\S+))?`)
	sharpNuget   = regexp.MustCompile(`^\s*(//\s*)?#r\s+"nuget:\s*([A-Za-z0-9][\w.-]*)(?:\s*,\s*([^"]+))?"`)
)

// sharpHead reads #:package Name@1.0 and #r "nuget: Name, 1.0".
func sharpHead(f *file) {
	f.lines(func(n int, line string) {
		st := fact.Direct
		name, version := "", ""
		if m := sharpPackage.FindStringSubmatch(line); m != nil {
			name, version = m[3], m[4]
			if m[2] == "sdk" {
				st = fact.Development
			}
			if m[1] != "" {
				st = fact.Commented
			}
		} else if m := sharpNuget.FindStringSubmatch(line); m != nil {
			name, version = m[2], m[3]
			if m[1] != "" {
				st = fact.Commented
			}
		}
		f.pkg(nuget, name, version, n, st)
	})
}

var (
	jvmDepends = regexp.MustCompile(`^\s*@file:DependsOn\((.*)\)`)
	jvmDeps    = regexp.MustCompile(`^//DEPS\s+(.*)$`)
	jvmUsing   = regexp.MustCompile(`^//>\s*using\s+(test\.)?(?:dep|deps|lib|libs|dependency)\s+(.*)$`)
	jvmGrab    = regexp.MustCompile(`^\s*@Grab\((.*)\)`)
)

// jvmHead reads what scripts of Java, Kotlin, Scala and Groovy depend on.
func jvmHead(f *file) {
	f.lines(func(n int, line string) {
		st, list := fact.Direct, ""
		if m := jvmDepends.FindStringSubmatch(line); m != nil {
			list = m[1]
		} else if m := jvmDeps.FindStringSubmatch(line); m != nil {
			list = m[1]
		} else if m := jvmUsing.FindStringSubmatch(line); m != nil {
			list = m[2]
			if m[1] != "" {
				st = fact.Development
			}
		} else if m := jvmGrab.FindStringSubmatch(line); m != nil {
			list = m[1]
			if strings.Contains(list, "module") {
				toks, _ := lex([]byte(list), groovySyntax, n)
				g, a := argument(toks, "group"), argument(toks, "module")
				f.pkg(maven, g.text+":"+a.text, argument(toks, "version").text, n, st)
				return
			}
		}
		for _, s := range fields(list) {
			s = strings.ReplaceAll(strings.Trim(s, `"'`), "::", ":")
			f.bazelCoordinate(token{kind: text, line: n, text: strings.SplitN(s, "@", 2)[0]}, st)
		}
	})
}

// rubyHead reads gemfile do … end.
func rubyHead(f *file) {
	toks := f.tokens(rubySyntax)
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].is("gemfile") {
			r := &gemReader{file: f}
			r.lines(toks[i:], r.statement)
			return
		}
	}
}

// elixirHead reads Mix.install([…]).
func elixirHead(f *file) {
	toks := f.tokens(elixirSyntax)
	for i := 0; i+4 < len(toks); i++ {
		if !toks[i].is("Mix") || !toks[i+2].is("install") || !toks[i+3].is("(") {
			continue
		}
		end := min(closing(toks, i+3), len(toks))
		body := toks[i+4 : end]
		for j := 0; j < len(body); j++ {
			switch {
			case body[j].is("{"):
				stop := min(closing(body, j), len(body))
				f.mixTuple(plain(body[j+1:stop]), fact.Direct)
				j = stop
			case body[j].is(":") && j > 0 && (body[j-1].is("[") || body[j-1].is(",") || body[j-1].kind == lineBreak) && j+1 < len(body) && body[j+1].kind == word:
				f.pkg(hex, body[j+1].text, "", body[j+1].line, fact.Direct)
			case body[j].is("]"):
				j = len(body)
			}
		}
		return
	}
}

// rustHead reads the front matter of a script of Rust.
func rustHead(f *file) {
	var block []string
	in := false
	f.lines(func(_ int, line string) {
		trimmed := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//!"))
		switch {
		case !in && (strings.HasPrefix(trimmed, "---") || trimmed == "```cargo"):
			in = true
			line = ""
		case in && (strings.HasPrefix(trimmed, "---") || trimmed == "```"):
			in = false
			line = ""
		case in:
			line = trimmed
		default:
			line = ""
		}
		block = append(block, line)
	})
	inner := &file{path: f.path, format: f.format, text: []byte(strings.Join(block, "\n"))}
	root, _ := inner.toml()
	inner.crates(root.get("dependencies"), fact.Direct)
	f.facts, f.err = append(f.facts, inner.facts...), inner.err
}

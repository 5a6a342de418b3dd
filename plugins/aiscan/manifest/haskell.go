package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var cabalPackage = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*)*)(?::[\w{}, -]+)?\s*((?:[<>=^&|(*\d{].*)?)$`)

// cabal reads *.cabal: the field build-depends of each part.
func cabal(f *file) {
	c := &cabalReader{file: f}
	f.lines(c.line)
}

type cabalReader struct {
	*file
	section fact.Standing
	cond    []int // indentations of the conditions around
	field   string
	indent  int
	own     string // the package itself
}

func (c *cabalReader) line(n int, line string) {
	line = strings.ReplaceAll(line, "\t", "    ")
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return
	}
	st := c.section
	if rest, ok := strings.CutPrefix(trimmed, "--"); ok {
		if c.field != "" {
			c.packages(strings.TrimSpace(rest), n, fact.Commented)
		}
		return
	}
	indent := len(line) - len(strings.TrimLeft(line, " "))
	for len(c.cond) > 0 && indent <= c.cond[len(c.cond)-1] {
		c.cond = c.cond[:len(c.cond)-1]
	}
	if c.field != "" && indent <= c.indent {
		c.field = ""
	}
	if c.field == "" {
		word, _, _ := strings.Cut(trimmed, " ")
		word = strings.ToLower(word)
		switch {
		case indent == 0 && (word == "test-suite" || word == "benchmark"):
			c.section = fact.Development
			return
		case indent == 0 && (word == "library" || word == "executable" || word == "common" || word == "foreign-library" || word == "custom-setup"):
			c.section = fact.Direct
			return
		case word == "if" || word == "elif" || word == "else" || strings.HasPrefix(word, "if("):
			c.cond = append(c.cond, indent)
			return
		}
		name, value, ok := strings.Cut(trimmed, ":")
		if !ok {
			return
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "name":
			c.own = strings.TrimSpace(value)
			return
		case "build-depends", "build-tool-depends", "setup-depends":
			c.field, c.indent = strings.ToLower(strings.TrimSpace(name)), indent
			trimmed = value
		default:
			return
		}
	}
	if len(c.cond) > 0 {
		st = weaker(st, fact.Optional)
	}
	if c.field != "build-depends" {
		st = weaker(st, fact.Development)
	}
	c.packages(trimmed, n, st)
}

func (c *cabalReader) packages(s string, n int, st fact.Standing) {
	if i := strings.Index(s, " --"); i >= 0 {
		s = s[:i]
	}
	for _, part := range strings.Split(s, ",") {
		if m := cabalPackage.FindStringSubmatch(strings.TrimSpace(part)); m != nil && m[1] != c.own && m[1] != "base" {
			c.pkg(hackage, m[1], strings.TrimSpace(m[2]), n, st)
		}
	}
}

// hpack reads package.yaml of Haskell.
func hpack(f *file) {
	root := f.yaml()
	take := func(v *node, st fact.Standing) {
		for _, d := range v.one() {
			if d.isTable() {
				name, version := d.get("name").str(), d.get("version").str()
				f.pkg(hackage, name, version, d.line, st)
				continue
			}
			for _, part := range strings.Split(d.str(), ",") {
				if m := cabalPackage.FindStringSubmatch(strings.TrimSpace(part)); m != nil && m[1] != "base" && m[1] != root.get("name").str() {
					f.pkg(hackage, m[1], strings.TrimSpace(m[2]), d.line, st)
				}
			}
		}
	}
	part := func(v *node, st fact.Standing) {
		take(v.get("dependencies"), st)
		take(v.get("build-tools"), fact.Development)
		for _, w := range v.get("when").one() {
			take(w.get("dependencies"), weaker(st, fact.Optional))
		}
	}
	part(root, fact.Direct)
	part(root.get("library"), fact.Direct)
	for _, s := range []section{{"executables", fact.Direct}, {"internal-libraries", fact.Direct},
		{"tests", fact.Development}, {"benchmarks", fact.Development}} {
		root.get(s.name).each(func(_ string, v *node) { part(v, s.st) })
	}
	part(root.get("executable"), fact.Direct)
}

var hackageID = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*)*)-(\d+(?:\.\d+)*)(?:@.*)?$`)

// stack reads stack.yaml: versions for what a package asks for.
func stack(f *file) {
	for _, d := range f.yaml().get("extra-deps").items() {
		if m := hackageID.FindStringSubmatch(d.str()); m != nil {
			f.pkg(hackage, m[1], m[2], d.line, fact.Central)
		}
	}
}

// stackLock reads stack.yaml.lock.
func stackLock(f *file) {
	for _, p := range f.yaml().get("packages").items() {
		id := p.get("original", "hackage")
		if m := hackageID.FindStringSubmatch(id.str()); m != nil {
			f.pkg(hackage, m[1], m[2], id.line, fact.Transitive)
		}
	}
}

var freeze = regexp.MustCompile(`(?:^|\s)any\.([A-Za-z][\w-]*)\s*==\s*([\d.]+)`)

// cabalFreeze reads cabal.project.freeze.
func cabalFreeze(f *file) {
	f.lines(func(n int, line string) {
		for _, m := range freeze.FindAllStringSubmatch(line, -1) {
			f.pkg(hackage, m[1], m[2], n, fact.Transitive)
		}
	})
}

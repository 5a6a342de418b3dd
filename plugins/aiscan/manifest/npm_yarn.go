package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// yarnLock reads yarn.lock of all versions. The newer ones are YAML of one fixed
// shape, so both are read by their indentation, which is quicker by far.
func yarnLock(f *file) {
	y := &yarnLines{file: f, g: &graph{group: npm}}
	f.lines(y.line)
	y.flush()
	if y.berry {
		y.g.direct = y.direct
	}
	y.resolve()
	f.lock(y.g)
}

type yarnLines struct {
	*file
	g       *graph
	berry   bool
	direct  map[string]fact.Standing
	keys    map[string]string // name@range to the key of its package
	cur     *locked
	section string
	own     bool
}

func (y *yarnLines) line(n int, line string) {
	if line == "" || line[0] == '#' || line[0] == '\r' {
		return
	}
	if line[0] != ' ' {
		y.flush()
		y.head(n, line)
		return
	}
	if y.cur == nil {
		return
	}
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return
	}
	depth := len(line) - len(strings.TrimLeft(line, " "))
	name, value := yarnPair(trimmed)
	switch {
	case depth == 2 && value == "":
		y.section = name
	case depth == 2:
		y.section = ""
		y.field(name, value)
	case depth == 4 && (y.section == "dependencies" || y.section == "optionalDependencies"):
		y.cur.deps = append(y.cur.deps, name+"@"+value)
	}
}

// yarnPair cuts a line into a key and a value: key "value", key: value.
func yarnPair(s string) (string, string) {
	var key, rest string
	if s[0] == '"' {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return s, ""
		}
		key, rest = s[1:1+end], s[2+end:]
	} else {
		i := strings.IndexAny(s, ": ")
		if i < 0 {
			return s, ""
		}
		key, rest = s[:i], s[i:]
	}
	rest = strings.TrimSpace(strings.TrimPrefix(rest, ":"))
	return key, strings.Trim(rest, `"`)
}

// head reads the line of a package: "a@^1", a@^2:
func (y *yarnLines) head(n int, line string) {
	line = strings.TrimSpace(line)
	if !strings.HasSuffix(line, ":") {
		y.fail(n, "not the head of a package")
		return
	}
	line = strings.TrimSuffix(line, ":")
	if line == "__metadata" {
		y.berry = true
		y.direct = map[string]fact.Standing{}
		return
	}
	specs := strings.Split(strings.ReplaceAll(line, `"`, ""), ",")
	first := strings.TrimSpace(specs[0])
	y.cur = &locked{key: first, line: n}
	name, rest := cutSpec(first)
	y.cur.name = name
	if real, _, ok := aliasOf(rest); ok {
		y.cur.name = real
	}
	y.section, y.own = "", strings.HasPrefix(rest, "file:") || strings.HasPrefix(rest, "link:") || strings.HasPrefix(rest, "portal:")
	for _, s := range specs {
		if y.keys == nil {
			y.keys = map[string]string{}
		}
		y.keys[strings.TrimSpace(s)] = first
	}
}

// cutSpec cuts name@range at the first sign after the scope's.
func cutSpec(s string) (name, spec string) {
	if s == "" {
		return "", ""
	}
	if i := strings.IndexByte(s[1:], '@'); i >= 0 {
		return s[:i+1], s[i+2:]
	}
	return s, ""
}

// aliasOf reads npm:name@range.
func aliasOf(spec string) (name, version string, ok bool) {
	rest, ok := strings.CutPrefix(spec, "npm:")
	if !ok || rest == "" || isRange(rest) {
		return "", "", false
	}
	name, version = splitVersion(rest)
	return name, version, version != "" || strings.HasPrefix(name, "@")
}

func (y *yarnLines) field(name, value string) {
	switch name {
	case "version":
		y.cur.version = value
	case "resolution":
		real, spec := cutSpec(value)
		y.cur.name = real
		y.own = strings.HasPrefix(spec, "workspace:") || strings.HasPrefix(spec, "portal:") || strings.HasPrefix(spec, "link:") || strings.HasPrefix(spec, "file:")
	}
}

func (y *yarnLines) flush() {
	if y.cur != nil {
		y.cur.own = y.own
		y.g.nodes = append(y.g.nodes, *y.cur)
		y.cur = nil
	}
}

// resolve makes keys of what packages want; in the newer files the range has a protocol.
func (y *yarnLines) resolve() {
	for i := range y.g.nodes {
		n := &y.g.nodes[i]
		kept := n.deps[:0]
		for _, d := range n.deps {
			key, ok := y.keys[d]
			if !ok {
				name, spec := cutSpec(d)
				key, ok = y.keys[name+"@npm:"+spec]
			}
			if !ok {
				continue
			}
			kept = append(kept, key)
			if n.own && y.berry {
				y.direct[key] = fact.Direct
			}
		}
		n.deps = kept
	}
}

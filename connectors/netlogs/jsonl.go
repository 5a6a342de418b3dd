package netlogs

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonl reads a JSON object a line. A key of the settings is a path of names
// with dots between them, or one name that holds dots.
type jsonl struct {
	paths []path
	quick [][]byte // "name" of the keys that name a host
}

type path struct {
	name string
	role role
}

func newJSONL(names map[string]role) *jsonl {
	j := &jsonl{}
	for name, r := range names {
		j.paths = append(j.paths, path{name, r})
		if r.ofHost() {
			key := name
			for { // the name may hold dots itself: every ending may be the key
				j.quick = append(j.quick, []byte(`"`+key+`"`))
				_, rest, more := strings.Cut(key, ".")
				if !more {
					break
				}
				key = rest
			}
		}
	}
	return j
}

func (*jsonl) prime([]byte) error { return nil }

func (j *jsonl) parse(b []byte, e *event) verdict {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[len(b)-1] == ',' { // a line of an array
		b = b[:len(b)-1]
	}
	if len(b) == 0 || len(b) == 1 && (b[0] == '[' || b[0] == ']') {
		return other
	}
	if b[0] != '{' {
		return bad
	}
	if !e.any && j.turned(b, e) {
		return miss
	}
	e.to, e.canary = nil, -1
	e.said = values{}
	v := &e.said
	e.scan = scan{b: b, j: j, v: v}
	if s := &e.scan; !s.object("", 0) || s.rest() {
		return bad
	}
	if !v.hosts(e) {
		if v.some() {
			return miss
		}
		return other
	}
	return v.take(e)
}

// turned reports whether the line surely names no host of a signature: each
// value of a key that can name one is there, in the form most writers use, and
// is another.
func (j *jsonl) turned(b []byte, e *event) bool {
	some := false
	for _, key := range j.quick {
		for rest := b; ; {
			i := bytes.Index(rest, key)
			if i < 0 {
				break
			}
			rest = rest[i+len(key):]
			if len(rest) < 2 || rest[0] != ':' || rest[1] != '"' {
				if len(rest) > 1 && rest[0] != ' ' && rest[0] != '\t' && (rest[0] != ':' || rest[1] == 'n') {
					continue // a value, or a key without one
				}
				return false
			}
			rest = rest[2:]
			end := bytes.IndexByte(rest, '"')
			if end < 0 {
				return false
			}
			val := rest[:end]
			if bytes.IndexByte(val, '\\') >= 0 {
				return false
			}
			host, port := hostOf(val)
			if e.wants(host, port) || port == 0 && len(e.table.ports) > 0 && j.hasPort() {
				return false
			}
			some = true
		}
	}
	return some
}

func (j *jsonl) hasPort() bool {
	for _, p := range j.paths {
		if p.role == rolePort {
			return true
		}
	}
	return false
}

// scan walks one object.
type scan struct {
	b []byte
	i int
	j *jsonl
	v *values
}

// maxNesting is how deep objects may lie in each other.
const maxNesting = 64

func (s *scan) blank() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

// rest reports whether something follows the object.
func (s *scan) rest() bool {
	s.blank()
	return s.i < len(s.b)
}

func (s *scan) eat(c byte) bool {
	s.blank()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// object reads an object whose path so far is prefix, which ends in a dot.
func (s *scan) object(prefix string, depth int) bool {
	if depth > maxNesting || !s.eat('{') {
		return false
	}
	if s.eat('}') {
		return true
	}
	for {
		s.blank()
		key, ok := s.text()
		if !ok || !s.eat(':') {
			return false
		}
		r, deeper := s.role(prefix, key)
		if !s.value(r, deeper, depth) {
			return false
		}
		if s.eat('}') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
}

// role finds what a key says: its role, or the prefix of paths that go on below
// it.
func (s *scan) role(prefix string, key []byte) (role, string) {
	deeper := ""
	for i := range s.j.paths {
		p := &s.j.paths[i]
		if len(p.name) < len(prefix)+len(key) || p.name[:len(prefix)] != prefix || p.name[len(prefix):len(prefix)+len(key)] != string(key) {
			continue
		}
		if len(p.name) == len(prefix)+len(key) {
			return p.role, ""
		}
		if p.name[len(prefix)+len(key)] == '.' {
			deeper = p.name[:len(prefix)+len(key)+1]
		}
	}
	return noRole, deeper
}

// value reads a value of any form, and keeps it if it has a role.
func (s *scan) value(r role, deeper string, depth int) bool {
	s.blank()
	if s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"':
		f, ok := s.text()
		s.keep(r, f)
		return ok
	case '{':
		if deeper != "" {
			return s.object(deeper, depth+1)
		}
		return s.skip()
	case '[':
		return s.list(r, depth)
	}
	from := s.i
	for s.i < len(s.b) && s.b[s.i] != ',' && s.b[s.i] != '}' && s.b[s.i] != ']' && s.b[s.i] != ' ' {
		s.i++
	}
	f := s.b[from:s.i]
	if len(f) == 0 || !scalar(f) {
		return false
	}
	if string(f) == "true" && r == roleAction { // IsFiltered
		f = []byte("blocked")
	}
	if string(f) != "null" && string(f) != "false" {
		s.keep(r, f)
	}
	return true
}

func scalar(f []byte) bool {
	return string(f) == "null" || string(f) == "true" || string(f) == "false" || f[0] == '-' || f[0] >= '0' && f[0] <= '9'
}

// list reads a list; the first text of it counts.
func (s *scan) list(r role, depth int) bool {
	if r == noRole {
		return s.skip()
	}
	if depth > maxNesting {
		return false
	}
	s.i++
	if s.eat(']') {
		return true
	}
	for {
		if !s.value(r, "", depth+1) {
			return false
		}
		if s.eat(']') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
}

func (s *scan) keep(r role, f []byte) {
	if r != noRole && len(s.v[r]) == 0 {
		s.v[r] = f
	}
}

// skip passes over an object or a list, minding texts only.
func (s *scan) skip() bool {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if !s.pass() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.i++
				return true
			}
		}
		s.i++
	}
	return false
}

// pass passes over a text.
func (s *scan) pass() bool {
	for s.i++; s.i < len(s.b); {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			return false
		}
		end := s.i + n
		back := end
		for back > s.i && s.b[back-1] == '\\' {
			back--
		}
		s.i = end + 1
		if (end-back)%2 == 0 {
			return true
		}
	}
	return false
}

// text reads a text. One with escapes is decoded into the event's buffer.
func (s *scan) text() ([]byte, bool) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return nil, false
	}
	from := s.i + 1
	if !s.pass() {
		return nil, false
	}
	raw := s.b[from : s.i-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	return s.decode(raw)
}

func (s *scan) decode(raw []byte) ([]byte, bool) {
	out := make([]byte, 0, len(raw)) // rare
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		if i++; i >= len(raw) {
			return nil, false
		}
		switch c := raw[i]; c {
		case 'n', 't', 'r', 'b', 'f':
			out = append(out, ' ')
		case 'u':
			if i+4 >= len(raw) {
				return nil, false
			}
			n, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
			if err != nil {
				return nil, false
			}
			out = utf8.AppendRune(out, rune(n))
			i += 4
		case '"', '\\', '/':
			out = append(out, c)
		default:
			return nil, false
		}
	}
	return out, true
}

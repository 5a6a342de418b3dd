package source

import (
	"bytes"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// settingsText reads files of keys and values line by line: what they are
// called by, hosts, variables and models in the values.
func (t *text) settingsText() {
	t.lexSettings()
	var path []level
	line := 0
	for raw := range bytes.SplitSeq(t.plain, []byte("\n")) {
		line++
		if name := section(raw); name != "" {
			path = []level{{-1, name}}
			t.out.add(fact.Fact{Class: fact.Setting, Group: t.lang.Name, Name: name, Line: line})
			continue
		}
		key, value, ok := pair(raw)
		if !ok {
			t.item(path, raw, line)
			continue
		}
		col := indent(raw)
		for len(path) > 0 && path[len(path)-1].col >= col {
			path = path[:len(path)-1]
		}
		if len(path) < 64 {
			path = append(path, level{col, key})
		}
		t.setting(path, value, line)
	}
}

// lexSettings leaves out comments: the quotes of these files do not matter for
// it, except that a # within them is none.
func (t *text) lexSettings() {
	t.plain = bytes.Clone(t.b)
	quote := byte(0)
	for i := 0; i < len(t.b); {
		c := t.b[i]
		switch {
		case c == '\n':
			quote = 0
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || !isLetter(t.b[i-1])):
			quote = c
		default:
			if n := t.comment(i); n > 0 {
				t.blank(i, i+n)
				i += n
				continue
			}
		}
		i++
	}
}

// section returns the name of a section: [name] or [[name]] alone on a line.
func section(raw []byte) string {
	s := bytes.TrimSpace(raw)
	if len(s) < 3 || s[0] != '[' || s[len(s)-1] != ']' {
		return ""
	}
	s = bytes.Trim(s, "[] ")
	if len(s) == 0 || len(s) > 200 || bytes.ContainsAny(s, ",\"'{} \t:") {
		return ""
	}
	return string(s)
}

// level is one key on the way to a value.
type level struct {
	col int
	key string
}

func indent(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '-') {
		n++
	}
	return n
}

// pair takes a line apart: key: value, key = value, "key": value, <key>value.
func pair(raw []byte) (key string, value []byte, ok bool) {
	s := bytes.TrimSpace(raw)
	s = bytes.TrimLeft(s, "-{ \t")
	if rest, is := bytes.CutPrefix(s, []byte("<")); is {
		name, value, some := bytes.Cut(rest, []byte(">"))
		return string(name), value, some && len(name) < 200
	}
	if len(s) > 0 && (s[0] == '"' || s[0] == '\'') {
		end := bytes.IndexByte(s[1:], s[0])
		if end < 0 {
			return "", nil, false
		}
		key, s = string(s[1:1+end]), bytes.TrimSpace(s[2+end:])
		if len(s) == 0 || s[0] != ':' && s[0] != '=' {
			return "", nil, false
		}
		return key, bytes.TrimSpace(s[1:]), true
	}
	n := 0
	for n < len(s) && (wordByte(s[n]) || s[n] == '.' || s[n] == '-' || s[n] == '/' || s[n] == '[' || s[n] == ']') {
		n++
	}
	if n == 0 || n == len(s) || n > 200 {
		return "", nil, false
	}
	rest := bytes.TrimSpace(s[n:])
	if len(rest) == 0 || rest[0] != ':' && rest[0] != '=' || rest[0] == ':' && len(rest) > 1 && rest[1] == '/' {
		return "", nil, false
	}
	return string(s[:n]), bytes.TrimSpace(rest[1:]), true
}

func (t *text) setting(path []level, value []byte, line int) {
	var full strings.Builder
	for i, l := range path {
		if i > 0 {
			full.WriteByte('.')
		}
		full.WriteString(l.key)
	}
	name := full.String()
	if len(name) <= 300 {
		t.out.add(fact.Fact{Class: fact.Setting, Group: t.lang.Name, Name: name, Line: line})
	}
	last := path[len(path)-1].key
	if len(path) > 1 && strings.Contains(last, ".") {
		t.out.add(fact.Fact{Class: fact.Setting, Group: t.lang.Name, Name: last, Line: line})
	}
	denied := false
	for _, l := range path {
		denied = denied || denies(l.key)
	}
	if envName([]byte(last)) && !denied {
		t.env(last, line)
	}
	t.value(last, value, line, denied)
}

// item reads a line that is no pair: an element of a list.
func (t *text) item(path []level, raw []byte, line int) {
	s := bytes.TrimSpace(raw)
	if len(s) == 0 || s[0] == '[' || s[0] == '}' || s[0] == ']' {
		return
	}
	s = bytes.TrimSpace(bytes.TrimLeft(s, "-"))
	key, denied := "", false
	if len(path) > 0 {
		key = path[len(path)-1].key
		for _, l := range path {
			denied = denied || denies(l.key)
		}
	}
	t.value(key, s, line, denied)
}

func (t *text) value(key string, value []byte, line int, denied bool) {
	if at := bytes.Index(value, []byte("</")); at >= 0 {
		value = value[:at]
	}
	whole := value
	value = bytes.Trim(value, "\"', \t\r[]{}")
	if len(value) == 0 {
		return
	}
	standing := fact.Direct
	if denied {
		standing = fact.Excluded
	} else if prose(value) {
		return
	}
	if h := hostAt(value); !denied && bareHost(h) && len(h) == len(value) {
		t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: h, Line: line, Attrs: tableAttrs(Element)})
	} else {
		t.hosts(value, line, standing)
	}
	if denied {
		return
	}
	if whole = bytes.TrimSpace(whole); whole[0] == '[' {
		t.named(value, line)
	}
	for part := range bytes.SplitSeq(value, []byte(",")) {
		if id := modelText(bytes.Trim(part, "\"' \t")); id != "" && modelish(key) {
			t.out.add(fact.Fact{Class: fact.Model, Group: t.lang.Name, Name: id, Line: line})
		}
	}
	if baseName(key) || strings.HasSuffix(strings.ToLower(key), "_base_url") {
		if at := bytes.Index(value, []byte("://")); at >= 0 {
			if h := hostAt(value[at+3:]); h != "" {
				t.addressed("", h, line)
			}
		}
	}
	t.filledIn(whole, line)
}

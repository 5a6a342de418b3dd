package infra

import "strings"

// maxSettings is how many lines of a file of settings are read.
const maxSettings = 20000

// parseTOML reads tables, keys and values of TOML, and of INI files, which look
// alike as far as names go. Values that are no strings are kept as written;
// lists and inline tables become nodes. It is lenient: a line that it does not
// understand is left out. Settings are short: what goes on beyond maxSettings
// lines is an error.
func parseTOML(data []byte) (*node, error) {
	root := &node{kind: mapping, line: 1}
	at := root
	all := lines(data)
	var err error
	if len(all) > maxSettings {
		all, err = all[:maxSettings], ErrTooMany
	}
	for i := 0; i < len(all); i++ {
		text := strings.TrimSpace(all[i])
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[':
			at = root.table(text, i+1)
		default:
			key, value, ok := cutKey(text)
			if !ok {
				continue
			}
			line := i + 1
			for ; openTOML(value) && i+1 < len(all) && len(value) < 1<<14; i++ {
				value += "\n" + stripTOML(all[i+1])
			}
			keys := splitKey(key)
			if len(keys) == 0 || len(keys) > 16 {
				continue
			}
			into := at
			for _, k := range keys[:len(keys)-1] {
				into = into.open(k, line)
			}
			v := &tomlValue{text: value, line: line}
			into.put(keys[len(keys)-1], line, v.parse(0))
		}
	}
	return root, err
}

// table finds or makes the table that a header names; [[a]] adds an item to a
// list of tables, which is the current one from there.
func (n *node) table(header string, line int) *node {
	list := strings.HasPrefix(header, "[[")
	end := strings.LastIndexByte(stripTOML(header), ']')
	if end < 0 {
		end = len(header)
	}
	name := strings.Trim(header[:end], "[] \t")
	keys := splitKey(name)
	if len(keys) == 0 || len(keys) > 16 {
		return &node{kind: mapping, line: line}
	}
	for _, k := range keys[:len(keys)-1] {
		n = n.open(k, line)
	}
	last := keys[len(keys)-1]
	if !list {
		return n.open(last, line)
	}
	items := n.child(last)
	if items == nil || items.kind != sequence {
		items = &node{kind: sequence, line: line}
		n.put(last, line, items)
	}
	item := &node{kind: mapping, line: line}
	items.items = append(items.items, item)
	return item
}

// open returns the mapping under a key, or the last item of a list of them; it
// makes one if there is none.
func (n *node) open(key string, line int) *node {
	c := n.child(key)
	if c != nil && c.kind == sequence && len(c.items) > 0 {
		c = c.items[len(c.items)-1]
	}
	if c == nil || c.kind != mapping {
		c = &node{kind: mapping, line: line}
		n.put(key, line, c)
	}
	return c
}

// cutKey cuts at the first equals sign outside quotes.
func cutKey(s string) (key, value string, ok bool) {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '=':
			return strings.TrimSpace(s[:i]), strings.TrimSpace(stripTOML(s[i+1:])), true
		}
	}
	return "", "", false
}

// splitKey takes a dotted key apart, quotes removed.
func splitKey(s string) []string {
	var keys []string
	for s != "" {
		s = strings.TrimLeft(s, " \t.")
		if s == "" {
			break
		}
		if q := s[0]; q == '"' || q == '\'' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return append(keys, s[1:])
			}
			keys, s = append(keys, s[1:1+end]), s[end+2:]
			continue
		}
		k, rest, _ := strings.Cut(s, ".")
		keys, s = append(keys, strings.TrimSpace(k)), rest
	}
	return keys
}

// stripTOML takes a comment away from the end of a line.
func stripTOML(s string) string {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote && (quote != '"' || i == 0 || s[i-1] != '\\') {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return s[:i]
		}
	}
	return s
}

// openTOML reports whether a value goes on in the next line.
func openTOML(s string) bool {
	for _, q := range [...]string{`"""`, `'''`} {
		if strings.HasPrefix(s, q) {
			return strings.Count(s, q) < 2
		}
	}
	if s == "" || s[0] != '[' && s[0] != '{' {
		return false
	}
	depth := 0
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote || c == '\n' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
	}
	return depth > 0
}

// tomlValue reads one value.
type tomlValue struct {
	text string
	at   int
	line int
}

func (v *tomlValue) parse(depth int) *node {
	v.space()
	n := &node{line: v.line}
	if v.at >= len(v.text) || depth > 50 {
		v.at = len(v.text)
		return n
	}
	switch c := v.text[v.at]; c {
	case '[':
		n.kind = sequence
		for v.at++; v.more(']'); {
			n.items = append(n.items, v.parse(depth+1))
		}
	case '{':
		n.kind = mapping
		for v.at++; v.more('}'); {
			eq := strings.IndexByte(v.text[v.at:], '=')
			if eq < 0 {
				v.at = len(v.text)
				break
			}
			key, line := strings.Join(splitKey(strings.TrimSpace(v.text[v.at:v.at+eq])), "."), v.line
			v.at += eq + 1
			n.put(key, line, v.parse(depth+1))
		}
	case '"', '\'':
		n.text = v.quoted(c)
	default:
		start := v.at
		for v.at < len(v.text) && (depth == 0 || !strings.ContainsRune(",]}\n", rune(v.text[v.at]))) {
			v.at++
		}
		n.text = strings.TrimSpace(v.text[start:v.at])
		if v.at == start {
			v.at++
		}
	}
	return n
}

// more skips to the next item and reports whether there is one.
func (v *tomlValue) more(end byte) bool {
	for v.space(); v.at < len(v.text) && v.text[v.at] == ','; v.space() {
		v.at++
	}
	if v.at >= len(v.text) {
		return false
	}
	if v.text[v.at] == end {
		v.at++
		return false
	}
	return true
}

func (v *tomlValue) space() {
	for v.at < len(v.text) && strings.IndexByte(" \t\r\n", v.text[v.at]) >= 0 {
		if v.text[v.at] == '\n' {
			v.line++
		}
		v.at++
	}
}

func (v *tomlValue) quoted(q byte) string {
	mark := string(q)
	if long := strings.Repeat(mark, 3); strings.HasPrefix(v.text[v.at:], long) {
		mark = long
	}
	v.at += len(mark)
	start := v.at
	for v.at < len(v.text) && !strings.HasPrefix(v.text[v.at:], mark) {
		if q == '"' && v.text[v.at] == '\\' {
			v.at++
		} else if v.text[v.at] == '\n' {
			v.line++
		}
		v.at++
	}
	v.at = min(v.at, len(v.text))
	s := v.text[start:v.at]
	v.at = min(v.at+len(mark), len(v.text))
	if q == '"' {
		return unescape(s)
	}
	return s
}

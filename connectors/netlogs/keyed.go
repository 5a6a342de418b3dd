package netlogs

import (
	"bytes"
	"strings"
)

// keyed reads lines of key=value: those of firewalls, CEF and LEEF.
type keyed struct {
	style byte // 'k' key=value, 'c' CEF, 'l' LEEF
	keys  map[string]role
	hosts [][]byte // key= of those that name a host
	port  []byte   // key= of the one that names its port
}

func newKeyed(style byte, keys map[string]role) *keyed {
	k := &keyed{style: style, keys: keys}
	for name, r := range keys {
		if r.ofHost() {
			k.hosts = append(k.hosts, []byte(name+"="))
		}
		if r == rolePort {
			k.port = []byte(name + "=")
		}
	}
	return k
}

func (*keyed) prime([]byte) error { return nil }

func (k *keyed) parse(b []byte, e *event) verdict {
	body := b
	switch k.style {
	case 'c':
		if body = after(b, "CEF:", 7); body == nil {
			return other
		}
	case 'l':
		if body = after(b, "LEEF:", 5); body == nil {
			return other
		}
	}
	named := false
	found := e.any
	for _, key := range k.hosts {
		for rest := body; !found; {
			i := bytes.Index(rest, key)
			if i < 0 {
				break
			}
			val := rest[i+len(key):]
			if i == 0 || !part(rest[i-1]) {
				named = true
				if w := k.value(val); len(w) > 0 {
					host, port := hostOf(w)
					found = e.wants(host, port)
					if !found && port == 0 && k.port != nil && k.otherPort(body, e.table) {
						found = true // the port stands elsewhere: read all
					}
				}
			}
			rest = val
		}
	}
	if !found {
		if named {
			return miss
		}
		return other
	}
	var v values
	if !k.all(body, &v) {
		return bad
	}
	e.to, e.canary = nil, -1
	if !v.hosts(e) {
		if v.some() {
			return miss
		}
		return other
	}
	return v.take(e)
}

// otherPort reports whether a line names a port that a signature has.
func (k *keyed) otherPort(b []byte, t *table) bool {
	i := bytes.Index(b, k.port)
	if i < 0 {
		return false
	}
	n := 0
	for _, c := range b[i+len(k.port):] {
		if c < '0' || c > '9' || n > 65535 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return t.ports[n]
}

// part reports whether a letter before a key makes it another key.
func part(c byte) bool { return letter(c) || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' }

// value is the beginning of what follows a key: enough for a host.
func (k *keyed) value(b []byte) []byte {
	if k.style == 'k' && len(b) > 0 && b[0] == '"' {
		f, _, _ := field(b[1:], '"')
		return f
	}
	if k.style == 'l' {
		f, _, _ := field(b, '\t')
		return f
	}
	f, _, _ := field(b, ' ')
	return f
}

// all reads every key that has a role. It fails on a quotation mark that is
// never closed.
func (k *keyed) all(b []byte, v *values) bool {
	for len(b) > 0 {
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return true
		}
		from := eq
		for from > 0 && part(b[from-1]) {
			from--
		}
		r := k.keys[string(b[from:eq])]
		val := b[eq+1:]
		f, rest, ok := k.cut(val)
		if !ok {
			return false
		}
		if r != noRole && len(v[r]) == 0 {
			v[r] = f
		}
		b = rest
	}
	return true
}

// cut takes a value off.
func (k *keyed) cut(b []byte) (f, rest []byte, ok bool) {
	switch {
	case k.style == 'k' && len(b) > 0 && b[0] == '"':
		for i := 1; i < len(b); i++ {
			switch b[i] {
			case '\\':
				i++
			case '"':
				return b[1:i], b[i+1:], true
			}
		}
		return nil, nil, false
	case k.style == 'l':
		f, rest, _ = field(b, '\t')
		return f, rest, true
	case k.style == 'c': // up to the blank before the next key
		for i := 0; i < len(b); i++ {
			if b[i] == '\\' {
				i++
				continue
			}
			if b[i] != '=' {
				continue
			}
			at := i
			for at > 0 && part(b[at-1]) {
				at--
			}
			if at > 0 && b[at-1] == ' ' && at < i {
				return bytes.TrimRight(b[:at], " "), b[at:], true
			}
		}
		return bytes.TrimRight(b, " "), nil, true
	}
	f, rest, _ = field(b, ' ')
	if i := bytes.IndexByte(f, ','); i >= 0 && bytes.IndexByte(f[i:], '=') > 0 { // key=value,key=value
		return f[:i], b[i+1:], true
	}
	return bytes.TrimRight(f, ","), rest, true
}

// after returns what follows n bars after a mark.
func after(b []byte, mark string, n int) []byte {
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		return nil
	}
	b = b[i:]
	if strings.HasPrefix(mark, "LEEF") && bytes.HasPrefix(b, []byte("LEEF:2")) {
		n++ // version 2 names its separator
	}
	for i := 0; i < len(b) && n > 0; i++ {
		switch b[i] {
		case '\\':
			i++
		case '|':
			if n--; n == 0 {
				return b[i+1:]
			}
		}
	}
	return nil
}

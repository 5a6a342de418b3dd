package netlogs

import (
	"bytes"
	"fmt"
	"strings"
)

// Layouts of squid, as its logformat directive writes them.
const (
	layoutSquid    = `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`
	layoutCommon   = `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh`
	layoutCombined = `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh`
	// layoutRoute53 is that of query logs of public hosted zones.
	layoutRoute53 = `%version %time %zone %host %type %status %proto %edge %client %subnet`
)

// layoutRoles are the codes of logformat that are read.
var layoutRoles = map[string]role{
	"ts": roleTime, "tl": roleTime, "tg": roleTime, "ru": roleURL, "rd": roleHost, ">rd": roleHost, "<rd": roleHost, ">ru": roleURL,
	"ssl::>sni": roleSNI, "ssl::<sni": roleSNI, ">a": roleClient, ">A": roleClient, "un": roleUser, "ul": roleUser, "ue": roleUser,
	"ui": noRole, "us": roleUser, "Ss": roleAction, ">Hs": roleStatus, "<Hs": roleStatus, "Hs": roleStatus, ">st": roleOut,
	"rp": noRole, "time": roleTime, "host": roleHost, "status": roleStatus, "client": roleClient,
}

// op is one field of a layout: what it says and what follows it.
type op struct {
	role  role
	sep   []byte
	block bool // the text that follows is a quotation mark: an escaped one is none
	wide  bool // the field holds a blank: a time with its zone
}

// layout reads lines of fields at fixed places.
type layout struct {
	begin []byte
	ops   []op
	need  int // fields up to here must be there: time and host
}

// newLayout compiles a logformat.
func newLayout(format string) (*layout, error) {
	l := &layout{}
	text := ""
	flush := func() {
		if len(l.ops) == 0 {
			l.begin = []byte(text)
		} else {
			l.ops[len(l.ops)-1].sep = []byte(text)
		}
		text = ""
	}
	for i := 0; i < len(format); {
		if format[i] != '%' {
			text += format[i : i+1]
			i++
			continue
		}
		if strings.HasPrefix(format[i:], "%%") {
			text += "%"
			i += 2
			continue
		}
		r, wide, n, err := code(format[i+1:])
		if err != nil {
			return nil, err
		}
		if len(l.ops) > 0 && text == "" {
			return nil, fmt.Errorf("logformat: nothing stands between two codes before %q", format[i:])
		}
		flush()
		l.ops = append(l.ops, op{role: r, wide: wide})
		i += 1 + n
	}
	flush()
	return l, l.check()
}

func (l *layout) check() error {
	var time, host bool
	for i := range l.ops {
		o := &l.ops[i]
		o.block = len(o.sep) > 0 && o.sep[0] == '"'
		if o.role == roleTime || o.role.ofHost() && !host {
			l.need = i
		}
		time, host = time || o.role == roleTime, host || o.role.ofHost()
	}
	if !host {
		return fmt.Errorf("logformat: no code says the host: give %%ru, %%rd or %%ssl::>sni")
	}
	if !time {
		return fmt.Errorf("logformat: no code says the time: give %%ts or %%tl")
	}
	return nil
}

// code reads one code after its %, and says how long it is.
func code(s string) (r role, wide bool, n int, err error) {
	i := 0
	for i < len(s) && strings.IndexByte(`"['#/-0123456789.`, s[i]) >= 0 {
		i++
	}
	arg := ""
	argument := func() {
		if i < len(s) && s[i] == '{' {
			if end := strings.IndexByte(s[i:], '}'); end > 0 {
				arg = s[i+1 : i+end]
				i += end + 1
			}
		}
	}
	argument()
	from := i
	for i < len(s) && (s[i] == '<' || s[i] == '>' || s[i] == ':' && strings.HasPrefix(s[i:], "::") || i > from && s[i-1] == ':' && s[i] == ':' || letter(s[i]) || s[i] == '_') {
		i++
	}
	name := s[from:i]
	argument()
	if name == "" {
		return 0, false, 0, fmt.Errorf("logformat: no code after %% at %q", s)
	}
	if name == ">h" { // a header of the request
		switch strings.ToLower(arg) {
		case "user-agent":
			return roleAgent, false, i, nil
		case "host":
			return roleHost, false, i, nil
		}
		return noRole, false, i, nil
	}
	return layoutRoles[name], arg == "" && (name == "tl" || name == "tg"), i, nil
}

// prime is not needed: a layout has no header.
func (*layout) prime([]byte) error { return nil }

func (l *layout) parse(b []byte, e *event) verdict {
	if !bytes.HasPrefix(b, l.begin) {
		return bad
	}
	b = b[len(l.begin):]
	var v values
	wanted := false
	for i := range l.ops {
		o := &l.ops[i]
		for len(b) > 0 && b[0] == ' ' {
			b = b[1:]
		}
		f, rest, ok := cut(b, o)
		if !ok && i < l.need {
			return bad
		}
		if o.role != noRole && (len(v[o.role]) == 0 || string(v[o.role]) == "-") {
			v[o.role] = f
			if o.role.ofHost() && i >= l.need-1 && !wanted && given(f) != nil {
				if wanted = v.hosts(e); !wanted && !l.more(i) {
					return miss
				}
			}
		}
		if b = rest; !ok {
			break
		}
	}
	if !wanted && !v.hosts(e) {
		if v.some() {
			return miss
		}
		return bad
	}
	return v.take(e)
}

// more reports whether another field after i names a host.
func (l *layout) more(i int) bool {
	for _, o := range l.ops[i+1:] {
		if o.role.ofHost() {
			return true
		}
	}
	return false
}

// cut takes a field off; ok is false if what has to follow it does not.
func cut(b []byte, o *op) (f, rest []byte, ok bool) {
	if len(o.sep) == 0 {
		return b, nil, true
	}
	from := 0
	if o.wide {
		from = bytes.IndexByte(b, ' ') + 1
	}
	for {
		var i int
		if len(o.sep) == 1 {
			i = bytes.IndexByte(b[from:], o.sep[0])
		} else {
			i = bytes.Index(b[from:], o.sep)
		}
		if i < 0 {
			return b, nil, false
		}
		i += from
		if o.block && i > 0 && b[i-1] == '\\' {
			from = i + 1
			continue
		}
		return b[:i], b[i+len(o.sep):], true
	}
}

package netlogs

import "bytes"

// The parsers of name servers' own logs look for what only a query has, and
// read the time from the beginning of the line: the same line may come from a
// file, a journal or over syslog.

// coredns reads what its log plugin writes:
//
//	[INFO] 10.0.0.5:50759 - 29008 "A IN api.example.com. udp 41 false 4096" NOERROR qr,rd,ra 68 0.0379s
type coredns struct{}

var markCoreDNS = []byte(` - `)

func (coredns) prime([]byte) error { return nil }

func (coredns) parse(b []byte, e *event) verdict {
	q := bytes.IndexByte(b, '"')
	if q < 0 {
		return other
	}
	question := b[q+1:]
	end := bytes.IndexByte(question, '"')
	dash := bytes.LastIndex(b[:q], markCoreDNS)
	if end < 0 || dash < 0 {
		if bytes.Contains(b[:q], []byte("[INFO] ")) && dash >= 0 {
			return bad
		}
		return other
	}
	_, rest, ok := field(question[:end], ' ')
	class, rest, ok2 := field(rest, ' ')
	name, _, ok3 := field(rest, ' ')
	if !ok || !ok2 || !ok3 || len(class) > 4 {
		return other
	}
	if !e.wants(name, 0) {
		return miss
	}
	head := b[:dash]
	from := bytes.LastIndexByte(head, ' ')
	e.client = clientOf(head[from+1:])
	code, _ := word(question[end+1:])
	e.blocked = e.clock.refusedStatus(code)
	return e.done(stampOf(b))
}

// unbound reads log-queries and log-replies:
//
//	[1795860902] unbound[12:0] info: 10.0.0.5 api.example.com. A IN
//	[1795860902] unbound[12:0] info: 10.0.0.5 api.example.com. A IN NOERROR 0.000000 0 44
type unbound struct{}

var markUnbound = []byte(" info: ")

func (unbound) prime([]byte) error { return nil }

func (unbound) parse(b []byte, e *event) verdict {
	at := bytes.Index(b, markUnbound)
	if at < 0 {
		return other
	}
	rest := b[at+len(markUnbound):]
	client, rest, ok := field(rest, ' ')
	if ok && (string(client) == "query:" || string(client) == "reply:") { // log-tag-queryreply
		client, rest, ok = field(rest, ' ')
	}
	name, rest, ok2 := field(rest, ' ')
	kind, rest, ok3 := field(rest, ' ')
	if !ok || !ok2 || !ok3 || !address(client) {
		return other
	}
	class, rest, answered := field(rest, ' ')
	if len(kind) == 0 || len(class) == 0 || len(class) > 8 {
		return bad
	}
	if !e.wants(name, 0) {
		return miss
	}
	e.client, e.reply = clientOf(client), answered
	if answered {
		code, _, _ := field(rest, ' ')
		e.blocked = e.clock.refusedStatus(code)
	}
	return e.done(stampOf(b))
}

// address reports whether a word begins as the address of a host does.
func address(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'f', c == '.', c == ':', c == '@', c == '#':
		default:
			return c == '%' || c == '/'
		}
	}
	return true
}

// dnsmasq reads log-queries, plain and extra:
//
//	Nov 28 10:15:02 dnsmasq[12]: query[A] api.example.com from 10.0.0.5
//	Nov 28 10:15:02 dnsmasq[12]: 7 10.0.0.5/4711 query[A] api.example.com from 10.0.0.5
//	Nov 28 10:15:02 dnsmasq[12]: config api.example.com is 0.0.0.0
type dnsmasq struct{}

var (
	markDnsmasq = []byte("]: ")
	markQuery   = []byte("query[")
	markFrom    = []byte(" from ")
	markIs      = []byte(" is ")
)

func (dnsmasq) prime([]byte) error { return nil }

func (dnsmasq) parse(b []byte, e *event) verdict {
	at := bytes.Index(b, markDnsmasq)
	if at < 0 {
		return other
	}
	rest := b[at+len(markDnsmasq):]
	if len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' { // extra: serial number and address first
		_, rest, _ = field(rest, ' ')
		_, rest, _ = field(rest, ' ')
	}
	if bytes.HasPrefix(rest, markQuery) {
		_, rest, _ = field(rest, ' ')
		name, from, ok := field(rest, ' ')
		if !ok || !bytes.HasPrefix(from, markFrom[1:]) {
			return bad
		}
		if !e.wants(name, 0) {
			return miss
		}
		e.client = clientOf(from[len(markFrom)-1:])
		return e.done(stampOf(b))
	}
	return dnsmasqBlocked(b, rest, e)
}

// dnsmasqBlocked reads answers that stand in a list of names to block.
func dnsmasqBlocked(b, rest []byte, e *event) verdict {
	is := bytes.Index(rest, markIs)
	if is < 0 {
		return other
	}
	answer := rest[is+len(markIs):]
	name := rest[:is]
	if i := bytes.LastIndexByte(name, ' '); i >= 0 {
		name = name[i+1:]
	}
	listed := bytes.HasPrefix(rest, []byte("config ")) || bytes.HasPrefix(rest, []byte("gravity blocked ")) ||
		bytes.HasPrefix(rest, []byte("exactly denied ")) || bytes.HasPrefix(rest, []byte("regex denied ")) ||
		bytes.HasPrefix(rest, []byte("exactly blacklisted ")) || bytes.HasPrefix(rest, []byte("regex blacklisted "))
	nothing := string(answer) == "0.0.0.0" || string(answer) == "::" || bytes.HasPrefix(answer, []byte("NXDOMAIN")) || bytes.HasPrefix(answer, []byte("127."))
	if !listed || !nothing || !e.wants(name, 0) {
		return other
	}
	e.only, e.blocked = true, true
	return e.done(stampOf(b))
}

// bind reads BIND's category queries:
//
//	28-Nov-2026 10:15:02.123 queries: info: client @0x7f01 10.0.0.5#4711 (api.example.com): query: api.example.com IN A +E(0)K (10.0.0.1)
type bind struct{}

var (
	markBind   = []byte(": query: ")
	markClient = []byte("client ")
	markFailed = []byte(": query failed (REFUSED) for ")
)

func (bind) prime([]byte) error { return nil }

func (bind) parse(b []byte, e *event) verdict {
	at := bytes.Index(b, markBind)
	if at < 0 {
		return bindRefused(b, e)
	}
	name, rest, ok := field(b[at+len(markBind):], ' ')
	if !ok || len(rest) < 4 {
		return bad
	}
	if !e.wants(name, 0) {
		return miss
	}
	head := b[:at]
	c := bytes.Index(head, markClient)
	if c < 0 {
		return bad
	}
	w, rest := word(head[c+len(markClient):])
	if len(w) > 0 && w[0] == '@' {
		w, _ = word(rest)
	}
	e.client = clientOf(w)
	return e.done(stampOf(b))
}

// bindRefused reads what says that a query was refused, a line of its own:
//
//	… client @0x7f01 10.0.0.5#4711 (api.example.com): query failed (REFUSED) for api.example.com/IN/A at query.c:5708
func bindRefused(b []byte, e *event) verdict {
	at := bytes.Index(b, markFailed)
	if at < 0 {
		return other
	}
	name, _, ok := field(b[at+len(markFailed):], '/')
	if !ok || !e.wants(name, 0) {
		return other
	}
	e.only, e.blocked = true, true
	return e.done(stampOf(b))
}

// windows reads the debug log of the DNS service of Windows, of packets that
// clients sent and of the answers that they got:
//
//	11/28/2026 10:15:02 AM 0E3C PACKET  000001F4 UDP Rcv 10.0.0.5        a1b2   Q [0001   D   NOERROR] A      (3)api(7)example(3)com(0)
type windows struct{}

var (
	markPacket = []byte(" PACKET ")
	markRcv    = []byte(" Rcv ")
	markSnd    = []byte(" Snd ")
)

func (windows) prime([]byte) error { return nil }

func (windows) parse(b []byte, e *event) verdict {
	at := bytes.Index(b, markPacket)
	if at < 0 {
		return other
	}
	end := bytes.LastIndexByte(b, ']')
	if end < at {
		return bad
	}
	paren := bytes.IndexByte(b[end:], '(')
	if paren < 0 {
		return bad
	}
	e.buf = labels(e.buf[:0], b[end+paren:])
	if !e.wants(e.buf, 0) {
		return miss
	}
	packet := b[at:end]
	dir, sent := bytes.Index(packet, markRcv), false
	if dir < 0 {
		if dir, sent = bytes.Index(packet, markSnd), true; dir < 0 {
			return bad
		}
	}
	client, rest := word(packet[dir+len(markRcv):])
	_, rest = word(rest) // the query's number
	w, _ := word(rest)
	answer := len(w) == 1 && w[0] == 'R'
	if answer != sent { // what the server itself asks of others
		return other
	}
	e.client, e.reply = client, answer
	if answer {
		e.blocked = bytes.Contains(packet, []byte("REFUSED")) || bytes.Contains(packet, []byte("NXDOMAIN"))
	}
	return e.done(bytes.TrimSpace(beforeThread(b[:at])))
}

// beforeThread cuts the number of the thread off.
func beforeThread(b []byte) []byte {
	b = bytes.TrimRight(b, " ")
	if i := bytes.LastIndexByte(b, ' '); i > 0 {
		return b[:i]
	}
	return b
}

// labels turns (3)api(7)example(3)com(0) into a name.
func labels(to, b []byte) []byte {
	for len(b) > 0 && b[0] == '(' {
		end := bytes.IndexByte(b, ')')
		if end < 0 {
			return to
		}
		n := num(b[1:end])
		b = b[end+1:]
		if n <= 0 || n > len(b) {
			return to
		}
		if len(to) > 0 {
			to = append(to, '.')
		}
		to, b = append(to, b[:n]...), b[n:]
	}
	return to
}

// stampOf finds the time that a line begins with: after a priority, in
// brackets, as a number, an ISO date or the name of a month. Empty if there is
// none.
func stampOf(b []byte) []byte {
	if len(b) > 2 && b[0] == '<' {
		if i := bytes.IndexByte(b, '>'); i > 0 && i < 6 {
			if b = b[i+1:]; len(b) > 2 && b[0] == '1' && b[1] == ' ' { // RFC 5424
				b = b[2:]
			}
		}
	}
	if len(b) < 8 {
		return nil
	}
	switch {
	case b[0] == '[' && b[1] >= '0' && b[1] <= '9':
		if i := bytes.IndexByte(b, ']'); i > 0 {
			return b[1:i]
		}
	case b[0] >= '0' && b[0] <= '9':
		one, rest := word(b)
		if bytes.IndexByte(one, ':') >= 0 || bytes.IndexByte(one, '.') >= 9 || len(one) >= 9 && num(one) > 0 {
			return one
		}
		two, rest := word(rest)
		if bytes.IndexByte(two, ':') < 0 {
			return nil
		}
		if three, tail := word(rest); len(three) == 2 && three[1]|0x20 == 'm' {
			return b[:len(b)-len(tail)]
		}
		return b[:len(b)-len(rest)]
	case month(b) > 0:
		_, rest := word(b)
		_, rest = word(rest)
		three, tail := word(rest)
		if len(three) == 4 && num(three) > 0 { // Nov 28 2026 10:15:02
			_, tail = word(tail)
		}
		return bytes.TrimRight(b[:len(b)-len(tail)], " ")
	}
	return nil
}

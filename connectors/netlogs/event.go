package netlogs

import (
	"bytes"
	"math"
)

// verdict is what a parser says of a line.
type verdict uint8

// Verdicts. The zero value claims nothing was understood.
const (
	bad      verdict = iota // not of the format, or cut
	other                   // of the format, but no request: headers, answers without a question, other messages
	miss                    // a request for a host that no signature names
	hit                     // a request for a host of a signature
	canary                  // a request for a host that the settings expect every day
	undated                 // a hit without a time
	untimely                // a hit whose time has not come yet, or is of a clock that was never set
)

// event is one request. Its slices point into the line, or into buf, and are
// valid until the next one is parsed.
type event struct {
	// What is looked for.
	table *table
	clock *clock
	any   bool // take every host: to learn a line's time

	// What the line says.
	to      *target
	mixed   bool
	canary  int
	host    []byte
	port    int
	at      int64 // seconds since 1970
	client  []byte
	user    []byte
	group   []byte
	agent   []byte
	out     int64 // bytes sent to the vendor; -1 if not said
	blocked bool
	only    bool // a line that says no more than that a name was blocked
	reply   bool // the answer; where both are logged, both are one request

	buf   []byte // for what has to be decoded
	scan  scan   // of JSON, and what it found
	said  values
	stamp []byte // time of an envelope, for formats without one
}

func (e *event) reset() {
	e.to, e.mixed, e.canary, e.host, e.port, e.at = nil, false, -1, nil, 0, 0
	e.client, e.user, e.group, e.agent = nil, nil, nil, nil
	e.out, e.blocked, e.only, e.reply = -1, false, false, false
	e.buf = e.buf[:0]
}

// wants looks a host up and reports whether more of the line is to be read.
func (e *event) wants(host []byte, port int) bool {
	if to, mixed := e.table.find(host, port); to != nil {
		e.to, e.mixed, e.host, e.port = to, mixed, bare(host), port
		return true
	}
	if len(e.table.canary) > 0 {
		if i := e.table.canaryOf(host); i >= 0 {
			e.canary = i
			return true
		}
	}
	return e.any
}

// done is the verdict on a line whose host was wanted and whose time is when.
func (e *event) done(when []byte) verdict {
	at, ok := e.clock.parse(when)
	if !ok && len(when) == 0 && len(e.stamp) > 0 {
		at, ok = e.clock.parse(e.stamp)
	}
	if !ok {
		if len(bytes.TrimSpace(when)) > 0 {
			return bad
		}
		if e.clock.undated == 0 {
			return undated
		}
		at = e.clock.undated
	}
	return e.dated(at)
}

// earliest is the beginning of 2015. Machines that have lost the time begin anew
// in 1980, 2000 or 2010; what they log would be the oldest use of all.
const earliest = 1420070400

// dated is the verdict on a line of this time.
func (e *event) dated(at int64) verdict {
	e.at = at
	switch {
	case at > e.clock.latest, at < earliest:
		return untimely
	case e.to != nil:
		return hit
	case e.canary >= 0:
		return canary
	}
	return miss
}

// field cuts the next field off at sep.
func field(b []byte, sep byte) (f, rest []byte, ok bool) {
	i := bytes.IndexByte(b, sep)
	if i < 0 {
		return b, nil, false
	}
	return b[:i], b[i+1:], true
}

// word cuts the next word off; several blanks are one.
func word(b []byte) (w, rest []byte) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for i, c := range b {
		if c == ' ' || c == '\t' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// number reads a whole number that is not negative.
func number(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// size reads a number of bytes that may be absent; -1 if it is.
func size(b []byte) int64 {
	if n, ok := number(b); ok && n < math.MaxInt64/1024 {
		return n
	}
	return -1
}

// given is b, unless it stands for nothing.
func given(b []byte) []byte {
	if len(b) == 0 || len(b) == 1 && b[0] == '-' || string(b) == "(empty)" {
		return nil
	}
	return b
}

// hostOf finds the host and the port in an address: scheme://user@host:port/path,
// host:port as in CONNECT, host alone, IPv6 in brackets.
func hostOf(b []byte) (host []byte, port int) {
	if i := bytes.Index(b, []byte("://")); i >= 0 && i < 12 {
		if port = 80; i == 5 && b[4]|0x20 == 's' {
			port = 443
		}
		b = b[i+3:]
	}
	for i, c := range b {
		if c == '/' || c == '?' || c == '#' || c == '\\' {
			b = b[:i]
			break
		}
	}
	if i := bytes.LastIndexByte(b, '@'); i >= 0 { // user:password@host
		b = b[i+1:]
	}
	if len(b) > 0 && b[0] == '[' {
		return b, port
	}
	i := bytes.LastIndexByte(b, ':')
	if i < 0 {
		return b, port
	}
	if bytes.IndexByte(b[:i], ':') >= 0 { // IPv6 without brackets
		return nil, port
	}
	if n, ok := number(b[i+1:]); ok && n < 65536 {
		port = int(n)
	}
	return b[:i], port
}

// clientOf cuts the port off an address: 10.0.0.5:4711, 10.0.0.5#4711, 10.0.0.5/4711, [::1]:4711.
func clientOf(b []byte) []byte {
	if len(b) > 0 && b[0] == '[' {
		if i := bytes.IndexByte(b, ']'); i > 0 {
			return b[1:i]
		}
	}
	if i := bytes.IndexAny(b, "#/"); i >= 0 {
		return b[:i]
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 && bytes.IndexByte(b[i+1:], ':') < 0 {
		return b[:i]
	}
	return b
}

// has reports whether b holds s, without case.
func has(b []byte, lower string) bool {
	return len(b) >= len(lower) && (equalFold(b[:len(lower)], lower) || indexFold(b, lower) >= 0)
}

// refusals are words that logs use for what was not let through.
var refusals = []string{"block", "den", "drop", "reject", "reset", "refus", "filtered", "sinkhole", "gravity", "nxdomain", "forbid", "quarantine", "isolate"}

// isRefusal reports whether an action says that nothing went through.
func isRefusal(action []byte) bool {
	for _, w := range refusals {
		if has(action, w) {
			return !has(action, "unblock") && !has(action, "not blocked") && !has(action, "not_blocked") && !has(action, "notfiltered")
		}
	}
	return false
}

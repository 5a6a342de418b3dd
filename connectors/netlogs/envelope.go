package netlogs

import "bytes"

// envelope is what others put around a line on its way.
type envelope uint8

// Envelopes.
const (
	bareLines   envelope = iota
	syslogLines          // RFC 3164, RFC 5424, and the same without a priority; CRI
	dockerLines          // {"log":"…","stream":"stdout","time":"…"}
)

// String names the envelope for people; empty for none.
func (v envelope) String() string {
	return [...]string{"", "syslog", "docker"}[v]
}

// open takes a line out, and leaves the time of the envelope in the event.
func (v envelope) open(b []byte, e *event) ([]byte, bool) {
	e.stamp = nil
	switch v {
	case syslogLines:
		return openSyslog(b, e)
	case dockerLines:
		return openDocker(b, e)
	}
	return b, true
}

func openSyslog(b []byte, e *event) ([]byte, bool) {
	stamp := stampOf(b)
	if len(stamp) == 0 {
		return nil, false
	}
	e.stamp = stamp
	i := bytes.Index(b, stamp)
	rest := b[i+len(stamp):]
	five := i > 2 && b[i-1] == ' ' && b[i-2] == '1' && b[i-3] == '>'
	_, rest = word(rest) // the host, or stdout
	if five {
		_, rest = word(rest) // program
		_, rest = word(rest) // process
		_, rest = word(rest) // message id
		return afterData(rest), true
	}
	tag, after := word(rest)
	switch {
	case len(tag) > 0 && tag[len(tag)-1] == ':', string(tag) == "F", string(tag) == "P":
		return after, true
	case bytes.HasSuffix(tag, []byte("]:")):
		return after, true
	}
	return bytes.TrimLeft(rest, " "), true
}

// afterData passes over the structured data of RFC 5424.
func afterData(b []byte) []byte {
	if len(b) > 0 && b[0] == '-' {
		return bytes.TrimLeft(b[1:], " ")
	}
	for len(b) > 0 && b[0] == '[' {
		i, quoted := 1, false
		for ; i < len(b); i++ {
			if b[i] == '\\' {
				i++
			} else if b[i] == '"' {
				quoted = !quoted
			} else if b[i] == ']' && !quoted {
				break
			}
		}
		if i >= len(b) {
			return nil
		}
		b = b[i+1:]
	}
	b = bytes.TrimLeft(b, " ")
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
}

func openDocker(b []byte, e *event) ([]byte, bool) {
	if len(b) == 0 || b[0] != '{' {
		return nil, false
	}
	var v values
	s := scan{b: b, j: &jsonl{paths: []path{{"log", roleHost}, {"time", roleTime}}}, v: &v}
	if !s.object("", 0) || s.rest() || len(v[roleHost]) == 0 || len(v[roleTime]) == 0 {
		return nil, false
	}
	e.stamp = v[roleTime]
	return bytes.TrimRight(v[roleHost], " \r\n"), true
}

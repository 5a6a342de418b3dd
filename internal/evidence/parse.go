package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors of parsing lines.
var (
	// ErrVersion: the line was written by a newer version. Update.
	ErrVersion = errors.New("line of an unknown version")
	// ErrMalformed: the bytes are no ledger line.
	ErrMalformed = errors.New("malformed ledger line")
)

// ParseLine reads one ledger line, without newline, at position seq. It
// accepts exactly the bytes that this package writes: a line whose bytes are
// not their own canonical form, of an unknown type or version, or with a field
// too many is refused. The entry shares line's memory.
func ParseLine(seq int64, line []byte) (Entry, error) {
	e, err := splitLine(seq, line)
	if err != nil {
		return Entry{}, fmt.Errorf("entry %d: %w", seq, err)
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("entry %d: %s: %w", seq, e.Type, err)
	}
	return e, nil
}

// SplitLine is ParseLine for a line whose bytes were checked before: it reads
// the envelope and leaves the body alone.
func SplitLine(seq int64, line []byte) (Entry, error) {
	e, err := splitLine(seq, line)
	if err != nil {
		return Entry{}, fmt.Errorf("entry %d: %w", seq, err)
	}
	return e, nil
}

const (
	lineHead = `{"at":"`
	lineBody = `","body":`
	lineType = `,"type":"`
	lineTail = `","v":1}`

	evidenceTail = lineType + string(EntryEvidence) + lineTail
)

func splitLine(seq int64, line []byte) (Entry, error) {
	const prefix = len(lineHead) + stampLen + len(lineBody)
	if len(line) < prefix+len(lineType)+len(lineTail) || string(line[:len(lineHead)]) != lineHead {
		return Entry{}, ErrMalformed
	}
	at, ok := parseStamp(line[len(lineHead) : len(lineHead)+stampLen])
	if !ok || string(line[len(lineHead)+stampLen:prefix]) != lineBody {
		return Entry{}, ErrMalformed
	}
	rest := line[prefix:]
	if body, ok := bytes.CutSuffix(rest, []byte(evidenceTail)); ok && len(body) >= 2 {
		// The usual end; nothing can come later that begins like a part of it.
		return Entry{Seq: seq, Type: EntryEvidence, At: at, Body: body[:len(body):len(body)], Line: line}, nil
	}
	v := bytes.LastIndex(rest, []byte(`","v":`))
	if v < 0 || rest[len(rest)-1] != '}' {
		return Entry{}, ErrMalformed
	}
	if n := string(rest[v+len(`","v":`) : len(rest)-1]); n != "1" {
		if _, err := strconv.ParseUint(n, 10, 32); err == nil {
			return Entry{}, fmt.Errorf("%w %s: this program reads version %d; update it", ErrVersion, n, Version)
		}
		return Entry{}, ErrMalformed
	}
	t := bytes.LastIndex(rest[:v], []byte(lineType))
	if t < 2 {
		return Entry{}, ErrMalformed
	}
	typ := knownType(rest[t+len(lineType) : v])
	if typ == "" {
		return Entry{}, fmt.Errorf("%w: unknown type %.40q", ErrMalformed, rest[t+len(lineType):v])
	}
	return Entry{Seq: seq, Type: typ, At: at, Body: rest[:t:t], Line: line}, nil
}

// check is the strict half of ParseLine: the body is rebuilt from what it
// says, and has to come out as it is.
func (e Entry) check() error {
	switch e.Type {
	case EntryEvidence:
		var p Parser
		_, err := p.Check(e)
		return err
	case EntryRunOpened:
		_, err := ParseRunOpened(e)
		return err
	case EntryRunClosed:
		_, err := ParseRunClosed(e)
		return err
	case EntryGone:
		_, err := ParseGone(e)
		return err
	case EntryErasure:
		_, err := ParseErasure(e)
		return err
	case EntryKey:
		_, err := ParseKey(e)
		return err
	default:
		return checkCanonicalObject(e.Body)
	}
}

// Parser reads evidence entries. It keeps the short strings that repeat (kinds,
// runs, subject types) so that a million entries do not hold a million copies.
// The zero value is ready; a Parser is not safe for concurrent use.
type Parser struct {
	seen [2]seenNames // as met by Evidence and by Check, which trusts nothing of the former
}

// seenNames are strings that repeat, each followed by the quote that ends it.
type seenNames struct {
	all  map[string]string // by what is before the quote
	last [names]string     // what came last in each place
}

// Places of strings that repeat from line to line.
const (
	kindName = iota
	runName
	typeName
	names
)

// maxInterned bounds what a Parser keeps.
const maxInterned = 4096

func (n *seenNames) intern(b []byte) string {
	if n.all == nil || len(n.all) >= maxInterned {
		n.all = make(map[string]string)
	}
	s := string(b) + `"`
	n.all[s[:len(b)]] = s
	return s
}

// Evidence reads an evidence entry whose line was checked when it was written:
// sealed fields, position and the digest of the line. Source, GoneAt and
// Payload are not in a line and stay empty.
func (p *Parser) Evidence(e Entry) (Evidence, error) {
	ev, err := p.read(e, false)
	if err != nil {
		return Evidence{}, err
	}
	ev.Digest = Sum(e.Line)
	return ev, nil
}

// Check reads the sealed fields of an evidence entry and refuses a line that
// is not exactly what these fields give. Digest stays empty.
//
// Every piece of the line has one form only, so nothing needs to be rebuilt to
// know that the line is the only one for its fields: times are of fixed width,
// numbers have no leading zero, digests are lower case, a string with an escape
// is compared with how it is written, and optional fields are never empty.
func (p *Parser) Check(e Entry) (Evidence, error) {
	return p.read(e, true)
}

// View is Evidence for who needs the strings that do not repeat only for a
// moment: Key, the subject's ID and URL are empty in it, and beside it as bytes,
// mostly those of the line itself.
type View struct {
	Evidence
	KeyBytes, SubjectID, URLBytes []byte
}

// CheckView is Check that makes a View.
func (p *Parser) CheckView(e Entry, v *View) error {
	return p.view(e, true, v)
}

func (p *Parser) read(e Entry, strict bool) (Evidence, error) {
	var v View
	if err := p.view(e, strict, &v); err != nil {
		return Evidence{}, err
	}
	v.Key, v.Subject.ID, v.URL = string(v.KeyBytes), string(v.SubjectID), string(v.URLBytes)
	return v.Evidence, nil
}

func (p *Parser) view(e Entry, strict bool, ev *View) error {
	*ev = View{Evidence: Evidence{Seq: e.Seq}}
	s := scanner{b: e.Body, p: p, strict: strict}
	s.lit(`{"collected_at":"`)
	ev.CollectedAt = s.stamp()
	if s.opt(`","event_time":"`) {
		ev.EventTime = s.stamp()
	}
	s.lit(`",`)
	ev.Imported = s.opt(`"imported":true,`)
	s.lit(`"key":"`)
	ev.KeyBytes = s.bytes()
	s.lit(`,"kind":"`)
	ev.Kind = s.name(kindName)
	s.lit(`,"major":`)
	ev.Major = s.num()
	s.lit(`,"payload":"`)
	s.digest(&ev.PayloadSum)
	if s.opt(`","period":{"from":"`) {
		ev.Period = &Period{From: s.stamp()}
		s.lit(`","to":"`)
		ev.Period.To = s.stamp()
		s.lit(`"},"revision":`)
	} else {
		s.lit(`","revision":`)
	}
	ev.Revision = s.num()
	s.lit(`,"run":"`)
	ev.Run = s.name(runName)
	s.lit(`,"size":`)
	ev.PayloadSize = s.num()
	s.lit(`,"subject":{"id":"`)
	ev.SubjectID = s.bytes()
	s.lit(`,"type":"`)
	ev.Subject.Type = s.name(typeName)
	s.lit(`}`)
	if s.opt(`,"url":"`) {
		ev.URLBytes = s.bytes()
		s.bad = s.bad || len(ev.URLBytes) == 0
	}
	s.lit(`}`)
	if s.bad || len(s.b) != 0 {
		return ErrMalformed
	}
	if s.odd {
		return ErrNotCanonical
	}
	return nil
}

// scanner reads the pieces of a line from the front. After the first piece
// that does not fit, bad stays set and every result is zero.
type scanner struct {
	b      []byte
	p      *Parser
	strict bool
	bad    bool
	odd    bool // strict, and a piece has another form than its only one
}

func (s *scanner) opt(lit string) bool {
	if s.bad || len(s.b) < len(lit) || string(s.b[:len(lit)]) != lit {
		return false
	}
	s.b = s.b[len(lit):]
	return true
}

func (s *scanner) lit(lit string) {
	if !s.opt(lit) {
		s.bad = true
	}
}

func (s *scanner) stamp() time.Time {
	if s.bad || len(s.b) < stampLen {
		s.bad = true
		return time.Time{}
	}
	t, ok := parseStamp(s.b[:stampLen])
	s.bad = !ok
	s.b = s.b[stampLen:]
	return t
}

// bytes reads a string whose opening quote was read, and its closing quote.
func (s *scanner) bytes() []byte {
	if end := bytes.IndexByte(s.b, '"'); end >= 0 && !s.bad && usualText(s.b[:end]) {
		raw := s.b[:end:end]
		s.b = s.b[end+1:]
		return raw
	}
	raw, plain := s.raw()
	if plain && s.strict && !plainText(raw) {
		s.odd = true
		return nil
	}
	return raw
}

// name reads a string that repeats from line to line in its place.
func (s *scanner) name(place int) string {
	seen := &s.p.seen[0]
	if s.strict {
		seen = &s.p.seen[1]
	}
	if last := seen.last[place]; last != "" && s.opt(last) {
		return last[:len(last)-1]
	}
	raw, plain := s.raw()
	if !plain {
		return string(raw)
	}
	known, ok := seen.all[string(raw)] // and, if strict, was checked when it was met first
	if !ok {
		if s.strict && !plainText(raw) {
			s.odd = true
			return ""
		}
		known = seen.intern(raw)
	}
	seen.last[place] = known
	return known[:len(raw)]
}

// raw reads a string; plain says that it is as it is written, and not yet
// checked.
func (s *scanner) raw() (raw []byte, plain bool) {
	if s.bad {
		return nil, false
	}
	end := bytes.IndexByte(s.b, '"')
	if end < 0 {
		s.bad = true
		return nil, false
	}
	raw = s.b[:end:end]
	if bytes.IndexByte(raw, '\\') >= 0 {
		return s.escaped(), false
	}
	s.b = s.b[end+1:]
	return raw, true
}

// usualText reports whether raw is ASCII without control characters and
// backslashes: such a string is written in one way only.
func usualText(raw []byte) bool {
	n := len(raw)
	if n < 8 {
		for _, c := range raw {
			if c < ' ' || c >= utf8.RuneSelf || c == '\\' {
				return false
			}
		}
		return true
	}
	for i := 0; i+8 < n; i += 8 {
		if unusual(binary.LittleEndian.Uint64(raw[i:])) {
			return false
		}
	}
	return !unusual(binary.LittleEndian.Uint64(raw[n-8:]))
}

// unusual reports whether one of eight bytes is below a space, beyond ASCII, or a
// backslash.
func unusual(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	slash := x ^ '\\'*ones
	// A byte below a space borrows, and so does one that is zero after the XOR;
	// one beyond ASCII has the bit itself.
	return (x|(x-' '*ones)|(slash-ones)&^slash)&high != 0
}

// plainText reports whether raw is valid UTF-8 without control characters.
func plainText(raw []byte) bool {
	ascii := true
	for _, c := range raw {
		if c < ' ' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(raw)
}

func (s *scanner) escaped() []byte {
	end := skipString(s.b, -1)
	if end >= len(s.b) {
		s.bad = true
		return nil
	}
	quoted := append(append([]byte{'"'}, s.b[:end]...), '"')
	out, err := jsontext.AppendUnquote(nil, quoted)
	s.bad = err != nil
	s.odd = s.odd || s.strict && !bytes.Equal(appendString(nil, string(out)), quoted)
	s.b = s.b[end+1:]
	return out
}

func (s *scanner) num() int {
	n, i := 0, 0
	for ; i < len(s.b) && i < 16 && '0' <= s.b[i] && s.b[i] <= '9'; i++ {
		n = n*10 + int(s.b[i]-'0')
	}
	if i == 0 || n > maxExact {
		s.bad = true
	}
	if s.bad {
		return 0
	}
	s.odd = s.odd || i > 1 && s.b[0] == '0'
	s.b = s.b[i:]
	return n
}

func (s *scanner) digest(d *Digest) {
	if s.bad || len(s.b) < 2*len(d) {
		s.bad = true
		return
	}
	text := s.b[:2*len(d)]
	var all byte
	for i := range d {
		high, low := hexDigits[text[2*i]], hexDigits[text[2*i+1]]
		d[i] = high<<4 | low&0xf
		all |= high | low
	}
	s.bad = all&noHex != 0
	s.odd = s.odd || all&upperHex != 0
	s.b = s.b[2*len(d):]
}

// What hexDigits says beside the value.
const (
	upperHex = 1 << 4 // an upper-case letter: not how a digest is written
	noHex    = 1 << 5
)

// hexDigits are the values of hexadecimal digits.
var hexDigits = func() (t [256]byte) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9':
			t[c] = byte(c - '0')
		case 'a' <= c && c <= 'f':
			t[c] = byte(c - 'a' + 10)
		case 'A' <= c && c <= 'F':
			t[c] = byte(c-'A'+10) | upperHex
		default:
			t[c] = noHex
		}
	}
	return t
}()

// parseStamp reads a time in stampLayout and nothing else.
func parseStamp(b []byte) (time.Time, bool) {
	if len(b) != stampLen || b[4] != '-' || b[7] != '-' || b[10] != 'T' ||
		b[13] != ':' || b[16] != ':' || b[19] != '.' || b[26] != 'Z' {
		return time.Time{}, false
	}
	var odd byte // has its highest bit if one of the digits is none
	two := func(at int) int {
		high, low := b[at]-'0', b[at+1]-'0'
		odd |= high | low | (high + 0x76) | (low + 0x76)
		return int(high)*10 + int(low)
	}
	y, mo, d := two(0)*100+two(2), two(5), two(8)
	h, mi, sec, us := two(11), two(14), two(17), two(20)*10000+two(22)*100+two(24)
	if odd&0x80 != 0 || y < 1 || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || sec > 59 {
		return time.Time{}, false
	}
	t := time.Unix(daysSince1970(y, mo, d)*86400+int64(h*3600+mi*60+sec), int64(us)*1000).UTC()
	return t, !t.IsZero()
}

// daysSince1970 counts in years that begin in March, so that a leap day is the
// last of its year.
func daysSince1970(y, m, d int) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	return int64(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 719469)
}

func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

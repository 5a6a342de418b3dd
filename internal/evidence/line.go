package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Version is the version of the line format that this package writes and reads.
const Version = 1

// stampLayout is how every time in a line is written: UTC, six decimals, so
// that the order of the text is the order of the times.
const (
	stampLayout = "2006-01-02T15:04:05.000000Z"
	stampLen    = len(stampLayout)
)

// Stamp brings t to the precision of the ledger: UTC, whole microseconds.
func Stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// AppendEvidence appends the line of ev, appended to the ledger at the given
// time, to dst. It uses ev's sealed fields (Run, Kind, Major, Subject, Key,
// Revision, EventTime, Period, URL, CollectedAt, Imported, PayloadSum and
// PayloadSize); the others are not part of a line.
func AppendEvidence(dst []byte, at time.Time, ev *Evidence) ([]byte, error) {
	w := lineWriter{b: dst}
	w.raw(`{"at":"`)
	w.stamp(at)
	w.raw(`","body":{"collected_at":"`)
	w.stamp(ev.CollectedAt)
	if !ev.EventTime.IsZero() {
		w.raw(`","event_time":"`)
		w.stamp(ev.EventTime)
	}
	w.raw(`",`)
	if ev.Imported {
		w.raw(`"imported":true,`)
	}
	w.field(`"key":`, ev.Key)
	w.field(`,"kind":`, ev.Kind)
	w.raw(`,"major":`)
	w.count(int64(ev.Major))
	w.raw(`,"payload":"`)
	w.b = hex.AppendEncode(w.b, ev.PayloadSum[:])
	if ev.Period != nil {
		w.raw(`","period":{"from":"`)
		w.stamp(ev.Period.From)
		w.raw(`","to":"`)
		w.stamp(ev.Period.To)
		w.raw(`"},"revision":`)
	} else {
		w.raw(`","revision":`)
	}
	w.count(int64(ev.Revision))
	w.field(`,"run":`, ev.Run)
	w.raw(`,"size":`)
	w.count(int64(ev.PayloadSize))
	w.field(`,"subject":{"id":`, ev.Subject.ID)
	w.field(`,"type":`, ev.Subject.Type)
	w.raw(`}`)
	if ev.URL != "" {
		w.field(`,"url":`, ev.URL)
	}
	w.raw(`},"type":"evidence","v":1}`)
	if w.err != nil {
		return dst, fmt.Errorf("evidence %.80q: %w", ev.Key, w.err)
	}
	return w.b, nil
}

// NewEntry makes an entry of any type from a body, which it brings into
// canonical form. Evidence entries are made by AppendEvidence, which is faster;
// the result is the same.
func NewEntry(typ EntryType, at time.Time, body []byte) (Entry, error) {
	if !typ.Known() {
		return Entry{}, fmt.Errorf("entry type %.40q: not one that this version knows", string(typ))
	}
	c, err := CanonicalObject(body)
	if err != nil {
		return Entry{}, fmt.Errorf("%s entry: %w", typ, err)
	}
	w := lineWriter{b: make([]byte, 0, len(c)+80)}
	w.raw(`{"at":"`)
	w.stamp(at)
	w.raw(`","body":`)
	w.b = append(w.b, c...)
	w.raw(`,"type":"`)
	w.raw(string(typ))
	w.raw(`","v":1}`)
	if w.err != nil {
		return Entry{}, fmt.Errorf("%s entry: %w", typ, w.err)
	}
	return Entry{Type: typ, At: Stamp(at), Body: c, Line: w.b}, nil
}

// lineWriter appends the pieces of a canonical line and keeps the first error.
type lineWriter struct {
	b   []byte
	err error
}

func (w *lineWriter) raw(s string) { w.b = append(w.b, s...) }

func (w *lineWriter) count(n int64) {
	if n < 0 || n > maxExact {
		w.fail(fmt.Errorf("number %d is not between 0 and 2^53", n))
	}
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *lineWriter) stamp(t time.Time) {
	t = t.UTC()
	if y := t.Year(); t.IsZero() || y < 1 || y > 9999 {
		w.fail(errors.New("a time is missing or outside the years 1 to 9999"))
		return
	}
	w.b = appendStamp(w.b, t)
}

// appendStamp is t.AppendFormat(b, stampLayout) for a UTC time of the years 1
// to 9999, without reading the layout each time.
func appendStamp(b []byte, t time.Time) []byte {
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	b = append(b,
		digit(y/1000), digit(y/100), digit(y/10), digit(y), '-', digit(int(mo)/10), digit(int(mo)), '-', digit(d/10), digit(d),
		'T', digit(h/10), digit(h), ':', digit(mi/10), digit(mi), ':', digit(s/10), digit(s), '.')
	us := t.Nanosecond() / 1000
	return append(b, digit(us/100000), digit(us/10000), digit(us/1000), digit(us/100), digit(us/10), digit(us), 'Z')
}

func digit(n int) byte { return '0' + byte(n%10) }

// field writes a name as given and s as a canonical JSON string.
func (w *lineWriter) field(name, s string) {
	w.raw(name)
	if !utf8.ValidString(s) {
		w.fail(fmt.Errorf("%s is not valid UTF-8", name))
		return
	}
	w.b = appendString(w.b, s)
}

func (w *lineWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// appendString appends s, which is valid UTF-8, as RFC 8785 writes a string.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

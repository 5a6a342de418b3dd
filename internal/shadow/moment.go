package shadow

import (
	"encoding/json"
	"time"
)

// moment is an instant in a payload: RFC 3339, whole seconds, UTC. A day is
// read as its beginning.
type moment struct{ time.Time }

func at(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{t.UTC().Truncate(time.Second)}
}

// MarshalJSON writes RFC 3339.
func (m moment) MarshalJSON() ([]byte, error) {
	return json.Marshal(m.UTC().Format(time.RFC3339))
}

// UnmarshalJSON reads RFC 3339, or a day. What is neither is no instant: one
// field of a foreign record never makes the record unreadable.
func (m *moment) UnmarshalJSON(raw []byte) error {
	m.Time = time.Time{}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = ""
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return nil
}

// earlier returns the earlier of two instants, of which a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// notAfter keeps what is dated later than it can have been seen to when it was:
// a clock that is ahead puts nothing off.
func notAfter(t, seen time.Time) time.Time {
	if !seen.IsZero() && t.After(seen) {
		return seen
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

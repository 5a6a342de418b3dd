package people

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// record makes a record. What is empty is left out of the payload.
func record(kind string, subject evidence.Subject, key string, event time.Time, payload any) (evidence.Record, error) {
	raw, err := json.Marshal(payload)
	if err == nil {
		raw, err = evidence.CanonicalObject(raw)
	}
	if err != nil {
		return evidence.Record{}, fmt.Errorf("%s %s: %w", kind, key, err)
	}
	return evidence.Record{Kind: kind, Major: 1, Subject: subject, Key: key, EventTime: event.UTC(), Payload: raw}, nil
}

// moment is an instant in a payload: RFC 3339, whole seconds, UTC; left out
// when zero through omitzero.
type moment struct{ time.Time }

func at(t time.Time) moment { return moment{t.UTC().Truncate(time.Second)} }

// MarshalJSON writes RFC 3339.
func (m moment) MarshalJSON() ([]byte, error) {
	return json.Marshal(m.Time.UTC().Format(time.RFC3339))
}

// UnmarshalJSON reads RFC 3339, or a day.
func (m *moment) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, s); err != nil {
			return err
		}
	}
	m.Time = t
	return nil
}

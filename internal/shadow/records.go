package shadow

import (
	"encoding/json"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// organization is the subject of all records: what nobody registered belongs
// to no system yet.
var organization = evidence.Subject{Type: "organization", ID: "organization"}

func payload(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return evidence.CanonicalObject(raw)
}

// Record is a case as it is put on record.
func (c *Case) Record() (evidence.Record, error) {
	raw, err := payload(c)
	if err != nil {
		return evidence.Record{}, fmt.Errorf("case %s: %w", c.ID, err)
	}
	return evidence.Record{Kind: KindCase, Major: 1, Subject: organization, Key: c.ID, EventTime: c.FirstSeen.Time, Payload: raw}, nil
}

// ParseCase reads a case from evidence of KindCase that Source made.
func ParseCase(ev evidence.Evidence) (Case, error) {
	var c Case
	if err := json.Unmarshal(ev.Payload, &c); err != nil {
		return c, fmt.Errorf("case %s: %w", ev.Key, err)
	}
	return c, nil
}

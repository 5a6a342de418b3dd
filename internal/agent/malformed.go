package agent

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// KindMalformed is the kind under which a record is kept that breaks its own:
// nothing of what was read is lost, and no expectation can take it for what it
// claimed to be.
const KindMalformed = "collector.malformed"

// malformedRecord is the payload of a record of KindMalformed. What was read is
// in raw, byte for byte, or in raw_base64 where it is no text.
type malformedRecord struct {
	Kind        string    `json:"kind"`
	Major       int       `json:"major"`
	SubjectType string    `json:"subject_type,omitempty"`
	SubjectID   string    `json:"subject_id,omitempty"`
	Key         string    `json:"key,omitempty"`
	EventTime   time.Time `json:"event_time,omitzero"`
	Problem     string    `json:"problem"`
	Raw         string    `json:"raw,omitempty"`
	RawBase64   string    `json:"raw_base64,omitempty"`
}

// malformedOf makes the record that keeps what could not be taken for what it
// claimed to be. Its key names kind and key, so that reading it again adds nothing.
func malformedOf(rec connector.Record, problem error, now time.Time) (evidence.Record, error) {
	m := malformedRecord{Kind: rec.Kind, Major: max(rec.Major, 1), SubjectType: rec.Subject.Type, SubjectID: rec.Subject.ID, Key: rec.Key,
		EventTime: rec.EventTime.UTC(), Problem: problem.Error()}
	if utf8.Valid(rec.Payload) {
		m.Raw = string(rec.Payload)
	} else {
		m.RawBase64 = base64.StdEncoding.EncodeToString(rec.Payload)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return evidence.Record{}, err
	}
	id := rec.Kind + " " + rec.Key
	if len(id) > store.MaxName {
		id = evidence.Sum([]byte(id)).String()
	}
	return evidence.Record{Kind: KindMalformed, Major: 1, Subject: evidence.Subject{Type: "record", ID: id}, Key: id, CollectedAt: now, Payload: raw}, nil
}

// keepMalformed adds a refused record to a batch as what it is. One that cannot
// be kept even so is named by its gap alone.
func (r *recorder) keepMalformed(out *store.Batch, rec connector.Record, problem error, now time.Time) {
	kept, err := malformedOf(rec, problem, now)
	if err == nil {
		_, err = store.Prepare(&kept)
	}
	if err != nil {
		r.c.Logger.Warn("a malformed record could not be kept", "kind", rec.Kind, "key", rec.Key, "error", err)
		return
	}
	out.Records = append(out.Records, kept)
}

// claimMalformed says of the kept records that they are all that the run
// refused: nothing is concluded from one that a later run does not refuse.
func (r *recorder) claimMalformed() {
	if r.kinds()[KindMalformed] {
		r.run.Kinds[KindMalformed] = evidence.KindRead{Coverage: string(connector.Complete), IndependentCount: -1, Query: "what was read and broke its kind"}
	}
}

// remember is what of a batch's cursors and validators is kept. After a record
// was refused the source has to be read again from where it was understood, or
// else the next run would claim to have seen what nobody could read. What the
// source does not keep itself is kept all the same.
func (r *recorder) remember(b pluginhost.Batch) []store.StateChange {
	all := stateChanges(b)
	if len(r.malformed) == 0 {
		return all
	}
	var out []store.StateChange
	for _, s := range all {
		if s.Cursor && strings.HasPrefix(s.Key, connector.MemoryPrefix) {
			out = append(out, s)
		}
	}
	return out
}

// otherMajor reports a record in a form of its kind that this version does not know.
func otherMajor(kind string, major, known int) error {
	return fmt.Errorf("major version %d of %s is not known here, only %d: bring exhibit and the connector to versions that belong together", major, kind, known)
}

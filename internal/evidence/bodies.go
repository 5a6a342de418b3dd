package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// MaxGoneKeys is how many keys one gone entry names at most.
const MaxGoneKeys = 1000

// Gone is the body of a gone entry: keys of a kind that a complete run no
// longer found, in ascending order.
type Gone struct {
	Run  string
	Kind string
	Keys []string
	At   time.Time // when the run finished looking
}

// Erasure is the body of an erasure entry.
type Erasure struct {
	Payload Digest
	By      string
	Reason  string
}

// stamp is a time as lines write it.
type stamp time.Time

func (s stamp) MarshalText() ([]byte, error) {
	w := lineWriter{}
	w.stamp(time.Time(s))
	return w.b, w.err
}

func (s *stamp) UnmarshalText(b []byte) error {
	t, ok := parseStamp(b)
	if !ok {
		return fmt.Errorf("time %.40q: want the form %s", b, stampLayout)
	}
	*s = stamp(t)
	return nil
}

func (s stamp) IsZero() bool { return time.Time(s).IsZero() }

type runOpenedBody struct {
	ID         string     `json:"id"`
	Provenance Provenance `json:"provenance"`
	StartedAt  stamp      `json:"started_at"`
}

// runClosedBody is the body of a run_closed entry. State is optional: it is
// missing if the source had neither cursor nor validator. See "State" in the
// package's comment.
type runClosedBody struct {
	Run        string                  `json:"run"`
	Status     RunStatus               `json:"status"`
	FinishedAt stamp                   `json:"finished_at"`
	Error      string                  `json:"error,omitzero"`
	Kinds      map[string]kindReadBody `json:"kinds"`
	Gaps       []Gap                   `json:"gaps"`
	Calls      CallCounts              `json:"calls"`
	// Confinement is missing where no process of a connector read, and in runs
	// of before it was recorded.
	Confinement string `json:"confinement,omitzero"`
	State       Digest `json:"state,omitzero"`
}

type kindReadBody struct {
	Coverage         string `json:"coverage"`
	Enumerated       bool   `json:"enumerated"`
	Since            stamp  `json:"since,omitzero"`
	Query            string `json:"query,omitzero"`
	IndependentCount int64  `json:"independent_count"`
	Seen             int64  `json:"seen"`
	New              int64  `json:"new"`
	Revised          int64  `json:"revised"`
	Unchanged        int64  `json:"unchanged"`
	Gone             int64  `json:"gone"`
}

type goneBody struct {
	Run  string   `json:"run"`
	Kind string   `json:"kind"`
	Keys []string `json:"keys"`
	At   stamp    `json:"at"`
}

type erasureBody struct {
	Payload Digest `json:"payload"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
}

// marshal gives the canonical form of a body.
func marshal(body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return Canonical(b)
}

// unmarshal reads a body strictly into body and refuses bytes that body does
// not give back.
func unmarshal(raw []byte, body any) error {
	if err := json.Unmarshal(raw, body, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	again, err := marshal(body)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		return ErrNotCanonical
	}
	return nil
}

// RunOpened makes the entry that opens r: id, provenance and start.
func RunOpened(r Run, at time.Time) (Entry, error) {
	if r.ID == "" || r.Provenance.Source == "" {
		return Entry{}, errors.New("run_opened: a run needs an id and a source")
	}
	b, err := marshal(runOpenedBody{ID: r.ID, Provenance: r.Provenance, StartedAt: stamp(r.StartedAt)})
	if err != nil {
		return Entry{}, fmt.Errorf("run_opened %.40q: %w", r.ID, err)
	}
	return NewEntry(EntryRunOpened, at, b)
}

// ParseRunOpened reads what RunOpened wrote.
func ParseRunOpened(e Entry) (Run, error) {
	var b runOpenedBody
	if err := unmarshal(e.Body, &b); err != nil {
		return Run{}, err
	}
	return Run{ID: b.ID, Provenance: b.Provenance, StartedAt: time.Time(b.StartedAt)}, nil
}

// RunClosed makes the entry that closes r: the whole outcome.
func RunClosed(r Run, at time.Time) (Entry, error) {
	body := runClosedBody{
		Run: r.ID, Status: r.Status, FinishedAt: stamp(r.FinishedAt), Error: r.Error,
		Kinds: make(map[string]kindReadBody, len(r.Kinds)), Gaps: r.Gaps, Calls: r.Calls,
		Confinement: r.Confinement, State: r.State,
	}
	for kind, k := range r.Kinds {
		body.Kinds[kind] = kindReadBody{
			Coverage: k.Coverage, Enumerated: k.Enumerated, Since: stamp(k.Since), Query: k.Query,
			IndependentCount: k.IndependentCount, Seen: k.Seen,
			New: k.New, Revised: k.Revised, Unchanged: k.Unchanged, Gone: k.Gone,
		}
	}
	b, err := marshal(body)
	if err != nil {
		return Entry{}, fmt.Errorf("run_closed %.40q: %w", r.ID, err)
	}
	return NewEntry(EntryRunClosed, at, b)
}

// ParseRunClosed reads what RunClosed wrote. Provenance and StartedAt are in
// the opening entry and stay empty.
func ParseRunClosed(e Entry) (Run, error) {
	var b runClosedBody
	if err := unmarshal(e.Body, &b); err != nil {
		return Run{}, err
	}
	switch b.Status {
	case RunComplete, RunPartial, RunFailed:
	default:
		return Run{}, fmt.Errorf("%w: run status %.40q", ErrMalformed, b.Status)
	}
	r := Run{ID: b.Run, Status: b.Status, FinishedAt: time.Time(b.FinishedAt), Error: b.Error, Calls: b.Calls,
		Confinement: b.Confinement, State: b.State}
	if len(b.Gaps) > 0 {
		r.Gaps = b.Gaps
	}
	if len(b.Kinds) > 0 {
		r.Kinds = make(map[string]KindRead, len(b.Kinds))
	}
	for kind, k := range b.Kinds {
		r.Kinds[kind] = KindRead{
			Coverage: k.Coverage, Enumerated: k.Enumerated, Since: time.Time(k.Since), Query: k.Query,
			IndependentCount: k.IndependentCount, Seen: k.Seen,
			New: k.New, Revised: k.Revised, Unchanged: k.Unchanged, Gone: k.Gone,
		}
	}
	return r, nil
}

// GoneEntry makes the entry that says which keys are gone.
func GoneEntry(g Gone, at time.Time) (Entry, error) {
	if len(g.Keys) == 0 || len(g.Keys) > MaxGoneKeys {
		return Entry{}, fmt.Errorf("gone: %d keys, want 1 to %d", len(g.Keys), MaxGoneKeys)
	}
	b, err := marshal(goneBody{Run: g.Run, Kind: g.Kind, Keys: g.Keys, At: stamp(g.At)})
	if err != nil {
		return Entry{}, fmt.Errorf("gone %.80q: %w", g.Kind, err)
	}
	return NewEntry(EntryGone, at, b)
}

// ParseGone reads what GoneEntry wrote.
func ParseGone(e Entry) (Gone, error) {
	var b goneBody
	if err := unmarshal(e.Body, &b); err != nil {
		return Gone{}, err
	}
	if len(b.Keys) == 0 || len(b.Keys) > MaxGoneKeys {
		return Gone{}, fmt.Errorf("%w: %d gone keys", ErrMalformed, len(b.Keys))
	}
	for i, k := range b.Keys[1:] {
		if k <= b.Keys[i] {
			return Gone{}, fmt.Errorf("%w: gone keys out of order", ErrMalformed)
		}
	}
	return Gone{Run: b.Run, Kind: b.Kind, Keys: b.Keys, At: time.Time(b.At)}, nil
}

// KeyHandover is the signing key handed over to the next: a note that both keys
// signed (package ledger), by whom, and why.
type KeyHandover struct {
	Note   string `json:"note"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// KeyEntry makes the entry that says the signing key was handed over.
func KeyEntry(k KeyHandover, at time.Time) (Entry, error) {
	if k.By == "" || k.Reason == "" || k.Note == "" {
		return Entry{}, errors.New("handover of the key: say who hands it over and why")
	}
	b, err := marshal(k)
	if err != nil {
		return Entry{}, fmt.Errorf("handover of the key: %w", err)
	}
	return NewEntry(EntryKey, at, b)
}

// ParseKey reads what KeyEntry wrote.
func ParseKey(e Entry) (KeyHandover, error) {
	var k KeyHandover
	if err := unmarshal(e.Body, &k); err != nil {
		return KeyHandover{}, err
	}
	if k.By == "" || k.Reason == "" {
		return KeyHandover{}, fmt.Errorf("%w: a handover of the key by nobody", ErrMalformed)
	}
	return k, nil
}

// ErasureEntry makes the entry that says a payload was erased.
func ErasureEntry(er Erasure, at time.Time) (Entry, error) {
	if er.By == "" || er.Reason == "" {
		return Entry{}, errors.New("erasure: say who erases and why")
	}
	b, err := marshal(erasureBody(er))
	if err != nil {
		return Entry{}, fmt.Errorf("erasure %s: %w", er.Payload, err)
	}
	return NewEntry(EntryErasure, at, b)
}

// ParseErasure reads what ErasureEntry wrote.
func ParseErasure(e Entry) (Erasure, error) {
	var b erasureBody
	if err := unmarshal(e.Body, &b); err != nil {
		return Erasure{}, err
	}
	return Erasure(b), nil
}

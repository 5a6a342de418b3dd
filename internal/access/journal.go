package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// PayloadLog puts on record who sees raw payloads. Its one implementation is
// Journal; those who show payloads take this.
type PayloadLog interface {
	// OnPayload returns once the ledger says that p sees these payloads, for a
	// purpose such as "page /evidence/…" or "GET /v1/evidence". Call it once a
	// request, with all that is about to be sent, and send nothing if it fails.
	OnPayload(ctx context.Context, p Principal, purpose string, digests ...evidence.Digest) error
}

// AppendFunc appends entries to the ledger, all of them or none.
type AppendFunc func(ctx context.Context, entries ...store.NewEntry) error

// Events of entries of type access.
const (
	eventPayloads     = "payloads_read"
	eventTokenCreated = "token_created"
	eventTokenRevoked = "token_revoked"
)

// Event is the body of an entry of type access.
type Event struct {
	Event   string `json:"event"`
	Account string `json:"account"`
	Person  string `json:"person,omitempty"`
	Name    string `json:"name,omitempty"`
	Via     Via    `json:"via"`
	Token   string `json:"token,omitempty"` // that was used, made or revoked

	Purpose string            `json:"purpose,omitempty"`
	Count   int               `json:"count,omitempty"`   // of payloads
	Digests []evidence.Digest `json:"digests,omitempty"` // of payloads, sorted; the first maxDigests
	All     string            `json:"all,omitempty"`     // where Digests does not hold all: SHA-256 of the sorted digests, one a line

	TokenName string       `json:"token_name,omitempty"`
	Roles     []Role       `json:"roles,omitempty"`
	Scope     []Permission `json:"scope,omitempty"`
	Sources   []string     `json:"sources,omitempty"`
	Expires   *time.Time   `json:"expires,omitempty"`
}

// maxDigests is how many payloads one entry names.
const maxDigests = 200

// ParseEvent reads an entry of type access.
func ParseEvent(e evidence.Entry) (Event, error) {
	var ev Event
	if e.Type != evidence.EntryAccess {
		return ev, fmt.Errorf("entry %d is no access entry but %s", e.Seq, e.Type)
	}
	if err := json.Unmarshal(e.Body, &ev); err != nil {
		return ev, fmt.Errorf("access entry %d: %w", e.Seq, err)
	}
	return ev, nil
}

func eventOf(event string, p Principal) Event {
	return Event{Event: event, Account: p.Account, Person: p.Person, Name: p.Name, Via: p.Via, Token: p.Token}
}

func (e Event) entry(now time.Time) store.NewEntry {
	body, err := json.Marshal(e)
	if err != nil { // strings and times always can be written
		body = []byte(`{}`)
	}
	return store.NewEntry{Type: evidence.EntryAccess, At: now, Body: body}
}

func tokenEntry(event string, t Token, by Principal, now time.Time) store.NewEntry {
	e := eventOf(event, by)
	e.Token, e.TokenName = t.ID, t.Name
	e.Roles, e.Scope, e.Sources = t.Roles, t.Scope, t.Sources
	expires := t.Expires.UTC()
	e.Expires = &expires
	return e.entry(now)
}

func payloadEntry(p Principal, purpose string, digests []evidence.Digest, now time.Time) store.NewEntry {
	e := eventOf(eventPayloads, p)
	sorted := slices.Clone(digests)
	slices.SortFunc(sorted, func(a, b evidence.Digest) int { return slices.Compare(a[:], b[:]) })
	sorted = slices.Compact(sorted)
	e.Purpose, e.Count, e.Digests = oneLine(purpose, 300), len(sorted), sorted
	if len(sorted) > maxDigests {
		h := sha256.New()
		for _, d := range sorted {
			fmt.Fprintln(h, d)
		}
		e.All, e.Digests = hex.EncodeToString(h.Sum(nil)), sorted[:maxDigests]
	}
	return e.entry(now)
}

// Journal is the PayloadLog. Requests that come together are put in the ledger
// together, an entry each, so that a busy dashboard costs one transaction at a
// time and not one a request.
type Journal struct {
	append AppendFunc
	now    func() time.Time

	mu      sync.Mutex
	waiting []waiter
	busy    bool
}

type waiter struct {
	entry store.NewEntry
	done  chan error
}

var _ PayloadLog = (*Journal)(nil)

// NewJournal returns a journal that appends by f.
func NewJournal(f AppendFunc, now func() time.Time) *Journal { return &Journal{append: f, now: now} }

// most is how many entries go into the ledger at once.
const most = 500

// OnPayload is of PayloadLog.
func (j *Journal) OnPayload(ctx context.Context, p Principal, purpose string, digests ...evidence.Digest) error {
	if len(digests) == 0 {
		return nil
	}
	if p.Account == "" {
		return ErrUnauthenticated
	}
	if !p.May(ReadPayload) {
		return &Denied{Needs: ReadPayload}
	}
	w := waiter{entry: payloadEntry(p, purpose, digests, j.now()), done: make(chan error, 1)}
	j.mu.Lock()
	j.waiting = append(j.waiting, w)
	lead := !j.busy
	j.busy = true
	j.mu.Unlock()
	if lead {
		// The entries of others must not fail because this request was given up.
		go j.drain(context.WithoutCancel(ctx))
	}
	select {
	case err := <-w.done:
		if err != nil {
			return fmt.Errorf("who saw the payload could not be put on record, so it is not shown: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain appends what waits until nothing does.
func (j *Journal) drain(ctx context.Context) {
	for {
		j.mu.Lock()
		batch := j.waiting[:min(len(j.waiting), most)]
		j.waiting = j.waiting[len(batch):]
		if len(batch) == 0 {
			j.waiting, j.busy = nil, false
			j.mu.Unlock()
			return
		}
		j.mu.Unlock()
		j.write(ctx, batch)
	}
}

// appendWithin is how long the ledger may take for the entries of a batch.
const appendWithin = 30 * time.Second

func (j *Journal) write(ctx context.Context, batch []waiter) {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	entries := make([]store.NewEntry, len(batch))
	for i, w := range batch {
		entries[i] = w.entry
	}
	err := j.append(ctx, entries...)
	for _, w := range batch {
		w.done <- err
	}
}

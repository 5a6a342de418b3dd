// Package exporttest makes snapshots for the tests of exports and of their
// verification: a small organisation with every status, a real ledger of real
// lines with a real signature, and texts as hostile as a source could send.
//
// It is imported by tests only. It promises the same snapshot, key and bytes
// every time.
package exporttest

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Key is a signing key made from a fixed seed.
type Key struct {
	Signer note.Signer
	Public string
}

// NewKey makes the key of the given name; the same name gives the same key.
func NewKey(name string) (Key, error) { return NewKeyOf(name, name) }

// NewKeyOf makes the key of a name from what its seed is made of: another key
// can have the same name.
func NewKeyOf(name, from string) (Key, error) {
	seed := evidence.Sum([]byte("exhibit test key " + from))
	priv := ed25519.NewKeyFromSeed(seed[:])
	public, err := note.NewEd25519VerifierKey(name, priv.Public().(ed25519.PublicKey))
	if err != nil {
		return Key{}, err
	}
	hash := strings.Split(public, "+")[1]
	secret := "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))
	signer, err := note.NewSigner(secret)
	return Key{Signer: signer, Public: public}, err
}

// Ledger is a ledger in memory. Used is every evidence entry that Keep lets
// through.
type Ledger struct {
	Lines    [][]byte
	Payloads map[evidence.Digest][]byte
	Erased   map[evidence.Digest]bool
	Keep     func(evidence.Evidence) bool // nil keeps all
	Sources  map[string]string            // run to source
	hashes   []tlog.Hash
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{Payloads: map[evidence.Digest][]byte{}, Erased: map[evidence.Digest]bool{}, Sources: map[string]string{}}
}

// Append adds a line.
func (l *Ledger) Append(line []byte) error {
	h, err := tlog.StoredHashes(int64(len(l.Lines)), line, l)
	if err != nil {
		return err
	}
	l.hashes = append(l.hashes, h...)
	l.Lines = append(l.Lines, slices.Clone(line))
	return nil
}

// AppendEntry adds an entry made by package evidence.
func (l *Ledger) AppendEntry(e evidence.Entry, err error) error {
	if err != nil {
		return err
	}
	return l.Append(e.Line)
}

// AppendEvidence seals ev with payload and adds it. It returns the digest.
func (l *Ledger) AppendEvidence(at time.Time, ev evidence.Evidence, payload string) (evidence.Digest, error) {
	c, err := evidence.CanonicalObject([]byte(payload))
	if err != nil {
		return evidence.Digest{}, err
	}
	ev.PayloadSum, ev.PayloadSize = evidence.Sum(c), len(c)
	line, err := evidence.AppendEvidence(nil, at, &ev)
	if err != nil {
		return evidence.Digest{}, err
	}
	l.Payloads[ev.PayloadSum] = c
	return evidence.Sum(line), l.Append(line)
}

// Checkpoint signs the first n entries.
func (l *Ledger) Checkpoint(n int64, signer note.Signer) ([]byte, ledger.Checkpoint, error) {
	root, err := tlog.TreeHash(n, l)
	if err != nil {
		return nil, ledger.Checkpoint{}, err
	}
	cp := ledger.Checkpoint{Origin: signer.Name(), Size: n, Root: root}
	msg, err := cp.Sign(signer)
	return msg, cp, err
}

// ReadHashes is part of export.Ledger.
func (l *Ledger) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("no hash %d", x)
		}
		out[i] = l.hashes[x]
	}
	return out, nil
}

// Used is part of export.Ledger.
func (l *Ledger) Used(ctx context.Context) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		var p evidence.Parser
		for e, err := range l.Entries(ctx, 0, int64(len(l.Lines)), evidence.EntryEvidence) {
			if err != nil {
				yield(evidence.Evidence{}, err)
				return
			}
			ev, err := p.Evidence(e)
			ev.Source = l.Sources[ev.Run]
			if err == nil && l.Keep != nil && !l.Keep(ev) {
				continue
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}

// InForce is part of export.Ledger: every item of a sample is in force.
func (l *Ledger) InForce(ctx context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for ev, err := range l.Used(ctx) {
			if err == nil && !slices.Contains(kinds, ev.Kind) {
				continue
			}
			if err == nil {
				ev.Payload, err = l.Payload(ctx, ev.PayloadSum)
			}
			if errors.Is(err, store.ErrErased) {
				err = nil
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}

// Payload is part of export.Ledger.
func (l *Ledger) Payload(_ context.Context, d evidence.Digest) ([]byte, error) {
	if l.Erased[d] {
		return nil, store.ErrErased
	}
	b, ok := l.Payloads[d]
	if !ok {
		return nil, store.ErrNotFound
	}
	return b, nil
}

// Entries is part of export.Ledger.
func (l *Ledger) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		for seq := from; seq < to && seq < int64(len(l.Lines)); seq++ {
			e, err := evidence.SplitLine(seq, l.Lines[seq])
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && len(types) > 0 && !slices.Contains(types, e.Type) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/exhibit-aims/exhibit/internal/service"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// until is a store as it was when its ledger had so many entries.
type until struct {
	store.Store
	size int64
	note []byte
}

// storeUntil signs a checkpoint for the earlier size, which is what the store
// would have shown then.
func (w *workplace) storeUntil(ctx context.Context, size int64) (*until, error) {
	newest, err := w.store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	cp, err := ledger.UnverifiedCheckpoint(newest)
	if err != nil {
		return nil, err
	}
	if size <= 0 || size > cp.Size {
		return nil, fmt.Errorf("the ledger has %d entries, not %d", cp.Size, size)
	}
	if cp.Root, err = tlog.TreeHash(size, w.store); err != nil {
		return nil, err
	}
	cp.Size = size
	note, err := cp.Sign(w.key.Signer())
	return &until{w.store, size, note}, err
}

func (u *until) Checkpoint(context.Context) ([]byte, error) { return u.note, nil }

func (u *until) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	if q.Before <= 0 || q.Before > u.size {
		q.Before = u.size
	}
	return u.Store.Evidence(ctx, q)
}

func (u *until) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return u.Store.Entries(ctx, from, min(to, u.size), types...)
}

// rebuild makes the snapshot of an earlier export again. It is the same one if
// the rules, the register and what was read then are still the same: its id
// tells.
func (w *workplace) rebuild(ctx context.Context, h service.HandedOut) (*export.Snapshot, error) {
	then, err := w.storeUntil(ctx, h.Assessed)
	if err != nil {
		return nil, err
	}
	sp := service.Spec{At: h.AsOf, Since: h.Since}
	if h.Period != "" {
		if sp.Period, err = parsePeriod(h.Period); err != nil {
			return nil, err
		}
	}
	if sp.Redact, err = redact.Find(h.Redaction, service.OwnProfiles(w.cfg)); err != nil {
		return nil, err
	}
	m, err := w.serviceOn(then).Make(ctx, sp)
	if err != nil {
		return nil, err
	}
	d, err := m.Digests()
	if err != nil {
		return nil, err
	}
	if d.Snapshot.String() != h.Snapshot {
		return nil, fmt.Errorf("as of %s the ledger gives another snapshot now, %s: the rules or the register were changed since, or something was erased",
			export.Time(h.AsOf), d.Snapshot)
	}
	m.GeneratedBy = h.By
	return m.Snapshot, nil
}

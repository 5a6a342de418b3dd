package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// attestor is what the commands that give checkpoints to others work with: the
// log as it is given away, and what is on record about it.
type attestor struct {
	*workplace
	log    attest.Log
	before []attest.Attestation
	client *attest.Client
	done   []service.AttestationRow // recorded by this command
}

// openAttestor opens a store that is there and holds its checkpoint against all
// that were given away before: whoever asks others to vouch for a ledger has
// looked at it first.
func (g *globals) openAttestor(ctx context.Context) (*attestor, error) {
	w, err := g.openToChange(ctx)
	if err != nil {
		return nil, err
	}
	way, err := wayOut(w.cfg)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	a := &attestor{workplace: w, client: attest.NewClient(time.Now, way.Transport())}
	if err := a.load(ctx); err != nil {
		return nil, errors.Join(attestError(err), w.Close())
	}
	return a, nil
}

func (a *attestor) load(ctx context.Context) error {
	content, err := evaluate.Content(ctx, a.store)
	if err != nil {
		return err
	}
	newest, err := a.store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	own, err := ledger.ParseVerifier(a.key.Public())
	if err != nil {
		return err
	}
	key, err := store.Keys(ctx, a.store, own) // what others attested may be signed by an earlier one
	if err != nil {
		return err
	}
	if a.log, err = attest.NewLog(content, newest, a.store, a.key.Signer(), key); err != nil {
		return err
	}
	if content.Size == 0 {
		return fmt.Errorf("%w: nothing was collected yet", store.ErrNoStore)
	}
	if a.before, err = attest.Attestations(ctx, a.store, a.log.Newest.Size); errors.Is(err, attest.ErrMalformed) {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	} else if err != nil {
		return err
	}
	return a.log.ContinuesAll(a.before)
}

// record appends an attestation of the content's checkpoint, which was verified
// with what is trusted.
func (a *attestor) record(ctx context.Context, at attest.Attestation, trust attest.Trust) error {
	at.Note = a.log.Note
	body, err := at.Body()
	if err != nil {
		return err
	}
	entry := store.NewEntry{Type: evidence.EntryAttestation, At: time.Now().UTC(), Body: body}
	receipt, err := a.store.Append(ctx, store.Batch{Entries: []store.NewEntry{entry}})
	if err != nil {
		return err
	}
	at.Seq, at.At, at.Checkpoint = receipt.First, entry.At, a.log.Content
	a.before = append(a.before, at)
	trust.Log = a.log.Key
	row := service.NewAttestationRow(at, at.Verify(trust))
	a.done = append(a.done, row)
	if a.g.output != "table" {
		return nil
	}
	return a.g.printAttested(row)
}

// finish prints what was recorded, whatever failed beside it.
func (a *attestor) finish(failed ...error) error {
	if a.g.output != "table" {
		failed = append(failed, printRows(a.g.std.out, a.g.output, a.done))
	}
	return attestError(errors.Join(failed...))
}

// attestError gives errors of attestations their exit code and what to do.
func attestError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrRollback):
		return hinted{fmt.Errorf("%w: %w", store.ErrTampered, err),
			"entries are gone that others have seen: restore the newest backup before anything is collected, or keep both for an investigation"}
	case errors.Is(err, ledger.ErrFork), errors.Is(err, ledger.ErrProof):
		return hinted{fmt.Errorf("%w: %w", store.ErrTampered, err),
			"keep this store and what others hold for an investigation: one of them was rewritten"}
	case errors.Is(err, ledger.ErrSignature), errors.Is(err, ledger.ErrCheckpoint):
		return hinted{fmt.Errorf("%w: %w", store.ErrTampered, err),
			"what stands there was not signed by this ledger's key: it belongs to another ledger, or somebody changed it"}
	case errors.Is(err, attest.ErrLost):
		return hinted{fmt.Errorf("%w: %w", store.ErrTampered, err),
			"somebody removed what was published. Find out who; then publish --restart starts anew there and puts that on record"}
	case errors.Is(err, attest.ErrURL):
		return usageError{err, "use https, or http on this machine only; git also takes ssh addresses and directories"}
	case errors.Is(err, attest.ErrNotVerified):
		return hinted{err, "nothing was recorded; ask again, and ask whoever runs it if it stays so"}
	case errors.Is(err, attest.ErrPeer):
		return hinted{err, "nothing was recorded; try again later"}
	case errors.Is(err, attest.ErrMalformed) && !errors.Is(err, store.ErrTampered):
		return hinted{err, "nothing was recorded; see whether this is the right address"}
	}
	return err
}

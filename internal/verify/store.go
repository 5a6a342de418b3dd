package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// Store verifies a store, in the form in which bundles and workbooks are
// reported. The key is in o; it has to come from elsewhere than the store.
func Store(ctx context.Context, path string, st store.Verifiable, o store.VerifyOptions) (Report, error) {
	r := Report{What: WhatStore, Path: path, Established: true}
	if o.Verifier != nil {
		r.Key = keyName(o.Verifier)
	}
	held, err := store.Verify(ctx, st, o)
	var d *store.Discrepancy
	switch {
	case errors.As(err, &d):
		r.First = &Failure{File: path, Place: d.Place, Expected: clip(d.Want), Found: clip(d.Got)}
		return r, nil
	case errors.Is(err, store.ErrTampered): // too damaged to be compared
		r.First = &Failure{File: path, Expected: "a store that can be read", Found: clip(err.Error())}
		return r, nil
	case err != nil:
		return r, err
	}
	if n := held.Keys.Len(); n > 1 && o.Verifier != nil {
		r.Key = keyName(held.Keys.Current())
		text := fmt.Sprintf("the signing key was handed over (times: %d), each key signed for the next", n-1)
		if r.Key != keyName(o.Verifier) {
			text += "; the key given, " + keyName(o.Verifier) + ", is an earlier one"
		}
		r.Notes = append(r.Notes, text)
	}
	r.held(storeEntries, held.Entries)
	r.held(storeEvidence, held.Evidence)
	r.held(storeRuns, held.Runs)
	r.held(storeStates, held.States)
	r.held(storePayloads, held.Payloads)
	r.held(storeErased, held.Erased)
	return r, nil
}

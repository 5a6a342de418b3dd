package service

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// TestBehind: who looked at what makes no view old, however often; a record of
// anything else does.
func TestBehind(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New(key.Signer(), time.Now)
	s := New(Options{Store: st})
	add := func(types ...evidence.EntryType) {
		t.Helper()
		var b store.Batch
		for _, typ := range types {
			b.Entries = append(b.Entries, store.NewEntry{Type: typ, Body: json.RawMessage(`{}`)})
		}
		if _, err := st.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	want := func(v *View, n int64) {
		t.Helper()
		if got, err := s.Behind(t.Context(), v); err != nil || got != n {
			t.Errorf("behind %d, want %d: %v", got, n, err)
		}
	}
	add(evidence.EntryRegister)
	v := &View{seen: 1}
	want(v, 0)
	add(evidence.EntryAccess, evidence.EntryExport, evidence.EntryAccess)
	want(v, 0)
	add(evidence.EntryFinding, evidence.EntryAccess)
	want(v, 1)
	want(v, 1)
	want(&View{seen: 6}, 0)
	want(v, 1)
}

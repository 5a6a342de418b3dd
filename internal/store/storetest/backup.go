package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
)

// verifierOf gives the public half of a key.
func verifierOf(t testing.TB, k *ledger.Key) note.Verifier {
	t.Helper()
	v, err := ledger.ParseVerifier(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Backup backs a store up and checks what was written.
func Backup(t testing.TB, s portable.Store, v note.Verifier) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := portable.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := s.Backup(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	got, err := portable.Check(bytes.NewReader(out.Bytes()), v)
	if err != nil {
		t.Fatal(err)
	}
	if got.Checkpoint != cp {
		t.Fatalf("the backup is of %+v, the store was at %+v", got.Checkpoint, cp)
	}
	return out.Bytes()
}

// FromBytes says to restore a backup.
func FromBytes(backup []byte, v note.Verifier) portable.Restoring {
	return portable.Restoring{Verifier: v, From: func(_ context.Context, to portable.Sink) error {
		return portable.Read(bytes.NewReader(backup), to)
	}}
}

// Move backs up one store and restores it into another, empty one: both hold
// the same, to the last group, and go on alike.
func Move(t *testing.T, from, to store.Store, key *ledger.Key) {
	t.Helper()
	src, dst := portableOf(t, from), portableOf(t, to)
	v := verifierOf(t, key)
	backup := Backup(t, src, v)
	got, err := dst.Restore(t.Context(), FromBytes(backup, v))
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(dump(t, from), dump(t, to)); d != "" {
		t.Fatalf("what was restored differs (-was +is):\n%s", d)
	}
	if _, err := dst.Restore(t.Context(), FromBytes(backup, v)); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("restored over a store: %v, want ErrNotEmpty", err)
	}
	again := Backup(t, dst, v)
	if !bytes.Equal(unpacked(t, backup), unpacked(t, again)) {
		t.Error("a backup of what was restored is another")
	}
	if VerifyStore(t, to, key).Entries != got.Entries {
		t.Error("not all was restored")
	}
}

// unpacked gives the pieces of a backup that do not depend on when it was made
// and how it was packed.
func unpacked(t *testing.T, backup []byte) []byte {
	t.Helper()
	var out listing
	if err := portable.Read(bytes.NewReader(backup), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// listing is a sink that prints what it takes; numbers of groups and the order
// of state follow the store.
type listing struct{ bytes.Buffer }

func (l *listing) Head(h portable.Head) error         { return l.line("head %s %d", h.Origin, h.Size) }
func (l *listing) Lines(_, _ int64, raw []byte) error { return l.line("%s", raw) }
func (l *listing) Payload(p portable.Payload) error {
	return l.line("%s %v %s", p.Sum, p.Erased, p.Body)
}
func (l *listing) Group(g portable.Group) error         { return l.line("group %+v", g) }
func (l *listing) Members(list []portable.Member) error { return l.line("members %v", list) }
func (l *listing) State(s portable.State) error         { return l.line("state %+v", s) }
func (l *listing) Tally(t portable.Tally) error         { return l.line("tally %+v", t) }
func (l *listing) End(e portable.End) error             { return l.line("end %s %d %+v", e.Note, e.At, e.Counts) }
func (l *listing) line(format string, args ...any) error {
	_, err := fmt.Fprintf(l, format+"\n", args...)
	return err
}

func portableOf(t testing.TB, s store.Store) portable.Store {
	t.Helper()
	p, ok := s.(portable.Store)
	if !ok {
		t.Fatalf("%T cannot be backed up", s)
	}
	return p
}

func testBackup(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	if _, ok := f.s.(portable.Store); !ok {
		return // a store in memory, which nobody backs up
	}
	src := portableOf(t, f.s)
	if _, err := src.Backup(t.Context(), &listing{}); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("backup of nothing: %v, want ErrNoStore", err)
	}
	fill(f)
	other := &fixture{t: t, s: open_(t, Options{Key: f.key, Now: clock()}), key: f.key}
	Move(t, f.s, other.s, f.key)
	// Both go on alike: the open run counts on, its groups are known.
	for _, x := range []*fixture{f, other} {
		r := x.append(store.Batch{Run: "open", Attest: []store.Attestation{{Group: "g0", Count: 3}}})
		x.wantCounts(r, 0, 0, 3, 0)
		x.append(store.Batch{Run: "open", Records: []evidence.Record{record("k", "later", "g9", "x")},
			Close: closing("open", evidence.RunComplete, map[string]evidence.KindRead{"k": {Coverage: "partial"}})})
		x.verify()
	}
	damaged(t, f, Backup(t, src, verifierOf(t, f.key)), open_)
}

// damaged cuts off and changes a backup, and expects each to be refused by name
// and to leave the store that it was to be restored into empty.
func damaged(t *testing.T, f *fixture, backup []byte, open_ Open) {
	t.Helper()
	v := verifierOf(t, f.key)
	r := rand.New(rand.NewPCG(5, 5))
	target := portableOf(t, open_(t, Options{Key: f.key, Now: clock()}))
	for i := range 60 {
		b := bytes.Clone(backup)
		at := r.IntN(len(b))
		switch i % 3 {
		case 0:
			b = b[:at]
		case 1:
			b[at] ^= 1 << r.IntN(8)
		default:
			b = append(b, b[at:]...)
		}
		if _, err := portable.Check(bytes.NewReader(b), v); !errors.Is(err, portable.ErrDamaged) {
			t.Errorf("case %d at byte %d: %v, want ErrDamaged", i, at, err)
		}
		if i%10 > 1 {
			continue
		}
		if _, err := target.Restore(t.Context(), FromBytes(b, v)); !errors.Is(err, portable.ErrDamaged) {
			t.Errorf("restore of case %d at byte %d: %v, want ErrDamaged", i, at, err)
		}
	}
	thief, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := portable.Check(bytes.NewReader(backup), verifierOf(t, thief)); !errors.Is(err, portable.ErrDamaged) {
		t.Errorf("a backup by another key: %v, want ErrDamaged", err)
	}
	if _, err := target.Restore(t.Context(), FromBytes(backup, verifierOf(t, thief))); !errors.Is(err, store.ErrTampered) {
		t.Errorf("restore of a backup by another key: %v, want ErrTampered", err)
	}
	// Lines that were changed before the backup was made, under digests that hold.
	forged := &forger{Sink: nil}
	var out bytes.Buffer
	w, err := portable.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	forged.Sink = w
	if err := portable.Read(bytes.NewReader(backup), forged); err != nil {
		t.Fatal(err)
	}
	if _, err := portable.Check(bytes.NewReader(out.Bytes()), v); !errors.Is(err, portable.ErrDamaged) {
		t.Errorf("a forged line: %v, want ErrDamaged", err)
	}
	if _, err := target.Restore(t.Context(), FromBytes(out.Bytes(), v)); !errors.Is(err, store.ErrTampered) {
		t.Errorf("restore of a forged line: %v, want ErrTampered", err)
	}
	if _, err := target.Restore(t.Context(), FromBytes(backup, v)); err != nil {
		t.Errorf("restore after all that: %v", err)
	}
}

// forger changes one line on its way.
type forger struct{ portable.Sink }

func (f *forger) Lines(first, n int64, raw []byte) error {
	return f.Sink.Lines(first, n, bytes.Replace(raw, []byte(`"key":"key 3"`), []byte(`"key":"key 4"`), 1))
}

// testRotation hands the key over and holds the ledger against each key.
func testRotation(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	next, err := ledger.GenerateNext(f.key)
	if err != nil {
		t.Fatal(err)
	}
	change := store.KeyChange{Old: f.key, New: next, By: "somebody", Reason: "yearly"}
	if _, err := f.s.Rotate(t.Context(), change); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("nothing to hand over: %v, want ErrNoStore", err)
	}
	fill(f)
	if _, err := f.s.Rotate(t.Context(), store.KeyChange{Old: next, New: f.key, By: "x", Reason: "y"}); !errors.Is(err, store.ErrKey) {
		t.Errorf("handed over by a key that does not sign: %v, want ErrKey", err)
	}
	r, err := f.s.Rotate(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	f.append(store.Batch{Open: open("after", "a"), Records: []evidence.Record{record("k", "after", "", "x")}})
	if r.Next != r.First+1 {
		t.Errorf("handing over appended %d entries", r.Next-r.First)
	}
	for _, k := range []*ledger.Key{f.key, next} {
		if got := VerifyStore(t, f.s, k); got.Keys.Len() != 2 {
			t.Errorf("verified with %s: %d keys, want 2", k, got.Keys.Len())
		}
	}
	thief, err := ledger.GenerateNext(f.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyError(t, f.s, thief); !errors.Is(err, store.ErrTampered) {
		t.Errorf("verified with a key of the same name: %v, want ErrTampered", err)
	}
	if _, err := f.s.Rotate(t.Context(), change); !errors.Is(err, store.ErrKey) {
		t.Errorf("a retired key handed over again: %v, want ErrKey", err)
	}
	if p, ok := f.s.(portable.Store); ok {
		for _, k := range []*ledger.Key{f.key, next} {
			backup := Backup(t, p, verifierOf(t, k))
			if _, err := portableOf(t, open_(t, Options{Key: k, Now: clock()})).Restore(t.Context(), FromBytes(backup, verifierOf(t, k))); err != nil {
				t.Errorf("restore with %s: %v", k, err)
			}
		}
	}
	if err := f.s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	VerifyStore(t, f.s, next)
}

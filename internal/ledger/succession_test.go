package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

func newKey(t *testing.T) *ledger.Key {
	t.Helper()
	k, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func nextKey(t *testing.T, k *ledger.Key) *ledger.Key {
	t.Helper()
	n, err := ledger.GenerateNext(k)
	if err != nil {
		t.Fatal(err)
	}
	if n.Origin() != k.Origin() || n.Public() == k.Public() {
		t.Fatalf("%s cannot follow %s", n, k)
	}
	return n
}

func verifierOf(t *testing.T, k *ledger.Key) note.Verifier {
	t.Helper()
	v, err := ledger.ParseVerifier(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func handOver(t *testing.T, from, to *ledger.Key, size int64, root tlog.Hash) []byte {
	t.Helper()
	msg, err := from.HandOver(to, ledger.Checkpoint{Origin: from.Origin(), Size: size, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// TestSuccession follows two handovers from each of the three keys.
func TestSuccession(t *testing.T) {
	first := newKey(t)
	second := nextKey(t, first)
	third := nextKey(t, second)
	root := tlog.Hash{1}
	var s ledger.Succession
	for i, msg := range [][]byte{handOver(t, first, second, 5, root), handOver(t, second, third, 9, root)} {
		if err := s.Add(msg, []int64{5, 9}[i], &root); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(k *ledger.Key, size int64) []byte {
		msg, err := ledger.Checkpoint{Size: size, Root: root}.Sign(k.Signer())
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	for _, trusted := range []*ledger.Key{first, second, third} {
		keys, err := s.From(verifierOf(t, trusted))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			key  *ledger.Key
			size int64
			want bool
		}{{first, 5, true}, {first, 6, false}, {first, 100, false}, {second, 9, true}, {second, 10, false}, {third, 10, true}, {third, 3, true}, {newKey(t), 3, false}} {
			if _, err := keys.Open(sign(c.key, c.size)); (err == nil) != c.want {
				t.Errorf("trusting %s, a checkpoint of %d by %s: %v", trusted, c.size, c.key, err)
			}
		}
	}
	if _, err := s.From(verifierOf(t, newKey(t))); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("a key of nobody: %v, want ErrSignature", err)
	}
}

// TestHandoverForged tries to hand a log over without its key.
func TestHandoverForged(t *testing.T) {
	first, thief := newKey(t), newKey(t)
	second := nextKey(t, first)
	other := nextKey(t, first)
	root := tlog.Hash{1}
	good := handOver(t, first, second, 5, root)
	if _, err := first.HandOver(thief, ledger.Checkpoint{}); err == nil {
		t.Error("handed over to a key of another log")
	}
	replaced := func(from, to string) []byte { return []byte(strings.Replace(string(good), from, to, 1)) }
	for name, msg := range map[string][]byte{
		"another size": replaced("\n5\n", "\n6\n"), "another new key": replaced(second.Public(), other.Public()),
		"another old key": replaced(first.Public(), other.Public()), "to itself": replaced(second.Public(), first.Public()),
		"another title": replaced("v1", "v2"), "nothing": nil, "signature cut": good[:len(good)-8],
		"one signature": good[:strings.LastIndexByte(strings.TrimSuffix(string(good), "\n"), '\n')+1],
	} {
		if _, err := ledger.OpenHandover(msg); !errors.Is(err, ledger.ErrHandover) {
			t.Errorf("%s: %v, want ErrHandover", name, err)
		}
	}
	var s ledger.Succession
	wrong := tlog.Hash{2}
	if err := s.Add(good, 6, nil); err == nil {
		t.Error("taken at another entry")
	}
	if err := s.Add(good, 5, &wrong); err == nil {
		t.Error("taken after another log")
	}
	if err := s.Add(good, 5, &root); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(handOver(t, first, other, 8, root), 8, &root); err == nil {
		t.Error("a retired key handed over again")
	}
}

package seal_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

func key(t testing.TB, name string) (exporttest.Key, note.Verifier) {
	t.Helper()
	k, err := exporttest.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.ParseVerifier(k.Public)
	if err != nil {
		t.Fatal(err)
	}
	return k, v
}

func example(k exporttest.Key) seal.Seal {
	d := strings.Repeat("0a", 32)
	return seal.Seal{Of: "workbook", Key: k.Public, Facts: []seal.Fact{{Name: "as-of", Value: "2026-11-23T09:00:00Z"}},
		Parts: []seal.Part{{Name: "a/b.xml", Sum: d, Packed: d, Size: 3, PackedSize: 2}, {Name: "c", Sum: d, Packed: d}}}
}

func TestRoundTrip(t *testing.T) {
	k, v := key(t, "exhibit/test")
	msg, err := example(k).Sign(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal.Open(msg, v)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(example(k), got); d != "" {
		t.Error(d)
	}
	if c, err := seal.Claimed(msg); err != nil || c.KeyHash() != v.KeyHash() {
		t.Errorf("claims %v, %v", c, err)
	}
}

func TestEveryByteOfASeal(t *testing.T) {
	k, v := key(t, "exhibit/test")
	msg, err := example(k).Sign(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	for i := range msg {
		for bit := range 8 {
			b := bytes.Clone(msg)
			b[i] ^= 1 << bit
			if _, err := seal.Open(b, v); err == nil {
				t.Fatalf("bit %d of byte %d (%q) was not noticed", bit, i, msg[i])
			}
		}
		if _, err := seal.Open(msg[:i], v); err == nil {
			t.Fatalf("cut at %d was not noticed", i)
		}
	}
}

func TestRefused(t *testing.T) {
	k, v := key(t, "exhibit/test")
	other, ov := key(t, "exhibit/other")
	good, err := example(k).Sign(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(text string) []byte {
		msg, err := note.Sign(&note.Note{Text: text}, k.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	text, err := example(k).Text()
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(&note.Note{Text: text}, k.Signer, other.Signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, msg := range map[string][]byte{
		"no note":                []byte("hello"),
		"appended":               append(bytes.Clone(good), '\n'),
		"second signature":       both,
		"a checkpoint":           sign("exhibit/test\n5\n" + strings.Repeat("A", 43) + "=\n"),
		"another version":        sign(strings.Replace(text, "seal v1", "seal v2", 1)),
		"key of somebody else":   sign(strings.Replace(text, k.Public, other.Public, 1)),
		"count of parts":         sign(strings.Replace(text, "parts: 2", "parts: 1", 1)),
		"leading zero":           sign(strings.Replace(text, " 3 2 a", " 03 2 a", 1)),
		"name with dots":         sign(strings.Replace(text, "a/b.xml", "a/../b", 1)),
		"fact twice the meaning": sign(strings.Replace(text, "as-of: ", "of: ", 1)),
		"upper-case digest":      sign(strings.Replace(text, "0a0a", "0A0a", 1)),
	} {
		if s, err := seal.Open(msg, v); err == nil {
			t.Errorf("%s: opened as %+v", name, s)
		}
	}
	if _, err := seal.Open(good, ov); err == nil {
		t.Error("opened with another key")
	}
	if _, err := example(other).Sign(k.Signer); err == nil {
		t.Error("signed with a key that the seal does not name")
	}
	bad := example(k)
	bad.Facts[0].Value = "two\nlines"
	if _, err := bad.Sign(k.Signer); err == nil {
		t.Error("a fact of two lines was signed")
	}
}

func FuzzOpen(f *testing.F) {
	k, v := key(f, "exhibit/test")
	msg, err := example(k).Sign(k.Signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := seal.Open(b, v); err == nil {
			if again, err := s.Sign(k.Signer); err != nil || !bytes.Equal(again, b) {
				t.Errorf("opened what it would not write: %q", b)
			}
		}
		if c, err := seal.Claimed(b); err == nil && c == nil {
			t.Error("claims nothing")
		}
	})
}

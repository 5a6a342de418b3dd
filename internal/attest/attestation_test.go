package attest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// cosignedAt makes an attestation without a network.
func cosigned(t testing.TB, b *book) (attest.Attestation, string) {
	t.Helper()
	w, _ := newWitness(t, b)
	l := b.log()
	line := w.Line(l.Content.Text())
	c, err := attest.VerifyCosignature(l.Note, line, w.Key())
	if err != nil {
		t.Fatal(err)
	}
	return attest.Attestation{Kind: attest.KindCosignature, Note: l.Note,
		Cosignature: &attest.Cosignature{URL: "https://w", Key: w.Key(), Line: line, Time: c.Time}}, w.Key()
}

// A body has one form only, and says one thing.
func TestParse(t *testing.T) {
	b := newBook(t, newKey(t), 2)
	a, _ := cosigned(t, b)
	good, err := a.Body()
	if err != nil {
		t.Fatal(err)
	}
	entry := func(body []byte) evidence.Entry {
		return evidence.Entry{Seq: 7, Type: evidence.EntryAttestation, Body: body}
	}
	got, err := attest.Parse(entry(good))
	if err != nil || got.Seq != 7 || !bytes.Equal(got.Note, a.Note) || *got.Cosignature != *a.Cosignature {
		t.Fatalf("%+v %v", got, err)
	}
	for name, body := range map[string]string{
		"nothing":               "",
		"no object":             "[]",
		"unknown field":         strings.Replace(string(good), `{"checkpoint"`, `{"X":1,"checkpoint"`, 1),
		"field in capitals":     strings.Replace(string(good), `"kind"`, `"Kind"`, 1),
		"unknown kind":          strings.Replace(string(good), `"kind":"cosignature"`, `"kind":"rumour"`, 1),
		"kind of something":     strings.Replace(string(good), `"kind":"cosignature"`, `"kind":"rfc3161"`, 1),
		"no checkpoint":         `{"checkpoint":"x","kind":"publication","publication":{"previous":0,"to":"git","where":"x"}}`,
		"nothing said":          `{"checkpoint":"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n","kind":"publication"}`,
		"a time of its own":     strings.Replace(string(good), `Z"`, `+00:00"`, 1),
		"with a second meaning": strings.Replace(string(good), `"kind"`, `"publication":{"previous":0,"to":"git","where":"x"},"kind"`, 1),
	} {
		if _, err := attest.Parse(entry([]byte(body))); !errors.Is(err, attest.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := attest.Parse(evidence.Entry{Type: evidence.EntryExport, Body: good}); !errors.Is(err, attest.ErrMalformed) {
		t.Errorf("another type: %v", err)
	}
	if _, err := (attest.Attestation{Kind: attest.KindTimestamp, Note: a.Note}).Body(); !errors.Is(err, attest.ErrMalformed) {
		t.Errorf("an attestation that says nothing is written: %v", err)
	}
}

// What is recorded beside a statement cannot say anything else than it.
func TestVerifyRecorded(t *testing.T) {
	b := newBook(t, newKey(t), 2)
	a, key := cosigned(t, b)
	trust := attest.Trust{Log: b.pub, Witnesses: map[string]bool{key: true}}
	if o := a.Verify(trust); !o.Holds {
		t.Fatal(o.Err)
	}
	other := newBook(t, newKey(t), 2)
	if o := a.Verify(attest.Trust{Log: other.pub}); o.Holds || !errors.Is(o.Err, ledger.ErrSignature) {
		t.Errorf("of another ledger: %+v", o)
	}
	late := *a.Cosignature
	late.Time = late.Time.Add(-time.Hour)
	changed := a
	changed.Cosignature = &late
	if o := changed.Verify(trust); o.Holds || !strings.Contains(o.Err.Error(), "recorded with the time") {
		t.Errorf("an earlier time is recorded: %+v", o)
	}
	moved := a
	moved.Note = b.at(1).Note
	if o := moved.Verify(trust); o.Holds || !errors.Is(o.Err, attest.ErrNotVerified) {
		t.Errorf("of another checkpoint: %+v", o)
	}
	if o := (attest.Attestation{Kind: "rumour", Note: a.Note}).Verify(trust); o.Holds {
		t.Error("a kind that nobody knows holds")
	}
}

// Checkpoints that are on record bind the ledger.
func TestContinuesAll(t *testing.T) {
	key := newKey(t)
	b := newBook(t, key, 3)
	a, _ := cosigned(t, b)
	all := b.record(b.log(), a)
	b.grow(3, "more")
	if err := b.log().ContinuesAll(all); err != nil {
		t.Fatal(err)
	}
	forked := newBook(t, key, 0)
	forked.grow(8, "rewritten")
	if err := forked.log().ContinuesAll(all); !errors.Is(err, ledger.ErrFork) || !strings.Contains(err.Error(), "recorded as entry 3") {
		t.Errorf("rewritten: %v", err)
	}
	if err := newBook(t, key, 1).log().ContinuesAll(all); !errors.Is(err, ledger.ErrRollback) {
		t.Errorf("shorter: %v", err)
	}
	if err := newBook(t, newKey(t), 9).log().ContinuesAll(all); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("another ledger's: %v", err)
	}
	// A content whose root is not that of the ledger is given to nobody.
	msg, err := b.st.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong := ledger.Checkpoint{Origin: key.Origin(), Size: 3, Root: forked.at(3).Content.Root}
	if _, err := attest.NewLog(wrong, msg, b.st, key.Signer(), b.pub); !errors.Is(err, ledger.ErrFork) {
		t.Errorf("a root of something else was signed: %v", err)
	}
}

// Whatever an entry says, it is refused or comes out as it went in.
func FuzzParse(f *testing.F) {
	b := newBook(f, newKey(f), 2)
	a, _ := cosigned(f, b)
	good, err := a.Body()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := attest.Parse(evidence.Entry{Type: evidence.EntryAttestation, Body: json.RawMessage(body)})
		if err != nil {
			return
		}
		again, err := got.Body()
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("%q became %q (%v)", body, again, err)
		}
		got.Verify(attest.Trust{Log: b.pub})
	})
}

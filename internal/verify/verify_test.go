package verify_test

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func makeBundle(t testing.TB, s *exporttest.Sample) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := bundle.Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, bundle.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func makeWorkbook(t testing.TB, s *exporttest.Sample) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := xlsx.Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, xlsx.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func verifier(t testing.TB, public string) note.Verifier {
	t.Helper()
	v, err := ledger.ParseVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func checkBundle(t testing.TB, b []byte, key verify.Key) verify.Report {
	t.Helper()
	r, err := verify.Bundle(context.Background(), bytes.NewReader(b), verify.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func checkWorkbook(t testing.TB, b []byte, key verify.Key) verify.Report {
	t.Helper()
	r, err := verify.Workbook(context.Background(), bytes.NewReader(b), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unseen is the note on a bundle that is held against nothing from earlier.
func unseen(r verify.Report) string {
	if r.What != verify.WhatBundle {
		return ""
	}
	return "not established: that the key's holder did not write the ledger anew, or leave out what came last; " +
		"the bundle was held against no earlier state (--against), and others have seen 0 of its 62 entries"
}

func TestGood(t *testing.T) {
	s := sample(t)
	key := verifier(t, s.Key.Public)
	for _, r := range []verify.Report{checkWorkbook(t, makeWorkbook(t, s), key), checkBundle(t, makeBundle(t, s), key)} {
		if !r.OK() || !r.Established || strings.Join(r.Notes, "") != unseen(r) || r.Key != s.Key.Public || r.AsOf != export.Time(s.Snapshot.AsOf) {
			t.Errorf("%s: %+v, first %v", r.What, r, r.First)
		}
		if len(r.Checked) < 3 {
			t.Errorf("%s: only %v checked", r.What, r.Checked)
		}
	}
}

func TestSelfSignedIsSaidLoudly(t *testing.T) {
	s := sample(t)
	for _, r := range []verify.Report{checkWorkbook(t, makeWorkbook(t, s), nil), checkBundle(t, makeBundle(t, s), nil)} {
		if !r.OK() || r.Established || strings.Join(r.Notes, "") != unseen(r)+verify.SelfSigned {
			t.Errorf("%s: %+v", r.What, r)
		}
	}
}

func TestWrongKey(t *testing.T) {
	s := sample(t)
	other, err := exporttest.NewKey("exhibit/other")
	if err != nil {
		t.Fatal(err)
	}
	same, err := exporttest.NewKey("exhibit/test2")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []exporttest.Key{other, same} {
		key := verifier(t, k.Public)
		for _, r := range []verify.Report{checkWorkbook(t, makeWorkbook(t, s), key), checkBundle(t, makeBundle(t, s), key)} {
			if r.OK() || r.First.Place != "signature" || !strings.Contains(r.First.Expected, k.Signer.Name()) {
				t.Errorf("%s: %+v", r.What, r.First)
			}
		}
	}
}

// Every byte of a workbook counts.
func TestEveryByteOfAWorkbook(t *testing.T) {
	s := sample(t)
	s.Shrink(2)
	key := verifier(t, s.Key.Public)
	everyByte(t, makeWorkbook(t, s), func(b []byte) (verify.Report, error) {
		return verify.Workbook(t.Context(), bytes.NewReader(b), key)
	})
}

// Every byte of a bundle counts.
func TestEveryByteOfABundle(t *testing.T) {
	s := sample(t)
	s.Shrink(2)
	key := verifier(t, s.Key.Public)
	everyByte(t, makeBundle(t, s), func(b []byte) (verify.Report, error) {
		return verify.Bundle(t.Context(), bytes.NewReader(b), verify.Options{Key: key})
	})
}

// everyByte changes one byte after another and demands that check says where.
// EXHIBIT_EVERY_BYTE=1 tries all positions, which takes minutes; without, about
// two hundred spread over the file, while the tests of packages zipform and
// seal always try every byte of headers and of signed notes.
func everyByte(t *testing.T, good []byte, check func([]byte) (verify.Report, error)) {
	t.Helper()
	if r, err := check(good); err != nil || !r.OK() {
		t.Fatalf("the good one: %v %v", err, r.First)
	}
	workers, step := runtime.GOMAXPROCS(0), len(good)/200|1
	if os.Getenv("EXHIBIT_EVERY_BYTE") != "" {
		step = 1
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			b := bytes.Clone(good)
			for i := w * step; i < len(b) && !t.Failed(); i += workers * step {
				b[i] ^= 1 << (i / (workers * step) % 8)
				switch r, err := check(b); {
				case err != nil:
					t.Errorf("byte %d: %v", i, err)
				case r.OK():
					t.Errorf("byte %d of %d changed and nobody noticed", i, len(b))
				case r.First.Expected == "" || r.First.File == "":
					t.Errorf("byte %d: %+v does not say what was expected where", i, r.First)
				}
				b[i] = good[i]
			}
		})
	}
	wg.Wait()
}

func exporttestKey(t testing.TB) exporttest.Key {
	t.Helper()
	k, err := exporttest.NewKey("exhibit/test")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

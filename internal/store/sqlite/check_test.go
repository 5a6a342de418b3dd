package sqlite_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// pageOf gives the size of a file's pages, in bytes.
func pageOf(file []byte) int { return int(binary.BigEndian.Uint16(file[16:])) }

// wantFileDiscrepancy verifies the store at path and expects the file itself
// to be what does not hold.
func wantFileDiscrepancy(t *testing.T, path, what string, key *ledger.Key) {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Errorf("%s: open: %v", what, err)
		return
	}
	defer s.Close()
	err = storetest.VerifyError(t, s, key)
	var d *store.Discrepancy
	if !errors.As(err, &d) || d.Place != "SQLite file" || d.Got == "" {
		t.Errorf("%s: %v, want a discrepancy of the SQLite file", what, err)
	}
}

// TestIndexPages flips a bit in every byte of the first cells of every index:
// no row is read through some of them during verification, yet readers are.
func TestIndexPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(t.TempDir(), "torn.db")
	flips, page := 0, pageOf(data)
	for name, root := range indexRoots(t, path) {
		for _, at := range cellBytes(t, data[(root-1)*page:root*page], 4) {
			flips++
			b := bytes.Clone(data)
			b[(root-1)*page+at] ^= 1 << (at % 7)
			if err := os.WriteFile(torn, b, 0o600); err != nil {
				t.Fatal(err)
			}
			wantFileDiscrepancy(t, torn, fmt.Sprintf("%s, byte %d of page %d", name, at, root), key)
		}
	}
	if flips < 50 {
		t.Errorf("only %d flips were tried", flips)
	}
	t.Logf("%d flips", flips)
}

// indexRoots gives the first page of every index.
func indexRoots(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name, rootpage FROM sqlite_master WHERE type = 'index'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var name string
		var root int
		if err := rows.Scan(&name, &root); err != nil {
			t.Fatal(err)
		}
		out[name] = root
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if out["evidence_heads"] == 0 || out["evidence_group"] == 0 || out["runs_source"] == 0 {
		t.Fatalf("indexes: %v", out)
	}
	return out
}

// cellBytes gives where the bytes of the first n cells of an index's leaf page
// lie.
func cellBytes(t *testing.T, p []byte, n int) (out []int) {
	t.Helper()
	const leaf, head = 0x0a, 8
	if p[0] != leaf {
		t.Fatalf("page of type %#x, want the leaf of an index", p[0])
	}
	for i := range min(n, int(binary.BigEndian.Uint16(p[3:]))) {
		at := int(binary.BigEndian.Uint16(p[head+2*i:]))
		for j := range int(p[at]) + 1 { // its length, below 128, and its payload
			out = append(out, at+j)
		}
	}
	return out
}

// TestFileSize appends to a store's file and cuts it, also while a writer has
// pages in the write-ahead log.
func TestFileSize(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"a byte appended":    func(b []byte) []byte { return append(b, 0) },
		"a page appended":    func(b []byte) []byte { return append(b, make([]byte, pageOf(b))...) },
		"last byte cut":      func(b []byte) []byte { return b[:len(b)-1] },
		"last page cut":      func(b []byte) []byte { return b[:len(b)-pageOf(b)] },
		"a secret behind it": func(b []byte) []byte { return append(b, bytes.Repeat([]byte("x"), 3*pageOf(b)+5)...) },
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		key := fillSmall(t, path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(data), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
		if err == nil {
			err = storetest.VerifyError(t, s, key)
			if cerr := s.Close(); cerr != nil {
				t.Error(cerr)
			}
		}
		if !errors.Is(err, store.ErrTampered) {
			t.Errorf("%s: %v, want ErrTampered", name, err)
		}
	}
}

func TestFileSizeBesideWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	w, err := sqlite.Open(path, sqlite.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	storetest.Fill(t, w)
	if _, err := w.Append(t.Context(), store.Batch{Entries: []store.NewEntry{{
		Type: evidence.EntryExport, Body: json.RawMessage(fmt.Sprintf(`{"noise":"%x"}`, noise())),
	}}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the write-ahead log is empty: %v", err)
	}
	// The file is shorter than its pages, which are in the log: that is right.
	storetest.VerifyStore(t, w, key)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(info.Size() + 64<<20); err != nil {
		t.Fatal(err)
	}
	wantFileDiscrepancy(t, path, "longer than all its pages", key)
}

// noise does not get smaller when it is packed.
func noise() []byte {
	b := make([]byte, 100_000)
	r := rand.NewChaCha8([32]byte{})
	_, _ = r.Read(b) // never fails
	return b
}

// TestDamagedBlock: what says that a block is damaged says which, and what was
// in it.
func TestDamagedBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(t.TempDir(), "torn.db")
	for text, place := range map[string]string{
		"UPDATE line_blocks SET data = CAST(substr(data, 1, 9) || x'00' || substr(data, 11) AS BLOB) WHERE first = 0": "block of entries 0 to ",
		"UPDATE payload_blocks SET data = x'0102' WHERE block = (SELECT MIN(block) FROM payload_blocks)":              "payload block 1, ",
	} {
		if err := os.WriteFile(torn, data, 0o600); err != nil {
			t.Fatal(err)
		}
		change(t, torn, text)
		s, err := sqlite.Open(torn, sqlite.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		err = storetest.VerifyError(t, s, key)
		var d *store.Discrepancy
		if !errors.As(err, &d) || !strings.HasPrefix(d.Place, place) || !errors.Is(err, store.ErrTampered) {
			t.Errorf("%s: %v, want a discrepancy at %q", text, err, place)
		}
		t.Log(err)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

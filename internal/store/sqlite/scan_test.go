package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// smallStore makes a small store with a little of everything, and free pages.
func smallStore(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seen is what three ways of looking at a file say about its pages.
type seen struct {
	sqlite   string // SQLite's own check
	scan     error  // the pages alone
	fellBack bool   // they are not as this program makes them
}

// look opens the file at path and has its pages checked in both ways.
func look(t *testing.T, path string) (seen, bool) {
	t.Helper()
	d, err := open(path, Options{ReadOnly: true})
	if err != nil {
		return seen{}, false
	}
	var out seen
	err = d.Read(t.Context(), func(tx sqlstore.Tx) error {
		if err := scanFirst(t.Context(), tx, "PRAGMA integrity_check(1)", &out.sqlite); err != nil {
			out.sqlite = err.Error()
		}
		s, err := newScan(t.Context(), tx, d.lender.borrower(), func(sqlstore.Tx) store.Raw { return nil })
		if err == nil {
			err = s.finish()
		}
		out.scan, out.fellBack = err, errors.Is(err, pages.ErrOther)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return out, true
}

// TestScanFinds damages a store at random, and expects whatever SQLite's own
// check finds to be found in the pages too.
func TestScanFinds(t *testing.T) {
	whole := smallStore(t)
	path := filepath.Join(t.TempDir(), "store.db")
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(whole)
	if s, ok := look(t, path); !ok || s.sqlite != "ok" || s.scan != nil {
		t.Fatalf("an untouched store: %+v", s)
	}
	r := rand.New(rand.NewPCG(7, uint64(len(whole))))
	tried, bad, more := 0, 0, 0
	for i := 0; tried < 1200 && i < 4000; i++ {
		b := bytes.Clone(whole)
		what := damage(r, b)
		write(b)
		s, ok := look(t, path)
		if !ok {
			continue // it cannot even be opened
		}
		tried++
		switch {
		case s.sqlite != "ok":
			if bad++; s.scan == nil {
				t.Errorf("%s: SQLite finds %q, the pages seem whole", what, s.sqlite)
			}
		case s.scan != nil && !s.fellBack:
			more++
			t.Logf("%s: SQLite finds nothing, the pages %v", what, s.scan)
		}
	}
	if tried < 1000 || bad < 300 {
		t.Errorf("%d damaged files, SQLite found %d: too few", tried, bad)
	}
	t.Logf("%d damaged files; SQLite found %d, the pages alone %d more", tried, bad, more)
}

// damage changes a file where its structure is: in the head, in a page's head
// and cell pointers, in the first bytes of a cell; or anywhere; or swaps pages.
func damage(r *rand.Rand, b []byte) string {
	n := len(b) / pageSize
	page := r.IntN(n)
	head := page * pageSize
	if page == 0 {
		head = 100
	}
	p := b[page*pageSize : (page+1)*pageSize]
	switch r.IntN(8) {
	case 0:
		at := r.IntN(100)
		b[at] ^= 1 << r.IntN(8)
		return fmt.Sprintf("byte %d of the file's head", at)
	case 1:
		at := r.IntN(12)
		b[head+at] = byte(r.Uint32())
		return fmt.Sprintf("page %d, byte %d of its head", page+1, at)
	case 2:
		at := 8 + r.IntN(40)
		b[head+at] ^= 1 << r.IntN(8)
		return fmt.Sprintf("page %d, byte %d: a pointer", page+1, at)
	case 3, 4, 5:
		cells := int(binary.BigEndian.Uint16(b[head+3:]))
		if cells == 0 || cells > 2000 {
			break
		}
		at := int(binary.BigEndian.Uint16(b[head+8+2*r.IntN(cells):])) + r.IntN(12)
		if at < len(p) {
			p[at] ^= 1 << r.IntN(8)
		}
		return fmt.Sprintf("page %d, byte %d: a cell", page+1, at)
	case 6:
		other := r.IntN(n)
		q := b[other*pageSize : (other+1)*pageSize]
		was := bytes.Clone(p)
		copy(p, q)
		if r.IntN(2) == 0 {
			copy(q, was)
		}
		return fmt.Sprintf("pages %d and %d", page+1, other+1)
	}
	at := r.IntN(len(b))
	b[at] = byte(r.Uint32())
	return fmt.Sprintf("byte %d", at)
}

// TestScanReadsAll: a verification that leaves out what it should read does not
// end well.
func TestScanReadsAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, smallStore(t), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(store.Raw) error{
		"stops in the middle": func(r store.Raw) error {
			for range r.Rows(t.Context()) {
				break
			}
			return nil
		},
		"reads twice": func(r store.Raw) error {
			for range 2 {
				for _, err := range r.Index(t.Context(), store.KeyIndex) {
					if err != nil {
						return err
					}
				}
			}
			return nil
		},
	} {
		err := d.Read(t.Context(), func(tx sqlstore.Tx) error {
			return d.Verify(t.Context(), tx, func(sqlstore.Tx) store.Raw { return nil }, use)
		})
		if err == nil {
			t.Errorf("%s: verified", name)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

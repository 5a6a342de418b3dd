package main

import (
	"archive/zip"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// absent fails if a text stands anywhere in the files: in their bytes, in the
// files of a zip, in any column of a store, in a payload once decompressed.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: absent TEXT PATH…")
	}
	s := searcher{ts: ts, text: []byte(args[0])}
	for _, path := range args[1:] {
		switch path {
		case "stdout", "stderr":
			s.look(path, []byte(ts.ReadFile(path)))
			continue
		}
		ts.Check(filepath.WalkDir(ts.MkAbs(path), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil {
				s.look(path, b)
			}
			return err
		}))
	}
	if (len(s.found) > 0) != neg {
		ts.Fatalf("%q is in %v; looked at %d texts", args[0], s.found, s.looked)
	}
}

type searcher struct {
	ts     *testscript.TestScript
	text   []byte
	found  []string
	looked int
}

func (s *searcher) look(name string, b []byte) {
	s.looked++
	if bytes.Contains(b, s.text) {
		s.found = append(s.found, name)
	}
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		s.zip(name, b)
	}
	if bytes.HasPrefix(b, []byte("SQLite format 3")) {
		s.sqlite(name)
	}
}

func (s *searcher) zip(name string, b []byte) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	s.ts.Check(err)
	for _, f := range z.File {
		s.look(name+" name", []byte(f.Name))
		r, err := f.Open()
		s.ts.Check(err)
		inner, err := io.ReadAll(r)
		s.ts.Check(err)
		s.ts.Check(r.Close())
		s.look(name+"/"+f.Name, inner)
	}
}

// sqlite looks at every value of every table, and at every payload.
func (s *searcher) sqlite(path string) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	s.ts.Check(err)
	defer db.Close()
	for _, t := range s.tables(db) {
		s.table(db, path, t)
	}
	if base := filepath.Base(path); strings.HasPrefix(base, "jobs") || base == "ops.db" {
		return // the agent's jobs, and what is no evidence
	}
	st := openStoreOf(s.ts, path)
	defer st.Close()
	for ev, err := range st.Evidence(contextOf(s.ts), store.EvidenceQuery{Payloads: true}) {
		s.ts.Check(err)
		s.look(fmt.Sprintf("%s payload of %s", path, ev.Key), ev.Payload)
	}
	note, err := st.Checkpoint(contextOf(s.ts))
	s.ts.Check(err)
	s.look(path+" checkpoint", note)
	cp, err := ledger.UnverifiedCheckpoint(note)
	s.ts.Check(err)
	for e, err := range st.Entries(contextOf(s.ts), 0, cp.Size) {
		s.ts.Check(err)
		s.look(fmt.Sprintf("%s entry %d", path, e.Seq), e.Line)
	}
}

func (s *searcher) tables(db *sql.DB) []string {
	rows, err := db.QueryContext(contextOf(s.ts), `SELECT name FROM sqlite_master WHERE type = 'table'`)
	s.ts.Check(err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		s.ts.Check(rows.Scan(&name))
		out = append(out, name)
	}
	s.ts.Check(rows.Err())
	return out
}

func (s *searcher) table(db *sql.DB, path, name string) {
	rows, err := db.QueryContext(contextOf(s.ts), `SELECT * FROM "`+name+`"`)
	s.ts.Check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	s.ts.Check(err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		s.ts.Check(rows.Scan(values...))
		for i, v := range values {
			s.look(path+" "+name+"."+columns[i], *v.(*sql.RawBytes))
		}
	}
	s.ts.Check(rows.Err())
}

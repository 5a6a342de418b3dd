package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestHide changes a store as somebody would who can write the file, has no key
// and wants a record not to be found: whatever changes what a reader is answered
// has to be noticed.
func TestHide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := answersOf(t, path)
	torn := filepath.Join(t.TempDir(), "torn.db")
	for name, statements := range hidings() {
		if err := os.WriteFile(torn, bytes.Clone(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if !tamper(t, torn, statements) {
			t.Fatalf("%s: nothing was changed", name)
		}
		s, err := sqlite.Open(torn, sqlite.Options{ReadOnly: true})
		if err == nil {
			err = storetest.VerifyError(t, s, key)
			if cerr := s.Close(); cerr != nil {
				t.Fatal(cerr)
			}
		}
		after := answersOf(t, torn)
		if err == nil && after != before {
			t.Errorf("%s: not noticed, and readers are answered otherwise", name)
		}
	}
}

func tamper(t *testing.T, path string, statements []string) bool {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	n := int64(0)
	for _, text := range statements {
		r, err := db.Exec(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		m, err := r.RowsAffected()
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	return n > 0
}

// answersOf asks a store all that readers ask, and gives the answers as text.
func answersOf(t *testing.T, path string) string {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	var b bytes.Buffer
	list := func(q store.EvidenceQuery) {
		for ev, err := range s.Evidence(t.Context(), q) {
			fmt.Fprintf(&b, "%d %s %s %s gone %v %v %s\n", ev.Seq, ev.Kind, ev.Key, ev.Digest, ev.GoneAt, err, ev.Payload)
		}
		fmt.Fprintln(&b, "--", q.Kinds, q.Source, q.Run)
	}
	for _, latest := range []bool{false, true} {
		list(store.EvidenceQuery{Payloads: true, Latest: latest})
		list(store.EvidenceQuery{Before: 45, Latest: latest})
		list(store.EvidenceQuery{After: 20, Latest: latest})
		list(store.EvidenceQuery{After: 49, Latest: latest})
		for _, kind := range []string{"k", "l"} {
			list(store.EvidenceQuery{Kinds: []string{kind}, Latest: latest})
			list(store.EvidenceQuery{Kinds: []string{kind}, After: 10, Before: 60, Latest: latest})
		}
		for _, run := range []string{"r1", "open", "imp", "st"} {
			list(store.EvidenceQuery{Run: run, Latest: latest})
		}
		for _, source := range []string{"a", "b", "c"} {
			list(store.EvidenceQuery{Source: source, Latest: latest})
		}
		for i := range 4 {
			list(store.EvidenceQuery{Subject: &evidence.Subject{Type: "thing", ID: fmt.Sprintf("thing of key %d", i)}, Latest: latest})
		}
	}
	answerPages(t, s, &b)
	for r, err := range s.Runs(t.Context(), "") {
		fmt.Fprintln(&b, r.ID, r.Status, r.Kinds, r.FinishedAt, err)
	}
	for _, source := range []string{"a", "b", "c"} {
		for r, err := range s.Runs(t.Context(), source) {
			fmt.Fprintln(&b, source, r.ID, r.Status, r.Kinds, err)
		}
		st, err := s.State(t.Context(), source)
		fmt.Fprintln(&b, source, st, err)
	}
	for e, err := range s.Entries(t.Context(), 0, 1<<62) {
		fmt.Fprintln(&b, e.Seq, e.Type, string(e.Line), err)
	}
	return b.String()
}

func answerPages(t *testing.T, s *sqlstore.Store, b *bytes.Buffer) {
	t.Helper()
	for i, q := range []store.PageQuery{
		{}, {Oldest: true}, {Latest: true}, {Latest: true, Oldest: true}, {Kinds: []string{"k"}}, {Kinds: []string{"l"}, Latest: true},
		{Source: "a", Latest: true}, {Run: "open"}, {Run: "r1"}, {SubjectType: "thing", SubjectID: "thing of key 7"}, {KeyPrefix: "key 3"},
		{AsOf: 50, Latest: true}, {CollectedFrom: storetest.Clock()().AddDate(-10, 0, 0)}, {SubjectPrefix: "thing of key 2"},
		{KeyPrefix: "key", After: 20, Oldest: true}, {KeyPrefix: "key", Before: 25}, {KeyPrefix: "key", Oldest: true},
	} {
		p, err := s.Page(t.Context(), q)
		for _, ev := range p.Items {
			fmt.Fprintf(b, "%d %s %s %s gone %v\n", ev.Seq, ev.Kind, ev.Key, ev.Digest, ev.GoneAt)
			if i == 0 && ev.Seq%4 == 1 {
				found, err := s.EvidenceByDigest(t.Context(), ev.Digest)
				fmt.Fprintln(b, found.Seq, err)
			}
		}
		fmt.Fprintln(b, "--", p.Next, p.Done, err)
	}
	counts, err := s.Counts(t.Context())
	fmt.Fprintln(b, counts, err)
	runs, err := s.RunPage(t.Context(), store.RunQuery{})
	fmt.Fprintln(b, len(runs.Runs), err)
}

// hidings are changes by what they are.
func hidings() map[string][]string {
	all := map[string][]string{}
	for _, some := range []map[string][]string{hidingRows(), hidingBlocks(), hidingIndexes(), hidingZones(), hidingTables()} {
		maps.Copy(all, some)
	}
	return all
}

// ofHead is the row of a key's newest revision.
const ofHead = " WHERE seq = (SELECT MIN(seq) FROM evidence WHERE next IS NULL AND gone IS NULL)"

func hidingRows() map[string][]string {
	return map[string][]string{
		"a later revision at 0":           {"UPDATE evidence SET next = 0" + ofHead},
		"later revisions of all at 0":     {"UPDATE evidence SET next = 0 WHERE next IS NULL"},
		"a later revision is itself":      {"UPDATE evidence SET next = seq" + ofHead},
		"a later revision far ahead":      {"UPDATE evidence SET next = 9223372036854775807" + ofHead},
		"a later revision at -1":          {"UPDATE evidence SET next = -1" + ofHead},
		"one promise for another":         {"UPDATE evidence SET next = 1000" + ofHead, "UPDATE evidence SET next = NULL WHERE seq = (SELECT MIN(seq) FROM evidence WHERE next < 1000)"},
		"gone at 0":                       {"UPDATE evidence SET gone = 0" + ofHead},
		"gone at 0, long ago":             {"UPDATE evidence SET gone = 0, gone_at = 0" + ofHead},
		"gone with others":                {"UPDATE evidence SET (gone, gone_at) = (SELECT gone, gone_at FROM evidence WHERE gone > 0 LIMIT 1)" + ofHead},
		"kind in words":                   {"UPDATE evidence SET kind = 'k'" + ofHead},
		"kind in fractions":               {"UPDATE evidence SET kind = kind + 0.5" + ofHead},
		"another kind":                    {"UPDATE evidence SET kind = (SELECT id FROM names WHERE name = 'l')" + ofHead},
		"another source":                  {"UPDATE evidence SET source = (SELECT id FROM names WHERE name = 'b')" + ofHead},
		"another run":                     {"UPDATE evidence SET run = run + 1" + ofHead},
		"longer hashes":                   {"UPDATE evidence SET hashes = CAST(hashes || x'00' AS BLOB)" + ofHead},
		"row lost":                        {"DELETE FROM evidence" + ofHead},
		"row moved before the ledger":     {"UPDATE evidence SET seq = -3" + ofHead},
		"row once more before the ledger": {"INSERT INTO evidence SELECT -3, kind, source, run, pblock, hashes, grp, next, gone, gone_at FROM evidence" + ofHead},
		"rows exchanged":                  {"UPDATE evidence SET seq = -3 WHERE seq = 2", "UPDATE evidence SET seq = 2 WHERE seq = 3", "UPDATE evidence SET seq = 3 WHERE seq = -3"},
		"an open run that closed at 0":    {"UPDATE runs SET closed = 0 WHERE closed IS NULL"},
		"an open run that closed at -1":   {"UPDATE runs SET closed = -1 WHERE closed IS NULL"},
		"a closed run that is open":       {"UPDATE runs SET closed = NULL WHERE id = 'r1'"},
	}
}

// emptyBlock is what a block of nothing packs to.
const emptyBlock = "0, x'527d535100')"

func hidingBlocks() map[string][]string {
	return map[string][]string{
		"a block of no lines amid others": {"INSERT INTO line_blocks VALUES (16, 0, " + emptyBlock},
		"a block of fewer than none":      {"INSERT INTO line_blocks VALUES (16, -1, " + emptyBlock},
		"a block of no lines at the end":  {"INSERT INTO line_blocks VALUES ((SELECT size - 1 FROM checkpoint), 0, " + emptyBlock},
		"a block of no lines beyond":      {"INSERT INTO line_blocks VALUES (1000000, 0, " + emptyBlock},
		"a block of no lines before":      {"INSERT INTO line_blocks VALUES (-7, 0, " + emptyBlock},
		"a block of no payloads":          {"INSERT INTO payload_blocks VALUES (1000, x'', " + emptyBlock},
		"payloads twice":                  {"INSERT INTO payload_blocks SELECT block + 1000, head, raw, data FROM payload_blocks"},
		"a payload said to be erased":     {"UPDATE payload_blocks SET head = CAST(substr(head, 1, 36) || x'01' || substr(head, 38) AS BLOB)"},
	}
}

func hidingIndexes() map[string][]string {
	return map[string][]string{
		"nothing indexed":                {"DELETE FROM key_index", "DELETE FROM subject_index", "UPDATE checkpoint SET indexed = 0"},
		"subjects not indexed":           {"DELETE FROM subject_index", "UPDATE checkpoint SET indexed = 0"},
		"a subject not indexed":          {"DELETE FROM subject_index WHERE seq = 3"},
		"subjects exchanged":             {"UPDATE subject_index SET seq = -3 WHERE seq = 3", "UPDATE subject_index SET seq = 3 WHERE seq = 4", "UPDATE subject_index SET seq = 4 WHERE seq = -3"},
		"no payload indexed":             {"DELETE FROM payload_index", "UPDATE checkpoint SET indexed_block = -5"},
		"payloads indexed in advance":    {"UPDATE checkpoint SET indexed_block = 4611686018427387904"},
		"payloads of another block":      {"UPDATE payload_index SET block = block + 1"},
		"an entry of another type":       {"UPDATE entry_types SET type = 'export' WHERE type = 'assessment'"},
		"an entry of no type":            {"DELETE FROM entry_types WHERE type = 'assessment'"},
		"a type of no entry":             {"INSERT INTO entry_types VALUES (100000, 'export')"},
		"a tile below the lowest":        {"INSERT INTO tiles VALUES (-1, 0, x'00')"},
		"a run's id that goes on":        {"UPDATE runs SET id = id || char(0) WHERE id = 'r1'"},
		"a kind's name that goes on":     {"UPDATE names SET name = name || char(0) WHERE name = 'k'"},
		"a kind's name twice, nearly":    {"INSERT INTO names VALUES (1000, 'k' || char(0))"},
		"names of two kinds exchanged":   {"UPDATE names SET name = 'm' WHERE name = 'k'", "UPDATE names SET name = 'k' WHERE name = 'l'", "UPDATE names SET name = 'l' WHERE name = 'm'"},
		"names of two sources exchanged": {"UPDATE names SET name = 'm' WHERE name = 'a'", "UPDATE names SET name = 'a' WHERE name = 'b'", "UPDATE names SET name = 'b' WHERE name = 'm'"},
	}
}

func hidingZones() map[string][]string {
	return map[string][]string{
		"zones of no kind":         {"UPDATE zones SET pairs = x''"},
		"a zone of one kind fewer": {"UPDATE zones SET pairs = substr(pairs, 3) WHERE length(pairs) > 2"},
		"a zone of one line fewer": {"UPDATE zones SET n = n - 1, sums = substr(sums, 5) WHERE first = (SELECT MAX(first) FROM zones)"},
		"a zone of all lines":      {"DELETE FROM zones WHERE first > 0", "UPDATE zones SET n = (SELECT size FROM checkpoint), sums = zeroblob(4 * (SELECT size FROM checkpoint))"},
		"zones lost":               {"DELETE FROM zones WHERE first > 0"},
		"a line in two zones":      {"INSERT INTO zones SELECT first + 1, n - 1, low, high, pairs, substr(sums, 5) FROM zones WHERE n > 1 ORDER BY first DESC LIMIT 1"},
		"a zone of no line":        {"INSERT INTO zones SELECT first + 1, 0, 0, 0, x'', x'' FROM zones WHERE n > 1 ORDER BY first DESC LIMIT 1"},
		"a zone before the ledger": {"INSERT INTO zones SELECT -9, n, low, high, pairs, sums FROM zones ORDER BY first LIMIT 1"},
		"a zone beyond the ledger": {"INSERT INTO zones SELECT 100000, n, low, high, pairs, sums FROM zones ORDER BY first LIMIT 1"},
		"zones in another order":   {"UPDATE zones SET first = -first - 1"},
		"sums with bits cleared":   {"UPDATE zones SET sums = zeroblob(length(sums))"},
		"zones of long ago":        {"UPDATE zones SET low = 0, high = 0"},
		"kinds twice":              {"UPDATE zones SET pairs = CAST(pairs || pairs AS BLOB) WHERE length(pairs) > 0"},
	}
}

func hidingTables() map[string][]string {
	also := "; UPDATE names SET id = id"
	return map[string][]string{
		"counts that differ":        {"UPDATE evidence_counts SET live = live + 1 WHERE kind = (SELECT MIN(kind) FROM evidence_counts)"},
		"counts of nobody":          {"INSERT INTO evidence_counts VALUES (99, 99, 0, 0)"},
		"counts exchanged":          {"UPDATE evidence_counts SET source = -source"},
		"an open run's counts lost": {"DELETE FROM tally"},
		"a view of evidence":        {"ALTER TABLE evidence RENAME TO evidence2; CREATE VIEW evidence AS SELECT * FROM evidence2 WHERE seq > 5" + also},
		"statistics":                {"ANALYZE" + also}, //nolint:misspell // as SQL spells it
		"an index":                  {"CREATE INDEX zz ON zones (n) WHERE n > 5" + also},
		"a trigger":                 {"CREATE TRIGGER zz AFTER INSERT ON evidence BEGIN DELETE FROM evidence WHERE seq = NEW.seq; END" + also},
		"a column":                  {"ALTER TABLE zones ADD COLUMN x INTEGER" + also},
		"a checkpoint of 2":         {"PRAGMA ignore_check_constraints = 1; UPDATE checkpoint SET id = 2"},
		"a cursor of another form":  {"UPDATE state SET is_cursor = 7 WHERE is_cursor = 1"},
	}
}

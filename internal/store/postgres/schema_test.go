package postgres_test

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// another is the table of evidence under another name, with one in its place.
const another = "ALTER TABLE exhibit.evidence RENAME TO own; "

// schemaAttacks change what readers are shown, now or of what is written next, and
// no row of the store.
var schemaAttacks = map[string]struct {
	names string // what the verdict names
	do    string
}{
	"a view in place of a table":         {"evidence: view", another + "CREATE VIEW exhibit.evidence AS SELECT * FROM exhibit.own WHERE seq > 5 OR current_user = 'exhibit'"},
	"a view of all, that can be changed": {"evidence: view", another + "CREATE VIEW exhibit.evidence AS SELECT * FROM exhibit.own"},
	"a materialized view":                {"materialized view", another + "CREATE MATERIALIZED VIEW exhibit.evidence AS SELECT * FROM exhibit.own"},
	"a table in parts": {"evidence: partitioned table", another +
		"CREATE TABLE exhibit.evidence (LIKE exhibit.own) PARTITION BY RANGE (seq); ALTER TABLE exhibit.evidence ATTACH PARTITION exhibit.own DEFAULT"},
	"a table that inherits":               {"evidence: inherited by", "CREATE TABLE public.own () INHERITS (exhibit.evidence)"},
	"a table that is not logged":          {"tiles: unlogged table", "ALTER TABLE exhibit.tiles SET UNLOGGED"},
	"a table left out":                    {"tiles", "DROP TABLE exhibit.tiles"},
	"a table moved elsewhere":             {"tiles", "ALTER TABLE exhibit.tiles SET SCHEMA public"},
	"row security that hides":             {"evidence: row security", "ALTER TABLE exhibit.evidence ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON exhibit.evidence USING (seq > 5)"},
	"row security without a policy":       {"evidence: row security", "ALTER TABLE exhibit.evidence ENABLE ROW LEVEL SECURITY"},
	"row security for the owner too":      {"evidence: row security", "ALTER TABLE exhibit.evidence FORCE ROW LEVEL SECURITY"},
	"a policy for later":                  {"evidence: policy own", "CREATE POLICY own ON exhibit.evidence USING (seq > 5)"},
	"a rule that does nothing":            {"evidence: rule own", "CREATE RULE own AS ON INSERT TO exhibit.evidence DO INSTEAD NOTHING"},
	"a rule that does more":               {"state: rule own", "CREATE RULE own AS ON UPDATE TO exhibit.state DO ALSO DELETE FROM exhibit.tally"},
	"a trigger":                           {"evidence: trigger own", "CREATE TRIGGER own BEFORE UPDATE ON exhibit.evidence FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"},
	"a trigger of a function of one's":    {"evidence: trigger own", "CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER own BEFORE INSERT ON exhibit.evidence FOR EACH ROW EXECUTE FUNCTION public.own()"},
	"a foreign key":                       {"evidence: trigger RI_ConstraintTrigger", "ALTER TABLE exhibit.evidence ADD CONSTRAINT own FOREIGN KEY (kind) REFERENCES exhibit.names (id) ON DELETE CASCADE"},
	"a column default":                    {"evidence: column next bigint default 5", "ALTER TABLE exhibit.evidence ALTER COLUMN next SET DEFAULT 5"},
	"a generated column":                  {"evidence: column own", "ALTER TABLE exhibit.evidence ADD COLUMN own BIGINT GENERATED ALWAYS AS (seq + 1) STORED"},
	"a column in a generated one's place": {"evidence: column gone bigint generated", "ALTER TABLE exhibit.evidence DROP COLUMN gone; ALTER TABLE exhibit.evidence ADD COLUMN gone BIGINT GENERATED ALWAYS AS (nullif(seq, seq)) STORED"},
	"a column that counts itself":         {"tally_new_seq: sequence", "ALTER TABLE exhibit.tally ALTER COLUMN new ADD GENERATED ALWAYS AS IDENTITY"},
	"a column that may be NULL":           {"evidence: column kind bigint", "ALTER TABLE exhibit.evidence ALTER COLUMN kind DROP NOT NULL"},
	"a column of another type":            {"names: column id integer", "ALTER TABLE exhibit.names ALTER COLUMN id TYPE INTEGER"},
	"a column of a type of one's own":     {"evidence: column next own", "CREATE DOMAIN exhibit.own AS BIGINT CHECK (VALUE > 5); ALTER TABLE exhibit.evidence ALTER COLUMN next TYPE exhibit.own"},
	"a column's own collation":            {"names: column name text not null collated", `CREATE COLLATION public.own (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ALTER TABLE exhibit.names ALTER COLUMN name TYPE TEXT COLLATE public.own`},
	"a check of one's own":                {"runs: constraint own", "ALTER TABLE exhibit.runs ADD CONSTRAINT own CHECK (id <> 'x')"},
	"a key that is checked late":          {"runs: trigger Unique_ConstraintTrigger", "ALTER TABLE exhibit.runs DROP CONSTRAINT runs_id_key, ADD CONSTRAINT runs_id_key UNIQUE (id) DEFERRABLE"},
	"a key left out":                      {"runs_id_key", "ALTER TABLE exhibit.runs DROP CONSTRAINT runs_id_key"},
	"an index left out":                   {"evidence_group", "DROP INDEX exhibit.evidence_group"},
	"an index without its WHERE":          {"evidence_heads", "DROP INDEX exhibit.evidence_heads; CREATE INDEX evidence_heads ON exhibit.evidence (kind, seq)"},
	"an index with another WHERE":         {"evidence_heads", "DROP INDEX exhibit.evidence_heads; CREATE INDEX evidence_heads ON exhibit.evidence (kind, seq) WHERE next IS NULL AND seq > 5"},
	"an index of one's own":               {"own", "CREATE INDEX own ON exhibit.evidence (source)"},
	"a table of one's own":                {"own: table", "CREATE TABLE exhibit.own (x BIGINT)"},
	"a sequence":                          {"own: sequence", "CREATE SEQUENCE exhibit.own"},
	"a function":                          {"function own(bytea, bigint, bigint)", "CREATE FUNCTION exhibit.own(bytea, bigint, bigint) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'"},
	"an operator":                         {"operator =", "CREATE FUNCTION public.own(text, bytea) RETURNS boolean LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR exhibit.= (FUNCTION = public.own, LEFTARG = text, RIGHTARG = bytea)"},
	"a type":                              {"type own", "CREATE DOMAIN exhibit.own AS BIGINT"},
}

// TestSchemaAttack changes what PostgreSQL keeps beside the rows as the owner of the
// schema could, and expects verification to name it.
func TestSchemaAttack(t *testing.T) {
	filled, key := filledURL(t)
	if err := verdict(t, filled, key); err != nil {
		t.Fatalf("before: %v", err)
	}
	n := 0
	for name, attack := range schemaAttacks {
		n++
		at := clone(t, filled, n)
		t.Run(name, func(t *testing.T) {
			statement(t, at, attack.do)
			err := verdict(t, at, key)
			if !errors.Is(err, store.ErrTampered) || !strings.Contains(err.Error(), attack.names) {
				t.Errorf("%v, want ErrTampered that names %s", err, attack.names)
			}
			t.Log(err)
		})
	}
}

var update = flag.Bool("update", false, "write schemas/*.txt anew")

// TestSchemas holds what is expected of a schema against what the migrations make, one
// after the other.
func TestSchemas(t *testing.T) {
	at := server.Database(t)
	statement(t, at, "CREATE SCHEMA exhibit; CREATE TABLE exhibit.schema_version (version BIGINT NOT NULL)")
	steps, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(steps) < 2 {
		t.Fatal(steps, err)
	}
	for i, step := range steps {
		text, err := os.ReadFile(step)
		if err != nil {
			t.Fatal(err)
		}
		statement(t, at, "SET search_path = exhibit; "+string(text))
		got := strings.Join(describedAt(t, at), "\n") + "\n"
		path := fmt.Sprintf("schemas/%d.txt", i+1)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is not what %s makes (-file +system tables):\n%s", path, step, diff)
		}
	}
}

// describedAt asks the system tables as verification does.
func describedAt(t *testing.T, at string) []string {
	t.Helper()
	query, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "SET search_path = exhibit"); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), string(query), "exhibit")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestSchemaOfReaders: a policy that hides rows from the agent's role, and not from
// who owns the tables, is found by either.
func TestSchemaOfReaders(t *testing.T) {
	at, key := filledURL(t)
	role := fmt.Sprintf("reader%d", os.Getpid())
	statement(t, at, "CREATE ROLE "+role+" LOGIN; GRANT USAGE ON SCHEMA exhibit TO "+role+"; GRANT SELECT ON ALL TABLES IN SCHEMA exhibit TO "+role)
	reader := strings.Replace(at, "user=exhibit", "user="+role, 1)
	for _, who := range []string{at, reader} {
		if err := verdict(t, who, key); err != nil {
			t.Fatalf("before: %v", err)
		}
	}
	statement(t, at, "ALTER TABLE exhibit.state ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON exhibit.state TO "+role+" USING (true)")
	for _, who := range []string{at, reader} {
		if err := verdict(t, who, key); !errors.Is(err, store.ErrTampered) || !strings.Contains(err.Error(), "state: row security") {
			t.Errorf("%v, want ErrTampered that names state: row security", err)
		}
	}
}

// TestSchemaHeld: nobody puts a view in a table's place while the store is verified,
// and everybody reads and writes meanwhile.
func TestSchemaHeld(t *testing.T) {
	at, _ := filledURL(t)
	s, err := postgres.Open(t.Context(), at, postgres.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Snapshot(t.Context(), func(store.Raw) error {
		c, err := pgx.Connect(t.Context(), at)
		if err != nil {
			return err
		}
		defer c.Close(t.Context())
		if _, err := c.Exec(t.Context(), "UPDATE exhibit.names SET id = id"); err != nil {
			return err
		}
		_, err = c.Exec(t.Context(), "SET lock_timeout = '50ms'; "+another+"CREATE VIEW exhibit.evidence AS SELECT * FROM exhibit.own")
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "55P03" {
			t.Errorf("a view was put in the place of a table: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSchemaByOthers: what the administrators of a server do to it is no attack.
func TestSchemaByOthers(t *testing.T) {
	at, key := filledURL(t)
	for _, text := range []string{
		"ALTER TABLE exhibit.evidence SET (autovacuum_vacuum_scale_factor = 0.01)",
		"CREATE STATISTICS public.own ON kind, source FROM exhibit.evidence",
		"VACUUM FULL exhibit.evidence",
		"ANALYZE exhibit.evidence", //nolint:misspell // as SQL spells it
		"REINDEX TABLE CONCURRENTLY exhibit.evidence",
		"CREATE TABLE public.own (x BIGINT)",
		"CREATE VIEW public.report AS SELECT * FROM exhibit.evidence",
	} {
		statement(t, at, text)
		if err := verdict(t, at, key); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	// An index that was given up while it was built.
	c, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY own ON exhibit.evidence (kind)"); err == nil {
		t.Fatal("the kinds are unique")
	}
	if err := verdict(t, at, key); err != nil {
		t.Error(err)
	}
}

// filledURL is a database with a store that is closed, and its key.
func filledURL(t *testing.T) (string, *ledger.Key) {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	at := server.Database(t)
	s, err := postgres.Open(t.Context(), at, postgres.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return at, key
}

// clone makes a database like another that nobody uses.
func clone(t *testing.T, from string, n int) string {
	t.Helper()
	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.TrimPrefix(u.Path, "/")
	name := fmt.Sprintf("%s_%d", was, n)
	u.Path = "/postgres"
	statement(t, u.String(), "CREATE DATABASE "+name+" TEMPLATE "+was)
	u.Path = "/" + name
	return u.String()
}

// verdict opens a store for reading and verifies it.
func verdict(t *testing.T, at string, key *ledger.Key) error {
	t.Helper()
	s, err := postgres.Open(t.Context(), at, postgres.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	return storetest.VerifyError(t, s, key)
}

package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// BenchmarkIngest appends records in batches of 1000 and copies the same rows
// with the same driver into one bare table, batch for batch.
func BenchmarkIngest(b *testing.B) { storetest.BenchIngest(b, bench) }

func BenchmarkVerify(b *testing.B) { storetest.BenchVerify(b, bench) }

func BenchmarkLatest(b *testing.B) { storetest.BenchLatest(b, bench) }

func BenchmarkPages(b *testing.B) { storetest.BenchPages(b, bench) }

func bench(tb testing.TB, _ string) (store.Store, *ledger.Key, storetest.BareInsert) {
	tb.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	url := server.Database(tb)
	s, err := postgres.Open(tb.Context(), url, postgres.Options{Signer: key.Signer(), Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// The test's context is over when it cleans up; the server ends soon.
		if err := c.PgConn().Conn().Close(); err != nil {
			tb.Error(err)
		}
	})
	_, err = c.Exec(tb.Context(), `CREATE TABLE bare (seq BIGSERIAL PRIMARY KEY, kind TEXT, subject_type TEXT, subject_id TEXT, key TEXT,
url TEXT, event_time BIGINT, collected_at BIGINT, payload BYTEA)`)
	if err != nil {
		tb.Fatal(err)
	}
	columns := []string{"kind", "subject_type", "subject_id", "key", "url", "event_time", "collected_at", "payload"}
	return s, key, func(rows [][]any) error {
		_, err := c.CopyFrom(tb.Context(), pgx.Identifier{"bare"}, columns, pgx.CopyFromRows(rows))
		return err
	}
}

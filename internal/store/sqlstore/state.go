package sqlstore

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// state sets cursors and validators of the run's source.
func (w *writer) state(ctx context.Context, changes []store.StateChange) error {
	for _, c := range changes {
		cursor := int64(0)
		if c.Cursor {
			cursor = 1
		}
		var err error
		if len(c.Value) == 0 {
			err = w.tx.Exec(ctx, "DELETE FROM state WHERE source = $1 AND is_cursor = $2 AND name = $3",
				w.run.source, cursor, c.Key)
		} else {
			err = w.tx.Exec(ctx, `INSERT INTO state (source, is_cursor, name, value) VALUES ($1, $2, $3, $4)
ON CONFLICT (source, is_cursor, name) DO UPDATE SET value = excluded.value WHERE state.value <> excluded.value`,
				w.run.source, cursor, c.Key, []byte(c.Value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stateDigest gives the digest of a source's cursors and validators.
func stateDigest(ctx context.Context, tx Tx, source int64) (evidence.Digest, error) {
	rows, err := stateRows(ctx, tx, "SELECT source, is_cursor, name, value FROM state WHERE source = $1", source)
	if err != nil {
		return evidence.Digest{}, err
	}
	return store.StateDigest(rows)
}

// stateRows reads cursors and validators; of the values it keeps the digests.
func stateRows(ctx context.Context, tx Tx, query string, args ...any) (out []store.StateRow, err error) {
	return out, each(ctx, tx, func(r Rows) error {
		var row store.StateRow
		var cursor int64
		var value []byte
		if err := r.Scan(&row.Source, &cursor, &row.Key, &value); err != nil {
			return err
		}
		if cursor != 0 && cursor != 1 {
			return fmt.Errorf("state %.80q is neither cursor nor validator but %d: %w", row.Key, cursor, store.ErrTampered)
		}
		row.Cursor = cursor == 1
		row.Sum = store.StateValue(row.Cursor, value)
		out = append(out, row)
		return nil
	}, query, args...)
}

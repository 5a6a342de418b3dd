package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
)

func newStoreCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "store",
		Short: "Back up, restore, move, upgrade and clear out the store",
		Long: `The store is one SQLite file, or a schema of a PostgreSQL database. A backup is the
same file for both, so that what was backed up from one can be restored into the other: the ledger,
payloads, cursors and the signed checkpoint. The signing key is not in it: keep a copy of the key file
apart from the backups. Nor is what the agent only needs to run (due times, sessions, tokens, what was
told to whom): that is in the file or schema of operation beside the store, and no evidence.`,
	})
	c.AddCommand(newBackupCommand(g), newRestoreCommand(g), newCopyCommand(g), newUpgradeCommand(g), newExpireCommand(g))
	return c
}

// storeKey is the key that a store or a backup is held against: the one in the
// file, or the public half of the configured one.
func (g *globals) storeKey(path string) (note.Verifier, error) {
	v, err := g.verifier(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("no key to verify the ledger with: %w", err), "give the public key with --key: one line, as exhibit ledger key prints it"}
	}
	return v, nil
}

// openAsIs opens a store for reading, of an older schema too.
func openAsIs(ctx context.Context, cfg *configfile.Config) (portable.Store, func() error, error) {
	if cfg.Store.IsURL() {
		s, err := postgres.Open(ctx, cfg.Store.Reveal(), postgres.Options{ReadOnly: true, Older: true})
		if err != nil {
			return nil, nil, schemaError(err)
		}
		return s, s.Close, nil
	}
	s, err := sqlite.Open(cfg.Store.Reveal(), sqlite.Options{ReadOnly: true, Older: true}) //nolint:contextcheck // an upgrade is made to its end
	if err != nil {
		return nil, nil, schemaError(err)
	}
	return s, s.Close, nil
}

// schemaError says what to do with a store of another version.
func schemaError(err error) error {
	switch {
	case errors.Is(err, store.ErrNewer):
		return hinted{err, "use that version; there is no way back but to restore a backup from before"}
	case errors.Is(err, store.ErrOlder):
		return hinted{err, "exhibit store upgrade makes a backup and brings the store up to date"}
	}
	return err
}

// backupError says what to do with a backup, or a place for one.
func backupError(err error) error {
	switch {
	case errors.Is(err, portable.ErrDamaged):
		return hinted{damagedError{err}, "use another copy, or an earlier backup; nothing was restored"}
	case errors.Is(err, store.ErrNotEmpty):
		return usageError{err, "name a place where there is none; nothing was changed"}
	}
	return err
}

// damagedError gives a damaged backup the exit code of what was changed.
type damagedError struct{ err error }

func (e damagedError) Error() string   { return e.err.Error() }
func (e damagedError) Unwrap() []error { return []error{e.err, store.ErrTampered} }

func newUpgradeCommand(g *globals) *cobra.Command {
	var out, keyFile string
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "Bring a store of an older version up to date, after a backup",
		Long: `A store that an earlier version of exhibit wrote is not written before this was done.
First a verified backup is made, then the tables are changed, in one transaction: whoever pulls the plug
finds the store as it was, or as it is to be. The ledger is not changed by it.

A store that a later version wrote is refused by an earlier one; restore the backup to go back.`,
		Example: "  exhibit store upgrade --backup before-upgrade.backup",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runUpgrade(c.Context(), g, out, keyFile) },
	}
	c.Flags().StringVar(&out, "backup", "", "`file` for the backup (default exhibit-TIME.backup)")
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the public key (exhibit.pub)")
	return c
}

func runUpgrade(ctx context.Context, g *globals, out, keyFile string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err == nil {
		g.note("The store is up to date.")
		return st.Close()
	}
	if !errors.Is(err, store.ErrOlder) {
		return schemaError(err)
	}
	if out == "" {
		out = backupName(time.Now())
	}
	err = runBackup(ctx, g, out, keyFile)
	if err != nil && !errors.Is(err, store.ErrNoStore) {
		return err
	}
	if cfg.Store.IsURL() {
		s, err := postgres.Open(ctx, cfg.Store.Reveal(), postgres.Options{Upgrade: true, Create: true})
		if err != nil {
			return schemaError(err)
		}
		err = s.Close()
		if err == nil {
			g.note("The store was upgraded.")
		}
		return err
	}
	s, err := sqlite.Open(cfg.Store.Reveal(), sqlite.Options{Upgrade: true}) //nolint:contextcheck // an upgrade is made to its end
	if err != nil {
		return schemaError(err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	g.note("The store was upgraded.")
	return nil
}

func backupName(now time.Time) string {
	return "exhibit-" + now.UTC().Format("20060102T150405Z") + ".backup"
}

// told prints what was done to a ledger.
func (g *globals) told(text string, cp ledger.Checkpoint, more map[string]any) error {
	if g.output != "table" {
		out := map[string]any{"origin": cp.Origin, "size": cp.Size, "root": cp.Root.String()}
		for k, v := range more {
			out[k] = v
		}
		return printJSON(g.std.out, g.output, out)
	}
	if g.quiet {
		return nil
	}
	_, err := fmt.Fprintf(g.std.out, "%s\nLedger %s: %d entries, root %s\n", text, clean(cp.Origin), cp.Size, cp.Root)
	return err
}

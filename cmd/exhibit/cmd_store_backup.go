package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/unfinished"
)

func newBackupCommand(g *globals) *cobra.Command {
	var out, keyFile string
	c := &cobra.Command{
		Use:   "backup -o FILE",
		Short: "Write a verified copy of the store into one file",
		Long: `Copies the ledger, payloads, cursors and the signed checkpoint as they are at one
instant, while the agent may go on writing, compresses them and reads the file again: every line is held
against the signed checkpoint, every payload against its digest. Only then the file gets its name. A file that is
there is never replaced. What goes wrong on the way (a full disk, too) leaves no file.

The file is as confidential as the store, and is readable by its owner alone. The signing key is not in it: keep a copy
elsewhere. What the agent needs to run and is no evidence (due times, sessions, tokens, messages sent) is not in it
either.`,
		Example: "  exhibit store backup -o exhibit-2026-11.backup\n  exhibit store backup --store postgres://exhibit@db/exhibit -o fleet.backup",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" {
				out = backupName(time.Now())
			}
			return runBackup(c.Context(), g, out, keyFile)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write (default exhibit-TIME.backup)")
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the public key (exhibit.pub)")
	return c
}

func runBackup(ctx context.Context, g *globals, out, keyFile string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if err := checkOutput(out); err != nil {
		return err
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return usageError{fmt.Errorf("%s is there already", out), "a backup replaces no file: name another"}
	}
	src, closeSource, err := openAsIs(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeSource() //nolint:errcheck // it was only read
	key, err := g.storeKey(keyFile)
	if err != nil {
		return err
	}
	g.sweep(out)
	p := newProgress(g, "backing up")
	defer p.end()
	var checked portable.Checked
	err = wholeFile(out, func(f *os.File) error {
		if err := writeBackup(ctx, src, f, p); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		p.show("verifying")
		checked, err = portable.Check(bufio.NewReaderSize(f, 1<<20), key)
		if errors.Is(err, portable.ErrDamaged) {
			err = hinted{damagedError{fmt.Errorf("what the store gave does not hold, no backup was made: %w", err)}, "exhibit verify names what was changed; keep this copy for an investigation"}
		}
		return err
	})
	if err != nil {
		return err
	}
	p.end()
	return g.told(fmt.Sprintf("Backed up to %s and verified: %d payloads, %d of them erased.", clean(out), checked.Counts.Payloads, checked.Counts.Erased),
		checked.Checkpoint, map[string]any{"file": out, "payloads": checked.Counts.Payloads, "erased": checked.Counts.Erased})
}

func writeBackup(ctx context.Context, src portable.Store, f io.Writer, p *progress) error {
	buf := bufio.NewWriterSize(f, 1<<20)
	w, err := portable.NewWriter(buf)
	if err != nil {
		return err
	}
	if _, err := src.Backup(ctx, counting{w, p}); err != nil {
		w.Abandon()
		return err
	}
	return buf.Flush()
}

// counting is a sink that shows how far it is.
type counting struct {
	portable.Sink
	p *progress
}

func (c counting) Head(h portable.Head) error {
	h.Created, h.Tool = time.Now().UTC().Truncate(time.Second), "exhibit "+version
	return c.Sink.Head(h)
}

func (c counting) Lines(first, n int64, raw []byte) error {
	c.p.show(fmt.Sprintf("%d entries", first+n))
	return c.Sink.Lines(first, n, raw)
}

// sweep removes what was left beside a file by a backup, restore or copy that was
// killed, and says so.
func (g *globals) sweep(path string) {
	n, err := unfinished.Sweep(filepath.Dir(path))
	if n > 0 {
		g.note("Removed from %s what %d earlier runs that were killed left unfinished.", clean(filepath.Dir(path)), n)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.note("%v", err)
	}
}

// wholeFile makes a file that is there only once it is complete and on disk. It
// replaces none.
func wholeFile(path string, fill func(*os.File) error) (err error) {
	beside, err := unfinished.Begin(filepath.Dir(path))
	if err != nil {
		return outputError(path, err)
	}
	defer func() { err = errors.Join(err, beside.End()) }()
	f, err := os.OpenFile(beside.Path("whole"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return outputError(path, err)
	}
	if err = errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return outputError(path, err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func newRestoreCommand(g *globals) *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a store from a backup, where there is none",
		Long: `Reads a backup into the configured store, or the one that --store names, which must not
hold anything yet. The whole ledger is verified against the signed checkpoint, with the public key, before
anybody can see it; a backup that was cut off or changed is named and leaves nothing behind. Indexes are made anew.

To go on writing, put the signing key beside the store again. Then ask every source for all it has: what was
collected since the backup is read again.`,
		Example: `  exhibit store restore exhibit-2026-11.backup --key exhibit.pub
  exhibit store restore exhibit-2026-11.backup --store postgres://exhibit@db/exhibit`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runRestore(c.Context(), g, keyFile, args[0]) },
	}
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the public key (exhibit.pub)")
	return c
}

func runRestore(ctx context.Context, g *globals, keyFile, path string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	key, err := g.storeKey(keyFile)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return usageError{err, "name a file that exhibit store backup made"}
	}
	defer f.Close()
	p := newProgress(g, "restoring")
	defer p.end()
	o := portable.Restoring{Verifier: key, Progress: func(phase string, n int64) { p.show(fmt.Sprintf("%s %d", phase, n)) },
		From: func(_ context.Context, to portable.Sink) error { return portable.Read(f, to) }}
	got, err := g.restoreInto(ctx, cfg.Store, o)
	if err != nil {
		return backupError(err)
	}
	p.end()
	return g.told(fmt.Sprintf("Restored into %s and verified.", clean(cfg.Store.String())), got.Checkpoint,
		map[string]any{"store": cfg.Store.String(), "evidence": got.Evidence, "payloads": got.Payloads, "runs": got.Runs})
}

func parsePlace(to string) (configfile.Location, error) {
	at, err := configfile.ParseLocation(workingDir(), to)
	if err != nil {
		return at, usageError{fmt.Errorf("--to: %w", err), "--to takes a path or postgres://user@host/database"}
	}
	return at, nil
}

// restoreInto fills the store at a place, which must not hold anything.
func (g *globals) restoreInto(ctx context.Context, at configfile.Location, o portable.Restoring) (store.Verified, error) {
	if !at.IsURL() {
		g.sweep(at.Reveal())
		return sqlite.Restore(ctx, at.Reveal(), o)
	}
	s, err := postgres.Open(ctx, at.Reveal(), postgres.Options{Create: true})
	if err != nil {
		return store.Verified{}, schemaError(err)
	}
	got, err := s.Restore(ctx, o)
	return got, errors.Join(err, s.Close())
}

func newCopyCommand(g *globals) *cobra.Command {
	var to, keyFile string
	c := &cobra.Command{
		Use:   "copy --to STORE",
		Short: "Move a ledger into another store: SQLite to PostgreSQL, or back",
		Long: `Copies the configured store, as it is at one instant, into a store that does not hold
anything yet: the same entries, the same roots, the same signed checkpoints, with cursors, so that nothing is read
again. The target is verified as a whole before anybody can see it. The source is left as it is.

Stop the agent first and start it with the new store afterwards. If the source grows meanwhile it is said, and the
target is what the source was: two stores that both go on are two ledgers, and only one can be right.`,
		Example: "  exhibit store copy --to postgres://exhibit@db/exhibit\n  exhibit store copy --store postgres://exhibit@db/exhibit --to exhibit.db",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runCopy(c.Context(), g, to, keyFile) },
	}
	c.Flags().StringVar(&to, "to", "", "the `store` to make: a path or a PostgreSQL URL")
	c.Flags().StringVar(&keyFile, "key", "", "`file` with the public key (exhibit.pub)")
	return c
}

func runCopy(ctx context.Context, g *globals, to, keyFile string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	target, err := parsePlace(to)
	if err != nil {
		return err
	}
	src, closeSource, err := openAsIs(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeSource() //nolint:errcheck // it was only read
	key, err := g.storeKey(keyFile)
	if err != nil {
		return err
	}
	p := newProgress(g, "copying")
	defer p.end()
	o := portable.Restoring{Verifier: key, Progress: func(phase string, n int64) { p.show(fmt.Sprintf("%s %d", phase, n)) },
		From: func(ctx context.Context, to portable.Sink) error {
			_, err := src.Backup(ctx, to)
			return err
		}}
	got, err := g.restoreInto(ctx, target, o)
	if err != nil {
		return backupError(err)
	}
	p.end()
	if err := g.told(fmt.Sprintf("Copied %s into %s and verified.", clean(cfg.Store.String()), clean(target.String())), got.Checkpoint,
		map[string]any{"store": target.String(), "evidence": got.Evidence, "payloads": got.Payloads, "runs": got.Runs}); err != nil {
		return err
	}
	return g.hasGrown(ctx, src, got.Checkpoint)
}

// hasGrown says so if the source of a copy went on meanwhile.
func (g *globals) hasGrown(ctx context.Context, src portable.Store, copied ledger.Checkpoint) error {
	l, ok := src.(store.Ledger)
	if !ok {
		return nil
	}
	msg, err := l.Checkpoint(ctx)
	if err != nil {
		return err
	}
	now, err := ledger.UnverifiedCheckpoint(msg)
	if err != nil {
		return err
	}
	if now.Size == copied.Size {
		return nil
	}
	return hinted{fmt.Errorf("the source has grown from %d to %d entries while it was copied", copied.Size, now.Size),
		"stop the agent that writes to it, remove the copy and copy again"}
}

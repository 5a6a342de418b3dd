package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func newLedgerCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "ledger",
		Short: "The append-only log: checkpoints, proofs, repair of indexes, erasure",
		Long: `The ledger is a Merkle tree over one line an entry, with signed checkpoints
(C2SP tlog-checkpoint, RFC 6962). Keep a checkpoint somewhere else from time to
time: whoever holds one can later prove that nothing before it was changed. Others can
do that for you: an authority stamps its time (timestamp), witnesses cosign it
(cosign), a git repository or a webhook keeps it (publish).`,
	})
	c.AddCommand(newKeyCommand(g), newCheckpointCommand(g), newProveCommand(g), newConsistencyCommand(g),
		newTimestampCommand(g), newCosignCommand(g), newPublishCommand(g), newAttestationsCommand(g),
		newReindexCommand(g), newEraseCommand(g), newRotateCommand(g))
	return c
}

func newKeyCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Print the public key that checkpoints and exports are verified with",
		Long: `Prints one line, to be handed to an auditor by another way than the bundle, as the
file exhibit.pub.`,
		Example: "  exhibit ledger key > exhibit.pub",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := g.loadConfig()
			if err != nil {
				return err
			}
			key, err := ledger.LoadKey(cfg.Key)
			if err != nil {
				return hinted{err, "the key is made when something is first stored: exhibit collect"}
			}
			if g.output != "table" {
				return printJSON(g.std.out, g.output, map[string]string{"key": key.Public()})
			}
			_, err = fmt.Fprintln(g.std.out, key.Public())
			return err
		},
	}
}

func newCheckpointCommand(g *globals) *cobra.Command {
	var newest bool
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print a signed checkpoint to keep elsewhere",
		Long: `Prints the signed checkpoint of what the ledger holds: the same that the next export
signs. What only concludes from it (assessments, exports, what others said of it) follows after it, so that any
bundle exported later can be held against it:

  exhibit verify exhibit-bundle.zip --against checkpoint-2026-11.txt

--newest prints that of all entries, which a store continues and a bundle may not reach.`,
		Example: "  exhibit ledger checkpoint > checkpoint-2026-11.txt",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runCheckpoint(c.Context(), g, newest) },
	}
	c.Flags().BoolVar(&newest, "newest", false, "of all entries, with those that only conclude")
	return c
}

func runCheckpoint(ctx context.Context, g *globals, newest bool) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	key, noKey := ledger.LoadKey(svc.Config().Key)
	svc.Key = key
	cp, err := svc.Checkpoint(ctx, newest)
	if errors.Is(err, service.ErrNoKey) {
		return hinted{fmt.Errorf("no key to sign the checkpoint with: %w", noKey), "the newest that is signed already: exhibit ledger checkpoint --newest"}
	}
	if err != nil {
		return err
	}
	if g.output == "table" {
		_, err = io.WriteString(g.std.out, cp.Note)
		return err
	}
	return printJSON(g.std.out, g.output, cp)
}

// proof is what `exhibit ledger prove` prints.
type proof struct {
	Seq        int64    `json:"seq"`
	Digest     string   `json:"digest"` // SHA-256 of the entry line
	Line       string   `json:"line"`
	Path       []string `json:"path"` // RFC 6962 audit path, base64, leaf to root
	Checkpoint string   `json:"checkpoint"`
}

func newProveCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "prove SEQ|DIGEST",
		Short:   "Prove that an entry is in the ledger",
		Example: "  exhibit ledger prove 42\n  exhibit ledger prove 3f2a9c01d4e5 -o json",
		Long: `Prints the entry, its position, the audit path of RFC 6962 and the signed
checkpoint that the path leads to. DIGEST is an evidence digest, or its beginning.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runProve(c.Context(), g, args[0]) },
	}
}

func runProve(ctx context.Context, g *globals, what string) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return err
	}
	entry, err := findEntry(ctx, st, what, cp.Size)
	if err != nil {
		return err
	}
	path, err := ledger.ProveInclusion(cp.Size, entry.Seq, st)
	if err != nil {
		return err
	}
	p := proof{Seq: entry.Seq, Digest: evidence.Sum(entry.Line).String(), Line: string(entry.Line), Checkpoint: string(note), Path: []string{}}
	for _, h := range path {
		p.Path = append(p.Path, h.String())
	}
	format := g.output
	if format == "table" {
		format = "json"
	}
	return printJSON(g.std.out, format, p)
}

func findEntry(ctx context.Context, st store.Store, what string, size int64) (evidence.Entry, error) {
	if n, err := strconv.ParseInt(what, 10, 64); err == nil && len(what) < 12 {
		if n < 0 || n >= size {
			return evidence.Entry{}, fmt.Errorf("entry %d: %w: the ledger has entries 0 to %d", n, store.ErrNotFound, size-1)
		}
		for e, err := range st.Entries(ctx, n, n+1) {
			return e, err
		}
		return evidence.Entry{}, fmt.Errorf("entry %d: %w", n, store.ErrNotFound)
	}
	if err := store.CheckDigestPrefix(what); err != nil {
		return evidence.Entry{}, usageError{fmt.Errorf("%q is neither a position nor a digest", what), "give at least 8 digits of the digest"}
	}
	return st.EntryByDigest(ctx, what)
}

func newConsistencyCommand(g *globals) *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:   "consistency CHECKPOINT-FILE",
		Short: "Prove that the ledger continues an earlier checkpoint",
		Long: `Reads a checkpoint that was kept elsewhere and shows that the ledger of today
contains everything it covered, unchanged. Both signatures are checked, with --key or the key beside
the store. Exit code 12 says that something does not hold.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runConsistency(c.Context(), g, key, args[0]) },
	}
	c.Flags().StringVar(&key, "key", "", "`file` with the public key (exhibit.pub)")
	return c
}

func runConsistency(ctx context.Context, g *globals, keyFile, path string) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	key, err := g.verifier(keyFile)
	if err != nil {
		return usageError{fmt.Errorf("no key to check signatures with: %w", err), "give the public key with --key"}
	}
	if key, err = store.Keys(ctx, st, key); err != nil {
		return err
	}
	old, err := readCheckpoint(path, key)
	if err != nil {
		return err
	}
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return err
	}
	now, err := ledger.OpenCheckpoint(note, key)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if err := ledger.CheckContinues(*old, now, st); err != nil {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, map[string]any{"old_size": old.Size, "size": now.Size, "consistent": true})
	}
	fmt.Fprintf(g.std.out, "The ledger of %d entries continues the checkpoint of %d entries: nothing before it was changed.\n", now.Size, old.Size)
	return nil
}

func newReindexCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "reindex",
		Short: "Rebuild every index from the ledger",
		Long: `Makes anew whatever of the store follows from the ledger's entries. Nothing of the ledger changes. It is for a
store that exhibit verify says has an index that does not agree; keep a copy first if somebody may have changed it.`,
		Example: "  exhibit ledger reindex",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w, err := g.openToChange(c.Context())
			if err != nil {
				return err
			}
			defer w.Close()
			p := newProgress(g, "reindexing")
			defer p.end()
			if err := w.store.Reindex(c.Context(), func(done, total int64) { p.show(fmt.Sprintf("%d of %d entries", done, total)) }); err != nil {
				return err
			}
			g.note("Indexes were rebuilt from the ledger.")
			return nil
		},
	}
}

func newEraseCommand(g *globals) *cobra.Command {
	var by, reason string
	c := &cobra.Command{
		Use:     "erase PAYLOAD-DIGEST",
		Short:   "Erase a payload's bytes and keep its proof",
		Example: `  exhibit ledger erase 50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c --reason "names a person who left"`,
		Long: `Removes the bytes of a payload, for example because it holds personal data, and
appends an erasure entry. The evidence entry, its digest and its proof stay: what was erased
remains visible, and the ledger still verifies.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := evidence.ParseDigest(args[0])
			if err != nil {
				return usageError{err, "the payload digest is in the workbook's sheet Evidence and in evidence entries"}
			}
			if reason == "" {
				return usageError{errors.New("--reason is missing"), "say why the payload is erased; it becomes part of the ledger"}
			}
			return runErase(c.Context(), g, store.Erasure{Payload: d, By: by, Reason: reason, At: time.Now().UTC()})
		},
	}
	c.Flags().StringVar(&by, "by", currentUser(), "`who` erases it")
	c.Flags().StringVar(&reason, "reason", "", "why, in a `sentence`")
	return c
}

func runErase(ctx context.Context, g *globals, e store.Erasure) error {
	w, err := g.openToChange(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.store.Erase(ctx, e); err != nil {
		return fmt.Errorf("payload %s: %w", e.Payload, err)
	}
	g.note("Payload %s was erased; its entry and proof remain.", e.Payload)
	return nil
}

func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

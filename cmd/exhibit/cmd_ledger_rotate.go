package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func newRotateCommand(g *globals) *cobra.Command {
	var as, reason string
	c := &cobra.Command{
		Use:   "rotate-key",
		Short: "Hand the ledger over to a new signing key",
		Long: `Makes a new signing key and appends an entry by which the old key hands the ledger over
to it, signed by both. From then on the new one signs. Whoever has the old public key verifies with it: each
key signed for the next, and exhibit verify says so. A workbook by itself holds no ledger: for those made from now
on, hand out the new public key.

The old key file is kept beside the new one as KEY.retired-HASH, for your records; nothing uses it. Agents on other
machines need the new key file: they are refused until they have it. If it is interrupted, run it again.

A key that is lost cannot sign its own handover: begin a new ledger and keep the old one, verified, beside it. If
a key was stolen, hand over at once, tell who relies on it since when, and have them hold the ledger against a
checkpoint from before: the thief can sign another past, but not one that a kept checkpoint or a witness has not seen.`,
		Example: "  exhibit ledger rotate-key --as maria --reason \"yearly\"",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runRotate(c.Context(), g, as, reason) },
	}
	asFlag(c, &as)
	c.Flags().StringVar(&reason, "reason", "", "why, in a `sentence`; it becomes part of the ledger")
	return c
}

func runRotate(ctx context.Context, g *globals, as, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return usageError{errors.New("--reason is missing"), "say why the key is changed; it becomes part of the ledger"}
	}
	who, err := g.person(as)
	if err != nil {
		return err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	old, err := ledger.LoadKey(cfg.Key)
	if err != nil {
		return hinted{err, "a key that is lost cannot be handed over: see exhibit ledger rotate-key --help"}
	}
	next, err := nextKey(cfg.Key, old)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, old.Signer(), readOnly)
	if err != nil {
		return err
	}
	msg, err := st.Checkpoint(ctx)
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	if ledger.SignedBy(msg, next.Origin(), next.Signer().KeyHash()) {
		return g.rotated(cfg.Key, old, next) // it was interrupted before the files had their names
	}
	if st, err = openStore(ctx, cfg, old.Signer(), readWrite); err != nil {
		return err
	}
	_, err = st.Rotate(ctx, store.KeyChange{Old: old, New: next, By: who.ID + " (" + who.Account + ")", Reason: reason})
	if err = errors.Join(err, st.Close()); err != nil {
		if errors.Is(err, store.ErrKey) {
			return hinted{err, "the key file here is not the newest: get it from where the key was changed"}
		}
		return err
	}
	return g.rotated(cfg.Key, old, next)
}

// nextKey is the key that a rotation hands over to, in its file beside the one
// in use: the one that an interrupted rotation left there, or a new one.
func nextKey(path string, old *ledger.Key) (*ledger.Key, error) {
	next, err := ledger.LoadKey(path + ".next")
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.CreateNext(path+".next", old)
	}
	if err == nil && next.Origin() != old.Origin() {
		err = fmt.Errorf("%s.next is a key of another ledger", path)
	}
	return next, err
}

// rotated gives the key files their names.
func (g *globals) rotated(path string, old, next *ledger.Key) error {
	retired := fmt.Sprintf("%s.retired-%08x", path, old.Signer().KeyHash())
	if err := os.Link(path, retired); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Rename(path+".next", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, map[string]string{"key": next.Public(), "before": old.Public(), "retired": retired})
	}
	g.note("The ledger was handed over to a new key. The old one is kept as %s.", retired)
	g.note("Hand out the new public key; who has the old one verifies stores and bundles with it still.")
	_, err = fmt.Fprintln(g.std.out, next.Public())
	return err
}

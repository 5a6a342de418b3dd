package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

type attestationsOptions struct {
	key   string
	roots string
	write string
}

func newAttestationsCommand(g *globals) *cobra.Command {
	var o attestationsOptions
	c := &cobra.Command{
		Use:   "attestations",
		Short: "List time stamps, cosignatures and publications on record, and verify each",
		Long: `Lists what others said of this ledger's checkpoints, oldest first, and verifies
each again, without a network: that it is about a checkpoint of this ledger, that the ledger still
continues it, and that the time stamp or cosignature holds. The last column names what had to be
taken on trust. Exit code 12 says that one does not hold.

With --write, files are written that can be checked with other programs: the checkpoint, the time-stamp
token for openssl ts -verify, the note with its cosignature. CHECK.txt beside them has the commands.`,
		Example: `  exhibit ledger attestations
  exhibit ledger attestations -o json
  exhibit ledger attestations --tsa-roots tsa-roots.pem --write proofs`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAttestations(c.Context(), g, o) },
	}
	c.Flags().StringVar(&o.key, "key", "", "`file` with the ledger's public key (default: the key beside the store)")
	c.Flags().StringVar(&o.roots, "tsa-roots", "", "`file` with root certificates of time-stamping authorities, PEM (default ledger.tsa.roots)")
	c.Flags().StringVar(&o.write, "write", "", "`directory` to write files to that other programs check; it must not exist")
	return c
}

func runAttestations(ctx context.Context, g *globals, o attestationsOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return err
	}
	defer st.Close()
	trust, err := g.trustOf(cfg, o)
	if err != nil {
		return err
	}
	trust.Log, err = store.Keys(ctx, st, trust.Log)
	if err != nil {
		return err
	}
	all, outcomes, err := service.Attestations(ctx, st, trust)
	if err != nil {
		return attestError(err)
	}
	rows := service.AttestationRows(all, outcomes)
	if o.write != "" {
		if err := writeProofs(g, o.write, trust.Log, all, outcomes); err != nil {
			return err
		}
	}
	return g.printAttestations(rows)
}

func (g *globals) trustOf(cfg *configfile.Config, o attestationsOptions) (attest.Trust, error) {
	key, err := g.verifier(o.key)
	if err != nil {
		return attest.Trust{}, usageError{fmt.Errorf("no key to check signatures with: %w", err), "give the public key with --key"}
	}
	if o.roots != "" {
		cfg.Ledger.TSA.Roots = o.roots
	}
	return service.TrustOf(cfg, key)
}

func (g *globals) printAttestations(rows []service.AttestationRow) error {
	var bad *service.AttestationRow
	for i := range rows {
		if !rows[i].Holds && bad == nil {
			bad = &rows[i]
		}
	}
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, rows); err != nil {
			return err
		}
	} else if len(rows) == 0 {
		fmt.Fprintln(g.std.out, "Nobody else has said anything of this ledger's checkpoints: see exhibit ledger timestamp, publish and cosign.")
	} else {
		attestationTable(rows).print(g.std.out)
	}
	if bad != nil {
		return attestationError{*bad}
	}
	return nil
}

// attestationError says which attestation does not hold.
type attestationError struct{ row service.AttestationRow }

func (e attestationError) Error() string {
	return fmt.Sprintf("entry %d, %s: %s", e.row.Seq, e.row.Kind, clean(e.row.Problem))
}

// Unwrap gives the exit code.
func (e attestationError) Unwrap() error { return store.ErrTampered }

// Hint tells what may be the reader's own mistake from what is not.
func (e attestationError) Hint() string {
	if e.row.Kind == string(attest.KindTimestamp) {
		return "a time stamp needs the roots of the authority that made it; if they are right, keep this copy for an investigation"
	}
	return "keep this copy for an investigation: the ledger, or what was recorded, was changed"
}

func attestationTable(rows []service.AttestationRow) *table {
	t := &table{head: []string{"ENTRY", "RECORDED", "KIND", "SIZE", "WHO", "SAYS", "HOLDS", "ON TRUST"}}
	for _, r := range rows {
		says, holds := "", "yes"
		if r.Time != nil {
			says = r.Time.UTC().Format(time.RFC3339)
		}
		if r.Commit != "" {
			says = "commit " + short(r.Commit, 12)
		} else if r.Status != 0 {
			says = fmt.Sprintf("status %d", r.Status)
		}
		if !r.Holds {
			holds = "no: " + r.Problem
		}
		t.add(fmt.Sprint(r.Seq), r.RecordedAt.UTC().Format(time.RFC3339), r.Kind, fmt.Sprint(r.Size), short(r.Who, 60), says, short(holds, 120), r.Unchecked)
	}
	return t
}

// printAttested says what was just put on record.
func (g *globals) printAttested(row service.AttestationRow) error {
	what := "is published at"
	switch attest.Kind(row.Kind) {
	case attest.KindTimestamp:
		what = "was stamped " + row.Time.UTC().Format(time.RFC3339) + " by"
	case attest.KindCosignature:
		what = "was cosigned " + row.Time.UTC().Format(time.RFC3339) + " by"
	}
	_, err := fmt.Fprintf(g.std.out, "The checkpoint of %d entries %s %s; entry %d records it.\n", row.Size, what, clean(row.Who), row.Seq)
	return err
}

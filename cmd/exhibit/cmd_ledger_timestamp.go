package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
)

type timestampOptions struct {
	tsa   string
	roots string
}

func newTimestampCommand(g *globals) *cobra.Command {
	var o timestampOptions
	c := &cobra.Command{
		Use:   "timestamp",
		Short: "Have an authority stamp the time of the newest checkpoint (RFC 3161)",
		Long: `Sends the SHA-256 of the signed checkpoint, and nothing else, to a time-stamping
authority, verifies the answer, and records it in the ledger. It shows that all entries up to that
checkpoint existed at that time, on the word of the authority instead of ours: without it, the dates
of entries rest on the clock of the machine that wrote them.

What is stamped is the checkpoint of the ledger's content, the one that exports carry: a bundle that is
exported afterwards brings the time stamp along.

The answer counts only if it stamps exactly this checkpoint, answers exactly this request, is signed
by a certificate for time stamping alone, says about the time that the clock here says, and if its
certificate leads to one of the roots given with --tsa-roots. Without roots the chain is not
checked, and every report of it says so. Whether a certificate was revoked is not checked.

The configuration names the authority as ledger.tsa.`,
		Example: `  exhibit ledger timestamp --tsa https://tsa.example.org/rfc3161 --tsa-roots tsa-roots.pem
  exhibit ledger timestamp          # the authority of the configuration
  exhibit ledger attestations --write proofs   # then: openssl ts -verify, as the file beside it says`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runTimestamp(c.Context(), g, o) },
	}
	c.Flags().StringVar(&o.tsa, "tsa", "", "`URL` of the authority (default ledger.tsa.url of the configuration)")
	c.Flags().StringVar(&o.roots, "tsa-roots", "", "`file` with the authority's root certificates, PEM (default ledger.tsa.roots)")
	return c
}

func runTimestamp(ctx context.Context, g *globals, o timestampOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	authority := attest.Authority{URL: o.tsa}
	if o.tsa == "" {
		authority.URL = cfg.Ledger.TSA.URL
	}
	if authority.URL == "" {
		return usageError{errors.New("no time-stamping authority is named"), "give --tsa URL, or ledger.tsa in the configuration"}
	}
	if authority.Roots, err = rootsOf(cfg, o); err != nil {
		return err
	}
	a, err := g.openAttestor(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	stamped, info, err := a.client.Stamp(ctx, authority, a.log.Note)
	if err != nil {
		return attestError(err)
	}
	if !info.ChainChecked {
		g.note("The chain of the authority's certificate was not checked: give its root certificates with --tsa-roots.")
	}
	if info.WeakCertID {
		g.note("The authority names its certificate by SHA-1 only; RFC 5816 has replaced that.")
	}
	return a.finish(a.record(ctx, attest.Attestation{Kind: attest.KindTimestamp, Timestamp: stamped}, attest.Trust{Roots: authority.Roots}))
}

// rootsOf reads the roots given by flag, or those of the configuration unless
// another authority was named.
func rootsOf(cfg *configfile.Config, o timestampOptions) (*x509.CertPool, error) {
	path := o.roots
	if path == "" && o.tsa == "" {
		path = cfg.Ledger.TSA.Roots
	}
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("root certificates: %w", err), "the authority publishes them; one or more certificates, PEM"}
	}
	pool, err := attest.ParseRoots(b)
	if err != nil {
		return nil, usageError{fmt.Errorf("root certificates %s: %w", path, err), "the authority publishes them; one or more certificates, PEM"}
	}
	return pool, nil
}

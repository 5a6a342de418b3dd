package main

import (
	"context"
	"io"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// writeBundle writes a bundle and records it.
func (w *workplace) writeBundle(ctx context.Context, g *globals, m *service.Made, in bundle.Input, file string) error {
	return w.writeExport(ctx, g, "bundle", file, m.Snapshot, func(out io.Writer) error {
		_, err := bundle.Write(ctx, out, m.Snapshot, w.key.Signer(), bundle.Options{Input: in})
		return err
	})
}

func newExportBundleCommand(g *globals) *cobra.Command {
	var o exportOptions
	var used bool
	c := &cobra.Command{
		Use:   "bundle",
		Short: "Workbook, evidence files, rules, proofs and signed checkpoint, as one zip",
		Long: `Writes what an auditor verifies without this program's store: the workbook, every evidence
file, the rules in force, a manifest for each run, the ledger with its signed checkpoint, what time-stamp
authorities and witnesses said about it, and the list of all that, signed. From it, exhibit verify assesses
anew and writes the workbook anew.

With --used it holds only what the results rest on: smaller, and not to be recomputed. With --redact
payloads of some kinds are hidden; their digests and proofs stay, and the bundle lists what is hidden:

  auditor    hides nothing
  regulator  hides people's records (training, competence, directory, concerns) and business with others;
             who reviewed, approved and owns what stays, in reasons, too
  customer   shows the inventory, scope, applicability and published documents only
  and those of your own under export.redaction in the configuration`,
		Example: `  exhibit export bundle -o exhibit-bundle.zip
  exhibit export bundle -o for-a-customer.zip --redact customer
  exhibit export bundle -o exhibit-bundle.zip --as-of 2026-06-30 --period 2026-01-01..2026-06-30`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runExportBundle(c.Context(), g, o, used) },
	}
	exportFlags(c, &o, "exhibit-bundle.zip")
	c.Flags().BoolVar(&used, "used", false, "only what the results rest on")
	c.Flags().StringVar(&o.redact, "redact", "", "hide payloads by this `profile`: auditor, regulator, customer or one of your own")
	return c
}

func runExportBundle(ctx context.Context, g *globals, o exportOptions, used bool) error {
	return g.exporting(ctx, o, func(w *workplace, m *service.Made) error {
		in, err := w.svc.BundleOf(ctx, m, used)
		if err != nil {
			return err
		}
		return w.writeBundle(ctx, g, m, in, o.out)
	})
}

// exporting makes the snapshot that options ask for and hands it to write.
func (g *globals) exporting(ctx context.Context, o exportOptions, write func(*workplace, *service.Made) error) error {
	at, err := parseAsOf(o.asOf, time.Now())
	if err != nil {
		return err
	}
	sp := service.Spec{At: at}
	if sp.Period, err = parsePeriod(o.period); err != nil {
		return err
	}
	if sp.Since, err = parseSince(o.since, at); err != nil {
		return err
	}
	if err := checkOutput(o.out); err != nil {
		return err
	}
	w, err := g.openToChange(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if sp.Redact, err = redact.Find(o.redact, service.OwnProfiles(w.cfg)); err != nil {
		return usageError{err, "write one under export.redaction in the configuration"}
	}
	m, err := w.svc.Make(ctx, sp)
	if err != nil {
		return err
	}
	if err := write(w, m); err != nil {
		return err
	}
	g.note("Wrote %s, as of %s.", clean(o.out), at.Format(time.RFC3339))
	if m.Withheld > 0 {
		g.note("The profile %s hides payloads; %d texts made from them are withheld.", m.Profile.Name, m.Withheld)
	}
	return nil
}

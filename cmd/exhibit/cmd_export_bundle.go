package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

// spec says of what a snapshot is.
type spec struct {
	at     time.Time
	period *evidence.Period
	since  time.Time // zero: nothing is compared
	redact redact.Profile
}

// made is a snapshot, with what it was made from.
type made struct {
	*export.Snapshot
	request    gather.Request
	redact     redact.Profile
	unredacted evidence.Digest
	withheld   int
}

// make assesses at an instant and gathers what an export of it needs, without
// what the profile hides.
func (w *workplace) make(ctx context.Context, e *evaluator, sp spec) (*made, error) {
	a, err := e.at(ctx, sp.at)
	if err != nil {
		return nil, err
	}
	m := &made{redact: sp.redact}
	if m.request, err = w.gatherRequest(ctx, e, sp); err != nil {
		return nil, err
	}
	if !sp.since.IsZero() {
		if m.request.Since, err = gather.Since(ctx, w.store, e.State(), a, sp.since); err != nil {
			return nil, err
		}
	}
	src, err := redact.NewSource(ctx, w.store, sp.redact, a.Checkpoint.Size)
	if err != nil {
		return nil, err
	}
	cut, withheld := src.Assessment(a)
	if withheld > 0 {
		var whole bytes.Buffer
		if err := (&export.Snapshot{Assessment: a}).WriteAssessment(&whole); err != nil {
			return nil, err
		}
		m.unredacted, m.withheld = evidence.Sum(whole.Bytes()), withheld
		m.request.Since = nil // it says what changed in what is hidden
	}
	if m.Snapshot, err = gather.Snapshot(ctx, src, e.engine, cut, m.request); err != nil {
		return nil, err
	}
	m.Redaction = sp.redact.Export()
	return m, nil
}

// bundleOf is what goes into a bundle beside the snapshot.
func (w *workplace) bundleOf(ctx context.Context, e *evaluator, m *made, used bool) (bundle.Input, error) {
	in := bundle.Input{Redaction: m.redact, Unredacted: m.unredacted, Withheld: m.withheld}
	if used {
		in.Scope = bundle.Used
	}
	var err error
	if in.Rules, err = ruleFiles(e.rules); err != nil {
		return in, err
	}
	if in.Request.Inputs, err = verify.InputsOf(m.request); err != nil {
		return in, err
	}
	cp, err := ledger.UnverifiedCheckpoint(m.Checkpoint)
	if err != nil {
		return in, err
	}
	list, err := attest.Attestations(ctx, w.store, cp.Size)
	if err != nil {
		return in, err
	}
	for _, at := range list {
		b, err := verify.BundleOf(at)
		if err != nil {
			return in, err
		}
		in.Attestations = append(in.Attestations, b)
	}
	return in, nil
}

// ruleFiles are the rules in force as files of a bundle.
func ruleFiles(r evaluate.Rules) ([]bundle.Rule, error) {
	var out []bundle.Rule
	for _, dir := range []string{"catalog", "kinds", "expectations", "crosswalk"} {
		names, err := fs.Glob(r.Shipped, dir+"/*.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(r.Shipped, name)
			if err != nil {
				return nil, err
			}
			out = append(out, bundle.Rule{Path: path.Clean(name), Text: text})
		}
	}
	for n, own := range r.Own {
		out = append(out, bundle.Rule{Path: bundle.OwnRule(n, own.Name), Text: own.Text})
	}
	bundle.SortRules(out)
	return out, nil
}

// writeBundle writes a bundle and records it.
func (w *workplace) writeBundle(ctx context.Context, g *globals, m *made, in bundle.Input, file string) error {
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
  regulator  hides what is about persons and about business with others
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
	return g.exporting(ctx, o, func(w *workplace, e *evaluator, m *made) error {
		in, err := w.bundleOf(ctx, e, m, used)
		if err != nil {
			return err
		}
		return w.writeBundle(ctx, g, m, in, o.out)
	})
}

// ownProfiles are the redaction profiles of the configuration.
func ownProfiles(cfg *configfile.Config) []redact.Profile {
	var out []redact.Profile
	for _, p := range cfg.Export.Redaction {
		out = append(out, redact.Profile{Name: p.Name, Hide: p.Hide, Keep: p.Keep, Sheets: p.SheetsOmitted})
	}
	return out
}

// exporting makes the snapshot that options ask for and hands it to write.
func (g *globals) exporting(ctx context.Context, o exportOptions, write func(*workplace, *evaluator, *made) error) error {
	at, err := parseAsOf(o.asOf, time.Now())
	if err != nil {
		return err
	}
	sp := spec{at: at}
	if sp.period, err = parsePeriod(o.period); err != nil {
		return err
	}
	if sp.since, err = parseSince(o.since, at); err != nil {
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
	if sp.redact, err = redact.Find(o.redact, ownProfiles(w.cfg)); err != nil {
		return usageError{err, "write one under export.redaction in the configuration"}
	}
	e, err := newEvaluator(w.cfg, w.store)
	if err != nil {
		return err
	}
	m, err := w.make(ctx, e, sp)
	if err != nil {
		return err
	}
	if err := write(w, e, m); err != nil {
		return err
	}
	g.note("Wrote %s, as of %s.", clean(o.out), at.Format(time.RFC3339))
	if m.withheld > 0 {
		g.note("The profile %s hides payloads; %d texts made from them are withheld.", m.redact.Name, m.withheld)
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

type exportOptions struct {
	out    string
	asOf   string
	period string
	since  string
}

func newExportCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "export",
		Short: "Write what an auditor receives: workbook or bundle",
		Long: `Writes a frozen snapshot: the assessment as of one instant, with the evidence it
rests on. The same ledger and the same instant give the same bytes. What was handed out is
recorded in the ledger with its digest.`,
	})
	c.AddCommand(
		newExportKind(g, "workbook", "The Excel workbook", "exhibit.xlsx", exportWorkbook),
		newExportKind(g, "bundle", "Workbook, evidence files, proofs and signed checkpoint, as one zip", "exhibit-bundle.zip", exportBundle),
		newExportMLBOMCommand(g),
		newExportSoACommand(g),
		newExportOSCALCommand(g),
	)
	return c
}

type exporter func(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error

func newExportKind(g *globals, name, short, file string, write exporter) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  exhibit export " + name + " -o " + file + "\n  exhibit export " + name + " -o " + file + " --as-of 2026-06-30 --period 2026-01-01..2026-06-30",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runExport(c.Context(), g, o, write) },
	}
	c.Flags().StringVarP(&o.out, "output", "o", file, "`file` to write")
	c.Flags().StringVar(&o.asOf, "as-of", "", "the instant of the snapshot (RFC 3339 `time`, or a date: the end of that day, UTC)")
	c.Flags().StringVar(&o.since, "since", "", "what changed since this earlier `instant`, such as that of the last audit")
	c.Flags().StringVar(&o.period, "period", "", "period under audit, as two `dates`: 2026-01-01..2026-06-30")
	return c
}

func runExport(ctx context.Context, g *globals, o exportOptions, write exporter) error {
	at, err := parseAsOf(o.asOf, time.Now())
	if err != nil {
		return err
	}
	period, err := parsePeriod(o.period)
	if err != nil {
		return err
	}
	w, err := g.openToChange(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	e, err := newEvaluator(w.cfg, w.store)
	if err != nil {
		return err
	}
	since, err := parseSince(o.since, at)
	if err != nil {
		return err
	}
	snap, err := w.snapshotSince(ctx, e, at, period, since)
	if err != nil {
		return err
	}
	if err := write(ctx, g, w, snap, o.out); err != nil {
		return err
	}
	g.note("Wrote %s, as of %s.", o.out, at.Format(time.RFC3339))
	return nil
}

// parsePeriod reads two dates, or two RFC 3339 times, joined by two dots.
func parsePeriod(s string) (*evidence.Period, error) {
	if s == "" {
		return nil, nil
	}
	bad := usageError{fmt.Errorf("--period %q is not a period", s), "write 2026-01-01..2026-06-30"}
	from, to, ok := strings.Cut(s, "..")
	if !ok {
		return nil, bad
	}
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	end, err := parseAsOf(to, far)
	if err != nil || to == "" {
		return nil, bad
	}
	begin, err := time.Parse(time.DateOnly, from)
	if err != nil {
		if begin, err = time.Parse(time.RFC3339, from); err != nil {
			return nil, bad
		}
	}
	if begin.After(end) {
		return nil, usageError{fmt.Errorf("--period %q ends before it begins", s), "write the earlier date first"}
	}
	return &evidence.Period{From: begin.UTC(), To: end}, nil
}

// parseSince reads the earlier instant; zero if none is given.
func parseSince(s string, at time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	from, err := parseAsOf(s, at)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--since: %w", err), hintOf(err)}
	}
	if !from.Before(at) {
		return time.Time{}, usageError{fmt.Errorf("--since %s is not before %s", s, at.Format(time.RFC3339)), "give the instant of the last audit to --since"}
	}
	return from, nil
}

// snapshot assesses at an instant and gathers what an export of it needs.
func (w *workplace) snapshot(ctx context.Context, e *evaluator, at time.Time, period *evidence.Period) (*export.Snapshot, error) {
	return w.snapshotSince(ctx, e, at, period, time.Time{})
}

// snapshotSince is snapshot with what changed since an earlier instant, if it
// is not zero.
func (w *workplace) snapshotSince(ctx context.Context, e *evaluator, at time.Time, period *evidence.Period, since time.Time) (*export.Snapshot, error) {
	a, err := e.at(ctx, at)
	if err != nil {
		return nil, err
	}
	cp, err := contentCheckpoint(ctx, w.store)
	if err != nil {
		return nil, err
	}
	signed, err := cp.Sign(w.key.Signer())
	if err != nil {
		return nil, err
	}
	r := gather.Request{Organisation: w.cfg.Organization, Period: period, GeneratedBy: currentUser(),
		ToolVersion: version, PublicKey: w.key.Public(), Checkpoint: signed, Shipped: e.rules.Shipped,
		Duties: evaluate.Duties{Due: w.cfg.Findings.Due, OwnerRole: w.cfg.Findings.OwnerRole}}
	if !since.IsZero() {
		if r.Since, err = gather.Since(ctx, w.store, e.State(), a, since); err != nil {
			return nil, err
		}
	}
	if w.cfg.Register != "" {
		if reg, err := register.Load(w.cfg.Register, register.Known{}); err == nil {
			r.Organisation, r.Roles = reg.Organization.Name, reg.Organization.Roles
		}
	}
	return gather.Snapshot(ctx, w.store, e.engine, a, r)
}

func exportWorkbook(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	return w.writeExport(ctx, g, "workbook", path, s, func(out io.Writer) error {
		_, err := xlsx.Write(ctx, out, s, w.key.Signer(), xlsx.Options{})
		return err
	})
}

func exportBundle(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	return w.writeExport(ctx, g, "bundle", path, s, func(out io.Writer) error {
		_, err := bundle.Write(ctx, out, s, w.key.Signer(), bundle.Options{})
		return err
	})
}

// writeExport writes a file whole or not at all, and records it in the ledger.
func (w *workplace) writeExport(ctx context.Context, g *globals, what, path string, s *export.Snapshot, write func(io.Writer) error) error {
	p := newProgress(g, "writing")
	defer p.end()
	p.show(path)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".exhibit-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing there once it was renamed
	sum := newSum(tmp)
	if err := errors.Join(write(sum), tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"what": what, "file": filepath.Base(path), "sha256": sum.digest(), "bytes": sum.n,
		"as_of": s.AsOf, "by": s.GeneratedBy, "assessed_size": s.Assessment.Checkpoint.Size,
	})
	if err != nil {
		return err
	}
	_, err = w.store.Append(ctx, store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, At: time.Now().UTC(), Body: body}}})
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

type exportOptions struct {
	out    string
	asOf   string
	period string
	since  string
	redact string
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
		newExportBundleCommand(g),
		newExportMLBOMCommand(g),
		newExportSoACommand(g),
		newExportOSCALCommand(g),
		newExportCSVCommand(g),
		newExportHTMLCommand(g),
		newExportListCommand(g),
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
	exportFlags(c, &o, file)
	if slices.Contains([]string{"workbook", "csv", "html", "soa"}, name) { // made from the snapshot alone
		c.Flags().StringVar(&o.redact, "redact", "", "leave out what payloads say that this `profile` hides; ids, keys, addresses and times stay: see exhibit export bundle --help")
	}
	return c
}

// exportFlags are those of every export.
func exportFlags(c *cobra.Command, o *exportOptions, file string) {
	c.Flags().StringVarP(&o.out, "output", "o", file, "`file` to write")
	c.Flags().StringVar(&o.asOf, "as-of", "", "the instant of the snapshot (RFC 3339 `time`, or a date: the end of that day, UTC)")
	c.Flags().StringVar(&o.since, "since", "", "what changed since this earlier `instant`, such as that of the last audit")
	c.Flags().StringVar(&o.period, "period", "", "period under audit, as two `dates`: 2026-01-01..2026-06-30")
}

func runExport(ctx context.Context, g *globals, o exportOptions, write exporter) error {
	return g.exporting(ctx, o, func(w *workplace, m *service.Made) error { return write(ctx, g, w, m.Snapshot, o.out) })
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
	from, err := parseAsOf(s, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--since: %w", err), hintOf(err)}
	}
	if !from.Before(at) {
		return time.Time{}, usageError{fmt.Errorf("--since %s is not before %s", s, at.Format(time.RFC3339)), "give the instant of the last audit to --since"}
	}
	return from, nil
}

func exportWorkbook(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	return w.writeExport(ctx, g, "workbook", path, s, func(out io.Writer) error {
		_, err := xlsx.Write(ctx, out, s, w.key.Signer(), xlsx.Options{})
		return err
	})
}

// writeExport writes a file whole or not at all, and records it in the ledger.
func (w *workplace) writeExport(ctx context.Context, g *globals, what, path string, s *export.Snapshot, write func(io.Writer) error) error {
	p := newProgress(g, "writing")
	defer p.end()
	p.show(path)
	tmp, err := besideFile(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing there once it was renamed
	sum := newSum(tmp)
	if err := errors.Join(write(sum), tmp.Sync(), tmp.Close()); err != nil {
		return outputError(path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return outputError(path, err)
	}
	return w.svc.RecordExport(ctx, s, map[string]any{"what": what, "file": filepath.Base(path), "sha256": sum.digest(), "bytes": sum.n})
}

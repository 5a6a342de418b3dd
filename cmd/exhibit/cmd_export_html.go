package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/html"
)

func newExportHTMLCommand(g *globals) *cobra.Command {
	rows := html.DefaultRows
	c := newExportKind(g, "html", "One HTML file with every sheet, for any browser, a phone or paper", "exhibit.html",
		func(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
			return writeHTML(ctx, g, w, s, htmlOptions{path, rows})
		})
	c.Long = `Writes the sheets of the workbook as one HTML file that stands alone: no script, nothing loaded from elsewhere. It follows the
light or dark mode of the reader, can be read on a phone and by a screen reader, and prints on A4 and A3 with a sheet's
heading on each page. Links lead from control to result to evidence.

A browser is slow with very many rows, so a longer sheet is cut, says how many rows it has, and that all of them are in the
workbook and in exhibit export csv. --rows sets how many are shown; 0 shows all.

The file has no seal: its digest is in the ledger, and its last section says how to check it.`
	c.Example = `  exhibit export html -o exhibit.html
  exhibit export html -o june.html --as-of 2026-06-30 --period 2026-01-01..2026-06-30
  exhibit export html -o whole.html --rows 0`
	c.Flags().IntVar(&rows, "rows", html.DefaultRows, "show at most this `number` of rows of a sheet; 0 shows all")
	c.PreRunE = func(*cobra.Command, []string) error {
		if rows < 0 {
			return usageError{fmt.Errorf("--rows %d is less than nothing", rows), "0 shows all"}
		}
		return nil
	}
	return c
}

type htmlOptions struct {
	path string
	rows int
}

func writeHTML(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, o htmlOptions) error {
	opt := html.Options{Rows: o.rows}
	if o.rows == 0 {
		opt.Rows = -1
	}
	var sum html.Summary
	err := w.writeExport(ctx, g, "html", o.path, s, func(out io.Writer) (err error) {
		sum, err = html.Write(ctx, out, s, opt)
		return err
	})
	if err == nil && len(sum.Cut) > 0 {
		g.note("Not all rows are shown of: %s. The file says so; --rows 0 shows all.", strings.Join(sum.Cut, ", "))
	}
	return err
}

package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/plain"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

type csvOptions struct {
	format string
	sheets []string
}

func newExportCSVCommand(g *globals) *cobra.Command {
	o := &csvOptions{}
	c := newExportKind(g, "csv", "The workbook's sheets as CSV or JSON lines, a file each", "exhibit-sheets", o.write)
	c.Long = `Writes each sheet of the workbook as a file of its own, for programs and for who has no spreadsheet: into a folder, or into
one zip if the name ends in .zip. manifest.json names each file by its digest, with its rows, columns, and the snapshot.

As csv (RFC 4180, UTF-8 with the mark that Excel needs), texts are made fit as in the workbook: what a program could take
for a formula has an apostrophe before it. As jsonl, every value is as it was read and has its type: numbers, booleans,
times in RFC 3339, lists; blank is null. A field is named by its column's title in lower case, "event time (UTC)" is
event_time_utc; "_key" names a row that others lead to, "_links" says where a field leads. Sheets are never cut. What is failing, for example:

  jq -r 'select(.status == "failing") | .subject' results/results.jsonl`
	c.Example = `  exhibit export csv -o sheets
  exhibit export csv -o sheets.zip --as-of 2026-06-30 --period 2026-01-01..2026-06-30
  exhibit export csv -o results --format jsonl --sheet Results --sheet Evidence`
	c.Flags().StringVar(&o.format, "format", string(plain.CSV), "`csv` or jsonl")
	c.Flags().StringSliceVar(&o.sheets, "sheet", nil, "only this `sheet`, by its name in the workbook; may be given several times")
	c.PreRunE = func(*cobra.Command, []string) error {
		if o.format != string(plain.CSV) && o.format != string(plain.JSONL) {
			return usageError{fmt.Errorf("--format %q is not known", o.format), "csv or jsonl"}
		}
		return nil
	}
	return c
}

// write is an exporter.
func (o *csvOptions) write(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	opt := plain.Options{Format: plain.Format(o.format), Sheets: o.sheets}
	var noSheet *plain.NoSheetError
	var err error
	if strings.HasSuffix(path, ".zip") {
		err = w.writeExport(ctx, g, o.format, path, s, func(out io.Writer) error { return zipSheets(ctx, out, s, opt) })
	} else {
		err = w.writeSheets(ctx, g, path, s, opt)
	}
	if errors.As(err, &noSheet) {
		hint := "there are " + strings.Join(noSheet.There, ", ")
		if near := yamlfile.Nearest(noSheet.Name, noSheet.There); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usageError{noSheet, hint}
	}
	return err
}

func zipSheets(ctx context.Context, out io.Writer, s *export.Snapshot, opt plain.Options) error {
	z := zipform.NewWriter(out, "")
	_, err := plain.Write(ctx, plain.Zip{Writer: z}, s, opt)
	return errors.Join(err, z.Close())
}

// writeSheets writes a folder whole or not at all, and records it in the ledger
// by the digest of its manifest.
func (w *workplace) writeSheets(ctx context.Context, g *globals, dir string, s *export.Snapshot, opt plain.Options) error {
	p := newProgress(g, "writing")
	defer p.end()
	p.show(dir)
	if err := onlySheets(dir); err != nil {
		return err
	}
	tmp, err := besideFolder(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing there once it was renamed
	sum, err := plain.Write(ctx, plain.Dir(tmp), s, opt)
	if err != nil {
		return outputError(dir, err)
	}
	if err := replaceFolder(tmp, dir); err != nil {
		return outputError(dir, err)
	}
	return w.svc.RecordExport(ctx, s, map[string]any{
		"what": string(opt.Format), "file": filepath.Base(dir) + "/" + plain.ManifestFile, "sha256": hex.EncodeToString(sum.Manifest.SHA256[:]), "bytes": sum.Bytes,
	})
}

// onlySheets refuses a folder that holds anything but an earlier export.
func onlySheets(dir string) error {
	if info, err := os.Lstat(filepath.Clean(dir)); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return usageError{fmt.Errorf("%s is a link", dir), "name the folder that it leads to"}
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return hinted{err, "-o names the folder to write"}
	}
	other := usageError{fmt.Errorf("%s holds something else than an earlier export of sheets", dir), "name a folder that is empty or does not exist"}
	raw, err := os.ReadFile(filepath.Join(dir, plain.ManifestFile))
	if err != nil {
		return other
	}
	var m plain.Manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.Format != plain.FormatName {
		return other
	}
	for _, e := range entries {
		listed := slices.ContainsFunc(m.Files, func(f plain.File) bool { return f.Name == e.Name() })
		if !e.Type().IsRegular() || !listed && e.Name() != plain.ManifestFile {
			return other
		}
	}
	return nil
}

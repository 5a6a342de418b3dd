package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/soa"
	"github.com/exhibit-aims/exhibit/internal/people"
)

func newExportSoACommand(g *globals) *cobra.Command {
	c := newExportKind(g, "soa", "The statement of applicability as a document to sign", "statement-of-applicability.docx", exportSoA)
	c.Long = `Writes the statement of applicability in force at one instant as a Word document: the decision on
every Annex A control and on the organisation's own, with reason, source of need, state of the
implementation as stated and as evidence shows it, contradictions between exclusions and what was
seen, what changed since the version before, and a place for signatures. The footer names the
snapshot. The same ledger and the same instant give the same bytes.

A version that nobody has approved is in force nowhere: where there is no approved one, the newest
is written and called not approved on the first page.

A PDF is made from the document by a word processor, which has the fonts for every script that a
name may be written in.`
	c.Example = `  exhibit export soa -o statement.docx
  exhibit export soa -o june.docx --as-of 2026-06-30
  exhibit export soa -o statement.docx && soffice --headless --convert-to pdf statement.docx`
	return c
}

func exportSoA(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".docx" {
		return usageError{fmt.Errorf("-o %s: the statement is written as .docx, not as %q", path, ext),
			"write a .docx; soffice --headless --convert-to pdf FILE.docx makes a PDF of it"}
	}
	if s.Redaction.Hidden(people.KindStatement) {
		return usageError{fmt.Errorf("the profile %s hides the statement of applicability", s.Redaction.Profile), "choose another profile, or none"}
	}
	err := w.writeExport(ctx, g, "soa", path, s, func(out io.Writer) error { return soa.Write(out, s) })
	if errors.Is(err, soa.ErrNone) {
		return usageError{fmt.Errorf("as of %s there is no statement of applicability on record", export.Time(s.AsOf)),
			"exhibit applicability template > soa.yaml, then propose and approve it"}
	}
	return err
}

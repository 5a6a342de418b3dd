package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/mlbom"
)

func newExportMLBOMCommand(g *globals) *cobra.Command {
	c := newExportKind(g, "mlbom", "The AI inventory as a CycloneDX bill of materials", "exhibit.cdx.json", exportMLBOM)
	c.Long = `Writes the AI inventory as of one instant as a CycloneDX 1.7 bill of materials in JSON: the
registered AI systems, the models that they ask for and are served, data sets, the services of
their vendors, endpoints, prompts, guardrails and tooling, and what depends on what.

Each part names the evidence that it rests on by digest, under exhibit:evidence. What no
evidence states is left out and listed under exhibit:unknown: nothing is filled in. Whether the
inventory is whole is unknown, and the file says so. The serial number follows from the
snapshot, so that the same ledger and the same instant give the same bytes.`
	c.Example = `  exhibit export mlbom -o exhibit.cdx.json
  exhibit export mlbom -o june.cdx.json --as-of 2026-06-30
  exhibit export mlbom -o ai.cdx.json && jq -r '.components[] | select(.properties[]?.name == "exhibit:unknown") | .name' ai.cdx.json`
	return c
}

func exportMLBOM(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	return w.writeExport(ctx, g, "mlbom", path, s, func(out io.Writer) error {
		return mlbom.Write(ctx, out, s, gather.RecordsAt(w.store, s.Assessment))
	})
}

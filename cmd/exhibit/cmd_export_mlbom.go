package main

import (
	"context"
	"io"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/mlbom"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

func newExportMLBOMCommand(g *globals) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "mlbom",
		Short: "The AI inventory as a CycloneDX bill of materials",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.exporting(c.Context(), o, func(w *workplace, m *service.Made) error {
				return exportMLBOM(c.Context(), g, w, m, o.out)
			})
		},
	}
	exportFlags(c, &o, "exhibit.cdx.json")
	c.Flags().StringVar(&o.redact, "redact", "", "leave out what this `profile` hides: see exhibit export bundle --help")
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

// exportMLBOM reads the records through what the profile hides.
func exportMLBOM(ctx context.Context, g *globals, w *workplace, m *service.Made, path string) error {
	src, err := redact.NewSource(ctx, w.store, m.Profile, m.Assessment.Checkpoint.Size)
	if err != nil {
		return err
	}
	return w.writeExport(ctx, g, "mlbom", path, m.Snapshot, func(out io.Writer) error {
		return mlbom.Write(ctx, out, m.Snapshot, gather.RecordsAt(src, m.Assessment))
	})
}

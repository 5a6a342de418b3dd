package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newExportListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "What was handed out, with its digest",
		Long: `Lists the exports that the ledger has on record: what, when, by whom, as of which instant, and the SHA-256 of the file, to
hold a copy against (sha256sum FILE). Of a folder it is the digest of its manifest, which names every file.`,
		Example: "  exhibit export list\n  exhibit export list -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runExportList(c.Context(), g) },
	}
}

func runExportList(ctx context.Context, g *globals) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	list, err := svc.HandedOut(ctx)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, list)
	}
	t := table{head: []string{"AT", "WHAT", "FILE", "AS OF", "BY", "SHA-256"}}
	for _, h := range list {
		t.add(h.At.Format("2006-01-02 15:04Z"), h.What, short(h.File, 40), h.AsOf.UTC().Format("2006-01-02 15:04Z"), short(h.By, 24), h.SHA256)
	}
	t.print(g.std.out)
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// handedOut is what the ledger says of something that was handed out.
type handedOut struct {
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	File      string    `json:"file"`
	SHA256    string    `json:"sha256"`
	Bytes     int64     `json:"bytes"`
	AsOf      time.Time `json:"as_of"`
	Period    string    `json:"period,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Redaction string    `json:"redaction,omitempty"`
	By        string    `json:"by"`
	Tool      string    `json:"tool,omitempty"`
	Snapshot  string    `json:"snapshot,omitempty"` // none was recorded by early versions
	Assessed  int64     `json:"assessed_size"`
	Seq       int64     `json:"seq"`
}

// exportsOnRecord returns what was handed out, oldest first.
func exportsOnRecord(ctx context.Context, st store.Store) ([]handedOut, error) {
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return nil, err
	}
	var out []handedOut
	for e, err := range st.Entries(ctx, 0, cp.Size, evidence.EntryExport) {
		if err != nil {
			return nil, err
		}
		var h handedOut
		if err := json.Unmarshal(e.Body, &h); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		h.At, h.Seq = e.At.UTC(), e.Seq
		out = append(out, h)
	}
	return out, nil
}

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
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := exportsOnRecord(ctx, st)
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

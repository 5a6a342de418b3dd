package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/mcp"
)

func newMCPCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "mcp",
		Short: "Answer an AI assistant on this machine from evidence, read only",
		Long: `Speaks the Model Context Protocol on standard input and output, for an assistant that starts it: it answers about
controls, findings, AI systems, shadow AI, evidence and proofs from the configured store, each time with the evidence cited
by digest and ledger position, and the checkpoint that the answer was made from. It changes nothing and shows no raw payload.

A running agent offers the same at /mcp, behind an API token; there a token with read_payload is shown payloads, and the
ledger says so. What was collected was written by others: an assistant should take it as data, and is told so.`,
		Example: `  exhibit mcp --config /etc/exhibit/exhibit.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			svc, done, err := g.reading(c.Context())
			if err != nil {
				return err
			}
			defer done()
			who := access.Principal{Account: access.LocalAccount(account()), Name: account(), Roles: []access.Role{access.Viewer}, Via: access.ViaLocal}
			return mcp.RunStdio(c.Context(), mcp.Options{Service: svc, Logger: g.logger(slog.LevelWarn), Clock: time.Now, Version: version}, who)
		},
	}
}

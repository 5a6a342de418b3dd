package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/api"
)

func newAPICommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "api",
		Short: "What programs can ask the agent",
		Long: `While exhibit agent runs, programs ask it below /v1/ with an API token, which exhibit access token create makes:
for the same things as this command line, with the same names in JSON.`,
	})
	c.AddCommand(newAPIDocumentCommand(g))
	return c
}

func newAPIDocumentCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "The description of the API, OpenAPI 3.1",
		Long: `Prints the description of the API as JSON: every operation with its parameters, its answers and the permission
that it needs. It is made from what answers, and is the one that a running agent serves at /v1/openapi.json.`,
		Example: "  exhibit api openapi > exhibit-openapi.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a, err := api.New(api.Options{Version: version, Clock: time.Now, Logger: g.logger(slog.LevelWarn)})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.std.out, "%s\n", a.Document())
			return err
		},
	}
}

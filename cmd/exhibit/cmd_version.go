package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set by the build; "dev" says that it was not.
var version = "dev"

func newVersionCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if g.output != "table" {
				return printJSON(g.std.out, g.output, map[string]string{"version": version, "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(g.std.out, "exhibit %s (%s)\n", version, runtime.Version())
			return err
		},
	}
}

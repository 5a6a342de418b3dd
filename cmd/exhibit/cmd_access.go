package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/api"
)

func newAccessCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "access",
		Short: "Who may do what in the dashboard and by the API",
		Long: `Roles say what somebody may do in the dashboard and by the API. A login at the OpenID provider
gets its roles from server.roles in the configuration; a token from whoever made it. No role
makes anybody their own second person: that rule looks at the person and at the account.`,
		Example: "  exhibit access roles\n  exhibit access token list\n  exhibit access link --as ines",
	})
	c.AddCommand(newAccessRolesCommand(g), newAccessTokenCommand(g), newAccessLinkCommand(g), newAccessSessionCommand(g))
	return c
}

func newAccessRolesCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "roles",
		Short: "The roles and what each allows",
		Long: `Lists each role, who it is for and the permissions it holds. The table is part of the program:
what the configuration says is who holds which role, not what a role is.`,
		Example: "  exhibit access roles\n  exhibit access roles -o json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runAccessRoles(g) },
	}
}

func runAccessRoles(g *globals) error {
	rows := api.RoleRows()
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"ROLE", "ALLOWS", "FOR"}}
	for _, r := range rows {
		var names []string
		for _, p := range r.Permissions {
			names = append(names, string(p))
		}
		t.add(string(r.Role), strings.Join(names, " "), r.For)
	}
	t.print(g.std.out)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/server"
)

func newAccessLinkCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "link",
		Short: "An address that logs you in to the dashboard on this machine, once",
		Long: `Prints an address of the running agent that logs in whoever opens it as the account that this
command runs under. It works once, within a quarter of an hour, and only where the agent serves
this machine alone: with server.oidc people log in at their provider.
With --as the session begins as a person of the register; without, it asks.`,
		Example: "  exhibit access link --as ines",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runAccessLink(c.Context(), g, as) },
	}
	c.Flags().StringVar(&as, "as", os.Getenv(personEnv), "the `person` of the register that the session acts as (default: $"+personEnv+", else it asks)")
	return c
}

func runAccessLink(ctx context.Context, g *globals, as string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if s := cfg.Server; s.OIDC != nil || !s.Loopback() || s.BehindProxy {
		return usageError{errors.New("the agent does not serve this machine alone: people log in at the provider, or with a token"),
			"open " + s.URL() + "/login"}
	}
	if as != "" {
		p, err := g.person(as)
		if err != nil {
			return err
		}
		if !p.Active {
			return usageError{fmt.Errorf("%s is not active", p.ID), "name an active person of the register"}
		}
	}
	if err := g.needStore(ctx); err != nil {
		return err
	}
	ops, err := openOps(ctx, cfg)
	if err != nil {
		return err
	}
	defer ops.Close()
	if err := access.Migrate(ctx, ops); err != nil {
		return err
	}
	secret, err := (&access.Links{DB: ops, Now: time.Now}).New(ctx, account(), as)
	if err != nil {
		return err
	}
	fmt.Fprintln(g.std.out, server.LinkURL(cfg.Server.URL(), secret))
	g.note("It works once, until %s UTC.", time.Now().UTC().Add(access.LinkLife).Format(time.TimeOnly))
	return nil
}

func newAccessSessionCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "session",
		Short:   "Who is logged in, and how to end that",
		Long:    "Lists the sessions of the dashboard and ends them. A session ends at once, on every node.",
		Example: "  exhibit access session list\n  exhibit access session end h2kq7w5mza",
	})
	c.AddCommand(newSessionListCommand(g), newSessionEndCommand(g))
	return c
}

// sessionRow is a line of session list.
type sessionRow struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Account   string    `json:"account"`
	Via       string    `json:"via"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func newSessionListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The sessions that have not ended",
		Long:    "Lists who is logged in, since when, and until when at most.",
		Example: "  exhibit access session list",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runSessionList(c.Context(), g) },
	}
}

// withAccess calls f with where tokens and sessions of the store that is there
// are kept.
func (g *globals) withAccess(ctx context.Context, f func(*configfile.Config, *opsdb.DB) error) error {
	if err := g.needStore(ctx); err != nil {
		return err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	ops, err := openOps(ctx, cfg)
	if err != nil {
		return err
	}
	defer ops.Close()
	if err := access.Migrate(ctx, ops); err != nil {
		return err
	}
	return f(cfg, ops)
}

// withSessions calls f with the sessions of the store that is there.
func (g *globals) withSessions(ctx context.Context, f func(*access.Sessions) error) error {
	return g.withAccess(ctx, func(cfg *configfile.Config, ops *opsdb.DB) error {
		return f(&access.Sessions{DB: ops, Now: time.Now, Age: cfg.Server.SessionAge, Idle: cfg.Server.SessionIdle})
	})
}

func runSessionList(ctx context.Context, g *globals) error {
	var rows []sessionRow
	err := g.withSessions(ctx, func(s *access.Sessions) error {
		list, err := s.List(ctx)
		for _, in := range list {
			rows = append(rows, sessionRow{ID: in.ID, Name: in.Name, Account: in.Account, Via: string(in.Via),
				CreatedAt: in.Created, SeenAt: in.Seen, ExpiresAt: in.Expires})
		}
		return err
	})
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	if len(rows) == 0 {
		g.note("Nobody is logged in.")
		return nil
	}
	t := table{head: []string{"ID", "NAME", "ACCOUNT", "VIA", "SINCE", "SEEN", "ENDS"}}
	for _, r := range rows {
		t.add(r.ID, short(r.Name, 30), short(r.Account, 60), r.Via, r.CreatedAt.Format(time.RFC3339), r.SeenAt.Format(time.RFC3339), r.ExpiresAt.Format(time.RFC3339))
	}
	t.print(g.std.out)
	return nil
}

func newSessionEndCommand(g *globals) *cobra.Command {
	var account string
	c := &cobra.Command{
		Use:     "end [ID]",
		Short:   "End a session, or all of an account",
		Long:    "Ends the session with an id, or with --account every session of an account. Whoever it was logs in again, if they still may.",
		Example: "  exhibit access session end h2kq7w5mza\n  exhibit access session end --account oidc:https://id.example.com#8f3c",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == (account != "") {
				return usageError{errors.New("want the id of a session, or --account"), "exhibit access session list shows both"}
			}
			return g.withSessions(c.Context(), func(s *access.Sessions) error {
				if account != "" {
					return s.EndAccount(c.Context(), account)
				}
				err := s.EndID(c.Context(), args[0])
				if errors.Is(err, access.ErrNoSession) {
					return usageError{err, "exhibit access session list shows which there are"}
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "end all sessions of this `account`")
	return c
}

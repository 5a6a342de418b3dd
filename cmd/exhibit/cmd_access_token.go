package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func newAccessTokenCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "token",
		Short: "API tokens: make, list and revoke them",
		Long: `An API token lets a program in: a pipeline that pushes records, a dashboard elsewhere that reads.
It has roles, is limited to a scope of permissions, ends by itself, and acts under the account and
the person of whoever made it. Making and revoking one is put in the ledger; of the token itself
only a digest is kept, so that it is shown once.`,
		Example: "  exhibit access token create --name ci --role operator --scope ingest --source releases --as ines\n  exhibit access token list",
	})
	c.AddCommand(newTokenCreateCommand(g), newTokenListCommand(g), newTokenRevokeCommand(g))
	return c
}

type tokenOptions struct {
	as, name, expires    string
	roles, scope, source []string
}

func newTokenCreateCommand(g *globals) *cobra.Command {
	var o tokenOptions
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print it, once",
		Long: `Makes a token and prints it on standard output, and nothing else there: it cannot be shown again.
Without --scope it may do what its roles allow, except acts of people, pushing records and
administration, which have to be asked for by name. A token that pushes records names the sources
it speaks for. It lasts 90 days unless --expires says otherwise, and a year at most.`,
		Example: "  exhibit access token create --name dashboard --role viewer --as ines\n" +
			"  exhibit access token create --name ci --role operator --scope ingest --source releases --expires 30d --as ines\n" +
			"  exhibit access token create --name prometheus --role admin --scope metrics --expires 365d --as ines",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runTokenCreate(c.Context(), g, o) },
	}
	asFlag(c, &o.as)
	f := c.Flags()
	f.StringVar(&o.name, "name", "", "what the token is for, as a `name`")
	f.StringSliceVar(&o.roles, "role", nil, "`role` of the token; may be repeated: exhibit access roles lists them")
	f.StringSliceVar(&o.scope, "scope", nil, "`permission` that it is limited to; may be repeated")
	f.StringSliceVar(&o.source, "source", nil, "`source` that it may push records to; may be repeated")
	f.StringVar(&o.expires, "expires", "90d", "how `long` it lasts")
	return c
}

// tokenMade is what token create prints as JSON.
type tokenMade struct {
	tokenRow
	Text string `json:"token"`
}

func runTokenCreate(ctx context.Context, g *globals, o tokenOptions) error {
	n := access.NewToken{Name: o.name, Sources: o.source}
	for _, s := range o.roles {
		r, err := access.ParseRole(s)
		if err != nil {
			return usageError{err, "exhibit access roles shows what each allows"}
		}
		n.Roles = append(n.Roles, r)
	}
	for _, s := range o.scope {
		p, err := access.ParsePermission(s)
		if err != nil {
			return usageError{err, "exhibit access roles shows which role allows what"}
		}
		n.Scope = append(n.Scope, p)
	}
	life, err := yamlfile.ParseDuration(o.expires)
	if err != nil {
		return usageError{fmt.Errorf("--expires: %w", err), "for example 90d or 12h"}
	}
	n.Life = life
	d, err := g.openAccess(ctx, o.as)
	if err != nil {
		return err
	}
	defer d.Close()
	tok, text, err := d.tokens.Create(ctx, d.who, n)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, tokenMade{rowOfToken(tok, time.Now()), text})
	}
	fmt.Fprintln(g.std.out, text)
	g.note("Token %s (%s) may %s until %s. Keep it now: it is not shown again.", tok.ID, clean(tok.Name), words(tok.Scope), tok.Expires.Format(time.DateOnly))
	return nil
}

func words[T ~string](items []T) string {
	s := make([]string, len(items))
	for i, item := range items {
		s[i] = string(item)
	}
	return strings.Join(s, ", ")
}

// accessDesk is where somebody on this machine works on tokens and sessions.
type accessDesk struct {
	*workplace
	tokens   *access.Tokens
	sessions *access.Sessions
	who      access.Principal
	close    func() error
}

// Close closes the database and the store.
func (d *accessDesk) Close() error { return errors.Join(d.close(), d.workplace.Close()) }

// openAccess opens the store and the operational database for whoever may use
// them on this machine, acting as a person where there is a register.
func (g *globals) openAccess(ctx context.Context, as string) (*accessDesk, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	who := access.Principal{Account: access.LocalAccount(account()), Name: account(), Via: access.ViaLocal}
	for _, r := range access.Roles() {
		who.Roles = append(who.Roles, r.Role)
	}
	reg := func() *register.Register { return nil }
	if cfg.Register != "" {
		p, err := g.person(as)
		if err != nil {
			return nil, err
		}
		if !p.Active {
			return nil, hinted{fmt.Errorf("%s is not active", p.ID), "an active person of the register has to do it"}
		}
		who.Person = p.ID
		loaded, err := g.loadRegister()
		if err != nil {
			return nil, err
		}
		reg = func() *register.Register { return loaded }
	}
	w, err := g.openWorkplace(ctx, cfg, g.logger(slog.LevelWarn))
	if err != nil {
		return nil, err
	}
	ops, err := openOps(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := access.Migrate(ctx, ops); err != nil {
		return nil, errors.Join(err, ops.Close(), w.Close())
	}
	d := &accessDesk{workplace: w, who: who, close: ops.Close}
	d.tokens = &access.Tokens{DB: ops, Now: time.Now, Append: appendTo(w.store), Register: reg, LoginsProve: cfg.Server.OIDC != nil}
	d.sessions = &access.Sessions{DB: ops, Now: time.Now, Age: cfg.Server.SessionAge, Idle: cfg.Server.SessionIdle, Register: reg, Tokens: d.tokens}
	return d, nil
}

// appendTo puts entries in a store's ledger.
func appendTo(st store.Writer) access.AppendFunc {
	return func(ctx context.Context, entries ...store.NewEntry) error {
		_, err := st.Append(ctx, store.Batch{Entries: entries})
		return err
	}
}

func newTokenListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The tokens that were made, those that ended too",
		Long: `Lists tokens, the newest first: what each may do, who made it, until when it lasts and when it was
used last. The tokens themselves are not kept.`,
		Example: "  exhibit access token list\n  exhibit access token list -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runTokenList(c.Context(), g) },
	}
}

// tokenRow is a line of token list.
type tokenRow struct {
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	Roles     []access.Role       `json:"roles"`
	Scope     []access.Permission `json:"scope"`
	Sources   []string            `json:"sources"`
	Account   string              `json:"account"`
	Person    string              `json:"person,omitempty"`
	CreatedAt time.Time           `json:"created_at"`
	ExpiresAt time.Time           `json:"expires_at"`
	UsedAt    time.Time           `json:"used_at,omitzero"`
	RevokedAt time.Time           `json:"revoked_at,omitzero"`
	RevokedBy string              `json:"revoked_by,omitempty"`
	State     string              `json:"state"`
}

func rowOfToken(t access.Token, now time.Time) tokenRow {
	row := tokenRow{ID: t.ID, Name: t.Name, Roles: t.Roles, Scope: t.Scope, Sources: t.Sources, Account: t.Account, Person: t.Person,
		CreatedAt: t.Created, ExpiresAt: t.Expires, UsedAt: t.Used, RevokedAt: t.Revoked, RevokedBy: t.RevokedBy, State: t.State(now)}
	if row.Sources == nil {
		row.Sources = []string{}
	}
	return row
}

func runTokenList(ctx context.Context, g *globals) error {
	var tokens []access.Token
	err := g.withAccess(ctx, func(_ *configfile.Config, ops *opsdb.DB) (err error) {
		tokens, err = (&access.Tokens{DB: ops, Now: time.Now}).List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	rows := make([]tokenRow, len(tokens))
	for i, t := range tokens {
		rows[i] = rowOfToken(t, time.Now())
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	if len(rows) == 0 {
		g.note("No token was made. exhibit access token create makes one.")
		return nil
	}
	printTokens(g, rows)
	return nil
}

func printTokens(g *globals, rows []tokenRow) {
	day := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return at.Format(time.DateOnly)
	}
	t := table{head: []string{"ID", "NAME", "STATE", "ROLES", "SCOPE", "SOURCES", "MADE BY", "EXPIRES", "USED"}}
	for _, r := range rows {
		by := strings.TrimPrefix(r.Account, "local:")
		if r.Person != "" {
			by = r.Person + " (" + by + ")"
		}
		t.add(r.ID, short(r.Name, 30), r.State, words(r.Roles), words(r.Scope), words(r.Sources), short(by, 50), day(r.ExpiresAt), day(r.UsedAt))
	}
	t.print(g.std.out)
}

func newTokenRevokeCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Long: `Ends a token: what it was used for fails from the next request on, sessions that were begun with it
end, and what streams to it is cut off within seconds.`,
		Example: "  exhibit access token revoke k3v7q2m5xa --as ines",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runTokenRevoke(c.Context(), g, args[0], as) },
	}
	asFlag(c, &as)
	return c
}

func runTokenRevoke(ctx context.Context, g *globals, id, as string) error {
	if err := g.needStore(ctx); err != nil {
		return err
	}
	d, err := g.openAccess(ctx, as)
	if err != nil {
		return err
	}
	defer d.Close()
	tok, err := d.tokens.Revoke(ctx, d.who, id)
	if errors.Is(err, access.ErrNoToken) {
		return usageError{err, "exhibit access token list shows which there are"}
	}
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, rowOfToken(tok, time.Now()))
	}
	g.note("Token %s (%s) is revoked.", tok.ID, clean(tok.Name))
	return nil
}

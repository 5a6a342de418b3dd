package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func newConnectorsCommand(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "connectors",
		Short: "What is installed: connectors, their digests, kinds and permissions",
		Long: `Lists the connectors beside exhibit (or in connectors.dir of the configuration).
A connector is started only if the lock file names exactly its binary: connectors lock
writes that file, and whoever runs it says that these binaries are trusted.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runConnectors(c.Context(), g) },
	}
	c.AddCommand(&cobra.Command{
		Use:   "describe NAME",
		Short: "What a connector reads, and what it needs",
		Long: `Prints a connector's version and digest, the kinds of record that it makes, the permissions that it needs, and
the JSON Schema of its config. NAME is that of its binary without exhibit-connector-.`,
		Example: "  exhibit connectors describe github\n  exhibit connectors describe github -o json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runDescribe(c.Context(), g, args[0]) },
	}, &cobra.Command{
		Use:   "lock",
		Short: "Trust the connectors as they are now: write their digests to the lock file",
		Long: `Writes the SHA-256 of each connector's binary to the lock file. From then on only exactly these are started:
run it again after an upgrade, once you know where the new binaries come from. A running agent needs no reload.`,
		Example: "  exhibit connectors lock",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runLock(g) },
	})
	return c
}

func (g *globals) host() (*pluginhost.Host, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	return newHost(cfg, g.logger(slog.LevelWarn), nil)
}

func runConnectors(ctx context.Context, g *globals) error {
	host, err := g.host()
	if err != nil {
		return err
	}
	list, err := host.List(ctx)
	if err != nil {
		return err
	}
	type row struct {
		Name   string `json:"name"`
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
		Locked bool   `json:"locked"`
	}
	var rows []row
	for _, i := range list {
		rows = append(rows, row{i.Name, i.Path, i.Digest.String(), i.Locked})
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	if len(rows) == 0 {
		g.note("No connectors are beside exhibit. make build leaves them there; connectors.dir names another place.")
		return nil
	}
	t := table{head: []string{"CONNECTOR", "SHA-256", "LOCKED", "PATH"}}
	for _, r := range rows {
		locked := "yes"
		if !r.Locked {
			locked = "no"
		}
		t.add(r.Name, r.SHA256[:16], locked, r.Path)
	}
	t.print(g.std.out)
	return nil
}

func runDescribe(ctx context.Context, g *globals, name string) error {
	host, err := g.host()
	if err != nil {
		return err
	}
	in, err := host.Describe(ctx, name)
	if err != nil {
		return err
	}
	d := in.Descriptor
	if g.output != "table" {
		return printJSON(g.std.out, g.output, map[string]any{"path": in.Path, "sha256": in.Digest.String(), "descriptor": d})
	}
	w := g.std.out
	fmt.Fprintf(w, "%s %s\n%s\n%s\nSHA-256 %s\n\nSecrets\n", d.Name, clean(d.Version), clean(d.Summary), in.Path, in.Digest)
	for _, s := range d.Secrets {
		need := "optional"
		if s.Required {
			need = "required"
		}
		fmt.Fprintf(w, "  %s (%s)  %s\n", clean(s.Name), need, clean(s.Summary))
	}
	fmt.Fprintln(w, "\nKinds")
	for _, k := range d.Kinds {
		fmt.Fprintf(w, "  %s  %s\n    when nothing changed: %s\n", clean(k.Kind), clean(k.Summary), rereadWords(k.Reread))
	}
	fmt.Fprintln(w, "\nPermissions")
	for _, p := range d.Permissions {
		fmt.Fprintf(w, "  %s\n    for: %s\n    why: %s\n    grant: %s\n", clean(p.ID), clean(strings.Join(p.Kinds, ", ")), clean(p.Why), clean(p.Grant))
	}
	var schema any
	if err := json.Unmarshal(d.ConfigSchema, &schema); err != nil {
		return fmt.Errorf("connector %s: configuration schema: %w", name, err)
	}
	fmt.Fprintln(w, "\nConfiguration (JSON Schema)")
	return printJSON(w, "json", schema)
}

// rereadWords says what another run costs.
func rereadWords(r connector.Reread) string {
	switch r {
	case connector.ReadSinceCursor:
		return "asks only for what came since the last run"
	case connector.ReadIfChanged:
		return "the source answers that it did not change"
	}
	return "read again in full"
}

func runLock(g *globals) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	host, err := newHost(cfg, g.logger(slog.LevelWarn), nil)
	if err != nil {
		return err
	}
	dir, path := host.Dir(), host.LockPath()
	lock, err := pluginhost.Lock(dir)
	if err != nil {
		return err
	}
	if len(lock.Connectors) == 0 {
		return hinted{fmt.Errorf("no connectors to lock in %s", dir), "make build leaves them beside exhibit; connectors.dir names another place"}
	}
	if err := lock.Write(path); err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, lock)
	}
	g.note("%d connectors are locked in %s.", len(lock.Connectors), path)
	return nil
}

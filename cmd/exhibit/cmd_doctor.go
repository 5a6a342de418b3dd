package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/secrets"
	"github.com/exhibit-aims/exhibit/internal/store/unfinished"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func newDoctorCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, connectors, credentials, permissions and scope",
		Long: `Checks everything that collecting needs, without collecting: the configuration and
the register, the rules, each connector's binary against the lock file, each credential, each permission it
needs, what it can reach, and what its process is kept from. Exit code 3 says that something is missing.`,
		Example: "  exhibit doctor\n  exhibit doctor -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runDoctor(c.Context(), g) },
	}
}

// finding is one line of the doctor's report.
type diagnosis struct {
	Area   string `json:"area"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

func runDoctor(ctx context.Context, g *globals) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	host, err := newHost(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
	if err != nil {
		return err
	}
	reader, err := g.secretsOf(cfg)
	if err != nil {
		return err
	}
	d := doctor{g: g, cfg: cfg, host: host, secrets: reader}
	if cfg.Path == "" {
		d.bad("configuration", "no exhibit.yaml here", "exhibit init writes a commented one")
	} else {
		d.good("configuration", cfg.Path)
	}
	d.files()
	for _, s := range cfg.FurtherSecrets() {
		d.secretsThere(ctx, s.Of, map[string]configfile.Secret{s.Name: s.Secret})
	}
	d.signingSecrets(ctx)
	for _, s := range cfg.Sources {
		d.source(ctx, s)
	}
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, d.found); err != nil {
			return err
		}
	} else {
		d.print()
	}
	for _, f := range d.found {
		if !f.OK {
			return exitWith{exitPartial}
		}
	}
	return nil
}

type doctor struct {
	g     *globals
	cfg   *configfile.Config
	host  *pluginhost.Host
	found []diagnosis

	secrets *secrets.Resolver
}

func (d *doctor) good(area, detail string) {
	d.found = append(d.found, diagnosis{Area: area, OK: true, Detail: detail})
}

func (d *doctor) bad(area, detail, remedy string) {
	d.found = append(d.found, diagnosis{Area: area, Detail: detail, Remedy: remedy})
}

func (d *doctor) fail(area string, err error) { d.bad(area, err.Error(), hintOf(err)) }

// files checks what is read from files: register, rules, key.
func (d *doctor) files() {
	engine, err := service.EngineOf(d.cfg)
	if err != nil {
		d.fail("expectations", err)
	} else {
		d.good("expectations", fmt.Sprintf("%d expectations", len(engine.Expectations())))
	}
	if d.cfg.Register == "" {
		d.bad("register", "no register is configured: no AI system is declared", "name one under register: in exhibit.yaml")
	} else if cat, err := catalog.Parse(config.Catalog); err != nil {
		d.fail("register", err)
	} else if reg, err := register.Load(d.cfg.Register, register.Known{Now: time.Now(), Controls: cat.ControlIDs()}); err != nil {
		d.fail("register", err)
	} else {
		d.good("register", fmt.Sprintf("%d AI systems, %d vendors, %d people", len(reg.Systems), len(reg.Vendors), len(reg.People)))
		for _, ids := range service.OnePerson(reg) {
			d.bad("register", strings.Join(ids, " and ")+" have one mailbox: they count as one person, and none of them accepts what another handed in", "give everybody an address of their own in the register")
		}
	}
	if key, err := ledger.LoadKey(d.cfg.Key); err == nil {
		d.good("signing key", key.Public())
	} else {
		d.good("signing key", d.cfg.Key+" will be made at first use")
	}
	d.good("store", d.cfg.Store.String())
	d.leftovers()
}

// leftovers names what killed backups, restores, copies and agents left, where they
// write if nobody names a place: beside the store, and here.
func (d *doctor) leftovers() {
	dirs := []string{workingDir()}
	if at := filepath.Dir(d.cfg.Store.Reveal()); !d.cfg.Store.IsURL() && at != dirs[0] {
		dirs = append(dirs, at)
	}
	for _, dir := range dirs {
		names, err := unfinished.Left(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.fail("store", err)
		}
		for _, name := range names {
			d.good("store", filepath.Join(dir, name)+" was left by a backup, restore, copy or agent that was killed: the next one removes what it can; remove it yourself if none is under way")
		}
	}
}

// secretsThere reads each secret where it is kept, and says where, never what.
func (d *doctor) secretsThere(ctx context.Context, area string, named map[string]configfile.Secret) bool {
	session, ok := d.secrets.Session(), true
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, err := session.Resolve(ctx, named[name]); err != nil {
			d.fail(area, fmt.Errorf("secret %s: %w", name, err))
			ok = false
			continue
		}
		d.good(area, "secret "+name+" is there: "+named[name].Place())
	}
	return ok
}

// signingSecrets checks that secrets which sign webhooks are ones. Those that are not
// there were told of.
func (d *doctor) signingSecrets(ctx context.Context) {
	for _, ch := range d.cfg.Notify.Channels {
		if ch.Kind != "webhook" {
			continue
		}
		if secret, err := d.secrets.Session().Resolve(ctx, ch.Secret); err == nil {
			if _, err := notify.SigningKey(secret); err != nil {
				d.bad("notify channel "+ch.Name, err.Error(), `echo "whsec_$(head -c 32 /dev/urandom | base64)" makes one`)
			}
		}
	}
}

// source checks one source: secrets, connector, permissions, scope.
func (d *doctor) source(ctx context.Context, s configfile.Source) {
	area := "source " + s.Name
	if !d.secretsThere(ctx, area, s.Secrets) {
		return
	}
	w := workplace{g: d.g, cfg: d.cfg, secrets: d.secrets}
	src, err := w.source(ctx, s.Name)
	if err != nil {
		d.fail(area, err)
		return
	}
	installed, err := d.host.Describe(ctx, s.Connector)
	if err != nil {
		d.fail(area, err)
		return
	}
	report, err := d.host.Check(ctx, s.Connector, src.Config)
	if err != nil {
		d.fail(area, err)
		return
	}
	if report.Problem != "" {
		d.bad(area, report.Problem, report.Remedy)
		return
	}
	d.good(area, fmt.Sprintf("connector %s %s, as %s", s.Connector, installed.Descriptor.Version, report.Identity))
	d.confinement(ctx, area, s, installed.Confinement)
	d.permissions(area, s.Kinds, installed.Descriptor, report.Permissions)
	if len(report.Scope) > 0 {
		d.good(area, fmt.Sprintf("reaches %d: %s", len(report.Scope), short(strings.Join(report.Scope, ", "), 120)))
	}
}

// permissions says which of those that the source's kinds need are there. Those
// of which nothing is known for one reason share a line.
func (d *doctor) permissions(area string, kinds []string, desc connector.Descriptor, states []connector.PermissionState) {
	unknown := map[string][]string{}
	var reasons []string
	for _, p := range states {
		switch {
		case !needed(desc, p.Permission, kinds):
		case p.Grant == connector.Missing:
			d.bad(area, "permission "+p.Permission+" is missing: "+p.Detail, grantOf(desc, p.Permission))
		case p.Grant == connector.Granted:
			text := "permission " + p.Permission + " granted"
			if p.Detail != "" { // such as files that are none, or a licence that is not there
				text += "; " + p.Detail
			}
			d.good(area, text)
		default:
			if unknown[p.Detail] == nil {
				reasons = append(reasons, p.Detail)
			}
			unknown[p.Detail] = append(unknown[p.Detail], p.Permission)
		}
	}
	for _, why := range reasons {
		text := "not tested: permission " + strings.Join(unknown[why], ", ")
		if why != "" {
			text += " (" + why + ")"
		}
		d.good(area, text)
	}
}

// needed reports whether one of the kinds, or any kind if none is named,
// cannot be read without a permission.
func needed(desc connector.Descriptor, permission string, kinds []string) bool {
	for _, p := range desc.Permissions {
		if p.ID == permission && len(kinds) > 0 && len(p.Kinds) > 0 {
			return slices.ContainsFunc(p.Kinds, func(k string) bool { return slices.Contains(kinds, k) })
		}
	}
	return true
}

func grantOf(desc connector.Descriptor, id string) string {
	for _, p := range desc.Permissions {
		if p.ID == id {
			return p.Grant
		}
	}
	return ""
}

func (d *doctor) print() {
	for _, f := range d.found {
		mark := "ok     "
		if !f.OK {
			mark = "PROBLEM"
		}
		lines := strings.Split(f.Detail, "\n")
		fmt.Fprintf(d.g.std.out, "%s  %s: %s\n", mark, f.Area, clean(lines[0]))
		for _, l := range lines[1:] {
			fmt.Fprintf(d.g.std.out, "         %s\n", clean(l))
		}
		if f.Remedy != "" {
			fmt.Fprintf(d.g.std.out, "         hint: %s\n", clean(f.Remedy))
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store/retain"
)

type expireOptions struct {
	as     string
	dryRun bool
	force  bool
}

func newExpireCommand(g *globals) *cobra.Command {
	var o expireOptions
	c := &cobra.Command{
		Use:   "expire",
		Short: "Erase payloads that have been kept for as long as the configuration says",
		Long: `Erases the payloads whose kind's retention (retention: in exhibit.yaml) is over. The entry, its digest
and its proof stay, with an entry that says who erased it and why: the ledger still verifies, and it can still be shown that
the record was there, when it was read and by whom. What it said can not.

Retention begins with the last use: for a revision when the next one was read, for a key that is gone when it was found gone, for
what happened once when it happened or was read, whichever is later. A current state is never erased. Nor is what is
held (retention: hold), nor what a result of now rests on, open findings and waivers with it; --force erases the latter too.

An audit of a past period needs the payloads of that period: an assessment as of then finds less when they are gone. Keep records for
at least as long as anybody may ask for a period, and export the bundle of each audit before. A backup holds
what it held: expire backups as well.

--dry-run lists what is due and erases nothing. With retention: {erase: true} the agent does this every day.`,
		Example: "  exhibit store expire --dry-run\n  exhibit store expire --as maria",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runExpire(c.Context(), g, o) },
	}
	asFlag(c, &o.as)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "list what is due and erase nothing")
	c.Flags().BoolVar(&o.force, "force", false, "also what a result of now rests on")
	return c
}

func runExpire(ctx context.Context, g *globals, o expireOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if cfg.Retention.Default <= 0 && len(cfg.Retention.Kinds) == 0 {
		return usageError{errors.New("nothing says how long records are kept"), "set retention in exhibit.yaml, for example {default: 2190d}"}
	}
	if o.dryRun {
		svc, done, err := g.reading(ctx)
		if err != nil {
			return err
		}
		defer done()
		st, err := openStore(ctx, cfg, nil, readOnly)
		if err != nil {
			return err
		}
		defer st.Close()
		plan, err := expiry(ctx, cfg, svc, st, o.force)
		if err != nil {
			return err
		}
		return g.printExpiry(plan, -1)
	}
	d, err := g.openDesk(ctx, o.as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	plan, err := expiry(ctx, cfg, d.svc, d.store, o.force)
	if err != nil {
		return err
	}
	p := newProgress(g, "erasing")
	defer p.end()
	n, err := retain.Erase(ctx, d.store, plan, d.Who.ID+" ("+d.Who.Account+")", func(n int) { p.show(fmt.Sprintf("%d of %d payloads", n, len(plan.Due))) })
	if err != nil {
		return fmt.Errorf("%d of %d payloads were erased: %w", n, len(plan.Due), err)
	}
	p.end()
	return g.printExpiry(plan, n)
}

// expireDue erases what is due, for the agent: it does so if the configuration
// asks for it, and returns how many payloads that was.
func (w *workplace) expireDue(ctx context.Context) (int, error) {
	if !w.cfg.Retention.Erase {
		return 0, nil
	}
	plan, err := expiry(ctx, w.cfg, w.svc, w.store, false)
	if err != nil {
		return 0, err
	}
	return retain.Erase(ctx, w.store, plan, "exhibit agent "+version+", retention.erase", nil)
}

// expiry finds what is due now.
func expiry(ctx context.Context, cfg *configfile.Config, svc *service.Service, r retain.Reader, force bool) (retain.Plan, error) {
	p := retain.Policy{Of: cfg.Retention.Of, HoldKinds: cfg.Retention.Hold.Kinds}
	for _, s := range cfg.Retention.Hold.Subjects {
		p.HoldSubjects = append(p.HoldSubjects, evidence.Subject{Type: s.Type, ID: s.ID})
	}
	if !force {
		v, err := svc.Refresh(ctx)
		if err != nil {
			return retain.Plan{}, err
		}
		rests := map[evidence.Digest]string{}
		for _, r := range v.Assessment.Results {
			for _, d := range r.Evidence {
				rests[d] = r.Expectation
			}
		}
		p.Uses = func(d evidence.Digest) string { return rests[d] }
	}
	return retain.Make(ctx, r, p, time.Now().UTC())
}

// printExpiry prints what is due, or, if that is not negative, was erased.
func (g *globals) printExpiry(p retain.Plan, erased int) error {
	if g.output != "table" {
		type row struct {
			Payload  evidence.Digest  `json:"payload"`
			Bytes    int              `json:"bytes"`
			Kind     string           `json:"kind"`
			Subject  evidence.Subject `json:"subject"`
			Key      string           `json:"key"`
			Position int64            `json:"position"`
			LastUse  time.Time        `json:"last_use"`
			Until    time.Time        `json:"kept_until"`
		}
		rows := make([]row, len(p.Due))
		for i, d := range p.Due {
			rows[i] = row{d.Payload, d.Size, d.Kind, d.Subject, d.Key, d.Position, d.LastUse.UTC(), d.Since.UTC()}
		}
		return printJSON(g.std.out, g.output, map[string]any{"at": p.At, "due": rows, "erased": max(erased, 0), "dry_run": erased < 0,
			"kept": map[string]int64{"in_use": p.Kept.InUse, "rested_on": p.Kept.RestedOn, "held": p.Kept.Held}})
	}
	t := table{head: []string{"KIND", "SUBJECT", "KEY", "LAST USE", "KEPT UNTIL", "PAYLOAD"}}
	for _, d := range p.Due {
		t.add(d.Kind, short(d.Subject.Type+" "+d.Subject.ID, 40), short(d.Key, 40), d.LastUse.UTC().Format(time.DateOnly), d.Since.UTC().Format(time.DateOnly), d.Payload.String()[:12])
	}
	if len(p.Due) > 0 {
		t.print(g.std.out)
	}
	if erased < 0 {
		g.note("%d payloads are due; nothing was erased.", len(p.Due))
	} else {
		g.note("%d payloads were erased; their entries and proofs remain.", erased)
	}
	g.note("Old enough and kept: %d in use, %d that a result rests on, %d held.", p.Kept.InUse, p.Kept.RestedOn, p.Kept.Held)
	return nil
}

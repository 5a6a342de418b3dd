package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
)

type publishOptions struct {
	git     []string
	webhook []string
	branch  string
	restart bool
}

func newPublishCommand(g *globals) *cobra.Command {
	var o publishOptions
	c := &cobra.Command{
		Use:   "publish",
		Short: "Publish the newest checkpoint to a git repository or a webhook",
		Long: `Puts the signed checkpoint where others can see and keep it: the number of entries
and a hash, nothing of what they say. Whoever has it can show later that nothing before it was changed
(exhibit ledger consistency, exhibit verify --since).

A git repository, a directory or an address, gets one commit on a branch of its own (checkpoints), with
the files ORIGIN/checkpoint and ORIGIN/history/SIZE; what else is there stays as it is, and nothing is ever
forced. It must exist. Git itself reaches it, with the credentials that the account has for it.

A webhook gets a POST of {checkpoint, origin, size, root}. With a secret in the configuration, the header
Exhibit-Signature carries t=SECONDS,v1=HMAC, the HMAC-SHA-256 of SECONDS.BODY. It is asked again when it is
busy (429, 5xx); its answer is recorded.

Before anything is sent, the ledger is held against what was published last: the checkpoint in the
repository, the last one on record for the webhook. Exit code 12 says that the ledger got shorter or
was rewritten, or that what was published is gone; nothing is published then. The configuration names
places as ledger.publish.`,
		Example: `  exhibit ledger publish --git https://git.example.org/compliance/checkpoints.git
  exhibit ledger publish --webhook https://auditor.example.net/checkpoints
  exhibit ledger publish            # all places of the configuration`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runPublish(c.Context(), g, o) },
	}
	c.Flags().StringArrayVar(&o.git, "git", nil, "`repository`: a directory, or an address (https, ssh); may be repeated")
	c.Flags().StringArrayVar(&o.webhook, "webhook", nil, "`URL` to post to; may be repeated")
	c.Flags().StringVar(&o.branch, "branch", "", "`branch` of the repositories named with --git (default checkpoints)")
	c.Flags().BoolVar(&o.restart, "restart", false, "publish although a repository has lost what was published there; it is put on record")
	return c
}

func runPublish(ctx context.Context, g *globals, o publishOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	places, err := placesOf(cfg, o)
	if err != nil {
		return err
	}
	a, err := g.openAttestor(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	var failed []error
	for _, p := range places {
		failed = append(failed, a.publish(ctx, p, o.restart))
	}
	return a.finish(failed...)
}

func placesOf(cfg *configfile.Config, o publishOptions) ([]configfile.Publish, error) {
	if o.branch != "" && len(o.git) == 0 {
		return nil, usageError{errors.New("--branch is for --git"), "in the configuration: {git: …, branch: …}"}
	}
	var places []configfile.Publish
	for _, r := range o.git {
		places = append(places, configfile.Publish{Git: r, Branch: o.branch})
	}
	for _, u := range o.webhook {
		place := configfile.Publish{Webhook: u}
		for _, known := range cfg.Ledger.Publish {
			if known.Webhook == u {
				place = known // with its secret
			}
		}
		places = append(places, place)
	}
	if len(places) == 0 {
		places = cfg.Ledger.Publish
	}
	if len(places) == 0 {
		return nil, usageError{errors.New("no place is named"), "give --git or --webhook, or ledger.publish in the configuration"}
	}
	return places, nil
}

func (a *attestor) publish(ctx context.Context, p configfile.Publish, restart bool) error {
	var done *attest.Publication
	var err error
	if p.Git != "" {
		done, err = attest.PublishGit(ctx, attest.Repository{Where: p.Git, Branch: p.Branch, Restart: restart}, a.log, a.before, time.Now())
	} else {
		hook := attest.Webhook{URL: p.Webhook}
		if p.Secret != nil {
			secret, err := a.secrets.Resolve(ctx, *p.Secret)
			if err != nil {
				return usageError{fmt.Errorf("secret of a webhook: %w", err), ""}
			}
			hook.Secret = []byte(secret)
		}
		done, err = a.client.PublishWebhook(ctx, hook, a.log, a.before)
	}
	if err != nil {
		return err
	}
	if done.Ahead > 0 {
		a.g.note("%s has a checkpoint of %d entries already, which covers the %d of the ledger's content.", clean(done.Where), done.Ahead, a.log.Content.Size)
		return nil
	}
	if p.Git != "" && a.onRecord(done) {
		a.g.note("%s has this checkpoint already, as the ledger records.", clean(done.Where))
		return nil
	}
	return a.record(ctx, attest.Attestation{Kind: attest.KindPublication, Publication: done}, attest.Trust{})
}

// onRecord reports whether the ledger says already that this checkpoint is at a
// place, in that commit.
func (a *attestor) onRecord(p *attest.Publication) bool {
	for _, at := range a.before {
		q := at.Publication
		if q != nil && q.To == p.To && q.Where == p.Where && q.Commit == p.Commit && bytes.Equal(at.Note, a.log.Note) {
			return true
		}
	}
	return false
}

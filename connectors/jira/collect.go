package jira

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	emit connector.Emitter
	book *coverage.Book
	api  *client
	me   *account

	fieldsMissing bool   // the settings name a field that Jira does not show
	requestField  string // that makes an issue a request; empty if not known
	hashes        *hashCache
	filesDown     error           // why no more files are asked for
	counted       int64           // issues, by the independent count; -1 if one project had none
	partly        map[string]bool // kinds of which not all that exists was listed
}

// hashesCursor is the name under which hashes of files are kept.
const hashesCursor = "hashes"

// Collect reads each project, changed issues only if an earlier run has read
// the others, with their history, attachments and approvals.
func (k *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	if req.Since.After(cfg.since) {
		cfg.since = req.Since
	}
	book := coverage.New(k.Describe(), req, emit)
	api, err := newClient(cfg, k.tune, book.Counter())
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, emit: emit, book: book, api: api, hashes: newHashCache(req.Cursors[hashesCursor]), partly: map[string]bool{}}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	for i, p := range cfg.Projects {
		kinds := cfg.kindsOf(p, req)
		if len(kinds) == 0 {
			continue
		}
		book.Progress("project "+p.Key, i, len(cfg.Projects))
		err := (&projectRun{collection: c, project: p, kinds: kinds}).run(ctx)
		if err == nil {
			continue
		}
		if done, err := c.projectFailed(ctx, i, err); done || err != nil {
			return c.coverage(), err
		}
	}
	if cfg.Attachments.SHA256 {
		if err := emit.Cursor(hashesCursor, c.hashes.String()); err != nil {
			return nil, err
		}
	}
	return c.coverage(), nil
}

// begin finds out who we are, and which fields there are.
func (c *collection) begin(ctx context.Context) error {
	var err error
	if c.me, err = c.api.myself(ctx); err == nil {
		err = c.learnFields(ctx)
	}
	if err == nil {
		return nil
	}
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return explainLogin(fatal)
	}
	var limit *transport.RateLimitError
	if coverage.ReasonOf(err) == connector.Unavailable && statusOf(err) == 0 && !errors.As(err, &limit) {
		err = fmt.Errorf("%w: %w", connector.ErrUnreachable, err)
	}
	return explainLogin(err)
}

func (c *collection) wantsApprovals() bool {
	for _, p := range c.cfg.Projects {
		if p.Approvals && c.req.Wants(KindApproval) {
			return true
		}
	}
	return false
}

// projectFailed turns what ended the reading of a project into a gap. done
// means that the remaining projects cannot be read either.
func (c *collection) projectFailed(ctx context.Context, i int, err error) (done bool, _ error) {
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return true, explainLogin(fatal)
	}
	p := c.cfg.Projects[i]
	c.counted = -1
	if err := c.gap(c.cfg.kindsOf(p, c.req), "project "+p.Key, err); err != nil {
		return true, coverage.Fatal(ctx, err)
	}
	var limit *transport.RateLimitError
	if !errors.As(err, &limit) {
		return false, nil
	}
	for _, rest := range c.cfg.Projects[i+1:] {
		if kinds := c.cfg.kindsOf(rest, c.req); len(kinds) > 0 {
			if err := c.gap(kinds, "project "+rest.Key, err); err != nil {
				return true, coverage.Fatal(ctx, err)
			}
		}
	}
	return true, nil
}

// gap reports why a part of the scope was not seen.
func (c *collection) gap(kinds []string, scope string, err error) error {
	g := connector.Gap{Kinds: kinds, Scope: scope, Reason: coverage.ReasonOf(err), Detail: err.Error()}
	switch g.Reason {
	case connector.Denied, connector.NotFound, connector.Hidden:
		g.Permission = permBrowse
		if len(kinds) == 1 && kinds[0] == KindApproval {
			g.Permission = permApprovals
		}
	}
	return c.book.Gap(g)
}

// coverage is the claim about every kind that was asked for.
func (c *collection) coverage() connector.Coverage {
	mapped := map[string]bool{}
	for _, p := range c.cfg.Projects {
		for _, k := range c.cfg.kindsOf(p, c.req) {
			mapped[k] = true
		}
	}
	for _, k := range New().Describe().Kinds {
		switch {
		case !mapped[k.Kind]:
			c.book.Query("not in this source's settings", k.Kind)
		case !c.partly[k.Kind] && c.cfg.since.IsZero():
			c.book.Enumerated(k.Kind)
		}
		c.book.Since(c.cfg.since, k.Kind)
	}
	if c.counted >= 0 {
		c.book.Count(KindIssue, c.counted)
	}
	return c.book.Result()
}

// tooFar reports whether a time has not come yet, on any clock that is not
// far wrong.
func tooFar(t time.Time) bool { return t.After(time.Now().Add(30 * time.Second)) }

package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// emitError marks an error of the emitter, which ends the run.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }
func (e *emitError) Unwrap() error { return e.err }

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	emit connector.Emitter
	api  *client
	me   *account
	now  time.Time

	cover map[string]*kindState
}

// kindState is what becomes of one kind over all projects.
type kindState struct {
	queries []string
	read    bool // at least one project was listed
	gap     bool
	partly  bool  // a project was read from a cursor, or not without limit
	counted int64 // by the independent count; -1 if one project had none
}

// Collect reads each project, changed issues only if the last run went well,
// with their history and approvals.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	if req.Since.After(cfg.since) {
		cfg.since = req.Since
	}
	api, err := newClient(cfg, counter(emit))
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, emit: emit, api: api, now: time.Now(), cover: map[string]*kindState{}}
	if c.me, err = api.myself(ctx); err != nil {
		return nil, explainLogin(err)
	}
	for i, p := range cfg.Projects {
		kinds := cfg.kindsOf(p, req)
		if len(kinds) == 0 {
			continue
		}
		emit.Progress(connector.Progress{Message: "project " + p.Key, Done: int64(i), Total: int64(len(cfg.Projects))})
		err := (&projectRun{collection: c, project: p, kinds: kinds}).run(ctx)
		if err == nil {
			continue
		}
		if done, err := c.projectFailed(ctx, i, err); done || err != nil {
			return c.coverage(), err
		}
	}
	return c.coverage(), nil
}

// counter tells the host what requests cost, if it wants to know.
func counter(emit connector.Emitter) func(connector.Calls) {
	if r, ok := emit.(connector.CallRecorder); ok {
		return r.Calls
	}
	return nil
}

// projectFailed turns what ended the reading of a project into a gap. done
// means that the remaining projects cannot be read either.
func (c *collection) projectFailed(ctx context.Context, i int, err error) (done bool, _ error) {
	var emitErr *emitError
	if errors.As(err, &emitErr) {
		return true, emitErr.err
	}
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if errors.Is(err, errLoginFailed) || statusOf(err) == http.StatusUnauthorized {
		return true, explainLogin(err)
	}
	p := c.cfg.Projects[i]
	c.state(KindIssue).counted = -1
	if err := c.gap(c.cfg.kindsOf(p, c.req), "project "+p.Key, err); err != nil {
		return true, err
	}
	var limit *transport.RateLimitError
	if !errors.As(err, &limit) {
		return false, nil
	}
	for _, rest := range c.cfg.Projects[i+1:] {
		if kinds := c.cfg.kindsOf(rest, c.req); len(kinds) > 0 {
			if err := c.gap(kinds, "project "+rest.Key, limit); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}

// gap reports why a part of the scope was not seen.
func (c *collection) gap(kinds []string, scope string, err error) error {
	g := connector.Gap{Kinds: kinds, Scope: scope, Reason: reasonOf(err), Detail: printable(err.Error(), 900)}
	if g.Reason == connector.Denied || g.Reason == connector.NotFound || g.Reason == connector.Hidden {
		g.Permission = permBrowse
		if len(kinds) == 1 && kinds[0] == KindApproval {
			g.Permission = permApprovals
		}
	}
	for _, k := range kinds {
		c.state(k).gap = true
	}
	if err := c.emit.Gap(g); err != nil {
		return &emitError{err}
	}
	return nil
}

func (c *collection) state(kind string) *kindState {
	if c.cover[kind] == nil {
		c.cover[kind] = &kindState{}
	}
	return c.cover[kind]
}

// coverage is the claim about every kind that was asked for.
func (c *collection) coverage() connector.Coverage {
	cov := connector.Coverage{}
	for _, k := range New().Describe().Kinds {
		if !c.req.Wants(k.Kind) {
			continue
		}
		s := c.cover[k.Kind]
		if s == nil {
			cov[k.Kind] = connector.KindCoverage{Query: "not in this source's settings", IndependentCount: -1}
			continue
		}
		kc := connector.KindCoverage{Status: connector.Complete, Since: c.cfg.since, IndependentCount: -1,
			Query: printable(strings.Join(s.queries, "; "), 900)}
		switch {
		case s.gap && !s.read:
			kc.Status = connector.Refused
		case s.gap:
			kc.Status = connector.Partial
		default:
			kc.Enumerated = !s.partly && c.cfg.since.IsZero()
		}
		if k.Kind == KindIssue {
			kc.IndependentCount = s.counted
		}
		cov[k.Kind] = kc
	}
	return cov
}

// hiddenError: the search leaves out what must be there.
type hiddenError struct{ why string }

func (e *hiddenError) Error() string { return e.why }

func statusOf(err error) int {
	var api *apiError
	if errors.As(err, &api) {
		return api.status
	}
	return 0
}

// reasonOf says in the contract's words why something could not be seen.
func reasonOf(err error) connector.Reason {
	var (
		hidden *hiddenError
		format *formatError
		shape  *badIssueError
		limit  *transport.RateLimitError
		large  *transport.TooLargeError
	)
	switch {
	case errors.As(err, &hidden):
		return connector.Hidden
	case errors.As(err, &format), errors.As(err, &shape):
		return connector.Malformed
	case errors.As(err, &limit):
		return connector.RateLimited
	case errors.As(err, &large):
		return connector.Truncated
	}
	switch s := statusOf(err); {
	case s == http.StatusForbidden || s == http.StatusUnauthorized:
		return connector.Denied
	case s == http.StatusNotFound:
		return connector.NotFound
	case s == http.StatusGone || s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented:
		return connector.Unsupported
	case s >= 400 && s < 500:
		return connector.Malformed
	}
	return connector.Unavailable
}

// stops reports whether an error concerns more than the issue it was met at.
func stops(err error) bool {
	switch reasonOf(err) {
	case connector.RateLimited, connector.Unavailable:
		return true
	}
	return statusOf(err) == http.StatusUnauthorized || errors.Is(err, errLoginFailed)
}

// explainLogin adds what to do about refused credentials.
func explainLogin(err error) error {
	if s := statusOf(err); s == http.StatusUnauthorized || s == http.StatusForbidden || errors.Is(err, errLoginFailed) {
		return fmt.Errorf("%w; create a new token for the account and put it into the source's secret token "+
			"(Cloud: settings.email must be the token's account)", err)
	}
	return err
}

// badIssueError is an issue that was left out because of what it holds.
type badIssueError struct{ err error }

func (e *badIssueError) Error() string { return e.err.Error() }
func (e *badIssueError) Unwrap() error { return e.err }

// without returns kinds but one.
func without(kinds []string, kind string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == kind })
}

package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// coverage gathers what a run saw and missed of each kind.
type coverage struct {
	mu    sync.Mutex
	kinds map[string]*seen
}

type seen struct {
	query  string
	read   int // parts of the scope that were read
	missed int // parts that were not, or not whole
	since  time.Time
	count  int64
	// enumerated is set by a kind of which every run lists all there is.
	enumerated bool
	unasked    bool // the configuration names nothing to read it from
}

func newCoverage() *coverage { return &coverage{kinds: map[string]*seen{}} }

func (c *coverage) of(kind string) *seen {
	s := c.kinds[kind]
	if s == nil {
		s = &seen{count: -1}
		c.kinds[kind] = s
	}
	return s
}

func (c *coverage) update(kind string, f func(*seen)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.of(kind))
}

// reaches notes that a part of the scope was read back to since.
func (c *coverage) reaches(kind string, since time.Time) {
	c.update(kind, func(s *seen) {
		if since.After(s.since) {
			s.since = since
		}
	})
}

// result is the run's claim about the wanted kinds.
func (c *coverage) result(wants func(string) bool) connector.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := connector.Coverage{}
	for _, k := range New().Describe().Kinds {
		if !wants(k.Kind) {
			continue
		}
		s := c.of(k.Kind)
		kc := connector.KindCoverage{Status: connector.Complete, Query: s.query, Since: s.since, IndependentCount: s.count}
		switch {
		case s.unasked && s.read+s.missed == 0:
			kc.Status = connector.NotRead
		case s.missed > 0 && s.read == 0:
			kc.Status = connector.Refused
		case s.missed > 0:
			kc.Status = connector.Partial
		}
		kc.Enumerated = kc.Status == connector.Complete && s.enumerated
		out[k.Kind] = kc
	}
	return out
}

// part is the piece of the scope that a failure concerns.
type part struct {
	kinds      []string
	scope      string
	permission string // the one that closes a gap of reason denied
}

// missed reports that a part could not be read. It returns an error only when
// the run must end.
func (r *run) missed(ctx context.Context, p part, err error) error {
	if fatal := r.fatal(ctx, err); fatal != nil {
		return fatal
	}
	g := gapOf(p, err)
	return r.gap(g)
}

// gap emits g for those of its kinds that were asked for.
func (r *run) gap(g connector.Gap) error {
	var kinds []string
	for _, k := range g.Kinds {
		if r.req.Wants(k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	g.Kinds = kinds
	g.Scope, g.Detail = line(g.Scope, 240), line(g.Detail, 500)
	for _, k := range kinds {
		r.cover.update(k, func(s *seen) { s.missed++ })
	}
	return r.stop(r.emit.Gap(g))
}

// fatal returns the error that ends the run, or nil if err is one to go on after.
func (r *run) fatal(ctx context.Context, err error) error {
	var own *appError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &own):
		return own.ends()
	case statusOf(err) == http.StatusUnauthorized:
		return refused(err)
	case errors.Is(err, connector.ErrUnreachable), errors.Is(err, connector.ErrRefused):
		return err
	}
	return nil
}

// fatalOr returns what ends the run, or err itself.
func (r *run) fatalOr(ctx context.Context, err error) error {
	if fatal := r.fatal(ctx, err); fatal != nil {
		return fatal
	}
	return err
}

func refused(err error) error {
	return fmt.Errorf("github: %w: %w: the token has expired or was revoked; create a new fine-grained token with the permissions that "+
		"`exhibit connectors describe github` lists and put it in the place of the secret %q", err, connector.ErrRefused, secretToken)
}

// gapOf translates a failure into a gap.
func gapOf(p part, err error) connector.Gap {
	g := connector.Gap{Kinds: p.kinds, Scope: p.scope, Reason: connector.Unavailable, Detail: err.Error()}
	var (
		status    *statusError
		malformed *malformedError
		limit     *transport.RateLimitError
		big       *transport.TooLargeError
	)
	switch {
	case errors.As(err, &limit):
		g.Reason = connector.RateLimited
	case errors.As(err, &big):
		g.Reason = connector.Truncated
	case errors.As(err, &malformed), errors.Is(err, transport.ErrUnaskedNotModified):
		g.Reason = connector.Malformed
	case errors.As(err, &status):
		g.Reason, g.Permission, g.Detail = reasonOf(p, status)
	}
	if reason, detail, ok := codeGap(err); ok && slices.Contains(p.kinds, records.KindCodeScan) {
		g.Reason, g.Detail = reason, detail
	}
	var not *notOfferedError
	if errors.As(err, &not) {
		g.Reason, g.Permission, g.Detail = connector.Unsupported, p.permission, not.why
	}
	return g
}

func reasonOf(p part, e *statusError) (reason connector.Reason, permission, detail string) {
	switch e.Status {
	case http.StatusForbidden, http.StatusNotFound:
		detail = e.Error() + "; GitHub answers so when the token lacks the permission"
		if p.permission != "" {
			detail += " " + p.permission
		}
		if e.Accepted != "" {
			detail += "; it asks for " + e.Accepted
		}
		if e.SSO {
			detail = e.Error() + "; authorise the token for the organisation's single sign-on"
		}
		return connector.Denied, p.permission, detail
	case http.StatusGone, http.StatusUnavailableForLegalReasons:
		return connector.NotFound, "", e.Error()
	}
	if e.Status/100 == 5 {
		return connector.Unavailable, "", e.Error()
	}
	return connector.Malformed, "", e.Error()
}

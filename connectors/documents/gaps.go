package documents

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	// maxGaps bounds how many gaps of one file are told one by one.
	maxGaps = 50
	// maxMemo is how much may be remembered with a validator, in bytes.
	maxMemo = 60 << 10
)

// memo is what is remembered with the validator of the group.
type memo struct {
	Count   int       `json:"count"`   // records in the group
	Content string    `json:"content"` // digest of all wanted paths, arrivals and contents
	Gaps    []gapMemo `json:"gaps,omitempty"`
}

// gapMemo is a gap that is there for as long as the files are as they are.
type gapMemo struct {
	Kinds      []string         `json:"k"`
	Scope      string           `json:"s"`
	Reason     connector.Reason `json:"r"`
	Permission string           `json:"p,omitempty"`
	Detail     string           `json:"d"`
}

// prior returns what the last run remembered, if that may be used.
func (c *collection) prior() (memo, bool) {
	var m memo
	v := c.req.Validators[group]
	if c.req.Full || v.IsZero() || json.Unmarshal(v.Memo, &m) != nil {
		return memo{}, false
	}
	return m, true
}

// unchanged attests the group and says again what was not understood.
func (c *collection) unchanged(m memo) error {
	if m.Count > 0 {
		if err := c.emit.Unchanged(group, m.Count); err != nil {
			return err
		}
	}
	for _, g := range m.Gaps {
		if err := c.tell(connector.Gap(g)); err != nil {
			return err
		}
	}
	return nil
}

// remember stores how to tell that nothing is left to read. A run with a gap
// that may close by itself, or with more gaps than can be remembered, does not:
// the next one looks again.
func (c *collection) remember(settings string, m memo) error {
	for _, g := range c.told {
		m.Gaps = append(m.Gaps, gapMemo(g))
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("documents: memo: %w", err)
	}
	if c.heals || len(b) > maxMemo {
		return c.emit.Validator(group, connector.Validator{})
	}
	return c.emit.Validator(group, connector.Validator{ETag: settings + ":" + c.store.state(), Memo: b})
}

// tell reports a gap.
func (c *collection) tell(g connector.Gap) error {
	g.Scope, g.Detail = shorten(g.Scope), printable(g.Detail)
	for _, k := range g.Kinds {
		c.gaps[k] = true
	}
	c.told = append(c.told, g)
	return c.emit.Gap(g)
}

// gap reports a part of some kinds' scope that was not read because of err.
func (c *collection) gap(kinds []string, scope string, r connector.Reason, detail string) error {
	g := connector.Gap{Kinds: kinds, Scope: scope, Reason: r, Detail: detail}
	if r == connector.Denied {
		g.Permission = permRead
	}
	c.heals = c.heals || r == connector.Unavailable || r == connector.Denied
	return c.tell(g)
}

// failed reports a file that could not be read.
func (c *collection) failed(kinds []string, scope string, err error) error {
	c.heals = c.heals || errors.Is(err, errNotYet)
	return c.gap(kinds, scope, reasonOf(err), err.Error())
}

// reportListing says what of the store could not be looked at, and which globs
// take no file.
func (c *collection) reportListing() error {
	slices.SortFunc(c.list.unseen, func(a, b unseen) int { return cmp.Compare(a.scope, b.scope) })
	for _, u := range c.list.unseen {
		kinds := c.kinds
		if u.below != "" {
			kinds = c.wanted(c.cfg.kindsBelow(u.below))
		}
		if len(kinds) == 0 {
			continue
		}
		c.heals = c.heals || u.heals
		if err := c.gap(kinds, u.scope, u.reason, u.detail); err != nil {
			return err
		}
	}
	paths := c.currentPaths()
	for _, e := range c.cfg.entries() {
		kinds := c.wanted(e.kinds)
		if len(kinds) == 0 || slices.ContainsFunc(paths, e.pattern.match) {
			continue
		}
		if err := c.gap(kinds, e.glob, connector.NotFound, "no file matches this glob of the settings"); err != nil {
			return err
		}
	}
	return nil
}

// wanted returns those of kinds that this run reads.
func (c *collection) wanted(kinds []string) []string {
	var out []string
	for _, k := range c.kinds {
		if slices.Contains(kinds, k) {
			out = append(out, k)
		}
	}
	return out
}

// notYet is the error for an arrival that has not come yet.
func notYet(a *arrival) error {
	return fmt.Errorf("commit %s is %w: %s has not come yet", a.commit, errNotYet, a.at.UTC().Format(time.RFC3339))
}

// revisionKinds names the kind that a document gives.
func revisionKinds() []string { return []string{records.KindDocumentRevision} }

package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	// group holds all records of a source: one answer for the whole branch.
	group = "repository"
	// cursorHead is the commit that the last run read.
	cursorHead = "head"
)

// collection is one run.
type collection struct {
	cfg   *config
	req   connector.Request
	emit  connector.Emitter
	repo  *repository
	hist  *history
	kinds []string
	now   time.Time

	count int             // records emitted
	gaps  map[string]bool // kinds with gaps
}

// memo is what is remembered with the validator of the branch.
type memo struct {
	Count   int    `json:"count"`   // records in the group
	Content string `json:"content"` // digest of all wanted paths, commits and blobs
}

// Collect reads the branch. If it has not moved, or nothing wanted has changed
// since the last run, it attests the group as unchanged without opening a file.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config.Settings)
	if err != nil {
		return nil, err
	}
	if req.Since.After(cfg.since) {
		cfg.since = req.Since
	}
	repo, err := openRepository(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = repo.close() }() // files that were only read
	c := &collection{cfg: cfg, req: req, emit: emit, repo: repo, kinds: cfg.kinds(req), now: time.Now(), gaps: map[string]bool{}}
	if len(c.kinds) == 0 {
		return c.coverage(), nil
	}
	settings := c.settingsDigest()
	prior, known := c.prior()
	if known && req.Validators[group].ETag == settings+":"+repo.head.String() {
		return c.unchanged(prior)
	}
	if c.hist, err = repo.walk(ctx, cfg, plumbing.NewHash(req.Cursors[cursorHead])); err != nil {
		return nil, err
	}
	if err := c.reportHistory(); err != nil {
		return nil, err
	}
	now := memo{Content: settings + ":" + c.contentDigest()}
	if known && len(c.gaps) == 0 && prior.Content == now.Content {
		now.Count = prior.Count
		if err := c.remember(settings, now); err != nil {
			return nil, err
		}
		return c.unchanged(prior)
	}
	if slices.Contains(c.kinds, records.KindDocumentRevision) {
		if err := c.documents(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.recordFiles(ctx); err != nil {
		return nil, err
	}
	now.Count = c.count
	if err := c.remember(settings, now); err != nil {
		return nil, err
	}
	return c.coverage(), nil
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

// unchanged attests the group.
func (c *collection) unchanged(m memo) (connector.Coverage, error) {
	if m.Count > 0 {
		if err := c.emit.Unchanged(group, m.Count); err != nil {
			return nil, err
		}
	}
	return c.coverage(), nil
}

// remember stores the position. A run with gaps remembers the commit, but not
// that nothing is left to read: the next one looks again.
func (c *collection) remember(settings string, m memo) error {
	if err := c.emit.Cursor(cursorHead, c.repo.head.String()); err != nil {
		return err
	}
	var v connector.Validator
	if len(c.gaps) == 0 {
		b, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("documents: memo: %w", err)
		}
		v = connector.Validator{ETag: settings + ":" + c.repo.head.String(), Memo: b}
	}
	return c.emit.Validator(group, v)
}

// settingsDigest changes with everything but the repository that decides what
// is emitted.
func (c *collection) settingsDigest() string {
	b, _ := json.Marshal(c.cfg) // plain values: cannot fail
	return digest(Version, string(b), c.cfg.since.Format(time.RFC3339), c.repo.branch, strings.Join(c.kinds, " "))
}

// contentDigest changes with every wanted path, content and commit.
func (c *collection) contentDigest() string {
	h := sha256.New()
	for _, p := range c.currentPaths() {
		fmt.Fprintf(h, "%q %s\n", p, c.hist.current[p].Hash)
	}
	for _, r := range c.hist.revisions {
		fmt.Fprintf(h, "%q %s %s %s\n", r.path, r.blob, r.mode, r.commit.hash)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// reportHistory says what the walk could not see.
func (c *collection) reportHistory() error {
	if c.hist.truncated != "" {
		if err := c.gapAll("history of "+c.repo.branch, connector.Truncated, c.hist.truncated); err != nil {
			return err
		}
	}
	last := plumbing.NewHash(c.req.Cursors[cursorHead])
	if last.IsZero() || c.hist.sawCommit {
		return nil
	}
	ok, err := c.repo.contains(last)
	if err != nil {
		return err
	}
	if ok {
		return nil
	}
	return c.gapAll("history of "+c.repo.branch, connector.Hidden, fmt.Sprintf(
		"commit %s, which the last run read, is no longer part of the branch: its history was rewritten", last))
}

// coverage is the claim about every kind that was asked for.
func (c *collection) coverage() connector.Coverage {
	cov := connector.Coverage{}
	for _, k := range New().Describe().Kinds {
		if c.req.Wants(k.Kind) {
			cov[k.Kind] = connector.KindCoverage{Query: "not in this source's settings", IndependentCount: -1}
		}
	}
	for _, k := range c.kinds {
		kc := connector.KindCoverage{
			Status: connector.Complete, Enumerated: true, IndependentCount: -1,
			Query: fmt.Sprintf("git %s, branch %s at %s, first parents; %s", c.cfg.Name, c.repo.branch, c.repo.head, c.globs(k)),
		}
		if k == records.KindDocumentRevision {
			kc.Since = c.cfg.since
		}
		if c.gaps[k] {
			kc.Status, kc.Enumerated = connector.Partial, false
		}
		cov[k] = kc
	}
	return cov
}

func (c *collection) globs(kind string) string {
	var out []string
	if kind == records.KindDocumentRevision {
		for _, d := range c.cfg.Documents {
			out = append(out, d.Glob)
		}
	}
	for _, r := range c.cfg.Records {
		if slices.Contains(r.Kinds, kind) {
			out = append(out, r.Glob)
		}
	}
	return "files " + strings.Join(out, ", ")
}

// record hands over one fact.
func (c *collection) record(r connector.Record) error {
	r.Group = group
	c.count++
	return c.emit.Record(r)
}

// gap reports a part of one kind's scope.
func (c *collection) gap(kind, scope string, reason connector.Reason, detail string) error {
	c.gaps[kind] = true
	return c.emit.Gap(connector.Gap{Kinds: []string{kind}, Scope: shorten(scope), Reason: reason, Detail: printable(detail)})
}

// gapAll reports a part of every kind's scope.
func (c *collection) gapAll(scope string, reason connector.Reason, detail string) error {
	for _, k := range c.kinds {
		c.gaps[k] = true
	}
	return c.emit.Gap(connector.Gap{Kinds: c.kinds, Scope: shorten(scope), Reason: reason, Detail: printable(detail)})
}

// currentPaths returns the wanted paths at the head, sorted.
func (c *collection) currentPaths() []string { return slices.Sorted(maps.Keys(c.hist.current)) }

// newestCommits returns, for each path, the newest commit that changed it.
func (c *collection) newestCommits() map[string]*commitInfo {
	m := map[string]*commitInfo{}
	for _, r := range c.hist.revisions {
		if _, ok := m[r.path]; !ok {
			m[r.path] = r.commit
		}
	}
	return m
}

// usable returns an error that says why a path at the head cannot be read.
func (c *collection) usable(p string) error {
	if !cleanPath(p) {
		return errors.New("a file name that cannot be used: control characters, .. or the like")
	}
	return regular(c.hist.current[p].Mode)
}

// url is where a person can see a file at a commit; empty if the settings do
// not say.
func (c *collection) url(commit *commitInfo, p string) string {
	if c.cfg.WebURL == "" {
		return ""
	}
	segs := strings.Split(p, "/")
	for i := range segs {
		segs[i] = url.PathEscape(segs[i])
	}
	return strings.NewReplacer("{commit}", commit.hash.String(), "{path}", strings.Join(segs, "/")).Replace(c.cfg.WebURL)
}

// reasonOf tells a file that was not read from one that was not understood.
func reasonOf(err error) connector.Reason {
	switch {
	case errors.Is(err, errTooLarge):
		return connector.Truncated
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return connector.Unavailable
	}
	return connector.Malformed
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%q\n", p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

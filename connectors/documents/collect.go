package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// group holds all records of a source: one answer for the whole branch.
const group = "repository"

// collection is one run.
type collection struct {
	cfg   *config
	req   connector.Request
	emit  connector.Emitter
	store store
	list  *listing
	kinds []string
	now   time.Time
	read  map[string]*content // documents read so far, by path and blob

	code  *codeScan       // nil if no code is scanned
	count int             // records emitted
	gaps  map[string]bool // kinds with gaps
	told  []connector.Gap
	heals bool // a gap may be otherwise next time though no file changes
}

// Collect reads the branch or the folder. If nothing wanted has changed since
// the last run, it attests the group as unchanged, and says again what could not
// be understood, without opening a file of the branch.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config.Settings)
	if err != nil {
		return nil, err
	}
	if req.Since.After(cfg.since) {
		cfg.since = req.Since
	}
	st, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = st.close() }() // files that were only read
	c := &collection{
		cfg: cfg, req: req, emit: emit, store: st, kinds: cfg.kinds(req), now: time.Now(),
		read: map[string]*content{}, gaps: map[string]bool{},
	}
	if len(c.kinds) == 0 {
		return c.coverage(), nil
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c.coverage(), nil
}

func (c *collection) run(ctx context.Context) error {
	rules, err := c.codeRules()
	if err != nil {
		return err
	}
	settings := c.settingsDigest(rules)
	prior, known := c.prior()
	if known && c.store.state() != "" && c.req.Validators[group].ETag == settings+":"+c.store.state() {
		return c.unchanged(prior)
	}
	if c.list, err = c.store.list(ctx, c.cfg, c.req.Cursors); err != nil {
		return err
	}
	if err := c.position(); err != nil {
		return err
	}
	code, err := c.codeState(ctx)
	if err != nil {
		return err
	}
	now := memo{Content: settings + ":" + c.contentDigest(code)}
	if known && !c.healing() && prior.Content == now.Content {
		if err := c.unchanged(prior); err != nil {
			return err
		}
		now.Count = prior.Count
		return c.remember(settings, now)
	}
	if err := c.everything(ctx); err != nil {
		return err
	}
	now.Count = c.count
	return c.remember(settings, now)
}

// everything reads all that is wanted.
func (c *collection) everything(ctx context.Context) error {
	if err := c.reportListing(); err != nil {
		return err
	}
	if slices.Contains(c.kinds, records.KindDocumentRevision) {
		if err := c.documents(ctx); err != nil {
			return err
		}
	}
	if err := c.recordFiles(ctx); err != nil {
		return err
	}
	return c.codeRecords(ctx)
}

// position stores what the next run needs to know. It comes before the
// records: what was seen for the first time was seen even if the run ends early.
func (c *collection) position() error {
	cursors := c.store.cursors()
	for _, name := range slices.Sorted(maps.Keys(cursors)) {
		if err := c.emit.Cursor(name, cursors[name]); err != nil {
			return err
		}
	}
	return nil
}

// healing reports whether something that could not be looked at may be there
// by now, though nothing that was seen has changed.
func (c *collection) healing() bool {
	return slices.ContainsFunc(c.list.unseen, func(u unseen) bool { return u.heals })
}

// settingsDigest changes with everything but the store that decides what is
// emitted.
func (c *collection) settingsDigest(rules string) string {
	b, _ := json.Marshal(c.cfg) // plain values: cannot fail
	return digest(Version, string(b), c.cfg.since.Format(time.RFC3339), strings.Join(c.kinds, " "), rules)
}

// contentDigest changes with every wanted path, content and arrival, and with
// the code, if that is scanned.
func (c *collection) contentDigest(code string) string {
	h := sha256.New()
	if code != "" {
		fmt.Fprintf(h, "code %s\n", code)
	}
	for _, p := range c.currentPaths() {
		fmt.Fprintf(h, "%q %s %v\n", p, c.list.current[p].blob, c.list.current[p].problem)
	}
	for _, r := range c.list.revisions {
		fmt.Fprintf(h, "%q %s %v %s %d\n", r.path, r.blob, r.problem, r.arrived.commit, r.arrived.at.UnixNano())
	}
	for _, u := range c.list.unseen {
		fmt.Fprintf(h, "%q %s %q\n", u.scope, u.reason, u.detail)
	}
	return hex.EncodeToString(h.Sum(nil))
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
			Query: clip(c.store.describe()+"; files "+strings.Join(c.cfg.globsOf(k), ", "), 4000),
		}
		switch {
		case k == records.KindDocumentRevision:
			kc.Since = c.cfg.since
		case c.code != nil && slices.Contains(codeKinds(), k):
			kc.Query = clip(c.store.describe()+"; every file, scanned for AI", 4000)
			kc.Enumerated = k != records.KindCodeScan
		}
		if c.gaps[k] {
			kc.Status, kc.Enumerated = connector.Partial, false
		}
		cov[k] = kc
	}
	return cov
}

// record hands over one fact.
func (c *collection) record(r connector.Record) error {
	r.Group = group
	c.count++
	return c.emit.Record(r)
}

// currentPaths returns the wanted paths that are there now, sorted.
func (c *collection) currentPaths() []string { return slices.Sorted(maps.Keys(c.list.current)) }

// newestArrivals returns, for each path, when its content came.
func (c *collection) newestArrivals() map[string]*arrival {
	m := map[string]*arrival{}
	for _, r := range c.list.revisions {
		if _, ok := m[r.path]; !ok {
			m[r.path] = r.arrived
		}
	}
	return m
}

// usable returns an error that says why a path cannot be read.
func (c *collection) usable(p string) error {
	if !cleanPath(p) {
		return errors.New("a file name that cannot be used: control characters, .. or the like")
	}
	return c.list.current[p].problem
}

// bytes returns a file's content.
func (c *collection) bytes(p, blob string, limit int64) ([]byte, error) {
	b, err := c.store.read(p, blob, limit)
	if err != nil {
		return nil, err
	}
	if _, ok := parsePointer(b); ok {
		return nil, fmt.Errorf("%w: a Git LFS pointer in place of the file", errNotThere)
	}
	return b, nil
}

// url is where a person can see a file; empty if the settings do not say.
func (c *collection) url(a *arrival, p string) string {
	if c.cfg.WebURL == "" {
		return ""
	}
	segs := strings.Split(p, "/")
	for i := range segs {
		segs[i] = url.PathEscape(segs[i])
	}
	return strings.NewReplacer("{commit}", a.commit, "{path}", strings.Join(segs, "/")).Replace(c.cfg.WebURL)
}

// reasonOf tells a file that was not read from one that was not understood.
func reasonOf(err error) connector.Reason {
	switch {
	case errors.Is(err, errTooLarge):
		return connector.Truncated
	case errors.Is(err, fs.ErrPermission):
		return connector.Denied
	case errors.Is(err, errNotThere), errors.Is(err, errSlow), errors.Is(err, fs.ErrNotExist):
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

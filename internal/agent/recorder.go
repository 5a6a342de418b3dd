package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// recorder appends what one run sees and keeps what its closing needs: which
// keys and groups were seen (8 bytes each), counts, gaps.
type recorder struct {
	c           *Collector
	run         evidence.Run
	progress    func(connector.Progress)
	installed   connector.Descriptor
	confinement pluginhost.Confinement // of the process that described itself
	report      connector.CheckReport
	seed        maphash.Seed

	mu        sync.Mutex
	seen      map[uint64]struct{}
	groups    map[string]struct{}
	fresh     map[string]int64 // by kind: first revisions
	revised   map[string]int64 // by kind: further revisions
	same      map[string]int64 // by kind: emitted or attested as they were
	malformed map[string]int   // by kind: records refused
	broken    error            // of the store, that ended the reading
}

// maxMalformedGaps bounds the gaps that name a single refused record, per kind.
const maxMalformedGaps = 20

func newRecorder(c *Collector, p evidence.Provenance, progress func(connector.Progress)) *recorder {
	now := c.Clock().UTC()
	return &recorder{
		c:         c,
		run:       evidence.Run{ID: newRunID(now), Provenance: p, StartedAt: now, Kinds: map[string]evidence.KindRead{}},
		progress:  progress,
		seed:      maphash.MakeSeed(),
		seen:      map[uint64]struct{}{},
		groups:    map[string]struct{}{},
		fresh:     map[string]int64{},
		revised:   map[string]int64{},
		same:      map[string]int64{},
		malformed: map[string]int{},
	}
}

func (r *recorder) open(ctx context.Context) error {
	_, err := r.c.append(ctx, store.Batch{Open: &r.run})
	return err
}

// Progress passes a connector's progress on.
func (r *recorder) Progress(p connector.Progress) {
	if r.progress != nil {
		r.progress(p)
	}
}

// Batch appends one batch and what the connector wants remembered with it.
func (r *recorder) Batch(ctx context.Context, b pluginhost.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := store.Batch{Run: r.run.ID}
	now := r.c.Clock().UTC()
	for _, rec := range b.Records {
		ev, err := r.convert(rec, now)
		if err != nil {
			r.refuse(rec, err)
			r.keepMalformed(&out, rec, err, now)
			continue
		}
		out.Records = append(out.Records, ev)
	}
	for _, u := range b.Unchanged {
		out.Attest = append(out.Attest, store.Attestation{Group: u.Group, Count: u.Count})
	}
	out.State = r.remember(b)
	if err := r.append(ctx, out); err != nil {
		return err
	}
	for _, g := range b.Gaps {
		r.run.Gaps = append(r.run.Gaps, evidence.Gap{
			Kinds: g.Kinds, Scope: g.Scope, Reason: string(g.Reason), Permission: g.Permission, Detail: g.Detail,
		})
	}
	return nil
}

// append stores a batch and remembers what of it was seen.
func (r *recorder) append(ctx context.Context, b store.Batch) error {
	receipt, err := r.c.append(ctx, b)
	if err != nil {
		if !errors.Is(err, store.ErrUnknownGroup) && ctx.Err() == nil {
			r.broken = err
		}
		return err
	}
	addCounts(r.fresh, receipt.New)
	addCounts(r.revised, receipt.Revised)
	addCounts(r.same, receipt.Unchanged)
	for _, rec := range b.Records {
		r.seen[r.hash(rec.Kind, rec.Key)] = struct{}{}
	}
	for _, a := range b.Attest {
		r.groups[a.Group] = struct{}{}
	}
	return nil
}

// convert checks a connector's record against the catalog of kinds.
func (r *recorder) convert(rec connector.Record, now time.Time) (evidence.Record, error) {
	ev := evidence.Record{
		Kind: rec.Kind, Major: max(rec.Major, 1), Key: rec.Key, Group: rec.Group,
		Subject:   evidence.Subject{Type: rec.Subject.Type, ID: rec.Subject.ID},
		EventTime: rec.EventTime, URL: rec.URL, CollectedAt: now,
	}
	if rec.Period != nil {
		ev.Period = &evidence.Period{From: rec.Period.From, To: rec.Period.To}
	}
	payload, err := evidence.Canonical(rec.Payload)
	if err != nil {
		return ev, err
	}
	ev.Payload = payload
	if kind, known := r.c.Catalog.Kind(rec.Kind); known {
		if ev.Major != kind.Major {
			return ev, otherMajor(rec.Kind, ev.Major, kind.Major)
		}
		if errs := kind.Validate(payload); len(errs) > 0 {
			return ev, errors.Join(errs...)
		}
	}
	return ev, nil
}

// refuse counts a record that is not what it claims to be; the first few are
// named.
func (r *recorder) refuse(rec connector.Record, err error) {
	r.malformed[rec.Kind]++
	n := r.malformed[rec.Kind]
	if n > maxMalformedGaps {
		return
	}
	r.run.Gaps = append(r.run.Gaps, evidence.Gap{
		Kinds: []string{rec.Kind}, Scope: rec.Subject.ID, Reason: string(connector.Malformed),
		Detail: fmt.Sprintf("record %s breaks its kind, and is kept as %s: %v", rec.Key, KindMalformed, err),
	})
}

// addPermissionGaps turns permissions that the check found missing into gaps,
// for the kinds that were read without one that says more.
func (r *recorder) addPermissionGaps(wanted []string) {
	d := r.installed
	for _, state := range r.report.Permissions {
		if state.Grant != connector.Missing {
			continue
		}
		i := slices.IndexFunc(d.Permissions, func(p connector.Permission) bool { return p.ID == state.Permission })
		if i < 0 {
			continue
		}
		var kinds []string
		for _, k := range d.Permissions[i].Kinds {
			if slices.Contains(wanted, k) && !r.hasGap(k) {
				kinds = append(kinds, k)
			}
		}
		if len(kinds) == 0 {
			continue
		}
		r.run.Gaps = append(r.run.Gaps, evidence.Gap{
			Kinds: kinds, Scope: "permission " + state.Permission, Reason: string(connector.Denied),
			Permission: state.Permission, Detail: d.Permissions[i].Grant,
		})
	}
}

// asked returns the kinds that the run was to read: those configured, or all
// that the connector says it read. What it offers and was not set up to read
// (a kind without its mapping) is no part of the run.
func asked(configured []string, claimed connector.Coverage) []string {
	if len(configured) > 0 {
		return configured
	}
	var out []string
	for kind, c := range claimed {
		if c.Status != connector.NotRead {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// close ends the run. It runs to its end although ctx may be done.
func (r *recorder) close(ctx context.Context, configured []string, res pluginhost.Result, runErr error) (evidence.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	r.run.FinishedAt = r.c.Clock().UTC()
	r.run.Calls = evidence.CallCounts(res.Calls)
	if r.run.Confinement = res.Confinement.String(); r.run.Confinement == "" {
		r.run.Confinement = r.confinement.String() // it did not come to reading
	}
	wanted := asked(configured, res.Coverage)
	r.addPermissionGaps(wanted)
	r.cover(wanted, res.Coverage, runErr)
	r.claimMalformed()
	r.run.Status = r.status(wanted, runErr)
	if runErr != nil {
		r.run.Error = explained(runErr)
	}
	return r.end(ctx)
}

// explained is an error's text with its remedy, which people find in the run.
func explained(err error) string {
	remedy := ""
	var plugin *pluginhost.Error
	var problem problemError
	switch {
	case errors.Is(err, context.Canceled):
		return "stopped before its end; what it had acknowledged was kept, and the next run goes on from there"
	case errors.As(err, &plugin):
		remedy = plugin.Hint
	case errors.As(err, &problem):
		remedy = problem.remedy
	}
	if remedy == "" {
		return err.Error()
	}
	return err.Error() + "; " + remedy
}

// end appends the closing of the run as it stands.
func (r *recorder) end(ctx context.Context) (evidence.Run, error) {
	for kind := range r.kinds() { // a run that broke off claims nothing, and what it read still counts
		if _, ok := r.run.Kinds[kind]; !ok {
			r.run.Kinds[kind] = evidence.KindRead{IndependentCount: -1}
		}
	}
	for kind, k := range r.run.Kinds {
		k.New, k.Revised, k.Unchanged = r.fresh[kind], r.revised[kind], r.same[kind]
		k.Seen = k.New + k.Revised + k.Unchanged
		r.run.Kinds[kind] = k
	}
	receipt, err := r.c.append(ctx, store.Batch{Run: r.run.ID, Close: &store.RunClose{Run: r.run, Seen: r.wasSeen}})
	if err != nil {
		return r.run, err
	}
	for kind, gone := range receipt.Gone {
		k := r.run.Kinds[kind]
		k.Gone = gone
		r.run.Kinds[kind] = k
	}
	return r.run, nil
}

// cover fills the run's claim for each kind. What a connector claims is
// lowered where the agent knows better.
func (r *recorder) cover(wanted []string, claimed connector.Coverage, runErr error) {
	for kind, n := range r.malformed {
		if n > maxMalformedGaps {
			r.run.Gaps = append(r.run.Gaps, evidence.Gap{Kinds: []string{kind}, Scope: "run", Reason: string(connector.Malformed),
				Detail: fmt.Sprintf("%d records break their kind; the first %d are named, all are kept as %s", n, maxMalformedGaps, KindMalformed)})
		}
	}
	for _, kind := range wanted {
		cov, ok := claimed[kind]
		if !ok {
			cov = connector.KindCoverage{IndependentCount: -1}
		}
		k := evidence.KindRead{
			Coverage: string(cov.Status), Enumerated: cov.Enumerated, Since: cov.Since,
			Query: cov.Query, IndependentCount: cov.IndependentCount,
			Seen: r.fresh[kind] + r.revised[kind] + r.same[kind],
		}
		if k.Coverage == string(connector.Complete) && k.Enumerated && k.IndependentCount >= 0 && k.IndependentCount != k.Seen {
			r.run.Gaps = append(r.run.Gaps, evidence.Gap{Kinds: []string{kind}, Scope: "run", Reason: string(connector.Hidden),
				Detail: fmt.Sprintf("%d were listed, but the source counts %d", k.Seen, k.IndependentCount)})
		}
		if k.Coverage == string(connector.Complete) && (runErr != nil || r.hasGap(kind)) {
			k.Coverage = string(connector.Partial)
		}
		r.run.Kinds[kind] = k
	}
}

func (r *recorder) hasGap(kind string) bool {
	return slices.ContainsFunc(r.run.Gaps, func(g evidence.Gap) bool { return slices.Contains(g.Kinds, kind) })
}

func (r *recorder) status(wanted []string, runErr error) evidence.RunStatus {
	if runErr != nil {
		return evidence.RunFailed
	}
	for _, kind := range wanted {
		if r.run.Kinds[kind].Coverage != string(connector.Complete) {
			return evidence.RunPartial
		}
	}
	if len(r.run.Gaps) > 0 {
		return evidence.RunPartial
	}
	return evidence.RunComplete
}

func (r *recorder) wasSeen(kind, key, group string) bool {
	if group != "" {
		if _, ok := r.groups[group]; ok {
			return true
		}
	}
	_, ok := r.seen[r.hash(kind, key)]
	return ok
}

func (r *recorder) hash(kind, key string) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteString(kind)
	h.WriteByte(0)
	h.WriteString(key)
	return h.Sum64()
}

// forget drops all that a source's connector had remembered.
func (r *recorder) forget(ctx context.Context, s store.State) error {
	out := store.Batch{Run: r.run.ID}
	for name := range s.Cursors {
		if strings.HasPrefix(name, connector.MemoryPrefix) {
			continue
		}
		out.State = append(out.State, store.StateChange{Cursor: true, Key: name})
	}
	for key := range s.Validators {
		out.State = append(out.State, store.StateChange{Key: key})
	}
	_, err := r.c.append(ctx, out)
	return err
}

// stateChanges brings a batch's cursors and validators into the store's form.
func stateChanges(b pluginhost.Batch) []store.StateChange {
	var out []store.StateChange
	for _, c := range b.Cursors {
		out = append(out, store.StateChange{Cursor: true, Key: c.Name, Value: mustJSON(c.Value)})
	}
	for _, v := range b.Validators {
		change := store.StateChange{Key: v.Key}
		if !v.Value.IsZero() {
			change.Value = mustJSON(v.Value)
		}
		out = append(out, change)
	}
	return out
}

// remembered brings stored state back into the connector's form.
func remembered(s store.State) (map[string]string, map[string]connector.Validator, error) {
	validators := make(map[string]connector.Validator, len(s.Validators))
	for key, raw := range s.Validators {
		var v connector.Validator
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, nil, fmt.Errorf("stored validator %q: %w", key, err)
		}
		validators[key] = v
	}
	return s.Cursors, validators, nil
}

// mustJSON encodes strings and structs of strings, which cannot fail.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func addCounts(sum, add map[string]int64) {
	for k, n := range add {
		sum[k] += n
	}
}

// kinds returns the kinds of which the run saw anything.
func (r *recorder) kinds() map[string]bool {
	out := map[string]bool{}
	for _, counts := range []map[string]int64{r.fresh, r.revised, r.same} {
		for kind := range counts {
			out[kind] = true
		}
	}
	return out
}

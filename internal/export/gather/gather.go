// Package gather makes an export's Snapshot from a store and an assessment:
// which evidence the results rest on, which systems and waivers were in force
// at the instant, which runs read them.
//
// It may import internal/store, internal/assess, internal/evaluate, internal/catalog, internal/people,
// internal/crosswalk and internal/export with sheets. It promises that the same ledger,
// the same rules and the same assessment give the same Snapshot, whenever it is made.
package gather

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Source is the reading part of a store. A bundle can be one too, so that a
// verifier makes the same Snapshot from it.
type Source interface {
	evaluate.Source
	// Payload returns canonical bytes, store.ErrNotFound or store.ErrErased.
	Payload(ctx context.Context, d evidence.Digest) ([]byte, error)
}

// Request says what to export and who asks.
type Request struct {
	Organisation string
	Roles        []string
	Period       *evidence.Period
	GeneratedBy  string
	ToolVersion  string
	PublicKey    string // verifier key of the ledger's checkpoints
	Checkpoint   []byte // signed, at least of the assessment's size

	Duties  evaluate.Duties // what the organisation decides about findings
	Since   *export.Since   // see Since; nil if no earlier instant was given
	Shipped fs.FS           // holds crosswalk/; nil: no crosswalk is shown
}

// Snapshot gathers what an export of a needs from st.
func Snapshot(ctx context.Context, st Source, eng *assess.Engine, a *assess.Assessment, r Request) (*export.Snapshot, error) {
	cat := eng.Catalog()
	s := &export.Snapshot{
		Organisation: r.Organisation, Roles: r.Roles, AsOf: a.AsOf, Period: r.Period, GeneratedBy: r.GeneratedBy,
		ToolVersion: r.ToolVersion, Assessment: a, PublicKey: r.PublicKey, Checkpoint: r.Checkpoint,
		Controls: map[string]export.Control{}, Expectations: map[string]export.Expectation{}, Kinds: map[string]export.Kind{},
	}
	var err error
	g := gatherer{st: st, asOf: a.AsOf, size: a.Checkpoint.Size, used: map[evidence.Digest]bool{}}
	for _, res := range a.Results {
		for _, d := range res.Evidence {
			g.used[d] = true
		}
	}
	if s.Systems, err = g.systems(ctx); err != nil {
		return nil, err
	}
	if s.Waivers, err = g.waivers(ctx); err != nil {
		return nil, err
	}
	if err = g.scope(ctx, s); err != nil {
		return nil, err
	}
	for _, c := range cat.Controls {
		s.Controls[c.ID] = export.Control{Area: areaTitle(cat, c.Area), Stages: c.Stages}
	}
	inForce := eng.InForce()
	for i, e := range eng.Expectations() {
		s.Expectations[e.Slug] = expectation(e, inForce[i])
	}
	for _, k := range cat.Kinds {
		s.Kinds[k.ID] = export.Kind{Title: k.ID, Strength: string(k.Strength)}
	}
	if s.Runs, err = g.runs(ctx); err != nil {
		return nil, err
	}
	if s.SoA, err = g.soa(ctx, cat, s); err != nil {
		return nil, err
	}
	records, err := g.records(ctx)
	if err != nil {
		return nil, err
	}
	if s.Lives, err = lives(ctx, st, a, r.Duties); err != nil {
		return nil, err
	}
	if s.Crosswalk, err = frameworks(r.Shipped, cat); err != nil {
		return nil, err
	}
	if s.FirstSeen, err = g.firstSeen(ctx); err != nil {
		return nil, err
	}
	s.Since = r.Since
	s.Ledger = &ledgerOf{Source: st, used: g.used, records: records, size: g.size, asOf: a.AsOf}
	return s, nil
}

func areaTitle(cat *catalog.Catalog, id string) string {
	for _, a := range cat.Areas {
		if a.ID == id {
			return a.ID + " " + a.Title
		}
	}
	return id
}

// expectation brings one in force into the form of exports.
func expectation(e *assess.Expectation, in assess.InForce) export.Expectation {
	return export.Expectation{
		Title: e.Title, Statement: e.Statement, Version: strconv.Itoa(e.Version), Strength: e.Strength,
		Window: e.Freshness.EventMaxAge, Kinds: in.Kinds, Thresholds: in.Thresholds(), Whose: whose(in),
	}
}

// whose says what a file of the organisation's did to an expectation.
func whose(in assess.InForce) string {
	switch {
	case in.Off != "":
		return "switched off: " + in.Off
	case in.Own:
		return "the organisation's own"
	case len(in.Changed) > 0:
		return "changed by the organisation: " + strings.Join(in.Changed, ", ")
	}
	return "as shipped"
}

// gatherer reads one store as of one instant.
type gatherer struct {
	st   Source
	asOf time.Time
	size int64
	used map[evidence.Digest]bool
}

// inForce returns, by source and key, the revision of each key of a kind that
// was in force at the instant, in order of key.
func (g *gatherer) inForce(ctx context.Context, kind string) ([]evidence.Evidence, error) {
	type name struct{ source, key string }
	newest := map[name]evidence.Evidence{}
	for ev, err := range g.st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{kind}, Before: g.size, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if ev.CollectedAt.After(g.asOf) {
			continue
		}
		k := name{ev.Source, ev.Key}
		if old, ok := newest[k]; !ok || !ev.CollectedAt.Before(old.CollectedAt) {
			newest[k] = ev
		}
	}
	var out []evidence.Evidence
	for _, ev := range newest {
		if ev.Payload != nil && (ev.GoneAt.IsZero() || ev.GoneAt.After(g.asOf)) {
			out = append(out, ev)
		}
	}
	slices.SortFunc(out, func(a, b evidence.Evidence) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Source, b.Source))
	})
	return out, nil
}

func decode(ev evidence.Evidence, into any) error {
	if err := json.Unmarshal(ev.Payload, into); err != nil {
		return fmt.Errorf("evidence %s: %w", ev.Digest, err)
	}
	return nil
}

// runs returns the runs that had begun by the instant, in ledger order. One
// that ended later was still open.
func (g *gatherer) runs(ctx context.Context) ([]evidence.Run, error) {
	var out []evidence.Run
	for run, err := range g.st.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		if run.StartedAt.After(g.asOf) {
			continue
		}
		if run.FinishedAt.After(g.asOf) {
			run = evidence.Run{ID: run.ID, Provenance: run.Provenance, StartedAt: run.StartedAt}
		}
		out = append(out, run)
	}
	return out, nil
}

// records finds the revisions in force of the kinds that have a sheet of their
// own, and counts them as used.
func (g *gatherer) records(ctx context.Context) (map[evidence.Digest]bool, error) {
	type name [16]byte
	type revision struct {
		digest evidence.Digest
		read   int64
		gone   bool
	}
	newest, out := map[name]revision{}, map[evidence.Digest]bool{}
	kinds := sheets.RecordKinds()
	if len(kinds) == 0 {
		return out, nil
	}
	for ev, err := range g.st.Evidence(ctx, store.EvidenceQuery{Kinds: kinds, Before: g.size}) {
		if err != nil {
			return nil, err
		}
		if ev.CollectedAt.After(g.asOf) {
			continue
		}
		d := evidence.Sum([]byte(ev.Source + "\x00" + ev.Kind + "\x00" + ev.Key))
		n, read := name(d[:16]), ev.CollectedAt.UnixMicro()
		if old, ok := newest[n]; !ok || read >= old.read {
			newest[n] = revision{ev.Digest, read, !ev.GoneAt.IsZero() && !ev.GoneAt.After(g.asOf)}
		}
	}
	for _, r := range newest {
		if !r.gone {
			out[r.digest], g.used[r.digest] = true, true
		}
	}
	return out, nil
}

// ledgerOf is the part of a store that an export shows.
type ledgerOf struct {
	Source
	used, records map[evidence.Digest]bool
	size          int64
	asOf          time.Time
}

// Used implements export.Ledger.
func (l *ledgerOf) Used(ctx context.Context) iter.Seq2[evidence.Evidence, error] {
	return l.only(ctx, l.used, store.EvidenceQuery{Before: l.size})
}

// InForce implements export.Ledger.
func (l *ledgerOf) InForce(ctx context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error] {
	return l.only(ctx, l.records, store.EvidenceQuery{Kinds: kinds, Before: l.size, Payloads: true})
}

func (l *ledgerOf) only(ctx context.Context, these map[evidence.Digest]bool, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for ev, err := range l.Evidence(ctx, q) {
			if err != nil {
				yield(ev, err)
				return
			}
			if !these[ev.Digest] {
				continue
			}
			if ev.GoneAt.After(l.asOf) {
				ev.GoneAt = time.Time{}
			}
			if !yield(ev, nil) {
				return
			}
		}
	}
}

var _ export.Ledger = (*ledgerOf)(nil)

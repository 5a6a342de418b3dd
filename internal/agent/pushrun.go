package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// MethodPush is how runs came about whose records a program pushed.
const MethodPush = "push"

// Pushed is what a program pushes at once.
type Pushed struct {
	Account string             // whose token it is
	Person  string             // of the register, who made the token; empty if nobody
	Key     string             // that the program gave the request, so that it is taken in once
	Sum     evidence.Digest    // of the body
	Header  *importfile.Header // nil: nobody said how much of the scope it is
	Source  string
	Records []evidence.Record // checked
	First   bool              // of this process for the source: what a dead one left is closed
}

// ErrOtherBody: a key came before, with another body or for another source.
var ErrOtherBody = errors.New("the idempotency key was used for another body or source")

// pushQuery begins what a pushed run says of how it was read; the digest of the
// body follows.
const pushQuery = "pushed; SHA-256 of the request "

// pushAttempts bounds how often one key is taken up again after the process died
// while it was at it.
const pushAttempts = 16

// Push takes in what a program pushes as a run of its own, once: a key that came
// before finds its run in the ledger, and again says so. Records are committed
// all together. The caller holds the lock of imports.
func (c *Collector) Push(ctx context.Context, p Pushed) (run evidence.Run, again bool, err error) {
	if p.First {
		// What a dead process left of this very push is ended as it would have been,
		// the rest as failed.
		if run, found, err := c.takeUp(ctx, p); found || err != nil {
			return run, found, err
		}
		if err := c.closeDangling(ctx, p.Source); err != nil {
			return run, false, err
		}
	}
	for n := range pushAttempts {
		run, err := c.push(ctx, p, p.runID(n))
		if err == nil {
			return run, n > 0, nil
		}
		// Either it came before, or it cannot be stored: the ledger says which.
		before, found, lookErr := c.pushedRun(ctx, "", p.runID(n)) // a key may have come for another source
		switch {
		case lookErr != nil || !found:
			return run, false, errors.Join(err, lookErr)
		case !p.isOf(before):
			return before, false, ErrOtherBody
		case before.Status == evidence.RunOpen: // the process died before the run was closed
			run, err = c.closePushed(ctx, p, before)
			return run, true, err
		case before.Status != evidence.RunFailed:
			return before, true, nil
		}
		// Somebody closed what a dead process had left: it claims nothing. Pushing
		// again adds no revision, and a run that claims.
	}
	return evidence.Run{}, false, fmt.Errorf("the push was cut off %d times", pushAttempts)
}

// runID follows from who pushes and the key, so that the ledger itself takes it
// in once.
func (p *Pushed) runID(attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%d", len(p.Account), p.Account, len(p.Key), p.Key, attempt))
	return "push-" + hex.EncodeToString(sum[:16])
}

func (p *Pushed) query() string { return pushQuery + p.Sum.String() }

// isOf reports whether a run is that of this body, for its source.
func (p *Pushed) isOf(run evidence.Run) bool {
	return run.Provenance.Source == p.Source && strings.HasSuffix(run.Provenance.ConnectorVersion, "+"+p.Sum.String())
}

// pushedRun looks for a run of a source, or of any.
func (c *Collector) pushedRun(ctx context.Context, source, id string) (run evidence.Run, found bool, err error) {
	for run, err := range c.Store.Runs(ctx, source) {
		if err != nil || run.ID == id {
			return run, err == nil, err
		}
	}
	return evidence.Run{}, false, nil
}

// takeUp closes the run of a push whose process died after its records were
// committed.
func (c *Collector) takeUp(ctx context.Context, p Pushed) (run evidence.Run, found bool, err error) {
	for n := range pushAttempts {
		run, found, err = c.pushedRun(ctx, p.Source, p.runID(n))
		if err != nil || !found {
			return run, false, err
		}
		if run.Status == evidence.RunOpen && p.isOf(run) {
			run, err = c.closePushed(ctx, p, run)
			return run, true, err
		}
	}
	return run, false, nil
}

func (c *Collector) push(ctx context.Context, p Pushed, id string) (evidence.Run, error) {
	rec := newRecorder(c, evidence.Provenance{
		Agent: "exhibit/" + c.Version, Source: p.Source, Connector: ImportConnector,
		// The digest of the body tells one request of a key from another.
		ConnectorVersion: c.Version + "+" + p.Sum.String(),
		Identity:         p.Account, Method: MethodPush, Reliability: "export", ImportedBy: people.Identity(p.Person, p.Account),
	}, nil)
	rec.run.ID = id
	if err := rec.append(ctx, store.Batch{Open: &rec.run, Run: id, Records: p.Records}); err != nil {
		return evidence.Run{}, err
	}
	return c.endPushed(context.WithoutCancel(ctx), p, rec)
}

// closePushed closes a run whose records are in the ledger.
func (c *Collector) closePushed(ctx context.Context, p Pushed, run evidence.Run) (evidence.Run, error) {
	rec := newRecorder(c, run.Provenance, nil)
	started := run.StartedAt
	rec.run = run
	rec.run.StartedAt, rec.run.Kinds = started, map[string]evidence.KindRead{}
	for _, r := range p.Records {
		rec.same[r.Kind]++
		rec.seen[rec.hash(r.Kind, r.Key)] = struct{}{}
	}
	for ev, err := range c.Store.Evidence(ctx, store.EvidenceQuery{Source: p.Source, Run: run.ID}) {
		if err != nil {
			return run, err
		}
		rec.same[ev.Kind]--
		if ev.Revision > 1 {
			rec.revised[ev.Kind]++
		} else {
			rec.fresh[ev.Kind]++
		}
	}
	return c.endPushed(ctx, p, rec)
}

// endPushed closes a run with what was claimed of it.
func (c *Collector) endPushed(ctx context.Context, p Pushed, rec *recorder) (evidence.Run, error) {
	h := importfile.Header{}
	if p.Header != nil {
		h = *p.Header
	}
	imp := importing{c: c, header: h, rec: rec}
	imp.header.Source = p.Source
	if len(h.Scope) > 0 {
		if err := imp.besideConnector(ctx); err != nil {
			return rec.run, err
		}
	}
	rec.run.FinishedAt, rec.run.Gaps = c.Clock().UTC(), h.Gaps
	imp.claim(p.query())
	return rec.end(ctx)
}

// claim fills in what the header of a run says of its kinds. Without a header
// nobody said how much of the scope was read, so that every kind is partial.
func (i *importing) claim(how string) {
	r := i.rec
	r.run.Status = evidence.RunComplete
	for kind := range r.kinds() {
		if _, ok := i.header.Scope[kind]; !ok {
			r.run.Kinds[kind] = evidence.KindRead{Coverage: "partial", IndependentCount: -1,
				Query: how + "; how much of the scope it holds was not stated"}
		}
	}
	for kind, status := range i.header.Scope {
		k, _ := i.c.Catalog.Kind(kind)
		query := how
		if i.beside && status == "complete" {
			status, query = "partial", how+", beside what a connector reads of the source"
		}
		r.run.Kinds[kind] = evidence.KindRead{Coverage: status, Enumerated: status == "complete" && k.Nature == catalog.State,
			IndependentCount: -1, Query: query}
	}
	for _, k := range r.run.Kinds {
		if k.Coverage != "complete" {
			r.run.Status = evidence.RunPartial
		}
	}
}

package mlflow

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// queued is a version with the run that made it.
type queued struct {
	version modelVersion
	model   *model
}

// position is how far the runs of versions were read.
type position struct {
	Until    millis   `json:"until"` // versions made before were read
	Open     []string `json:"open,omitempty"`
	Settings string   `json:"settings"`
}

// maxOpen bounds the names of versions that stay open from run to run, in
// bytes.
const maxOpen = 40_000

// overlap is re-read each time: a version may show up a little after one that
// was made later.
const overlap = millis(time.Hour / time.Millisecond)

// missed counts the runs that could not be read, by what stood in the way.
type missed struct {
	part coverage.Part
	err  error
	runs map[string]bool
}

// runsOfVersions reads the runs of versions that were not read before, and of
// those whose run had not ended.
func (c *collection) runsOfVersions(ctx context.Context, whole bool) error {
	kinds := c.book.Wants(runKinds()...)
	if len(kinds) == 0 {
		return nil
	}
	name := "runs:" + strings.Join(kinds, ",")
	var pos position
	if !c.book.Position(name, &pos) || pos.Settings != c.cfg.digest() {
		pos = position{Settings: c.cfg.digest()}
	}
	open := map[string]bool{}
	misses := map[connector.Reason]*missed{}
	done := map[string]*mlRun{}
	due := c.due(pos)
	for i, q := range due {
		c.book.Progress("runs behind the versions", i, len(due))
		ended, err := c.runOf(ctx, q, done, misses)
		if err != nil {
			return err
		}
		if !ended {
			open[q.version.ref()] = true
		}
	}
	for _, m := range sortedMisses(misses) {
		m.part.Scope = "runs of versions: " + some(m.runs)
		if err := c.book.Missed(ctx, m.part, m.err); err != nil {
			return err
		}
	}
	if whole || len(done) > 0 {
		c.book.Read(kinds...)
	}
	if !whole {
		return nil
	}
	return c.book.Cursor(name, c.advanced(pos, open))
}

// due are the versions whose run is to be read, the oldest first.
func (c *collection) due(pos position) []queued {
	due := slices.DeleteFunc(slices.Clone(c.queue), func(q queued) bool {
		return pos.Until > 0 && q.version.Created+overlap < pos.Until && !slices.Contains(pos.Open, q.version.ref())
	})
	slices.SortFunc(due, func(a, b queued) int {
		return cmp.Or(cmp.Compare(a.version.Created, b.version.Created), cmp.Compare(a.version.ref(), b.version.ref()))
	})
	return due
}

// advanced is the next position. With too much left open it stays where it is.
func (c *collection) advanced(pos position, open map[string]bool) position {
	next := position{Until: pos.Until, Settings: pos.Settings}
	size := 0
	for ref := range open {
		size += len(ref) + 8
	}
	if size > maxOpen {
		next.Open = pos.Open
		return next
	}
	for _, q := range c.queue {
		if !q.version.Created.time().After(c.now.Add(clockSkew)) { // else all that come after would count as read
			next.Until = max(next.Until, q.version.Created)
		}
	}
	for ref := range open {
		next.Open = append(next.Open, ref)
	}
	slices.Sort(next.Open)
	return next
}

// runOf reads and emits the run of a version, and reports whether it has ended.
func (c *collection) runOf(ctx context.Context, q queued, done map[string]*mlRun, misses map[connector.Reason]*missed) (ended bool, err error) {
	id := q.version.RunID
	run := done[id]
	if run == nil {
		run = &mlRun{}
		if err := c.api.get(ctx, pathRun, url.Values{"run_id": {id}}, "run", run); err != nil {
			return false, c.miss(ctx, id, err, misses)
		}
		if run.Info.RunID != id {
			return false, c.gapOf(runKinds(), "run "+id, connector.Malformed, "the answer is about another run")
		}
		done[id] = run
	}
	if err := c.emitLineage(q, run); err != nil {
		return false, err
	}
	if err := c.emitEvaluation(run, &q); err != nil {
		return false, err
	}
	return !run.Info.Ended.time().IsZero(), nil
}

func (c *collection) miss(ctx context.Context, id string, err error, misses map[connector.Reason]*missed) error {
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return err
	}
	reason := coverage.ReasonOf(err)
	if misses[reason] == nil {
		misses[reason] = &missed{part: coverage.Part{Kinds: runKinds(), Permission: readExperiments}, err: err, runs: map[string]bool{}}
	}
	misses[reason].runs[id] = true
	return nil
}

func sortedMisses(misses map[connector.Reason]*missed) []*missed {
	reasons := make([]connector.Reason, 0, len(misses))
	for r := range misses {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	out := make([]*missed, 0, len(reasons))
	for _, r := range reasons {
		out = append(out, misses[r])
	}
	return out
}

// emitLineage emits what a version was made from.
func (c *collection) emitLineage(q queued, run *mlRun) error {
	if c.tooOld(run) {
		return nil
	}
	commit, _ := lookup(run.Data.Tags, "mlflow.source.git.commit")
	return c.book.Record(connector.Record{
		Kind: records.KindLineage, Subject: connector.Subject{Type: "model", ID: q.version.ref()},
		Key:       key(c.cfg.Registry, run.Info.RunID, q.version.Name, string(q.version.Version)),
		EventTime: run.Info.Ended.time(), URL: c.runLink(run),
	}, records.Lineage{
		RunID: run.Info.RunID, Registry: c.cfg.Registry, Model: q.version.Name, ModelVersion: string(q.version.Version),
		TrainingRun: "runs:/" + run.Info.RunID, DatasetVersions: run.datasets(), CodeCommit: records.Line(commit, 100),
		ParametersDigest: run.parameters(), StartedAt: records.Stamp(run.Info.Started.time()), EndedAt: records.Stamp(run.Info.Ended.time()),
	})
}

// tooOld reports whether a run ended before what was asked for.
func (c *collection) tooOld(run *mlRun) bool {
	ended := run.Info.Ended.time()
	if c.req.Since.IsZero() || ended.IsZero() || !ended.Before(c.req.Since) {
		return false
	}
	c.book.Since(c.req.Since, runKinds()...)
	return true
}

func (c *collection) runLink(run *mlRun) string {
	return c.cfg.link("experiments", string(run.Info.Experiment), "runs", run.Info.RunID)
}

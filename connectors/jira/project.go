package jira

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// projectRun reads one project.
type projectRun struct {
	*collection
	project project
	kinds   []string // that this project can give and the request wants

	seen   map[string]time.Time // issue id → its time of update
	unread int                  // issues listed that could not be understood
	newest time.Time            // update among all issues seen
	clean  bool                 // no gap so far
}

func (r *projectRun) run(ctx context.Context) error {
	if err := r.api.projectExists(ctx, r.project.Key); err != nil {
		return err
	}
	r.seen, r.clean = map[string]time.Time{}, true
	from, partly := r.start()
	jql := restriction(r.project.Key, from, r.me)
	r.describe(jql, partly)
	q := searchQuery{jql: jql + " ORDER BY updated ASC, key ASC", fields: r.cfg.searchFields(), size: r.cfg.PageSize}
	err := r.api.search(ctx, q, func(list []*issue, bad []*badIssue) error {
		for _, k := range r.kinds {
			r.state(k).read = true
		}
		r.unread += len(bad)
		for _, b := range bad {
			if err := r.issueGap(r.kinds, b.ref, &badIssueError{b.err}); err != nil {
				return err
			}
		}
		return r.page(ctx, list)
	})
	if err != nil {
		return err
	}
	if err := r.checkVisible(ctx, jql); err != nil {
		return err
	}
	if !r.clean || r.newest.IsZero() {
		return nil // the next run reads the same again
	}
	return r.emitted(r.emit.Cursor(r.cursorName(), r.cfg.digest+" "+r.newest.Format(time.RFC3339)))
}

// start returns since when to read, and whether that leaves out older issues
// that an earlier run has read.
func (r *projectRun) start() (from time.Time, partly bool) {
	from = r.cfg.since
	digest, at, _ := strings.Cut(r.req.Cursors[r.cursorName()], " ")
	t, err := time.Parse(time.RFC3339, at)
	if r.req.Full || err != nil || digest != r.cfg.digest || t.Before(from) {
		return from, false
	}
	r.newest = t
	return t, true
}

func (r *projectRun) cursorName() string { return "updated:" + r.project.Key }

// describe notes for the coverage what is asked.
func (r *projectRun) describe(jql string, partly bool) {
	how := "search (only issues that the account may browse)"
	if r.project.Canary == "" {
		how += ", no canary"
	} else {
		how += ", canary " + r.project.Canary
	}
	for _, k := range r.kinds {
		s := r.state(k)
		s.partly = s.partly || partly
		s.queries = append(s.queries, jql+": "+how)
	}
}

// page emits what a page of issues gives.
func (r *projectRun) page(ctx context.Context, list []*issue) error {
	list = slices.DeleteFunc(list, func(is *issue) bool { // pages may overlap while issues change
		at, again := r.seen[is.id]
		r.seen[is.id] = is.updated
		return again && at.Equal(is.updated)
	})
	var failed map[*issue]error
	if r.cfg.needsHistory(r.project, r.req) {
		var err error
		if failed, err = r.api.histories(ctx, list); err != nil {
			return err
		}
	}
	for _, is := range list {
		if err := r.issue(ctx, is, failed[is]); err != nil {
			return err
		}
		if is.updated.After(r.newest) {
			r.newest = is.updated
		}
	}
	return nil
}

// issue emits an issue, its history, its approvals and what it is mapped to.
func (r *projectRun) issue(ctx context.Context, is *issue, historyErr error) error {
	if is.problem != nil { // what else it says is kept, without those times
		if err := r.issueGap([]string{KindIssue}, is.key, &badIssueError{is.problem}); err != nil {
			return err
		}
	}
	if slices.Contains(r.kinds, KindIssue) {
		rec, err := is.record(r.cfg)
		if err := r.recordOrGap(rec, err, KindIssue, is.key); err != nil {
			return err
		}
	}
	if historyErr != nil {
		if err := r.issueGap(without(without(r.kinds, KindIssue), KindApproval), is.key, historyErr); err != nil {
			return err
		}
	} else if err := r.issueHistory(is); err != nil {
		return err
	}
	if r.project.Approvals && slices.Contains(r.kinds, KindApproval) {
		return r.issueApprovals(ctx, is)
	}
	return nil
}

// issueHistory emits what needs the history: transitions and mapped kinds.
func (r *projectRun) issueHistory(is *issue) error {
	if slices.Contains(r.kinds, KindTransition) {
		recs, err := is.transitions(r.cfg)
		if err != nil {
			return err
		}
		for _, rec := range recs {
			if err := r.recordOrGap(rec, nil, KindTransition, is.key); err != nil {
				return err
			}
		}
	}
	for i := range r.cfg.IssueTypes {
		t := &r.cfg.IssueTypes[i]
		if !slices.Contains(r.kinds, t.Kind) || !t.takes(r.project, is) {
			continue
		}
		rec, err := t.record(r.cfg, is)
		if err := r.recordOrGap(rec, err, t.Kind, is.key); err != nil {
			return err
		}
	}
	return nil
}

func (r *projectRun) issueApprovals(ctx context.Context, is *issue) error {
	list, err := r.api.approvals(ctx, is.key)
	if err != nil && stops(err) {
		return err
	}
	if err != nil {
		return r.issueGap([]string{KindApproval}, is.key, err)
	}
	for _, a := range list {
		rec, err := a.record(is, is.url(r.cfg))
		if err := r.recordOrGap(rec, err, KindApproval, is.key); err != nil {
			return err
		}
	}
	return nil
}

// recordOrGap emits a record, or says for which issue there is none and why.
func (r *projectRun) recordOrGap(rec connector.Record, err error, kind, key string) error {
	if err == nil && rec.EventTime.After(r.now) {
		err = fmt.Errorf("%s: its time, %s, has not come yet", kind, rec.EventTime.Format(time.RFC3339))
	}
	if err != nil {
		return r.issueGap([]string{kind}, key, &badIssueError{err})
	}
	return r.emitted(r.emit.Record(rec))
}

// issueGap reports that an issue gave less than it should.
func (r *projectRun) issueGap(kinds []string, key string, err error) error {
	r.clean = false
	if kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(r.kinds, k) }); len(kinds) == 0 {
		return nil
	}
	return r.gap(kinds, "issue "+key, err)
}

// emitted marks an error of the emitter.
func (*projectRun) emitted(err error) error {
	if err != nil {
		return &emitError{err}
	}
	return nil
}

// checkVisible looks for what the search would hide without a word: with the
// canary, and with a count made in another way.
func (r *projectRun) checkVisible(ctx context.Context, jql string) error {
	n, err := r.api.count(ctx, jql)
	if err != nil {
		return err
	}
	s := r.state(KindIssue)
	if n < 0 || s.counted < 0 {
		s.counted = -1
	} else {
		s.counted += n
	}
	listed := int64(len(r.seen) + r.unread)
	if missing := n - listed; missing > max(2, n/20) { // the count is approximate
		r.clean = false
		if err := r.gap(r.kinds, "project "+r.project.Key, &hiddenError{fmt.Sprintf("the search listed %d issues, the count says about %d", listed, n)}); err != nil {
			return err
		}
	}
	if r.project.Canary == "" {
		return nil
	}
	found, err := r.api.visible(ctx, r.project)
	if err != nil || found {
		return err
	}
	r.clean = false
	return r.gap(r.kinds, "project "+r.project.Key, &hiddenError{fmt.Sprintf(
		"the canary %s is not among the issues that the search shows: others may be hidden too; check Browse Projects and issue security", r.project.Canary)})
}

package jira

import (
	"context"
	"encoding/json"
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

	old        position
	asOf       time.Time            // the source's clock when the reading began
	seen       map[string]time.Time // issue id → its time of update
	canary     bool                 // it was listed
	unread     int                  // issues listed that could not be understood
	newest     time.Time            // update among all issues seen
	deskDenied bool                 // approvals are not for us
	blind      bool                 // something is missing that cannot be asked for by its id
	forget     bool                 // nor by the time of its update
	isHidden   bool                 // the search hides issues
	reread     map[string]bool      // ids for the next run
	late       map[string]string    // issue id → its key, and what its history lacks

	batch           []*issue          // listed, to be emitted
	found           []map[string]bool // by mapping: ids that its query finds
	bad             map[int]error     // by mapping: why its query cannot be asked
	asked, answered int               // issues whose approvals were asked for, and were there
}

// run reads a project. What it returns ended the reading.
func (r *projectRun) run(ctx context.Context) error {
	if err := r.api.project(ctx, r.project.Key); err != nil {
		return err
	}
	r.asOf = r.api.wire.serverTime()
	from, partly := r.start()
	jql := restriction(r.project.Key, from, r.me)
	r.describe(jql, partly)
	if err := r.findMapped(ctx, jql); err != nil {
		return err
	}
	if err := r.list(ctx, jql); err != nil {
		return err
	}
	r.book.Read(r.kinds...)
	if err := r.readAgain(ctx); err != nil {
		return err
	}
	if err := r.checkVisible(ctx, jql); err != nil {
		return err
	}
	if err := r.checkRequests(partly); err != nil {
		return err
	}
	if err := r.lateGap(); err != nil {
		return err
	}
	return r.end()
}

// describe notes for the coverage what is asked.
func (r *projectRun) describe(jql string, partly bool) {
	how := "search (only issues that the account may browse)"
	if r.project.Canary == "" {
		how += ", no canary"
	} else {
		how += ", canary " + r.project.Canary
	}
	for _, k := range r.kinds {
		r.partly[k] = r.partly[k] || partly
	}
	r.book.Query(jql+": "+how, r.kinds...)
	for _, t := range r.cfg.IssueTypes {
		if t.Project == r.project.Key && t.JQL != "" {
			r.book.Query("of these "+t.JQL, t.Kind)
		}
	}
	if !r.project.historySince.IsZero() {
		r.book.Since(r.project.historySince, KindTransition)
	}
}

// findMapped asks which issues the queries of the mappings find, before the
// listing: what changes after that is read again by the next run.
func (r *projectRun) findMapped(ctx context.Context, jql string) error {
	r.found, r.bad = make([]map[string]bool, len(r.cfg.IssueTypes)), map[int]error{}
	for i, t := range r.cfg.IssueTypes {
		if t.Project != r.project.Key || t.JQL == "" || !r.req.Wants(t.Kind) {
			continue
		}
		restricted := jql
		if len(r.old.Again) > 0 { // those are read whenever they were updated
			restricted = restriction(r.project.Key, r.cfg.since, r.me)
		}
		found, err := r.api.ids(ctx, restricted+" AND ("+t.JQL+")")
		if err != nil && stops(err) {
			return err
		}
		if err != nil {
			r.bad[i], r.blind = err, true
			if err := r.gap([]string{t.Kind}, "project "+r.project.Key, fmt.Errorf("jql of issue_types: %w", err)); err != nil {
				return err
			}
		}
		r.found[i] = found
	}
	return nil
}

// list reads the issues that match and emits what they give.
func (r *projectRun) list(ctx context.Context, jql string) error {
	fields := r.cfg.searchFields()
	if r.requestField != "" {
		fields = append(fields, r.requestField)
	}
	q := searchQuery{jql: jql, order: "updated ASC, key ASC", fields: fields, size: r.cfg.PageSize}
	if r.api.version == "2" {
		q.order = "key ASC" // a page is found by its number: nothing may move while we read
		if r.cfg.needsHistory(r.project, r.req) {
			q.expand = []string{"changelog"}
		}
	}
	err := r.api.search(ctx, q, func(page []json.RawMessage) error { return r.page(ctx, page) })
	if err != nil && stops(err) {
		return err
	}
	if ferr := r.flush(ctx); ferr != nil {
		return ferr
	}
	return err
}

// page takes the issues of an answer, and emits once there are enough to ask
// for their histories together.
func (r *projectRun) page(ctx context.Context, page []json.RawMessage) error {
	for _, raw := range page {
		is, bad := parseIssue(raw)
		if bad != nil {
			r.unread, r.blind = r.unread+1, true
			if err := r.gap(r.kinds, "issue "+bad.ref, badIssue(bad.err)); err != nil {
				return err
			}
			continue
		}
		at, again := r.seen[is.id]
		if again && at.Equal(is.updated) { // pages may overlap while issues change
			continue
		}
		r.seen[is.id] = is.updated
		r.canary = r.canary || is.key == r.project.Canary
		r.batch = append(slices.DeleteFunc(r.batch, func(old *issue) bool { return old.id == is.id }), is)
	}
	enough := r.cfg.PageSize
	if r.api.version == "3" && r.cfg.needsHistory(r.project, r.req) {
		enough = historyBatch
	}
	r.book.Progress("project "+r.project.Key+": issues", len(r.seen), 0)
	if len(r.batch) < enough {
		return nil
	}
	return r.flush(ctx)
}

// flush emits the issues that were listed.
func (r *projectRun) flush(ctx context.Context) error {
	list := r.batch
	r.batch = nil
	for len(list) > 0 {
		part := list[:min(len(list), historyBatch)]
		list = list[len(part):]
		var failed map[*issue]error
		if r.cfg.needsHistory(r.project, r.req) {
			var err error
			if failed, err = r.api.histories(ctx, part); err != nil {
				return err
			}
		}
		r.book.Read(r.kinds...) // some of it at least
		for _, is := range part {
			if err := r.issue(ctx, is, failed[is]); err != nil {
				return err
			}
			if is.updated.After(r.newest) && !tooFar(is.updated) {
				r.newest = is.updated
			}
		}
	}
	return nil
}

// readAgain reads the issues that an earlier run left open and that this one
// has not listed. Those that are not there any more are left.
func (r *projectRun) readAgain(ctx context.Context) error {
	ids := slices.DeleteFunc(slices.Clone(r.old.Again), func(id string) bool { _, done := r.seen[id]; return done })
	const atOnce = 200
	for len(ids) > 0 {
		part := ids[:min(len(ids), atOnce)]
		ids = ids[len(part):]
		jql := fmt.Sprintf(`project = "%s" AND id in (%s)`, r.project.Key, strings.Join(part, ", "))
		err := r.list(ctx, jql)
		if statusOf(err) == 400 { // one of them is gone; Jira does not say which
			r.forget = true
			return r.gap(r.kinds, "project "+r.project.Key+", issues left open", &scopeError{connector.NotFound,
				"one of the issues that an earlier run left open is gone; the next run reads the whole project"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkVisible looks for what the search would hide without a word: with the
// canary, and with a count made in another way.
func (r *projectRun) checkVisible(ctx context.Context, jql string) error {
	listed := int64(len(r.seen) + r.unread)
	n, err := r.api.count(ctx, jql)
	if err == nil && n >= 0 && n != listed { // it lags behind a little
		n, err = r.api.count(ctx, jql)
	}
	if err != nil {
		return err
	}
	if n < 0 || r.counted < 0 {
		r.counted = -1
	} else {
		r.counted += n
	}
	if missing := n - listed; missing > max(2, n/20) { // the count is approximate
		if err := r.hidden(fmt.Sprintf("the search listed %d issues, the count says about %d", listed, n)); err != nil {
			return err
		}
	}
	if r.project.Canary == "" || r.canary {
		return nil
	}
	found, err := r.api.visible(ctx, r.project)
	if err != nil || found {
		return err
	}
	return r.hidden("the canary " + r.project.Canary + " is not among the issues that the search shows: others may be hidden too; " +
		"check Browse Projects and issue security, and that it was not moved or deleted")
}

func (r *projectRun) hidden(why string) error {
	r.isHidden = true
	return r.gap(r.kinds, "project "+r.project.Key, &scopeError{connector.Hidden, why})
}

// checkRequests reports a service project in which the account sees no request
// at all: Jira answers as if no issue were one.
func (r *projectRun) checkRequests(partly bool) error {
	if r.asked == 0 || r.answered > 0 || r.requestField != "" || partly {
		return nil
	}
	r.blind = true
	return r.gap([]string{KindApproval}, "project "+r.project.Key, &scopeError{connector.NotFound, fmt.Sprintf(
		"none of %d issues is a request that the account may see", r.asked)})
}

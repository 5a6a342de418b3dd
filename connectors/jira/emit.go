package jira

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxPayload is what a host takes as one record, in bytes.
const maxPayload = 1 << 20

// issue emits an issue, its history, its approvals and what it is mapped to.
func (r *projectRun) issue(ctx context.Context, is *issue, historyErr error) error {
	if is.problem != nil { // what else it says is kept, without those times
		if err := r.issueGap([]string{KindIssue}, is, badIssue(is.problem)); err != nil {
			return err
		}
	}
	if slices.Contains(r.kinds, KindIssue) {
		if err := r.issueItself(ctx, is); err != nil {
			return err
		}
	}
	if historyErr != nil {
		kinds := r.historyKinds()
		if r.project.Approvals { // it is not known who made the request before
			kinds = append(kinds, KindApproval)
		}
		if err := r.issueGap(kinds, is, historyErr); err != nil {
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

// issueItself emits the issue with its fields and files.
func (r *projectRun) issueItself(ctx context.Context, is *issue) error {
	files, err := is.attachments()
	if err != nil {
		return r.issueGap([]string{KindIssue}, is, badIssue(err))
	}
	if r.cfg.Attachments.SHA256 {
		failed, err := r.hashAll(ctx, files)
		if err != nil {
			return err
		}
		for _, err := range failed {
			if err := r.issueGap([]string{KindIssue}, is, err); err != nil {
				return err
			}
		}
	}
	rec, err := is.record(r.cfg, files)
	return r.recordOrGap(rec, err, KindIssue, is)
}

// issueHistory emits what needs the history: transitions and mapped kinds.
func (r *projectRun) issueHistory(is *issue) error {
	if slices.Contains(r.kinds, KindTransition) {
		recs, err := is.transitions(r.cfg)
		if err != nil {
			return err
		}
		for _, rec := range recs {
			if err := r.recordOrGap(rec, nil, KindTransition, is); err != nil {
				return err
			}
		}
	}
	if is.historyRead {
		delete(r.late, is.id)
		if why := is.missingHistory(); why != "" && !is.created.Before(r.project.historySince) {
			r.late[is.id] = is.key + ": " + why
		}
	}
	return r.issueMapped(is)
}

// issueMapped emits what the settings map the issue to: of a kind, what the
// first mapping that takes the issue gives.
func (r *projectRun) issueMapped(is *issue) error {
	given := map[string]bool{}
	for i := range r.cfg.IssueTypes {
		t := &r.cfg.IssueTypes[i]
		if given[t.Kind] || r.bad[i] != nil || !slices.Contains(r.kinds, t.Kind) || !t.takes(r.project, is, r.found[i]) {
			continue
		}
		given[t.Kind] = true
		recs, err := t.records(r.cfg, is)
		if err != nil {
			recs = []connector.Record{{}}
		}
		for _, rec := range recs {
			if err := r.recordOrGap(rec, err, t.Kind, is); err != nil {
				return err
			}
		}
	}
	return nil
}

// historyKinds are the kinds that a history is read for.
func (r *projectRun) historyKinds() []string {
	return slices.DeleteFunc(slices.Clone(r.kinds), func(k string) bool { return k == KindIssue || k == KindApproval })
}

// recordOrGap emits a record, or says for which issue there is none and why.
func (r *projectRun) recordOrGap(rec connector.Record, err error, kind string, is *issue) error {
	switch {
	case err != nil:
	case tooFar(rec.EventTime):
		err = fmt.Errorf("%s: its time, %s, has not come yet", kind, rec.EventTime.Format(time.RFC3339))
	case len(rec.Payload) > maxPayload:
		err = fmt.Errorf("%s: it is larger than %d bytes", kind, maxPayload)
	}
	if err != nil {
		return r.issueGap([]string{kind}, is, badIssue(err))
	}
	return r.book.Record(rec, rec.Payload)
}

// issueGap reports that an issue gave less than it should, and has it read
// again by the next run.
func (r *projectRun) issueGap(kinds []string, is *issue, err error) error {
	r.again(is)
	if kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(r.kinds, k) }); len(kinds) == 0 {
		return nil
	}
	return r.gap(kinds, "issue "+is.key, err)
}

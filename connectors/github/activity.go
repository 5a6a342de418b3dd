package github

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const forcePush = "force_push"

// activity is how a branch was moved, as GitHub itself saw it. Commits say who
// made them and when; only this says who pushed them.
type activity struct {
	ID     int64     `json:"id"`
	Before string    `json:"before"`
	After  string    `json:"after"`
	Ref    string    `json:"ref"`
	At     time.Time `json:"timestamp"`
	Type   string    `json:"activity_type"` // push, force_push, pr_merge, merge_queue_merge …
	Actor  *gh.User  `json:"actor"`
}

// loadActivity reads how the branch was moved since it was read last, or from
// the beginning if commits that were read before are to be read again. Where
// GitHub does not offer that, or not to this token, it is not known: pushes are
// still found by the history.
func (w *walk) loadActivity(ctx context.Context) error {
	begin := w.earliest(w.cur.Since)
	forced, err := w.movesSince(ctx, later(begin, w.cur.Moved))
	if forced && err == nil {
		_, err = w.movesSince(ctx, begin)
	}
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
		w.moves = nil
		return nil
	}
	return err
}

func (w *walk) movesSince(ctx context.Context, from time.Time) (forced bool, err error) {
	w.moves = nil
	err = w.eachActivity(ctx, func(a *activity) (more bool) {
		if a.At.Before(from) {
			return false
		}
		if a.Ref == "refs/heads/"+w.branch && isSHA(a.After) && !a.At.After(w.latest()) {
			w.moves = append(w.moves, a)
			forced = forced || a.Type == forcePush
		}
		return true
	})
	return forced, err
}

// eachActivity reads the moves of the branch, newest first, until f has enough.
// Pages are named by what stands after them.
func (w *walk) eachActivity(ctx context.Context, f func(*activity) (more bool)) error {
	path, last := w.repo.path()+"/activity", [sha256.Size]byte{}
	q := url.Values{"ref": {"refs/heads/" + w.branch}, "direction": {"desc"}, "per_page": {fmt.Sprint(pageSize)}}
	for n := 1; n <= maxPages; n++ {
		var list []*activity
		ans, err := w.api.get(ctx, call{path: path, query: q}, &list)
		if err != nil {
			return err
		}
		if n > 1 && ans.sum == last {
			return &malformedError{Path: path, Why: fmt.Sprintf("page %d is the same as the page before", n)}
		}
		last = ans.sum
		for _, a := range list {
			if a != nil && !f(a) {
				return nil
			}
		}
		after := afterOf(ans.header.Get("Link"))
		if after == "" {
			return nil
		}
		q.Set("after", after)
	}
	return &malformedError{Path: path, Why: "the listing does not end"}
}

// afterOf reads what the next page stands after from a Link header.
func afterOf(link string) string {
	for part := range strings.SplitSeq(link, ",") {
		target, params, ok := strings.Cut(part, ">")
		if u, err := url.Parse(strings.TrimLeft(target, " <")); ok && err == nil && strings.Contains(params, `rel="next"`) {
			return u.Query().Get("after")
		}
	}
	return ""
}

// pushedBy notes who brought the commit that the walk has come to: a push
// brings all commits down to the one that the branch was at before. A forced
// one may lead to commits that were there already, so it tells nothing of them.
func (w *walk) pushedBy(sha string) *activity {
	if w.under != nil && w.under.Before == sha {
		w.under = nil
	}
	for _, a := range slices.Backward(w.moves) {
		if a.After == sha && (a.Type == "push" || a.Type == "pr_merge" || a.Type == "merge_queue_merge") {
			w.under = a
			break
		}
	}
	return w.under
}

// forcePushes emits each move that left something of the branch behind. The
// commit that it led to may be known already.
func (w *walk) forcePushes(ctx context.Context) error {
	known, unread := w.cur.Moved, false
	for _, a := range w.moves {
		w.cur.Moved = later(w.cur.Moved, a.At.UTC())
		if a.Type != forcePush || !fitID(a.ID) || !a.At.After(known) {
			continue
		}
		var c gh.RepositoryCommit
		path := w.repo.path() + "/commits/" + a.After
		_, err := w.api.get(ctx, call{path: path}, &c)
		if err == nil && c.GetSHA() != a.After {
			err = &malformedError{Path: path, Why: "the answer is about another commit"}
		}
		if err != nil {
			unread = true
			if err := w.missed(ctx, part{kinds: []string{KindPush}, scope: w.repo.FullName + "@" + a.After, permission: permContents}, err); err != nil {
				return err
			}
			continue
		}
		change, err := w.commitChange(ctx, path)
		if err != nil {
			return err
		}
		pay := w.pushPayload(&c)
		pay.Association, pay.Files, pay.FilesTruncated = "none", change.files, change.truncated
		pay.moved(a)
		pay.Forced, pay.Before = true, a.Before
		if err := w.record(connector.Record{
			Kind: KindPush, Subject: connector.Subject{Type: "change", ID: w.repo.FullName + "@" + a.After},
			Key: fmt.Sprintf("%d/%s/%s/forced/%d", w.repo.ID, w.branch, a.After, a.ID), EventTime: a.At.UTC(), URL: c.GetHTMLURL(),
		}, pay); err != nil {
			return err
		}
	}
	if unread {
		w.cur.Moved = known // the next run that finds a change reads them again
	}
	return nil
}

// moved says who pushed, and when, by GitHub's own clock.
func (p *pushPayload) moved(a *activity) {
	if a == nil {
		return
	}
	p.PushedAt = stamp(a.At)
	if a.Actor != nil {
		p.Pusher = login(a.Actor)
	}
}

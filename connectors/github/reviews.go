package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// dismissal is when, and by whom, a review was declared void, and what it said.
type dismissal struct {
	At    time.Time
	By    string
	State string
}

// reviews emits the submitted reviews of a pull request.
func (r *run) reviews(ctx context.Context, repo repository, p *gh.PullRequest) error {
	path := fmt.Sprintf("%s/pulls/%d/reviews", repo.path(), p.GetNumber())
	var submitted []*gh.PullRequestReview
	dismissed := false
	err := pages(ctx, r.api, call{path: path}, func(pg page[[]*gh.PullRequestReview]) (bool, error) {
		for _, rv := range pg.body {
			if rv == nil {
				return false, &malformedError{Path: path, Why: "a review is null"}
			}
			if rv.GetState() == "PENDING" || rv.SubmittedAt == nil {
				continue // not submitted: only its author sees it
			}
			submitted = append(submitted, rv)
			dismissed = dismissed || rv.GetState() == "DISMISSED"
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	var voided map[int64]dismissal
	if dismissed {
		if voided, err = r.dismissals(ctx, repo, p.GetNumber()); err != nil {
			return err
		}
	}
	for _, rv := range submitted {
		if err := r.review(repo, p, rv, voided[rv.GetID()]); err != nil {
			return err
		}
	}
	return nil
}

// issueEvent is an entry of a pull request's history.
type issueEvent struct {
	Event     string    `json:"event"`
	CreatedAt time.Time `json:"created_at"`
	Actor     *gh.User  `json:"actor"`
	Review    *struct {
		ID    int64  `json:"review_id"`
		State string `json:"state"`
	} `json:"dismissed_review"`
}

// dismissals reads from a pull request's history which reviews were dismissed.
// A review itself only says that it was. The history is not told to everybody,
// and not at all where issues are switched off; then it is not known.
func (r *run) dismissals(ctx context.Context, repo repository, number int) (map[int64]dismissal, error) {
	out := map[int64]dismissal{}
	err := pages(ctx, r.api, call{path: fmt.Sprintf("%s/issues/%d/events", repo.path(), number)}, func(p page[[]*issueEvent]) (bool, error) {
		for _, e := range p.body {
			if e != nil && e.Event == "review_dismissed" && e.Review != nil {
				out[e.Review.ID] = dismissal{At: e.CreatedAt, By: login(e.Actor), State: strings.ToUpper(line(e.Review.State, 40))}
			}
		}
		return true, nil
	})
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return nil, nil
	}
	return out, err
}

func (r *run) review(repo repository, p *gh.PullRequest, rv *gh.PullRequestReview, void dismissal) error {
	if !fitID(rv.GetID()) {
		return &malformedError{Path: changeID(repo, p.GetNumber()), Why: "a review without an id"}
	}
	return r.record(connector.Record{
		Kind:      KindReview,
		Subject:   connector.Subject{Type: "change", ID: changeID(repo, p.GetNumber())},
		Key:       strconv.FormatInt(rv.GetID(), 10),
		EventTime: rv.GetSubmittedAt().UTC(),
		URL:       rv.GetHTMLURL(),
	}, reviewPayload{
		Repo: repo.FullName, PRNumber: p.GetNumber(), ReviewID: rv.GetID(), Reviewer: login(rv.User), ReviewerType: accountType(rv.User),
		ReviewerRelation: rv.GetAuthorAssociation(), ReviewerIsAuthor: rv.User.GetLogin() != "" && rv.User.GetLogin() == p.User.GetLogin(),
		State: rv.GetState(), CommitID: rv.GetCommitID(), SubmittedAt: stamp(rv.GetSubmittedAt().Time),
		DismissedAt: stamp(void.At), DismissedBy: void.By, DismissedState: void.State,
	})
}

package github

import (
	"context"
	"fmt"
	"strconv"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// reviews emits the submitted reviews of a pull request.
func (r *run) reviews(ctx context.Context, repo repository, p *gh.PullRequest) error {
	path := fmt.Sprintf("%s/pulls/%d/reviews", repo.path(), p.GetNumber())
	return pages(ctx, r.api, call{path: path}, func(pg page[[]*gh.PullRequestReview]) (bool, error) {
		for _, rv := range pg.body {
			if rv == nil {
				return false, &malformedError{Path: path, Why: "a review is null"}
			}
			if rv.GetState() == "PENDING" || rv.SubmittedAt == nil {
				continue // not submitted: only its author sees it
			}
			if err := r.review(repo, p, rv); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (r *run) review(repo repository, p *gh.PullRequest, rv *gh.PullRequestReview) error {
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
	})
}

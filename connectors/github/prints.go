package github

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	// printsFrom is how many repositories make it worth to ask for their
	// fingerprints: a question costs one call, an answer of 304 costs none.
	printsFrom = 20
	// settleTime is how old a change must be for every one of GitHub's servers
	// to show it.
	settleTime = 2 * time.Minute
	// printPages is how many pages are read at most.
	printPages = 2000
)

// fingerprint is what tells that some of a repository did not change. What
// GraphQL did not tell is empty, and then proves nothing.
type fingerprint struct {
	heads   map[string]string // commit, by branch
	pulls   time.Time         // newest update of a pull request
	settled bool              // the last push to any branch is older than settleTime
}

// graphRef is a branch as GraphQL gives it.
type graphRef struct {
	Name   string `json:"name"`
	Target struct {
		OID string `json:"oid"`
	} `json:"target"`
}

// printPage is one page of the answer.
type printPage struct {
	Owner *struct {
		Repositories struct {
			PageInfo struct {
				HasNextPage bool   `json:"hasNextPage"`
				EndCursor   string `json:"endCursor"`
			} `json:"pageInfo"`
			Nodes []*printNode `json:"nodes"`
		} `json:"repositories"`
	} `json:"owner"`
}

type printNode struct {
	ID       int64     `json:"databaseId"`
	PushedAt time.Time `json:"pushedAt"`
	Default  *graphRef `json:"defaultBranchRef"`
	Pulls    *struct {
		Nodes []*struct {
			UpdatedAt time.Time `json:"updatedAt"`
		} `json:"nodes"`
	} `json:"pullRequests"`
	branches []*graphRef // those configured
}

// UnmarshalJSON also takes the branches, whose aliases are made up.
func (n *printNode) UnmarshalJSON(b []byte) error {
	type plain printNode
	if err := json.Unmarshal(b, (*plain)(n)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	for i := 0; ; i++ {
		raw, ok := fields[fmt.Sprintf("b%d", i)]
		if !ok {
			return nil
		}
		var ref *graphRef
		if err := json.Unmarshal(raw, &ref); err != nil {
			return err
		}
		n.branches = append(n.branches, ref)
	}
}

// fingerprints asks for those of all repositories, a hundred at a time. It is
// a way to save calls and nothing else: where it fails, all is read by REST.
func (r *run) fingerprints(ctx context.Context, repos []repository) error {
	r.prints = map[int64]fingerprint{}
	if len(repos) <= printsFrom || !r.wantsAny([]string{KindPullRequest, KindReview, KindPush, KindFileRevision}) {
		return nil
	}
	query, variables := r.printQuery()
	variables["n"] = pageSize
	for range printPages {
		page, date, err := r.printPage(ctx, query, variables)
		if err != nil && variables["n"] == pageSize && r.fatal(ctx, err) == nil {
			variables["n"] = pageSize / 4 // GitHub gives up on what takes it too long
			page, date, err = r.printPage(ctx, query, variables)
		}
		if err != nil {
			return r.fatal(ctx, err)
		}
		if page.Owner == nil {
			return nil
		}
		for _, n := range page.Owner.Repositories.Nodes {
			if n != nil {
				r.prints[n.ID] = n.print(date)
			}
		}
		info := page.Owner.Repositories.PageInfo
		if !info.HasNextPage || info.EndCursor == "" || info.EndCursor == variables["after"] {
			return nil
		}
		variables["after"] = info.EndCursor
	}
	return nil
}

// printQuery is the question, with an alias for each configured branch.
func (r *run) printQuery() (query string, variables map[string]any) {
	owner := "user"
	if r.cfg.Organization != "" {
		owner = "organization"
	}
	variables = map[string]any{"login": r.cfg.account()}
	var params, refs strings.Builder
	for i, b := range r.cfg.Branches {
		fmt.Fprintf(&params, ", $b%d: String!", i)
		fmt.Fprintf(&refs, " b%d: ref(qualifiedName: $b%d) {name target {oid}}", i, i)
		variables[fmt.Sprintf("b%d", i)] = "refs/heads/" + b
	}
	return fmt.Sprintf(`query($login: String!, $n: Int!, $after: String%s) {
  owner: %s(login: $login) {
    repositories(first: $n, after: $after, ownerAffiliations: [OWNER], orderBy: {field: NAME, direction: ASC}) {
      pageInfo {hasNextPage endCursor}
      nodes {
        databaseId pushedAt defaultBranchRef {name target {oid}}%s
        pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) {nodes {updatedAt}}
      }
    }
  }
}`, params.String(), owner, refs.String()), variables
}

func (r *run) printPage(ctx context.Context, query string, variables map[string]any) (printPage, time.Time, error) {
	var page printPage
	ans, err := r.api.graphql(ctx, query, variables, &page)
	if err != nil {
		return page, time.Time{}, err
	}
	return page, ans.date(), nil // without a date, nothing counts as settled
}

// print takes over what can be relied on.
func (n *printNode) print(date time.Time) fingerprint {
	p := fingerprint{heads: map[string]string{}, settled: !n.PushedAt.IsZero() && date.Sub(n.PushedAt) > settleTime}
	for _, ref := range append([]*graphRef{n.Default}, n.branches...) {
		if ref != nil && isSHA(ref.Target.OID) {
			p.heads[ref.Name] = ref.Target.OID
		}
	}
	if n.Pulls != nil && len(n.Pulls.Nodes) > 0 && n.Pulls.Nodes[0] != nil {
		p.pulls = n.Pulls.Nodes[0].UpdatedAt.UTC()
	}
	return p
}

// head is the newest commit of a branch, empty if that is not known.
func (r *run) head(repo repository, branch string) string { return r.prints[repo.ID].heads[branch] }

// settledHead is the newest commit of the default branch if the last push is so
// old that REST shows the same. What was read entirely after that need not be
// read again as long as the commit is the same.
func (r *run) settledHead(repo repository) string {
	if p := r.prints[repo.ID]; p.settled {
		return p.heads[repo.DefaultBranch]
	}
	return ""
}

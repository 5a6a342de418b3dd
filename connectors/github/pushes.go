package github

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// pushCursor is the newest commit of a branch up to which pushes were read.
type pushCursor struct {
	Since time.Time `json:"since"`
	Head  string    `json:"head"`
	// Unknown are commits of which GitHub could not say which pull request
	// brought them, and when it was asked; Many if there are more than maxUnknown.
	// Every run asks again and, while GitHub cannot say, says so.
	Unknown map[string]time.Time `json:"unknown,omitempty"`
	Many    bool                 `json:"many,omitempty"`
	Moved   time.Time            `json:"moved,omitzero"` // last move of the branch that was read
}

// maxUnknown is how many commits get a gap of their own.
const maxUnknown = 20

// branches are those of a repository to be read, the default branch first.
func (r *run) branches(repo repository) []string {
	var out []string
	for _, b := range append([]string{repo.DefaultBranch}, r.cfg.Branches...) {
		if b != "" && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	return out
}

// pushes emits the first-parent commits that no pull request brought.
func (r *run) pushes(ctx context.Context, repo repository, merged *mergedCommits) error {
	for _, branch := range r.branches(repo) {
		w := &walk{run: r, repo: repo, branch: branch, merged: merged, parents: map[string]*gh.RepositoryCommit{}}
		err := w.read(ctx)
		switch status := statusOf(err); {
		case status == http.StatusConflict:
			continue // the repository has no commit yet
		case status == http.StatusNotFound && branch != repo.DefaultBranch:
			continue // not every repository has the branches besides the default one
		case err != nil:
			return err
		}
		r.cover.reaches(KindPush, w.cur.Since)
	}
	return nil
}

// walk follows the first parents of a branch from its head downwards, as far
// as an earlier run came or to a page of commits that are all too old. The
// date of a single commit ends nothing and hides nothing: its author chose it.
type walk struct {
	*run
	repo    repository
	branch  string
	merged  *mergedCommits
	cur     pushCursor
	head    string                          // newest commit
	next    string                          // the commit to look at
	parents map[string]*gh.RepositoryCommit // listed, not yet looked at
	silent  *connector.Gap                  // GitHub cannot say which pull request brought a commit: why
	moves   []*activity                     // of the branch, newest first
	under   *activity                       // the push whose commits the walk goes through
	held    []heldCommit                    // dated before the period, and not yet known to be of it
}

// heldCommit is a commit that claims to be older than what is looked for. It
// lies above others: if one of those is of the period, it is too.
type heldCommit struct {
	commit *gh.RepositoryCommit
	push   *activity
}

func (w *walk) cursorName() string { return w.repo.cursorName("push") + "/" + mark(w.branch) }

func (w *walk) read(ctx context.Context) error {
	if !w.cursor(w.cursorName(), &w.cur) || w.since.Before(w.cur.Since) {
		w.cur = pushCursor{Since: w.since}
	}
	if len(w.cur.Unknown) > 0 {
		if said, err := w.association(ctx, w.cur.Head); err != nil {
			return err
		} else if said != "unknown" {
			w.cur = pushCursor{Since: w.cur.Since} // it can say now, of the others too
		}
	}
	if h := w.run.head(w.repo, w.branch); h != "" && h == w.cur.Head && len(w.cur.Unknown) == 0 {
		return nil // the same commit has the same history
	}
	var first answer
	c := call{path: w.repo.path() + "/commits", query: url.Values{"sha": {w.branch}}, usable: func([]byte) bool { return w.cur.Head != "" }}
	err := pages(ctx, w.api, c, func(p page[[]*gh.RepositoryCommit]) (bool, error) {
		if p.notModified || len(p.body) == 0 {
			return false, nil
		}
		if p.number == 1 {
			first, w.head = p.answer, p.body[0].GetSHA()
			w.next = w.head
			if w.head != w.cur.Head {
				if err := w.loadActivity(ctx); err != nil {
					return false, err
				}
			}
		}
		for _, c := range p.body {
			if c == nil {
				return false, &malformedError{Path: w.repo.path() + "/commits", Why: "a commit is null"}
			}
			w.parents[c.GetSHA()] = c
		}
		done, err := w.follow(ctx)
		return !done && !w.allOld(p.body), err
	})
	if err == nil && w.cur.Head != "" { // what was read before is gone from the branch
		err = w.release(ctx, nil)
	}
	if err == nil {
		err = w.forcePushes(ctx)
	}
	if err == nil {
		err = w.sayUnknown()
	}
	if err != nil || w.head == "" {
		return err
	}
	w.cur.Head = w.head
	if err := w.setCursor(w.cursorName(), w.cur); err != nil {
		return err
	}
	return w.keep(first, true)
}

// sayUnknown reports the commits of this run and of earlier ones of which it is
// not known how they came. They are read: the gap is about them alone.
func (w *walk) sayUnknown() error {
	for sha, at := range w.cur.Unknown {
		if at.Before(w.earliest(w.cur.Since)) {
			delete(w.cur.Unknown, sha)
		}
	}
	if w.silent == nil || len(w.cur.Unknown) == 0 {
		return nil
	}
	g := *w.silent
	if w.cur.Many {
		g.Scope = w.repo.FullName
		return w.gap(g)
	}
	for _, sha := range slices.Sorted(maps.Keys(w.cur.Unknown)) {
		g.Scope = w.repo.FullName + "@" + sha
		if err := w.gap(g); err != nil {
			return err
		}
	}
	return nil
}

// unknown notes that it is not known how a commit came.
func (c *pushCursor) unknown(sha string, at time.Time) {
	if c.Unknown == nil {
		c.Unknown = map[string]time.Time{}
	}
	if len(c.Unknown) < maxUnknown || !c.Unknown[sha].IsZero() {
		c.Unknown[sha] = at
	} else {
		c.Many = true
	}
}

func (w *walk) allOld(list []*gh.RepositoryCommit) bool {
	return !slices.ContainsFunc(list, func(c *gh.RepositoryCommit) bool {
		return !c.GetCommit().GetCommitter().GetDate().Before(w.earliest(w.cur.Since))
	})
}

// follow goes down as far as the listed commits reach.
func (w *walk) follow(ctx context.Context) (done bool, err error) {
	for {
		c := w.parents[w.next]
		if w.next == w.cur.Head {
			return true, w.release(ctx, w.parents[w.next])
		}
		if c == nil {
			return false, nil
		}
		delete(w.parents, w.next)
		if !isSHA(w.next) {
			return false, &malformedError{Path: w.repo.path() + "/commits", Why: "a commit's id is none that git makes"}
		}
		if err := w.commit(ctx, c); err != nil {
			return false, err
		}
		if len(c.Parents) == 0 {
			return true, nil
		}
		w.next = c.Parents[0].GetSHA()
	}
}

// commit emits c unless a merged pull request accounts for it. One that is
// dated before the period waits for what lies below it.
func (w *walk) commit(ctx context.Context, c *gh.RepositoryCommit) error {
	push := w.pushedBy(c.GetSHA())
	if w.tooOld(c) && (push == nil || push.At.Before(w.earliest(w.cur.Since))) {
		w.held = append(w.held, heldCommit{c, push})
		return nil
	}
	if err := w.release(ctx, c); err != nil {
		return err
	}
	return w.push(ctx, c, push, time.Time{})
}

func (w *walk) tooOld(c *gh.RepositoryCommit) bool {
	return c.GetCommit().GetCommitter().GetDate().Before(w.earliest(w.cur.Since))
}

// release emits the commits that were held: below, which the walk has come to,
// is of the period or was read before, so they came after it whatever they
// claim.
func (w *walk) release(ctx context.Context, below *gh.RepositoryCommit) error {
	held := w.held
	w.held = nil
	var notBefore time.Time
	if below != nil {
		notBefore = w.landed(below, nil, time.Time{})
	}
	for _, h := range held {
		if err := w.push(ctx, h.commit, h.push, notBefore); err != nil {
			return err
		}
	}
	return nil
}

// push emits a commit unless a merged pull request accounts for it.
func (w *walk) push(ctx context.Context, c *gh.RepositoryCommit, by *activity, notBefore time.Time) error {
	if w.merged.has(w.branch, c.GetSHA()) {
		return nil
	}
	association, err := w.association(ctx, c.GetSHA())
	if err != nil || association == "" {
		return err
	}
	if association == "unknown" {
		w.cur.unknown(c.GetSHA(), w.now.Truncate(time.Second))
	}
	change, err := w.commitChange(ctx, w.repo.path()+"/commits/"+c.GetSHA())
	if err != nil {
		return err
	}
	pay := w.pushPayload(c)
	pay.Association, pay.Files, pay.FilesTruncated = association, change.files, change.truncated
	pay.moved(by)
	return w.record(connector.Record{
		Kind: KindPush, Subject: connector.Subject{Type: "change", ID: w.repo.FullName + "@" + c.GetSHA()},
		Key: fmt.Sprintf("%d/%s/%s", w.repo.ID, w.branch, c.GetSHA()), EventTime: w.landed(c, by, notBefore), URL: c.GetHTMLURL(),
	}, pay)
}

// landed is when a commit came to the branch: as GitHub saw the push, else as
// its committer says, but not before notBefore. A date in the future, which
// only a wrong clock or a will to hide gives, is taken as now.
func (w *walk) landed(c *gh.RepositoryCommit, by *activity, notBefore time.Time) time.Time {
	if by != nil {
		return by.At.UTC()
	}
	if t := later(c.GetCommit().GetCommitter().GetDate().UTC(), notBefore); !t.After(w.now) {
		return t
	}
	return w.now.Truncate(time.Second)
}

// association returns "" if a merged pull request into the branch brought the
// commit, none if GitHub knows no such one, unknown if it cannot say. The ids
// of merge commits alone are not enough: a rebase merge lands several commits.
func (w *walk) association(ctx context.Context, sha string) (string, error) {
	if w.silent != nil {
		return "unknown", nil
	}
	found := false
	err := pages(ctx, w.api, call{path: w.repo.path() + "/commits/" + sha + "/pulls"}, func(p page[[]*gh.PullRequest]) (bool, error) {
		for _, pr := range p.body {
			found = found || pr != nil && pr.MergedAt != nil && pr.GetBase().GetRef() == w.branch
		}
		return !found, nil
	})
	switch statusOf(err) {
	case 0:
		if found {
			return "", err
		}
		return "none", err
	case http.StatusNotFound, http.StatusForbidden:
		w.silent = &connector.Gap{Kinds: []string{KindPush}, Reason: connector.Denied, Permission: permPulls,
			Detail: "GitHub does not say which pull request brought a commit: a rebase merge cannot be told from a push"}
		if statusOf(err) == http.StatusNotFound { // commits can be read here: the question itself is not known
			w.silent.Reason, w.silent.Permission = connector.Unsupported, ""
		}
		return "unknown", nil
	}
	return "", err
}

// commitChange is what one commit changes against its first parent.
type commitChange struct {
	files     []string // sorted
	truncated bool     // GitHub left some out
	parents   int
}

func (r *run) commitChange(ctx context.Context, path string) (commitChange, error) {
	var c commitChange
	set := map[string]bool{}
	entries := 0
	err := pages(ctx, r.api, call{path: path}, func(p page[*gh.RepositoryCommit]) (bool, error) {
		if p.body == nil {
			return false, &malformedError{Path: path, Why: "the answer holds no commit"}
		}
		c.parents = len(p.body.Parents)
		for _, f := range p.body.Files {
			entries++
			addPath(set, f.GetFilename())
			addPath(set, f.GetPreviousFilename())
		}
		return entries < maxFiles, nil
	})
	c.files, c.truncated = sortedPaths(set), entries >= maxFiles
	return c, err
}

func (w *walk) pushPayload(c *gh.RepositoryCommit) pushPayload {
	git := c.GetCommit()
	pay := pushPayload{
		Repo: w.repo.FullName, RepoID: w.repo.ID, Ref: w.branch, IsDefaultBranch: w.branch == w.repo.DefaultBranch, SHA: c.GetSHA(),
		Parents: []string{}, Author: gitPerson(c.Author, git.GetAuthor()), AuthorLinked: c.Author.GetLogin() != "",
		Committer: gitPerson(c.Committer, git.GetCommitter()), AuthoredAt: stamp(git.GetAuthor().GetDate().Time),
		CommittedAt: stamp(git.GetCommitter().GetDate().Time), MessageSummary: line(git.GetMessage(), 200),
		Verified: git.GetVerification().GetVerified(), LinkedIssueKeys: w.issueKeys(git.GetMessage()),
	}
	for _, p := range c.Parents {
		pay.Parents = append(pay.Parents, p.GetSHA())
	}
	return pay
}

// gitPerson names who a commit is from: the account, or the name it states.
func gitPerson(u *gh.User, a *gh.CommitAuthor) string {
	if u.GetLogin() != "" {
		return line(u.GetLogin(), 100)
	}
	return line(a.GetName(), 100)
}

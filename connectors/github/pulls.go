package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const (
	// maxFiles is how many files of a change GitHub lists at most.
	maxFiles = 3000
	// mergeQueue is in whose name GitHub's merge queue merges.
	mergeQueue = "github-merge-queue[bot]"
	// maxRetry is how many unread pull requests a cursor remembers.
	maxRetry = 200
)

// mergedCommits are the commits that this run knows to come from a pull request.
type mergedCommits struct {
	mu   sync.Mutex
	shas map[string]bool // by branch and id
}

func (m *mergedCommits) add(branch, sha string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shas == nil {
		m.shas = map[string]bool{}
	}
	m.shas[branch+"\x00"+sha] = true
}

func (m *mergedCommits) has(branch, sha string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shas[branch+"\x00"+sha]
}

// pullCursor is how far the pull requests of a repository were read. Updates
// are listed newest first: everything updated up to Done was read, and, if the
// first pass was cut off, everything after Low up to High.
type pullCursor struct {
	Kinds []string  `json:"kinds"` // that were wanted
	Since time.Time `json:"since"`
	Whole bool      `json:"whole"` // a pass came to its end
	Done  time.Time `json:"done,omitzero"`
	// Settled: Done was older than settleTime when it was read, so that nothing
	// else can have been updated at that moment.
	Settled bool      `json:"settled,omitempty"`
	High    time.Time `json:"high,omitzero"`
	Low     time.Time `json:"low,omitzero"`
	Retry   []int     `json:"retry,omitempty"` // could not be read
	// Short are those of which GitHub does not list all files, by number, with
	// their last update: every run says so again.
	Short map[int]time.Time `json:"short,omitempty"`

	again    map[int]bool // read by this run
	nameless bool         // one that could not be read has no number to remember
}

func (c *pullCursor) read(updated time.Time) bool {
	return !c.High.IsZero() && updated.After(c.Low) && !updated.After(c.High)
}

// reached notes that everything from top down to low was read, if that joins
// what an earlier pass read.
func (c *pullCursor) reached(top, low time.Time) {
	if c.High.IsZero() || !low.After(c.High) {
		c.High, c.Low = later(top, c.High), earlier(low, c.Low)
	}
}

// pullCursor returns the position to go on from, or a new one.
func (r *run) pullCursor(repo repository) *pullCursor {
	c := &pullCursor{}
	wanted := slices.DeleteFunc([]string{KindPullRequest, KindReview}, func(k string) bool { return !r.req.Wants(k) })
	if r.cursor(repo.cursorName("pulls"), c) && !r.since.Before(c.Since) &&
		!slices.ContainsFunc(wanted, func(k string) bool { return !slices.Contains(c.Kinds, k) }) {
		return c
	}
	return &pullCursor{Since: r.since, Kinds: wanted}
}

// pulls reads the pull requests that changed since the cursor.
func (r *run) pulls(ctx context.Context, repo repository, merged *mergedCommits) error {
	cur := r.pullCursor(repo)
	if err := r.retryPulls(ctx, repo, cur, merged); err != nil {
		return err
	}
	var first answer
	if !cur.Whole || !cur.Settled || cur.Done.IsZero() || !r.prints[repo.ID].pulls.Equal(cur.Done) {
		var err error
		if first, err = r.listPulls(ctx, repo, cur, merged); err != nil {
			return err
		}
	}
	for _, k := range cur.Kinds {
		r.cover.reaches(k, cur.Since)
	}
	if err := r.stillShort(repo, cur); err != nil {
		return err
	}
	if cur.nameless {
		return nil // the next run reads the listing again
	}
	cur.Whole, cur.High, cur.Low = true, time.Time{}, time.Time{}
	if err := r.setCursor(repo.cursorName("pulls"), cur); err != nil || first.key == "" {
		return err
	}
	return r.keep(first, true)
}

// listPulls reads what was updated since the cursor and moves it. It returns
// the first page, if that changed.
func (r *run) listPulls(ctx context.Context, repo repository, cur *pullCursor, merged *mergedCommits) (first answer, err error) {
	var top, date time.Time
	c := call{path: repo.path() + "/pulls", query: url.Values{"state": {"all"}, "sort": {"updated"}, "direction": {"desc"}},
		usable: func([]byte) bool { return cur.Whole }}
	err = pages(ctx, r.api, c, func(p page[[]*gh.PullRequest]) (bool, error) {
		if p.number == 1 {
			date = p.date()
		}
		if p.notModified {
			return false, nil
		}
		if p.number == 1 {
			first, top = p.answer, newestUpdate(p.body)
		}
		todo, low, more := r.changedPulls(cur, p.body)
		if err := r.readPulls(ctx, repo, todo, cur, merged); err != nil {
			return false, err
		}
		if more && !cur.Whole && !low.IsZero() {
			cur.reached(top, low)
			return true, r.setCursor(repo.cursorName("pulls"), cur)
		}
		return more, nil
	})
	if err == nil && !cur.nameless {
		cur.Done = later(cur.Done, top)
		cur.Settled = date.Sub(cur.Done) > settleTime
	}
	return first, err
}

func newestUpdate(list []*gh.PullRequest) time.Time {
	var t time.Time
	for _, p := range list {
		t = later(t, p.GetUpdatedAt().UTC())
	}
	return t
}

// changedPulls returns what of a page is to be read, how far down the page
// reaches, and whether the next page may hold more.
func (r *run) changedPulls(cur *pullCursor, list []*gh.PullRequest) (todo []*gh.PullRequest, low time.Time, more bool) {
	end := later(r.earliest(cur.Since), cur.Done)
	for _, p := range list {
		updated := p.GetUpdatedAt().UTC()
		switch {
		case p == nil:
			todo = append(todo, &gh.PullRequest{}) // is reported when it is read
		case updated.Before(end) && !updated.IsZero():
			return todo, low, false
		default:
			if low = updated; !cur.read(updated) {
				todo = append(todo, p)
			}
		}
	}
	return todo, low, true
}

// earliest is from when on events are looked for.
func (r *run) earliest(since time.Time) time.Time { return later(since, r.since) }

// readPulls reads pull requests side by side. One that cannot be read is a gap
// and is tried again by the next run.
func (r *run) readPulls(ctx context.Context, repo repository, todo []*gh.PullRequest, cur *pullCursor, merged *mergedCommits) error {
	var mu sync.Mutex
	return each(ctx, r.cfg.Concurrency, todo, func(ctx context.Context, p *gh.PullRequest) error {
		short, err := r.pull(ctx, repo, p, merged)
		mu.Lock()
		defer mu.Unlock()
		var limit *transport.RateLimitError
		switch {
		case err == nil:
			cur.note(p, short)
			return nil
		case errors.As(err, &limit):
			return err
		case p.GetNumber() < 1:
			cur.nameless = true
		case len(cur.Retry) >= maxRetry:
			return err // too much is failing: go on from here another time
		case !slices.Contains(cur.Retry, p.GetNumber()):
			cur.Retry = append(cur.Retry, p.GetNumber())
		}
		return r.missed(ctx, part{kinds: []string{KindPullRequest, KindReview}, scope: changeID(repo, p.GetNumber()), permission: permPulls}, err)
	})
}

// note keeps whether all files of a pull request were listed.
func (c *pullCursor) note(p *gh.PullRequest, short bool) {
	if c.again == nil {
		c.again = map[int]bool{}
	}
	c.again[p.GetNumber()] = true
	delete(c.Short, p.GetNumber())
	if !short || len(c.Short) >= maxRetry {
		return
	}
	if c.Short == nil {
		c.Short = map[int]time.Time{}
	}
	c.Short[p.GetNumber()] = p.GetUpdatedAt().UTC()
}

// stillShort says again which pull requests that did not change since an
// earlier run lack files, as long as they are in the period.
func (r *run) stillShort(repo repository, cur *pullCursor) error {
	for _, n := range slices.Sorted(maps.Keys(cur.Short)) {
		switch {
		case cur.Short[n].Before(r.earliest(cur.Since)):
			delete(cur.Short, n)
		case !cur.again[n] && r.req.Wants(KindPullRequest):
			if err := r.shortOfFiles(repo, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) shortOfFiles(repo repository, number int) error {
	return r.gap(connector.Gap{Kinds: []string{KindPullRequest}, Scope: changeID(repo, number), Reason: connector.Truncated,
		Detail: "GitHub does not list all files that this pull request changes"})
}

// retryPulls reads what the last run could not.
func (r *run) retryPulls(ctx context.Context, repo repository, cur *pullCursor, merged *mergedCommits) error {
	numbers := cur.Retry
	cur.Retry = nil
	var todo []*gh.PullRequest
	for _, n := range numbers {
		var p gh.PullRequest
		if _, err := r.api.get(ctx, call{path: fmt.Sprintf("%s/pulls/%d", repo.path(), n)}, &p); err != nil {
			cur.Retry = append(cur.Retry, n)
			if err := r.missed(ctx, part{kinds: []string{KindPullRequest, KindReview}, scope: changeID(repo, n), permission: permPulls}, err); err != nil {
				return err
			}
			continue
		}
		todo = append(todo, &p)
	}
	return r.readPulls(ctx, repo, todo, cur, merged)
}

func changeID(repo repository, number int) string { return fmt.Sprintf("%s#%d", repo.FullName, number) }

// pull emits one pull request, with its files, and its reviews. short is
// whether there are more files than GitHub lists.
func (r *run) pull(ctx context.Context, repo repository, p *gh.PullRequest, merged *mergedCommits) (short bool, err error) {
	number := p.GetNumber()
	if number < 1 || p.GetCreatedAt().IsZero() {
		return false, &malformedError{Path: repo.path() + "/pulls", Why: "a pull request without number or date"}
	}
	if p.MergedAt != nil {
		merged.add(p.GetBase().GetRef(), p.GetMergeCommitSHA())
	}
	if r.req.Wants(KindPullRequest) {
		if short, err = r.emitPull(ctx, repo, p); err != nil {
			return false, err
		}
	}
	if r.req.Wants(KindReview) {
		err = r.reviews(ctx, repo, p)
	}
	return short, err
}

func (r *run) emitPull(ctx context.Context, repo repository, p *gh.PullRequest) (short bool, err error) {
	path := fmt.Sprintf("%s/pulls/%d", repo.path(), p.GetNumber())
	if p.MergedAt != nil && p.MergedBy == nil { // a listing does not say who merged
		var full gh.PullRequest
		if _, err := r.api.get(ctx, call{path: path}, &full); err != nil {
			return false, err
		}
		if full.GetNumber() != p.GetNumber() {
			return false, &malformedError{Path: path, Why: "the answer is about another pull request"}
		}
		p = &full
	}
	files, truncated, err := r.changedFiles(ctx, path+"/files", p.GetChangedFiles())
	if err == nil && len(files) == 0 && p.MergedAt != nil {
		files, truncated, err = r.mergedFiles(ctx, repo, p)
	}
	if err != nil {
		return false, err
	}
	if truncated {
		if err := r.shortOfFiles(repo, p.GetNumber()); err != nil {
			return false, err
		}
	}
	pay := r.pullPayload(repo, p)
	pay.Files, pay.FilesTruncated = files, truncated
	event := p.GetMergedAt().UTC()
	if event.IsZero() {
		event = p.GetCreatedAt().UTC()
	}
	return truncated, r.record(connector.Record{
		Kind: KindPullRequest, Subject: connector.Subject{Type: "change", ID: changeID(repo, p.GetNumber())}, Key: fmt.Sprintf("%d/%d", repo.ID, p.GetNumber()),
		EventTime: event, URL: p.GetHTMLURL(),
	}, pay)
}

func (r *run) pullPayload(repo repository, p *gh.PullRequest) pullPayload {
	pay := pullPayload{
		Repo: repo.FullName, RepoID: repo.ID, Number: p.GetNumber(), Title: line(p.GetTitle(), 300), State: p.GetState(), Draft: p.GetDraft(),
		Merged: p.MergedAt != nil, Author: login(p.User), AuthorType: accountType(p.User), AuthorRelation: p.GetAuthorAssociation(),
		HeadSHA: p.GetHead().GetSHA(), HeadRef: line(p.GetHead().GetRef(), 300), BaseRef: p.GetBase().GetRef(),
		IsDefaultBranch: p.GetBase().GetRef() == repo.DefaultBranch, Labels: []string{},
		CreatedAt: stamp(p.GetCreatedAt().Time), ClosedAt: stamp(p.GetClosedAt().Time), MergedAt: stamp(p.GetMergedAt().Time),
		AutoMerge: p.AutoMerge != nil, ClosesIssues: closedIssues(repo, p.GetTitle(), p.GetBody()), LinkedIssueKeys: r.issueKeys(p.GetTitle(), p.GetHead().GetRef(), p.GetBody()),
	}
	if pay.Merged { // before that it names a commit made for testing
		pay.MergeCommitSHA = p.GetMergeCommitSHA()
		if p.MergedBy != nil {
			pay.MergedBy = login(p.MergedBy)
			pay.MergeQueue = pay.MergedBy == mergeQueue
		}
	}
	for _, l := range p.Labels {
		pay.Labels = append(pay.Labels, line(l.GetName(), 100))
	}
	slices.Sort(pay.Labels)
	return pay
}

// changedFiles lists the paths of a change, sorted, and says whether GitHub
// left some out. counted is how many there are, 0 if not known.
func (r *run) changedFiles(ctx context.Context, path string, counted int) (files []string, truncated bool, err error) {
	set := map[string]bool{}
	entries := 0
	err = pages(ctx, r.api, call{path: path}, func(p page[[]*gh.CommitFile]) (bool, error) {
		for _, f := range p.body {
			entries++
			addPath(set, f.GetFilename())
			addPath(set, f.GetPreviousFilename())
		}
		return entries < maxFiles, nil
	})
	if err != nil {
		return nil, false, err
	}
	return sortedPaths(set), entries >= maxFiles || entries < counted, nil
}

// mergedFiles lists the paths that a merge brought, from the commit it made,
// for a merged pull request of which GitHub lists no file: without them it
// would look as if nothing had changed. truncated is whether there may be more,
// because a rebase makes several commits and names the last.
func (r *run) mergedFiles(ctx context.Context, repo repository, p *gh.PullRequest) (files []string, truncated bool, err error) {
	sha := p.GetMergeCommitSHA()
	if !isSHA(sha) {
		return []string{}, true, nil
	}
	c, err := r.commitChange(ctx, repo.path()+"/commits/"+sha)
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusUnprocessableEntity {
		return []string{}, true, nil // the commit is gone, or hidden
	}
	return c.files, c.truncated || c.parents < 2 && p.GetCommits() != 1, err
}

func addPath(set map[string]bool, p string) {
	if p != "" && len(p) <= 4096 {
		set[strings.ToValidUTF8(p, "\uFFFD")] = true
	}
}

func sortedPaths(set map[string]bool) []string {
	files := make([]string, 0, len(set))
	for f := range set {
		files = append(files, f)
	}
	slices.Sort(files)
	return files
}

// login names an account; GitHub gives none for one that was deleted.
func login(u *gh.User) string {
	if u.GetLogin() == "" {
		return "ghost"
	}
	return line(u.GetLogin(), 100)
}

func accountType(u *gh.User) string {
	if u.GetType() == "" {
		return "User"
	}
	return line(u.GetType(), 30)
}

// closedIssues finds the issues that a text says it closes, in GitHub's words.
func closedIssues(repo repository, texts ...string) []string {
	phrase := regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#([1-9][0-9]{0,9})\b`)
	var issues []string
	for _, t := range texts {
		for _, m := range phrase.FindAllStringSubmatch(t[:min(len(t), 64<<10)], 100) {
			name := m[1]
			if name == "" {
				name = repo.FullName
			}
			if validFullName(name) {
				issues = append(issues, name+"#"+m[2])
			}
		}
	}
	slices.Sort(issues)
	return slices.Compact(issues)
}

// issueKeys finds words like ABC-12. Without configured projects, words that
// are names of standards and models are left out.
func (r *run) issueKeys(texts ...string) []string {
	word := regexp.MustCompile(`\b[A-Z][A-Z0-9_]{1,30}-[1-9][0-9]{0,8}\b`)
	keys := []string{}
	for _, t := range texts {
		for _, k := range word.FindAllString(t[:min(len(t), 64<<10)], 100) {
			project, _, _ := strings.Cut(k, "-")
			if slices.Contains(keys, k) || !r.isProject(project) {
				continue
			}
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func (r *run) isProject(p string) bool {
	if len(r.cfg.IssueProjects) > 0 {
		return slices.Contains(r.cfg.IssueProjects, p)
	}
	return !slices.Contains([]string{"UTF", "SHA", "ISO", "IEC", "CVE", "CWE", "RFC", "AES", "RSA", "HTTP", "TLS", "GPT", "CLAUDE", "GEMINI",
		"LLAMA", "EN", "NIST", "COVID", "ASCII", "BASE", "X", "ES", "PEP", "GHSA"}, p)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

package github

import (
	"context"
	"crypto/sha1" // git's own object ids, not for security
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxPaths is how many files of one repository are followed.
const maxPaths = 2000

// fileCursor is the newest revision of a file that was read.
type fileCursor struct {
	Since time.Time `json:"since"`
	Head  string    `json:"head"` // commit
	Path  string    `json:"path"`
	// Landed is when the newest revision came to be, as far as its date and those
	// of the ones that it follows tell.
	Landed time.Time `json:"landed,omitzero"`
}

// filesCursor is the commit up to which all chosen files were read.
type filesCursor struct {
	Globs  string    `json:"globs"`
	Since  time.Time `json:"since"`
	Branch string    `json:"branch"`
	Head   string    `json:"head"`
	// Settled: the commit was older than settleTime when the files were read, so
	// that every one of GitHub's servers knew it.
	Settled bool `json:"settled"`
}

// files emits the revisions of the chosen files on the default branch. As long
// as that is at the same commit, it holds the same history.
func (r *run) files(ctx context.Context, repo repository) error {
	if len(r.cfg.files) == 0 || repo.DefaultBranch == "" {
		return nil
	}
	now := filesCursor{Globs: mark(r.cfg.FileGlobs), Since: r.since, Branch: repo.DefaultBranch}
	var err error
	if now.Head, now.Settled, err = r.readableHead(ctx, repo); statusOf(err) == http.StatusNotFound && r.isEmpty(ctx, repo) {
		return nil // no commit yet
	} else if err != nil {
		return err
	}
	var cur filesCursor
	known := r.cursor(repo.cursorName("tree"), &cur) && cur.Globs == now.Globs && cur.Branch == now.Branch && !now.Since.Before(cur.Since)
	if known {
		now.Since = cur.Since
	}
	if !known || !cur.Settled || cur.Head != now.Head {
		whole, err := r.readFiles(ctx, repo, known)
		if err != nil {
			return err
		}
		if whole {
			err = r.setCursor(repo.cursorName("tree"), now)
		}
		if err != nil {
			return err
		}
	}
	r.cover.reaches(KindFileRevision, now.Since)
	return nil
}

// readableHead is the commit of the default branch, and whether the last push
// is so old that every answer will show it.
func (r *run) readableHead(ctx context.Context, repo repository) (head string, settled bool, err error) {
	if head := r.settledHead(repo); head != "" {
		return head, true, nil
	}
	ans, note, err := r.branch(ctx, repo, repo.DefaultBranch)
	if err != nil {
		return "", false, err
	}
	if !isSHA(note.Head) {
		return "", false, nil
	}
	if !r.req.Wants(KindBranchProtection) {
		err = r.keep(ans, note)
	}
	return note.Head, repo.Pushed > 0 && ans.date().Sub(time.Unix(repo.Pushed, 0)) > settleTime, err
}

// readFiles reads the history of every chosen file. known is whether that was
// done before: then a tree that did not change holds the same files.
func (r *run) readFiles(ctx context.Context, repo repository, known bool) (whole bool, err error) {
	var tree gh.Tree
	ans, err := r.api.get(ctx, call{path: repo.path() + "/git/trees/" + url.PathEscape(repo.DefaultBranch), query: url.Values{"recursive": {"1"}},
		usable: func([]byte) bool { return known }}, &tree)
	if status := statusOf(err); status == http.StatusConflict || status == http.StatusNotFound && r.isEmpty(ctx, repo) {
		return false, nil // no commit yet
	}
	if err != nil {
		return false, err
	}
	paths, whole, err := r.chosenPaths(repo, &tree)
	if err != nil {
		return false, err
	}
	for _, p := range paths {
		if err := r.fileHistory(ctx, repo, p); err != nil {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{KindFileRevision}, scope: repo.FullName + " " + p, permission: permContents}, err); err != nil {
				return false, err
			}
		}
	}
	if !whole {
		return false, r.stop(r.emit.Validator(ans.key, connector.Validator{}))
	}
	return true, r.keep(ans, true)
}

// chosenPaths are the files that the configuration takes, and those that an
// earlier run knew: a file that is gone has a last revision. whole is whether
// they are all.
func (r *run) chosenPaths(repo repository, tree *gh.Tree) (paths []string, whole bool, err error) {
	set := map[string]bool{}
	unclean := 0
	for _, e := range tree.Entries {
		if e.GetType() != "blob" || e.GetMode() == "120000" || !matchAny(r.cfg.files, e.GetPath()) {
			continue // folders, submodules and symbolic links hold no content of their own
		}
		if !cleanPath(e.GetPath()) {
			unclean++
			continue
		}
		set[e.GetPath()] = true
	}
	prefix := repo.cursorName("file") + "/"
	for name, value := range r.req.Cursors {
		var cur fileCursor
		if strings.HasPrefix(name, prefix) && json.Unmarshal([]byte(value), &cur) == nil && matchAny(r.cfg.files, cur.Path) && cleanPath(cur.Path) {
			set[cur.Path] = true
		}
	}
	paths = sortedPaths(set)
	gap := connector.Gap{Kinds: []string{KindFileRevision}, Scope: repo.FullName}
	if unclean > 0 {
		gap.Reason, gap.Detail = connector.Malformed, fmt.Sprintf("%d files have names that no record can hold", unclean)
		if err := r.gap(gap); err != nil {
			return nil, false, err
		}
	}
	if tree.GetTruncated() || len(paths) > maxPaths {
		gap.Reason, gap.Detail = connector.Truncated, fmt.Sprintf("the repository holds more files than can be listed (%d were chosen, %d at most); narrow file_globs",
			len(paths), maxPaths)
		if err := r.gap(gap); err != nil {
			return nil, false, err
		}
	}
	return paths[:min(len(paths), maxPaths)], gap.Reason == "", nil
}

// fileHistory emits the revisions of one file since its cursor, oldest first,
// so that a run that is cut off has read a file's past from its beginning. The
// date of a single commit ends nothing: a page of old ones does.
func (r *run) fileHistory(ctx context.Context, repo repository, path string) error {
	name := repo.cursorName("file") + "/" + mark(path)
	cur := fileCursor{}
	if !r.cursor(name, &cur) || r.since.Before(cur.Since) || cur.Path != path {
		cur = fileCursor{Since: r.since, Path: path}
	}
	var todo []*gh.RepositoryCommit
	var first answer
	q := url.Values{"path": {path}, "sha": {repo.DefaultBranch}}
	c := call{path: repo.path() + "/commits", query: q, usable: func([]byte) bool { return cur.Head != "" }}
	err := pages(ctx, r.api, c, func(p page[[]*gh.RepositoryCommit]) (bool, error) {
		if p.notModified {
			return false, nil
		}
		if p.number == 1 {
			first = p.answer
		}
		for _, c := range p.body {
			if c == nil {
				return false, &malformedError{Path: repo.path() + "/commits", Why: "a commit is null"}
			}
			if c.GetSHA() == cur.Head {
				return false, nil
			}
			todo = append(todo, c)
		}
		return slices.ContainsFunc(p.body, func(c *gh.RepositoryCommit) bool { return !r.old(c, cur) }), nil
	})
	if err != nil || len(todo) == 0 {
		return err
	}
	for _, c := range slices.Backward(r.inPeriod(todo, cur)) {
		cur.Landed = r.revised(c, cur.Landed)
		if err := r.revision(ctx, repo, path, c, cur.Landed); err != nil {
			return err
		}
	}
	cur.Head = todo[0].GetSHA()
	if err := r.setCursor(name, cur); err != nil {
		return err
	}
	return r.keep(first, true)
}

// old reports whether a commit claims to be older than what is looked for.
func (r *run) old(c *gh.RepositoryCommit, cur fileCursor) bool {
	return c.GetCommit().GetCommitter().GetDate().Before(r.earliest(cur.Since))
}

// inPeriod are those of a file's commits, newest first, that are wanted: down
// to the last one of the period, whatever those above it claim, and the revision
// that was in force when the period began. What follows a head that was read
// before is all wanted.
func (r *run) inPeriod(list []*gh.RepositoryCommit, cur fileCursor) []*gh.RepositoryCommit {
	if cur.Head != "" {
		return list
	}
	last := 0
	for i, c := range list {
		if !r.old(c, cur) {
			last = i + 1
		}
	}
	return list[:min(last+1, len(list))]
}

// revised is when a commit came to be, as its committer says, but not before
// the one that it follows. A date in the future is taken as now.
func (r *run) revised(c *gh.RepositoryCommit, previous time.Time) time.Time {
	if t := later(c.GetCommit().GetCommitter().GetDate().UTC(), previous); !t.After(r.now) {
		return t
	}
	return r.now.Truncate(time.Second)
}

// revision emits the content that a file had after a commit.
func (r *run) revision(ctx context.Context, repo repository, path string, c *gh.RepositoryCommit, at time.Time) error {
	if !isSHA(c.GetSHA()) {
		return &malformedError{Path: repo.path() + "/commits", Why: "a commit's id is none that git makes"}
	}
	git := c.GetCommit()
	pay := revisionPayload{
		Repo: repo.FullName, RepoID: repo.ID, Path: path, Ref: repo.DefaultBranch, CommitSHA: c.GetSHA(),
		Author: gitPerson(c.Author, git.GetAuthor()), Committer: gitPerson(c.Committer, git.GetCommitter()),
		CommittedAt: stamp(git.GetCommitter().GetDate().Time), Verified: git.GetVerification().GetVerified(),
	}
	content, err := r.content(ctx, repo, path, c.GetSHA())
	switch {
	case statusOf(err) == http.StatusNotFound:
		pay.Deleted = true
	case err != nil:
		return err
	default:
		pay.describe(content)
	}
	link := c.GetHTMLURL()
	if !pay.Deleted && link != "" {
		link = strings.Replace(link, "/commit/"+c.GetSHA(), "/blob/"+c.GetSHA()+"/"+escapePath(path), 1)
	}
	return r.record(connector.Record{
		Kind: KindFileRevision, Subject: connector.Subject{Type: "document", ID: repo.FullName + "/" + path},
		Key: fmt.Sprintf("%d/%s/%s", repo.ID, path, c.GetSHA()), EventTime: at, URL: link,
	}, pay)
}

// content reads a file as it was after a commit. Files of more than 1 MiB come
// without content and are read as a blob.
func (r *run) content(ctx context.Context, repo repository, path, sha string) ([]byte, error) {
	var file gh.RepositoryContent
	where := repo.path() + "/contents/" + escapePath(path)
	if _, err := r.api.get(ctx, call{path: where, query: url.Values{"ref": {sha}}}, &file); err != nil {
		return nil, err
	}
	if file.GetEncoding() == "none" && isSHA(file.GetSHA()) {
		var blob gh.Blob
		if _, err := r.api.get(ctx, call{path: repo.path() + "/git/blobs/" + file.GetSHA()}, &blob); err != nil {
			return nil, err
		}
		file.Encoding, file.Content = blob.Encoding, blob.Content
	}
	if file.GetType() != "file" || file.GetEncoding() != "base64" || file.Content == nil {
		return nil, &malformedError{Path: where, Why: "the answer is no file's content"}
	}
	b, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(*file.Content))
	if err != nil {
		return nil, &malformedError{Path: where, Why: "the content is not base64"}
	}
	if len(file.GetSHA()) == 40 && file.GetSHA() != blobSHA(b) {
		return nil, &malformedError{Path: where, Why: "the content does not have the id that GitHub gives for it"}
	}
	return b, nil
}

// blobSHA is the id that git gives a content.
func blobSHA(b []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(b))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

func (p *revisionPayload) describe(content []byte) {
	sum := sha256.Sum256(content)
	p.ContentSHA256, p.Size, p.BlobSHA = hex.EncodeToString(sum[:]), int64(len(content)), blobSHA(content)
	p.FrontMatter = frontMatter(content)
}

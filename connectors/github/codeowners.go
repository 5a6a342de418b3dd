package github

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// ownerFolders are where GitHub looks for CODEOWNERS; the first found counts.
var ownerFolders = [...]string{".github", "", "docs"}

type codeownersPayload struct {
	Repo           string        `json:"repo"`
	RepoID         int64         `json:"repo_id"`
	Path           string        `json:"path"`
	Ref            string        `json:"ref"`
	SHA            string        `json:"sha"`
	Size           int64         `json:"size"`
	Rules          []ownerRule   `json:"rules"`
	RulesTruncated bool          `json:"rules_truncated"`
	Errors         *[]ownerError `json:"errors,omitempty"` // nil when GitHub did not say
	CommittedAt    string        `json:"committed_at,omitempty"`
}

// ownerError is what GitHub finds wrong in the file.
type ownerError struct {
	Line    int    `json:"line"`
	Kind    string `json:"kind"`
	Message string `json:"message,omitempty"`
}

// codeownersCursor is what is known of a repository's file.
type codeownersCursor struct {
	Branch string            `json:"branch"`
	Trees  map[string]string `json:"trees,omitempty"` // ids of what is looked into, by folder
	Path   string            `json:"path,omitempty"`  // empty: there is no file
	SHA    string            `json:"sha,omitempty"`
	Group  string            `json:"group,omitempty"` // of the record
}

// codeowners emits the rules of the file that is in force.
func (r *run) codeowners(ctx context.Context, repo repository) error {
	if repo.DefaultBranch == "" {
		return nil
	}
	var last codeownersCursor
	known := r.cursor(repo.cursorName("codeowners"), &last) && last.Branch == repo.DefaultBranch
	now, tree, err := r.findCodeowners(ctx, repo, last, known)
	if statusOf(err) == http.StatusConflict || statusOf(err) == http.StatusNotFound && r.isEmpty(ctx, repo) {
		return nil // no commit yet
	}
	if err != nil {
		return err
	}
	if now.Path == "" && tree.notModified {
		return nil
	}
	if now.Path == "" {
		if err := r.setCursor(repo.cursorName("codeowners"), now); err != nil {
			return err
		}
		return r.keep(tree, true)
	}
	same := known && last.Group != "" && last.Path == now.Path && last.SHA == now.SHA
	errs, mistakes, err := r.ownerErrors(ctx, repo, same)
	if err != nil {
		if err := r.missed(ctx, part{kinds: []string{KindCodeowners}, scope: repo.FullName + " errors", permission: permContents}, err); err != nil {
			return err
		}
	} else if same && mistakes.notModified {
		return r.attest(KindCodeowners, last.Group, 1)
	}
	now.Group = fmt.Sprintf("codeowners/%d@%s", repo.ID, mark(now.Path, now.SHA, errs))
	if err := r.emitCodeowners(ctx, repo, now, errs); err != nil {
		return err
	}
	if errs == nil {
		now.Group = "" // the next run asks again
	} else if err := r.keep(mistakes, true); err != nil {
		return err
	}
	if err := r.setCursor(repo.cursorName("codeowners"), now); err != nil {
		return err
	}
	return r.keep(tree, true)
}

// findCodeowners says which file counts.
func (r *run) findCodeowners(ctx context.Context, repo repository, last codeownersCursor, known bool) (codeownersCursor, answer, error) {
	now := codeownersCursor{Branch: repo.DefaultBranch, Trees: map[string]string{}}
	var root gh.Tree
	ans, err := r.api.get(ctx, call{path: repo.path() + "/git/trees/" + url.PathEscape(repo.DefaultBranch),
		usable: func([]byte) bool { return known }}, &root)
	if err != nil || ans.notModified {
		last.Group = ""
		return last, ans, err
	}
	if root.Entries == nil {
		return now, ans, &malformedError{Path: repo.path() + "/git/trees", Why: "the answer holds no tree"}
	}
	for _, e := range root.Entries {
		if e.GetType() == "tree" && (e.GetPath() == ".github" || e.GetPath() == "docs") && isSHA(e.GetSHA()) {
			now.Trees[e.GetPath()] = e.GetSHA()
		}
	}
	for _, folder := range ownerFolders {
		tree, where := &root, "CODEOWNERS"
		if folder != "" {
			where = folder + "/CODEOWNERS"
			id := now.Trees[folder]
			if id == "" {
				continue
			}
			if known && last.Trees[folder] == id && last.Path == where {
				now.Path, now.SHA = last.Path, last.SHA
				return now, ans, nil
			}
			tree = &gh.Tree{}
			if _, err := r.api.get(ctx, call{path: repo.path() + "/git/trees/" + id}, tree); err != nil {
				return now, ans, err
			}
		}
		if tree.GetTruncated() {
			return now, ans, &malformedError{Path: repo.path() + "/git/trees", Why: "a folder holds more files than GitHub lists"}
		}
		for _, e := range tree.Entries {
			if e.GetPath() != "CODEOWNERS" || e.GetType() != "blob" {
				continue
			}
			if e.GetMode() == "120000" || !isSHA(e.GetSHA()) {
				return now, ans, &malformedError{Path: where, Why: "it is a symbolic link, or has no id"}
			}
			now.Path, now.SHA = where, e.GetSHA()
			return now, ans, nil
		}
	}
	return now, ans, nil
}

// ownerErrors asks what GitHub finds wrong; nil if it does not say.
func (r *run) ownerErrors(ctx context.Context, repo repository, same bool) (*[]ownerError, answer, error) {
	var body struct {
		Errors []struct {
			Line    int    `json:"line"`
			Kind    string `json:"kind"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	path := repo.path() + "/codeowners/errors"
	ans, err := r.api.get(ctx, call{path: path, usable: func([]byte) bool { return same }}, &body)
	if err != nil || ans.notModified {
		return nil, ans, err
	}
	if body.Errors == nil {
		return nil, ans, &malformedError{Path: path, Why: "the answer holds no list errors"}
	}
	errs := []ownerError{}
	for _, e := range body.Errors[:min(len(body.Errors), 200)] {
		errs = append(errs, ownerError{Line: e.Line, Kind: line(e.Kind, 100), Message: line(e.Message, 200)})
	}
	return &errs, ans, nil
}

func (r *run) emitCodeowners(ctx context.Context, repo repository, c codeownersCursor, errs *[]ownerError) error {
	var blob gh.Blob
	where := repo.path() + "/git/blobs/" + c.SHA
	if _, err := r.api.get(ctx, call{path: where}, &blob); err != nil {
		return err
	}
	text, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(blob.GetContent()))
	if err != nil || blob.GetEncoding() != "base64" || blob.Content == nil || len(c.SHA) == 40 && blobSHA(text) != c.SHA {
		return &malformedError{Path: where, Why: "the answer is not the content that has this id"}
	}
	pay := codeownersPayload{Repo: repo.FullName, RepoID: repo.ID, Path: c.Path, Ref: repo.DefaultBranch, SHA: c.SHA, Size: int64(len(text)), Errors: errs}
	pay.Rules, pay.RulesTruncated = parseCodeowners(string(text))
	var commits []*gh.RepositoryCommit
	q := url.Values{"path": {c.Path}, "sha": {repo.DefaultBranch}, "per_page": {"1"}}
	if _, err := r.api.get(ctx, call{path: repo.path() + "/commits", query: q}, &commits); err != nil {
		return err
	}
	if len(commits) > 0 && commits[0] != nil {
		pay.CommittedAt = stamp(commits[0].GetCommit().GetCommitter().GetDate().Time)
	}
	return r.record(connector.Record{
		Kind: KindCodeowners, Subject: connector.Subject{Type: "repository", ID: repo.FullName}, Key: fmt.Sprintf("%d/%s", repo.ID, c.Path),
		Group: c.Group, URL: r.cfg.web(repo.FullName+"/blob/"+escapePath(repo.DefaultBranch)+"/"+c.Path, nil),
	}, pay)
}

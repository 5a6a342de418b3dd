package sandbox

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// listCommits lists what can be reached from a branch, newest first.
func (s *hubServer) listCommits(r *http.Request, rp *repo) answer {
	q := r.URL.Query()
	from := rp.resolve(cmp.Or(q.Get("sha"), rp.Main))
	if from == nil {
		return notFound()
	}
	since, until := queryTime(q.Get("since")), queryTime(q.Get("until"))
	out := []obj{}
	for _, c := range slices.Backward(rp.reachable(from)) {
		switch {
		case !since.IsZero() && c.at.Before(since), !until.IsZero() && c.at.After(until):
			continue
		case q.Get("author") != "" && q.Get("author") != c.by.ID:
			continue
		case q.Get("path") != "" && !slices.ContainsFunc(c.files, func(f fileChange) bool { return touches(f, q.Get("path")) }):
			continue
		}
		out = append(out, s.commitRef(rp, c))
	}
	return paged(r, out)
}

func queryTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// resolve finds a commit by branch name or id.
func (r *repo) resolve(ref string) *commit {
	ref = strings.TrimPrefix(ref, "refs/heads/")
	if ref == r.Main || ref == "HEAD" || ref == "heads/"+r.Main {
		return r.head()
	}
	for _, c := range r.commits {
		if c.sha == ref {
			return c
		}
	}
	for _, p := range r.pulls {
		for _, h := range p.heads {
			if h.sha == ref {
				return h
			}
		}
		if open := !p.Merged.set && !p.Closed.set; open && p.Branch == ref {
			return p.heads[len(p.heads)-1]
		}
	}
	return nil
}

// reachable is a commit with all its ancestors, oldest first.
func (r *repo) reachable(from *commit) []*commit {
	seen := map[string]bool{}
	queue := []string{from.sha}
	for len(queue) > 0 {
		sha := queue[0]
		queue = queue[1:]
		if c := r.resolve(sha); c != nil && !seen[sha] {
			seen[sha] = true
			queue = append(queue, c.parents...)
		}
	}
	var out []*commit
	for _, c := range r.commits {
		if seen[c.sha] {
			out = append(out, c)
			delete(seen, c.sha)
		}
	}
	if seen[from.sha] { // the head of an open pull request
		out = append(out, from)
	}
	return out
}

// commitRef is a commit as lists show it. A squash merge is committed by
// GitHub itself, as the real one does it.
func (s *hubServer) commitRef(rp *repo, c *commit) obj {
	parents := []obj{}
	for _, p := range c.parents {
		parents = append(parents, obj{"sha": p, "url": s.repoURL(rp) + "/commits/" + p})
	}
	author := obj{"name": c.by.Name, "email": c.by.Email, "date": stamp(c.at)}
	committer, committerUser := author, s.userRef(c.by)
	reason := "unsigned"
	if c.webflow {
		committer = obj{"name": "GitHub", "email": "noreply@github.com", "date": stamp(c.at)}
		committerUser = obj{"login": "web-flow", "id": 19864447, "type": "User"}
		reason = "valid"
	}
	return obj{
		"sha": c.sha, "parents": parents, "author": s.userRef(c.by), "committer": committerUser,
		"html_url": s.web + "/" + s.w.hub.owner + "/" + rp.Name + "/commit/" + c.sha, "url": s.repoURL(rp) + "/commits/" + c.sha,
		"commit": obj{
			"author": author, "committer": committer, "message": c.message, "comment_count": 0,
			"tree":         obj{"sha": treeSHA(c.sha, "")},
			"verification": obj{"verified": c.webflow, "reason": reason, "signature": nil, "payload": nil},
		},
	}
}

func (s *hubServer) commitFull(r *http.Request, rp *repo) answer {
	c := rp.resolve(r.PathValue("ref"))
	if c == nil {
		return answer{status: http.StatusUnprocessableEntity, body: problem("No commit found for SHA: " + r.PathValue("ref"))}
	}
	o := s.commitRef(rp, c)
	add, del := 0, 0
	for _, f := range c.files {
		add, del = add+f.add, del+f.del
	}
	o["stats"] = obj{"additions": add, "deletions": del, "total": add + del}
	o["files"] = s.changes(rp, c.files, c.sha)
	return ok(o)
}

// commitPulls lists the pull requests that brought a commit.
func (s *hubServer) commitPulls(r *http.Request, rp *repo) answer {
	c := rp.resolve(r.PathValue("ref"))
	if c == nil {
		return answer{status: http.StatusUnprocessableEntity, body: problem("No commit found for SHA: " + r.PathValue("ref"))}
	}
	out := []obj{}
	if p := rp.pull(c.pull); p != nil {
		out = append(out, s.pullRef(rp, p))
	}
	return paged(r, out)
}

// contents is one file or the listing of a folder, at a ref.
func (s *hubServer) contents(r *http.Request, rp *repo) answer {
	at := rp.resolve(cmp.Or(r.URL.Query().Get("ref"), rp.Main))
	name := strings.Trim(path.Clean("/"+r.PathValue("path")), "/")
	if at == nil {
		return notFound()
	}
	if text, found := rp.textAt(name, at); found {
		o := s.contentRef(rp, name, "file", blobSHA(text), len(text))
		o["encoding"], o["content"] = "base64", wrapBase64(text)
		return ok(o)
	}
	out := []obj{}
	seen := map[string]bool{}
	for _, p := range sortedKeys(rp.texts) {
		text, there := rp.textAt(p, at)
		rest, below := strings.CutPrefix(p, name+"/")
		if name == "" {
			rest, below = p, true
		}
		if !there || !below {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if full := path.Join(name, first); deeper && !seen[first] {
			out = append(out, s.contentRef(rp, full, "dir", treeSHA(at.sha, full), 0))
		} else if !deeper {
			out = append(out, s.contentRef(rp, full, "file", blobSHA(text), len(text)))
		}
		seen[first] = true
	}
	if len(out) == 0 {
		return notFound()
	}
	return ok(out)
}

func (s *hubServer) contentRef(rp *repo, p, kind, sha string, size int) obj {
	return obj{
		"type": kind, "name": path.Base(p), "path": p, "sha": sha, "size": size,
		"url":      s.repoURL(rp) + "/contents/" + p,
		"html_url": s.web + "/" + s.w.hub.owner + "/" + rp.Name + "/blob/" + rp.Main + "/" + p, "download_url": nil,
	}
}

// wrapBase64 encodes with a line break every 60 characters, as GitHub does.
func wrapBase64(text string) string {
	enc := base64.StdEncoding.EncodeToString([]byte(text))
	var b strings.Builder
	for len(enc) > 60 {
		b.WriteString(enc[:60] + "\n")
		enc = enc[60:]
	}
	b.WriteString(enc + "\n")
	return b.String()
}

func treeSHA(commit, dir string) string { return fakeSHA("tree", commit, dir) }

// treeOf finds what a commit, branch or tree id means: a commit and a folder
// in it, "" for the whole.
func (rp *repo) treeOf(ref string) (*commit, string) {
	if at := rp.resolve(ref); at != nil {
		return at, ""
	}
	dirs := []string{""}
	for _, p := range sortedKeys(rp.texts) {
		for i, c := range p {
			if c == '/' && !slices.Contains(dirs, p[:i]) {
				dirs = append(dirs, p[:i])
			}
		}
	}
	for _, c := range rp.commits {
		for _, dir := range dirs {
			if treeSHA(c.sha, dir) == ref {
				return c, dir
			}
		}
	}
	return nil, ""
}

// tree lists a tree, given by commit, branch or tree id.
func (s *hubServer) tree(r *http.Request, rp *repo) answer {
	ref := r.PathValue("ref")
	at, inside := rp.treeOf(ref)
	if at == nil {
		return notFound()
	}
	recursive := r.URL.Query().Get("recursive") != ""
	entries, seen := []obj{}, map[string]bool{}
	for _, p := range sortedKeys(rp.texts) {
		text, there := rp.textAt(p, at)
		if !there {
			continue
		}
		if inside != "" {
			var in bool
			if p, in = strings.CutPrefix(p, inside+"/"); !in {
				continue
			}
		}
		parts := strings.Split(p, "/")
		for i := 1; i < len(parts); i++ {
			dir := strings.Join(parts[:i], "/")
			if !seen[dir] && (recursive || i == 1) {
				entries = append(entries, obj{"path": dir, "mode": "040000", "type": "tree", "sha": treeSHA(at.sha, path.Join(inside, dir))})
			}
			seen[dir] = true
		}
		if recursive || len(parts) == 1 {
			entries = append(entries, obj{"path": p, "mode": "100644", "type": "blob", "sha": blobSHA(text), "size": len(text)})
		}
	}
	return ok(obj{"sha": treeSHA(at.sha, inside), "url": s.repoURL(rp) + "/git/trees/" + ref, "tree": entries, "truncated": false})
}

func (s *hubServer) blob(r *http.Request, rp *repo) answer {
	want := r.PathValue("sha")
	for _, p := range sortedKeys(rp.texts) {
		for _, rev := range rp.revisions(p) {
			if text, there := rp.textAt(p, rev); there && blobSHA(text) == want {
				return ok(obj{"sha": want, "size": len(text), "encoding": "base64", "content": wrapBase64(text)})
			}
		}
	}
	return notFound()
}

func (s *hubServer) gitRef(r *http.Request, rp *repo) answer {
	branch, isBranch := strings.CutPrefix(r.PathValue("ref"), "heads/")
	c := rp.resolve(branch)
	if !isBranch || c == nil {
		return notFound()
	}
	return ok(obj{"ref": "refs/heads/" + branch, "object": obj{"type": "commit", "sha": c.sha}})
}

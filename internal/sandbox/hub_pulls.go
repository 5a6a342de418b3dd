package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// listPulls lists pull requests as GitHub does: open ones by default, newest
// first, ascending if sorted by anything else and no direction is given.
func (s *hubServer) listPulls(r *http.Request, rp *repo) answer {
	q := r.URL.Query()
	state, order, direction := cmp.Or(q.Get("state"), "open"), cmp.Or(q.Get("sort"), "created"), q.Get("direction")
	var list []*pull
	for _, p := range rp.pulls {
		open := !p.Merged.set && !p.Closed.set
		if (state == "open" && !open) || (state == "closed" && open) || (q.Get("base") != "" && q.Get("base") != p.Base) {
			continue
		}
		list = append(list, p)
	}
	if order == "updated" {
		slices.SortStableFunc(list, func(a, b *pull) int { return a.updated.Compare(b.updated) })
	}
	if direction == "desc" || (direction == "" && order == "created") {
		slices.Reverse(list)
	}
	out := []obj{}
	for _, p := range list {
		out = append(out, s.pullRef(rp, p))
	}
	return paged(r, out)
}

// pullRef is a pull request as lists show it: without merged_by and counts.
func (s *hubServer) pullRef(rp *repo, p *pull) obj {
	url := s.repoURL(rp) + "/pulls/" + strconv.Itoa(p.N)
	labels := []obj{}
	for _, l := range p.Labels {
		labels = append(labels, obj{"name": l})
	}
	state := "open"
	if p.Merged.set || p.Closed.set {
		state = "closed"
	}
	head := p.heads[len(p.heads)-1].sha
	mergeSHA := fakeSHA("test-merge", head) // what GitHub computes for an unmerged pull request
	if p.merge != nil {
		mergeSHA = p.merge.sha
	}
	o := obj{
		"id": p.id, "number": p.N, "state": state, "locked": false, "title": p.Title, "body": p.Body, "draft": p.Draft,
		"user": s.userRef(p.by), "labels": labels, "created_at": p.Opened.stamp(s.w.now), "updated_at": stamp(p.updated),
		"closed_at": p.Closed.or(p.Merged).stamp(s.w.now), "merged_at": p.Merged.stamp(s.w.now), "merge_commit_sha": mergeSHA,
		"assignees": []obj{}, "requested_reviewers": []obj{}, "author_association": "MEMBER", "auto_merge": nil,
		"head": s.pullEnd(rp, p.Branch, head, p.by), "base": s.pullEnd(rp, p.Base, p.baseSHA, p.by),
		"html_url": fmt.Sprintf("%s/%s/%s/pull/%d", s.web, s.w.hub.owner, rp.Name, p.N), "url": url,
	}
	if p.Body == "" {
		o["body"] = nil
	}
	if p.AutoMerge {
		o["auto_merge"] = obj{"enabled_by": s.userRef(p.by), "merge_method": "squash"}
	}
	return o
}

func (s *hubServer) pullEnd(rp *repo, ref, sha string, by *person) obj {
	return obj{"label": s.w.hub.owner + ":" + ref, "ref": ref, "sha": sha, "user": s.userRef(by), "repo": s.repoRef(rp)}
}

func pullOf(r *http.Request, rp *repo) *pull {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return nil
	}
	return rp.pull(n)
}

func (s *hubServer) pullFull(r *http.Request, rp *repo) answer {
	p := pullOf(r, rp)
	if p == nil {
		return notFound()
	}
	o := s.pullRef(rp, p)
	add, del := 0, 0
	for _, f := range p.files {
		add, del = add+f.add, del+f.del
	}
	o["merged"], o["merged_by"], o["mergeable"] = p.Merged.set, nil, nil
	if p.merger != nil {
		o["merged_by"] = s.userRef(p.merger)
	}
	o["comments"], o["review_comments"], o["commits"] = 0, 0, len(p.heads)
	o["additions"], o["deletions"], o["changed_files"] = add, del, len(p.files)
	return ok(o)
}

func (s *hubServer) pullFiles(r *http.Request, rp *repo) answer {
	p := pullOf(r, rp)
	if p == nil {
		return notFound()
	}
	return paged(r, s.changes(rp, p.files, p.heads[len(p.heads)-1].sha))
}

// changes are files as pull requests and commits list them.
func (s *hubServer) changes(rp *repo, files []fileChange, sha string) []obj {
	out := []obj{}
	for _, f := range files {
		o := obj{
			"sha": fakeSHA("file", sha, f.path), "filename": f.path, "status": f.status,
			"additions": f.add, "deletions": f.del, "changes": f.add + f.del,
			"contents_url": s.repoURL(rp) + "/contents/" + f.path + "?ref=" + sha,
		}
		if f.previous != "" {
			o["previous_filename"] = f.previous
		}
		out = append(out, o)
	}
	return out
}

func (s *hubServer) pullReviews(r *http.Request, rp *repo) answer {
	p := pullOf(r, rp)
	if p == nil {
		return notFound()
	}
	out := []obj{}
	for _, rv := range p.reviews {
		out = append(out, obj{
			"id": rv.id, "user": s.userRef(rv.by), "body": "", "state": rv.state, "commit_id": rv.commit,
			"submitted_at": stamp(rv.at), "author_association": "MEMBER",
			"html_url":         fmt.Sprintf("%s/%s/%s/pull/%d#pullrequestreview-%d", s.web, s.w.hub.owner, rp.Name, p.N, rv.id),
			"pull_request_url": s.repoURL(rp) + "/pulls/" + strconv.Itoa(p.N),
		})
	}
	return paged(r, out)
}

func (s *hubServer) pullCommits(r *http.Request, rp *repo) answer {
	p := pullOf(r, rp)
	if p == nil {
		return notFound()
	}
	out := []obj{}
	for _, c := range p.heads {
		out = append(out, s.commitRef(rp, c))
	}
	return paged(r, out)
}

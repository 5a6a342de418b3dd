package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runs are the workflow runs of a repository, newest first: every workflow on
// the final head of each pull request, and the first one on every commit of
// the production branch.
func (s *hubServer) runs(rp *repo) []obj {
	type entry struct {
		at time.Time
		o  obj
	}
	var list []entry
	add := func(workflow int, c *commit, event, branch, conclusion string) {
		name := rp.CI[workflow]
		started := c.at.Add(time.Minute)
		done := started.Add(time.Duration(4+workflow*3) * time.Minute)
		if done.After(s.w.now) {
			return
		}
		list = append(list, entry{done, obj{
			"name": name, "head_branch": branch, "head_sha": c.sha, "event": event, "status": "completed", "conclusion": conclusion,
			"run_attempt": 1, "workflow_id": rp.ID*10 + int64(workflow), "path": ".github/workflows/" + name + ".yml",
			"display_title": firstLine(c.message), "created_at": stamp(started), "run_started_at": stamp(started),
			"updated_at": stamp(done), "actor": s.userRef(c.by), "triggering_actor": s.userRef(c.by), "pull_requests": []obj{},
		}})
	}
	for _, p := range rp.pulls {
		for k := range rp.CI {
			add(k, p.heads[len(p.heads)-1], "pull_request", p.Branch, cmp.Or(p.CI, "success"))
		}
	}
	for _, c := range rp.commits {
		if c.main && len(rp.CI) > 0 {
			add(0, c, "push", rp.Main, "success")
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.at.Compare(b.at) })
	out := make([]obj, len(list))
	for i, e := range list {
		id := rp.ID*100 + int64(i+1)
		e.o["id"], e.o["run_number"] = id, i+1
		e.o["html_url"] = fmt.Sprintf("%s/%s/%s/actions/runs/%d", s.web, s.w.hub.owner, rp.Name, id)
		e.o["url"] = fmt.Sprintf("%s/actions/runs/%d", s.repoURL(rp), id)
		e.o["artifacts_url"] = fmt.Sprintf("%s/actions/runs/%d/artifacts", s.repoURL(rp), id)
		out[len(list)-1-i] = e.o
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (s *hubServer) listRuns(r *http.Request, rp *repo) answer {
	q := r.URL.Query()
	kept := []obj{}
	for _, run := range s.runs(rp) {
		match := true
		for param, field := range map[string]string{"head_sha": "head_sha", "event": "event", "branch": "head_branch"} {
			if v := q.Get(param); v != "" && run[field] != v {
				match = false
			}
		}
		if v := q.Get("status"); v != "" && run["status"] != v && run["conclusion"] != v {
			match = false
		}
		if created, _ := run["created_at"].(string); match && inRange(created, q.Get("created")) {
			kept = append(kept, run)
		}
	}
	a := paged(r, kept)
	a.body = obj{"total_count": len(kept), "workflow_runs": a.body}
	return a
}

// inRange reads GitHub's date filters: >=T, >T, <=T, <T, A..B. Times and days
// compare as text, since both are ISO 8601.
func inRange(at, filter string) bool {
	if from, to, found := strings.Cut(filter, ".."); found {
		return at >= from && (to == "*" || at <= to || strings.HasPrefix(at, to))
	}
	for _, op := range []string{">=", "<=", ">", "<"} {
		v, found := strings.CutPrefix(filter, op)
		if !found {
			continue
		}
		if op[0] == '>' {
			return at >= v
		}
		return at <= v
	}
	return filter == "" || strings.HasPrefix(at, filter)
}

func (s *hubServer) findRun(r *http.Request, rp *repo) obj {
	for _, run := range s.runs(rp) {
		if id, _ := run["id"].(int64); strconv.FormatInt(id, 10) == r.PathValue("id") {
			return run
		}
	}
	return nil
}

func (s *hubServer) run(r *http.Request, rp *repo) answer {
	if run := s.findRun(r, rp); run != nil {
		return ok(run)
	}
	return notFound()
}

// runArtifacts: evaluation workflows leave a report, others nothing.
func (s *hubServer) runArtifacts(r *http.Request, rp *repo) answer {
	run := s.findRun(r, rp)
	if run == nil {
		return notFound()
	}
	list := []obj{}
	if name, _ := run["name"].(string); strings.Contains(name, "eval") {
		id, _ := run["id"].(int64)
		list = append(list, obj{
			"id": id * 10, "name": "evaluation-report", "size_in_bytes": 18_342, "expired": false,
			"created_at": run["updated_at"], "digest": "sha256:" + strings.Repeat(fakeSHA("artifact", strconv.FormatInt(id, 10))[:32], 2),
		})
	}
	return ok(obj{"total_count": len(list), "artifacts": list})
}

func (s *hubServer) listWorkflows(_ *http.Request, rp *repo) answer {
	list := []obj{}
	for k, name := range rp.CI {
		list = append(list, obj{"id": rp.ID*10 + int64(k), "name": name, "path": ".github/workflows/" + name + ".yml", "state": "active"})
	}
	return ok(obj{"total_count": len(list), "workflows": list})
}

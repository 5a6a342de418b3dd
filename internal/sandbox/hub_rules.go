package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

func (s *hubServer) listBranches(r *http.Request, rp *repo) answer {
	out := []obj{{"name": rp.Main, "commit": obj{"sha": rp.head().sha}, "protected": rp.protected()}}
	for _, p := range rp.pulls {
		if !p.Merged.set && !p.Closed.set {
			out = append(out, obj{"name": p.Branch, "commit": obj{"sha": p.heads[len(p.heads)-1].sha}, "protected": false})
		}
	}
	if want := r.URL.Query().Get("protected"); want != "" {
		kept := []obj{}
		for _, b := range out {
			if b["protected"] == (want == "true") {
				kept = append(kept, b)
			}
		}
		out = kept
	}
	return paged(r, out)
}

// protected is true for a classic rule and for an active ruleset alike.
func (r *repo) protected() bool { return r.Classic != nil || len(r.activeRules()) > 0 }

func (r *repo) activeRules() []ruleset {
	var out []ruleset
	for _, rs := range r.Rulesets {
		if rs.Enforcement == "active" {
			out = append(out, rs)
		}
	}
	return out
}

func (s *hubServer) branch(r *http.Request, rp *repo) answer {
	name := r.PathValue("branch")
	c := rp.resolve(name)
	if c == nil || len(name) == 40 {
		return answer{status: http.StatusNotFound, body: problem("Branch not found")}
	}
	onMain := name == rp.Main
	o := obj{"name": name, "commit": s.commitRef(rp, c), "protected": onMain && rp.protected()}
	checks := []string{}
	if onMain && rp.Classic != nil {
		checks = rp.Classic.Checks
	}
	o["protection"] = obj{
		"enabled":                onMain && rp.Classic != nil,
		"required_status_checks": obj{"enforcement_level": "everyone", "contexts": nonNil(checks)},
	}
	o["protection_url"] = s.repoURL(rp) + "/branches/" + name + "/protection"
	return ok(o)
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// protection is the classic rule. A branch that only a ruleset protects
// answers 404 "Branch not protected".
func (s *hubServer) protection(r *http.Request, rp *repo) answer {
	c := rp.Classic
	switch {
	case rp.resolve(r.PathValue("branch")) == nil:
		return notFound()
	case c == nil || r.PathValue("branch") != rp.Main:
		return answer{status: http.StatusNotFound, body: problem("Branch not protected")}
	}
	url := s.repoURL(rp) + "/branches/" + rp.Main + "/protection"
	off := obj{"enabled": false}
	o := obj{
		"url":            url,
		"enforce_admins": obj{"enabled": c.Admins, "url": url + "/enforce_admins"}, "required_linear_history": off,
		"allow_force_pushes": off, "allow_deletions": off, "block_creations": off, "lock_branch": off,
		"allow_fork_syncing": off, "required_conversation_resolution": off, "required_signatures": off,
	}
	if !c.NoReviews {
		reviews := obj{
			"dismiss_stale_reviews": c.Stale, "require_code_owner_reviews": c.CodeOwners,
			"require_last_push_approval": c.LastPush, "required_approving_review_count": c.Reviews,
		}
		if len(c.Bypass) > 0 {
			users := []obj{}
			for _, id := range c.Bypass {
				if p, found := s.w.people[id]; found {
					users = append(users, s.userRef(p))
				}
			}
			reviews["bypass_pull_request_allowances"] = obj{"users": users, "teams": []obj{}, "apps": []obj{}}
		}
		o["required_pull_request_reviews"] = reviews
	}
	if len(c.Checks) > 0 {
		checks := []obj{}
		for _, name := range c.Checks {
			checks = append(checks, obj{"context": name, "app_id": 15368})
		}
		o["required_status_checks"] = obj{"strict": true, "contexts": c.Checks, "checks": checks, "url": url + "/required_status_checks"}
	}
	return ok(o)
}

// rules are the rules of a ruleset in GitHub's form.
func (rs ruleset) rules() []obj {
	out := []obj{{"type": "deletion"}, {"type": "non_fast_forward"}}
	if rs.Reviews > 0 {
		out = append(out, obj{"type": "pull_request", "parameters": obj{
			"required_approving_review_count": rs.Reviews, "dismiss_stale_reviews_on_push": rs.Stale,
			"require_last_push_approval": rs.LastPush, "require_code_owner_review": rs.CodeOwners,
			"required_review_thread_resolution": false,
		}})
	}
	if len(rs.Checks) > 0 {
		checks := []obj{}
		for _, name := range rs.Checks {
			checks = append(checks, obj{"context": name, "integration_id": 15368})
		}
		out = append(out, obj{"type": "required_status_checks", "parameters": obj{
			"required_status_checks": checks, "strict_required_status_checks_policy": true,
		}})
	}
	return out
}

// branchRules are the active rules that hold for a branch, whatever their
// source; a classic rule is not among them.
func (s *hubServer) branchRules(r *http.Request, rp *repo) answer {
	out := []obj{}
	if r.PathValue("branch") == rp.Main {
		for _, rs := range rp.activeRules() {
			for _, rule := range rs.rules() {
				rule["ruleset_id"], rule["ruleset_source_type"], rule["ruleset_source"] = rs.ID, rs.Source, s.source(rp, rs)
				out = append(out, rule)
			}
		}
	}
	return paged(r, out)
}

func (s *hubServer) source(rp *repo, rs ruleset) string {
	if rs.Source == "Organization" {
		return s.w.hub.owner
	}
	return s.w.hub.owner + "/" + rp.Name
}

func (s *hubServer) rulesetRef(rp *repo, rs ruleset) obj {
	return obj{
		"id": rs.ID, "name": rs.Name, "target": "branch", "source_type": rs.Source, "source": s.source(rp, rs),
		"enforcement": rs.Enforcement, "created_at": stamp(rp.Created.at(s.w.now)), "updated_at": rs.Updated.stamp(s.w.now),
		"_links": obj{"self": obj{"href": s.repoURL(rp) + "/rulesets/" + strconv.FormatInt(rs.ID, 10)}},
	}
}

func (s *hubServer) listRulesets(r *http.Request, rp *repo) answer {
	out := []obj{}
	for _, rs := range rp.Rulesets {
		if rs.Source == "Repository" || r.URL.Query().Get("includes_parents") != "false" {
			out = append(out, s.rulesetRef(rp, rs))
		}
	}
	return paged(r, out)
}

func (s *hubServer) ruleset(r *http.Request, rp *repo) answer {
	for _, rs := range rp.Rulesets {
		if strconv.FormatInt(rs.ID, 10) != r.PathValue("id") {
			continue
		}
		o := s.rulesetRef(rp, rs)
		o["rules"] = rs.rules()
		o["conditions"] = obj{"ref_name": obj{"include": []string{"~DEFAULT_BRANCH"}, "exclude": []string{}}}
		actors := []obj{}
		for _, b := range rs.Bypass {
			words := strings.Fields(b)
			if len(words) != 3 {
				continue
			}
			id, _ := strconv.ParseInt(words[1], 10, 64)
			actors = append(actors, obj{"actor_type": words[0], "actor_id": id, "bypass_mode": words[2]})
		}
		o["bypass_actors"] = actors
		return ok(o)
	}
	return notFound()
}

// orgRulesets needs administration rights that the token lacks.
func (s *hubServer) orgRulesets(*http.Request) answer {
	return forbidden("organization_administration=write")
}

func (s *hubServer) codeownersErrors(_ *http.Request, rp *repo) answer {
	for _, p := range []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"} {
		if _, there := rp.texts[p]; there {
			return ok(obj{"errors": nonNil(rp.CodeErrors)})
		}
	}
	return notFound()
}

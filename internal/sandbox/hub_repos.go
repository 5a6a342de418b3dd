package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *hubServer) rateLimit(*http.Request) answer {
	s.mu.Lock()
	used := s.used
	s.mu.Unlock()
	core := obj{
		"limit": hubRateLimit, "used": used, "remaining": max(1, hubRateLimit-used),
		"reset": s.w.now.Add(time.Hour).Unix(), "resource": "core",
	}
	return ok(obj{"resources": obj{"core": core}, "rate": core})
}

// agent is the identity behind the token.
func (s *hubServer) user(*http.Request) answer {
	a := ok(obj{
		"login": "exhibit-reader", "id": 990001, "type": "User", "site_admin": false, "name": "Exhibit (read only, simulated)",
		"html_url": s.web + "/exhibit-reader", "url": s.web + "/api/v3/users/exhibit-reader",
	})
	a.headers = map[string]string{"GitHub-Authentication-Token-Expiration": s.w.now.Add(60 * 24 * time.Hour).Format("2006-01-02 15:04:05 UTC")}
	return a
}

// userRef is a user as other objects show it.
func (s *hubServer) userRef(p *person) obj {
	kind := "User"
	if p.bot {
		kind = "Bot"
	}
	return obj{
		"login": p.ID, "id": 880000 + p.sequence, "type": kind, "site_admin": false,
		"html_url": s.web + "/" + p.ID, "url": s.web + "/api/v3/users/" + p.ID,
	}
}

func (s *hubServer) account(r *http.Request) answer {
	p, found := s.w.people[r.PathValue("user")]
	if !found {
		return notFound()
	}
	u := s.userRef(p)
	u["name"] = p.Name
	if p.Email != "" {
		u["email"] = p.Email
	}
	return ok(u)
}

func (s *hubServer) organization(r *http.Request) answer {
	if !strings.EqualFold(r.PathValue("org"), s.w.hub.owner) {
		return notFound()
	}
	public, private := 0, 0
	for _, rp := range s.w.hub.repos {
		if rp.Visibility == "public" {
			public++
		} else {
			private++
		}
	}
	return ok(obj{
		"login": s.w.hub.owner, "id": 770001, "type": "Organization", "name": s.w.company.Organization.Name,
		"description": "Simulated organisation", "public_repos": public, "total_private_repos": private,
		"owned_private_repos": private, "html_url": s.web + "/" + s.w.hub.owner,
		"url": s.web + "/api/v3/orgs/" + s.w.hub.owner, "plan": obj{"name": "team", "private_repos": 999999},
	})
}

func (s *hubServer) members(r *http.Request) answer {
	out := []obj{}
	for i := range s.w.company.People {
		if p := &s.w.company.People[i]; !p.Left.set {
			out = append(out, s.userRef(p))
		}
	}
	return paged(r, out)
}

// orgRepos lists the repositories, newest first unless another order is asked.
func (s *hubServer) orgRepos(r *http.Request) answer {
	if !strings.EqualFold(r.PathValue("org"), s.w.hub.owner) {
		return notFound()
	}
	q := r.URL.Query()
	list := slices.Clone(s.w.hub.repos)
	order, direction := cmp.Or(q.Get("sort"), "created"), q.Get("direction")
	slices.SortStableFunc(list, func(a, b *repo) int { return compareRepos(a, b, order) })
	if direction == "desc" || (direction == "" && order != "full_name") {
		slices.Reverse(list)
	}
	out := []obj{}
	for _, rp := range list {
		if keepType(rp, cmp.Or(q.Get("type"), "all")) {
			out = append(out, s.repoRef(rp))
		}
	}
	return paged(r, out)
}

func compareRepos(a, b *repo, order string) int {
	switch order {
	case "full_name":
		return cmp.Compare(a.Name, b.Name)
	case "pushed", "updated":
		return a.pushed.Compare(b.pushed)
	}
	return cmp.Or(cmp.Compare(a.Created.offset, b.Created.offset), cmp.Compare(a.ID, b.ID))
}

func keepType(r *repo, kind string) bool {
	switch kind {
	case "public":
		return r.Visibility == "public"
	case "private":
		return r.Visibility != "public"
	case "forks":
		return r.Fork != ""
	case "sources":
		return r.Fork == ""
	}
	return true
}

// repoRef is a repository as lists show it.
func (s *hubServer) repoRef(r *repo) obj {
	full := s.w.hub.owner + "/" + r.Name
	topics := r.Topics
	if topics == nil {
		topics = []string{}
	}
	o := obj{
		"id": r.ID, "name": r.Name, "full_name": full, "private": r.Visibility != "public", "visibility": r.Visibility,
		"owner":       obj{"login": s.w.hub.owner, "id": 770001, "type": "Organization"},
		"description": r.Description, "fork": r.Fork != "", "archived": r.Archived, "disabled": false,
		"default_branch": r.Main, "language": nil, "topics": topics, "size": len(r.texts),
		"created_at": stamp(r.Created.at(s.w.now)), "updated_at": stamp(r.pushed), "pushed_at": stamp(r.pushed),
		"html_url": s.web + "/" + full, "url": s.repoURL(r), "clone_url": s.web + "/" + full + ".git",
		"permissions": obj{"admin": false, "push": false, "pull": true},
	}
	if r.Language != "" {
		o["language"] = r.Language
	}
	if len(r.Custom) > 0 {
		o["custom_properties"] = r.Custom
	}
	return o
}

func (s *hubServer) repoURL(r *repo) string {
	return s.web + "/api/v3/repos/" + s.w.hub.owner + "/" + r.Name
}

func (s *hubServer) repoFull(_ *http.Request, r *repo) answer {
	o := s.repoRef(r)
	o["organization"] = obj{"login": s.w.hub.owner, "id": 770001, "type": "Organization"}
	if r.Fork != "" {
		owner, name, _ := strings.Cut(r.Fork, "/")
		o["parent"] = obj{"full_name": r.Fork, "name": name, "owner": obj{"login": owner, "type": "Organization"}}
		o["source"] = o["parent"]
	}
	return ok(o)
}

func (s *hubServer) repoByID(r *http.Request) answer {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return notFound()
	}
	for _, rp := range s.w.hub.repos {
		if rp.ID == id {
			return s.repoFull(r, rp)
		}
	}
	return notFound()
}

func (s *hubServer) propertyValues(_ *http.Request, r *repo) answer {
	out := []obj{}
	for _, k := range sortedKeys(r.Custom) {
		out = append(out, obj{"property_name": k, "value": r.Custom[k]})
	}
	return ok(out)
}

// collaboratorPermission: staff of the organisation may write, bots and
// everybody else may read.
func (s *hubServer) collaboratorPermission(r *http.Request, _ *repo) answer {
	p, found := s.w.people[r.PathValue("login")]
	if !found {
		return notFound()
	}
	level := "write"
	if p.bot || p.Left.set {
		level = "read"
	}
	return ok(obj{"permission": level, "role_name": level, "user": s.userRef(p)})
}

func (s *hubServer) listReleases(r *http.Request, rp *repo) answer {
	out := []obj{}
	for i, f := range slices.Backward(rp.Releases) {
		by := rp.founder
		if p, found := s.w.people[f.By]; found {
			by = p
		}
		target := rp.commits[0].sha
		for _, c := range rp.commits {
			if c.main && !c.at.After(f.At.at(s.w.now)) {
				target = c.sha
			}
		}
		out = append(out, obj{
			"id": rp.ID*100 + int64(i), "tag_name": f.Tag, "name": f.Tag, "target_commitish": target, "draft": false,
			"prerelease": false, "created_at": f.At.stamp(s.w.now), "published_at": f.At.stamp(s.w.now),
			"author": s.userRef(by), "assets": []obj{}, "html_url": s.web + "/" + s.w.hub.owner + "/" + rp.Name + "/releases/tag/" + f.Tag,
		})
	}
	return paged(r, out)
}

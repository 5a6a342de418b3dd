package sandbox

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type searchRequest struct {
	JQL           string   `json:"jql"`
	NextPageToken string   `json:"nextPageToken"`
	MaxResults    int      `json:"maxResults"`
	Fields        []string `json:"fields"`
	Expand        string   `json:"expand"`
}

// search is the current search endpoint: a page token, no total, ids only
// unless fields are named, and never an issue that the token may not browse.
func (s *jiraServer) search(r *http.Request) answer {
	req, err := readSearch(r)
	if err != nil {
		return jiraProblem(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
	}
	list, problem := s.find(req.JQL)
	if problem != nil {
		return *problem
	}
	from := 0
	if req.NextPageToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(req.NextPageToken)
		start, found := strings.CutPrefix(string(raw), fakeSHA("jql", req.JQL)[:12]+":")
		if from, _ = strconv.Atoi(start); err != nil || !found || from <= 0 {
			return jiraProblem(http.StatusBadRequest, "The provided next page token is invalid or has expired.")
		}
	}
	limit := req.MaxResults
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 100)
	from = min(from, len(list))
	to := min(from+limit, len(list))
	issues := []obj{}
	for _, is := range list[from:to] {
		issues = append(issues, s.issueRef(is, req.Fields))
	}
	body := obj{"issues": issues, "isLast": to == len(list)}
	if to < len(list) {
		body["nextPageToken"] = base64.RawURLEncoding.EncodeToString([]byte(fakeSHA("jql", req.JQL)[:12] + ":" + strconv.Itoa(to)))
	}
	return ok(body)
}

func readSearch(r *http.Request) (searchRequest, error) {
	var req searchRequest
	if r.Method == http.MethodPost {
		return req, readBody(r, &req)
	}
	q := r.URL.Query()
	req.JQL, req.NextPageToken, req.MaxResults = q.Get("jql"), q.Get("nextPageToken"), number(r, "maxResults", 50)
	for _, list := range q["fields"] {
		req.Fields = append(req.Fields, strings.Split(list, ",")...)
	}
	return req, nil
}

// find runs a query over the issues that may be browsed.
func (s *jiraServer) find(jql string) ([]*issue, *answer) {
	f, err := parseJQL(jql)
	if err != nil {
		a := jiraProblem(http.StatusBadRequest, err.Error())
		return nil, &a
	}
	if p := s.unknownProject(f); p != "" {
		a := jiraProblem(http.StatusBadRequest, "The value '"+p+"' does not exist for the field 'project'.")
		return nil, &a
	}
	var out []*issue
	for _, is := range s.w.jira.issues {
		if is.Hidden {
			continue
		}
		match, err := f.match(is, s.w.now)
		if err != nil {
			a := jiraProblem(http.StatusBadRequest, err.Error())
			return nil, &a
		}
		if match {
			out = append(out, is)
		}
	}
	f.sortIssues(out, s.w.now)
	return out, nil
}

func (s *jiraServer) unknownProject(f filter) string {
	for _, c := range f.conditions {
		if c.field != "project" {
			continue
		}
		for _, v := range c.values {
			if !slices.ContainsFunc(s.w.jira.projects, func(p *project) bool {
				return strings.EqualFold(p.Key, v) || strings.EqualFold(p.Name, v) || strconv.FormatInt(p.ID, 10) == v
			}) {
				return v
			}
		}
	}
	return ""
}

// count is approximate on the real server; here it is exact over what the
// token may browse.
func (s *jiraServer) count(r *http.Request) answer {
	var req searchRequest
	if err := readBody(r, &req); err != nil {
		return jiraProblem(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
	}
	list, problem := s.find(req.JQL)
	if problem != nil {
		return *problem
	}
	return ok(obj{"count": len(list)})
}

func (s *jiraServer) projectRef(p *project) obj {
	return obj{
		"id": strconv.FormatInt(p.ID, 10), "key": p.Key, "name": p.Name, "projectTypeKey": "business", "simplified": false,
		"style": "classic", "isPrivate": false, "self": s.web + "/rest/api/3/project/" + strconv.FormatInt(p.ID, 10),
	}
}

func (s *jiraServer) projectSearch(r *http.Request) answer {
	from, to, limit := span(r, len(s.w.jira.projects), 50)
	values := []obj{}
	for _, p := range s.w.jira.projects[from:to] {
		values = append(values, s.projectRef(p))
	}
	return ok(obj{
		"startAt": from, "maxResults": limit, "total": len(s.w.jira.projects), "isLast": to == len(s.w.jira.projects), "values": values,
	})
}

func (s *jiraServer) projectList(*http.Request) answer {
	out := []obj{}
	for _, p := range s.w.jira.projects {
		out = append(out, s.projectRef(p))
	}
	return ok(out)
}

func (s *jiraServer) project(key string) *project {
	for _, p := range s.w.jira.projects {
		if strings.EqualFold(p.Key, key) || strconv.FormatInt(p.ID, 10) == key {
			return p
		}
	}
	return nil
}

func (s *jiraServer) projectFull(r *http.Request) answer {
	p := s.project(r.PathValue("key"))
	if p == nil {
		return jiraProblem(http.StatusNotFound, "No project could be found with key '"+r.PathValue("key")+"'.")
	}
	o := s.projectRef(p)
	components := []obj{}
	for i, c := range p.Components {
		components = append(components, obj{"id": strconv.FormatInt(p.ID*10+int64(i), 10), "name": c})
	}
	o["components"], o["lead"] = components, s.userRef(s.w.people[p.Lead])
	return ok(o)
}

func (s *jiraServer) statusRef(p *project, name string) obj {
	names := map[string]string{"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
	return obj{
		"id": p.statusID(name), "name": name,
		"statusCategory": obj{"key": p.category[name], "name": names[p.category[name]]},
	}
}

func (s *jiraServer) projectStatuses(r *http.Request) answer {
	p := s.project(r.PathValue("key"))
	if p == nil {
		return jiraProblem(http.StatusNotFound, "No project could be found with key '"+r.PathValue("key")+"'.")
	}
	list := []obj{}
	for _, name := range p.order {
		list = append(list, s.statusRef(p, name))
	}
	return ok([]obj{{"id": "10001", "name": "Issue", "subtask": false, "statuses": list}})
}

func (s *jiraServer) statuses(*http.Request) answer {
	list := []obj{}
	for _, p := range s.w.jira.projects {
		for _, name := range p.order {
			list = append(list, s.statusRef(p, name))
		}
	}
	return ok(list)
}

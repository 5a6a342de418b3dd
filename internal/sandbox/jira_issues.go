package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// issueRef is an issue with the fields asked for: none means id only, as the
// search does it.
func (s *jiraServer) issueRef(is *issue, fields []string) obj {
	o := obj{"id": strconv.FormatInt(is.id, 10)}
	if len(fields) == 0 {
		return o
	}
	o["key"], o["self"] = is.key, s.web+"/rest/api/3/issue/"+strconv.FormatInt(is.id, 10)
	all := s.issueFields(is)
	kept := obj{}
	for name, v := range all {
		if slices.Contains(fields, "*all") || slices.Contains(fields, name) ||
			(slices.Contains(fields, "*navigable") && !strings.HasPrefix(name, "customfield_") && name != "description") {
			if !slices.Contains(fields, "-"+name) {
				kept[name] = v
			}
		}
	}
	o["fields"] = kept
	return o
}

// issueFields are all fields, in v3 form: text is a document, absent is null.
func (s *jiraServer) issueFields(is *issue) obj {
	now := s.w.now
	o := obj{
		"summary": is.Summary, "project": s.projectRef(is.project), "status": s.statusRef(is.project, is.status),
		"issuetype": obj{"id": typeID(is.Type), "name": is.Type, "subtask": false},
		"priority":  nil, "labels": nonNil(is.Labels), "components": s.components(is), "resolution": nil, "resolutiondate": nil,
		"created": jiraTime(is.created(now)), "updated": jiraTime(is.updated), "duedate": nil, "description": nil,
		"reporter": s.userRef(s.w.people[is.By]), "creator": s.userRef(s.w.people[is.By]), "assignee": s.userRef(s.w.people[is.To]),
		"issuelinks": s.links(is),
	}
	if is.Priority != "" {
		o["priority"] = obj{"id": typeID(is.Priority), "name": is.Priority}
	}
	if is.Due.set {
		o["duedate"] = is.Due.at(now).Format("2006-01-02")
	}
	if is.Text != "" {
		o["description"] = document(is.Text)
	}
	if is.Resolution != "" {
		o["resolution"] = obj{"id": typeID(is.Resolution), "name": is.Resolution}
		for _, c := range is.changes {
			if c.field == "resolution" {
				o["resolutiondate"] = jiraTime(c.at)
			}
		}
	}
	for name, f := range customFields() {
		o[f.id] = s.customValue(f, is.Fields[name])
	}
	return o
}

func typeID(name string) string {
	n := 0
	for _, r := range name {
		n = (n*31 + int(r)) % 9000
	}
	return strconv.Itoa(10000 + n)
}

// document is text in Atlassian's document format.
func document(text string) obj {
	paragraphs := []obj{}
	for _, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		paragraphs = append(paragraphs, obj{"type": "paragraph", "content": []obj{{"type": "text", "text": p}}})
	}
	return obj{"type": "doc", "version": 1, "content": paragraphs}
}

// customValue writes a field's value in the form of its type.
func (s *jiraServer) customValue(f customField, v string) any {
	if v == "" {
		return nil
	}
	switch f.kind {
	case "option":
		return obj{"id": typeID(v), "value": v}
	case "yesno":
		word := strings.ToUpper(v[:1]) + v[1:]
		return obj{"id": typeID(word), "value": word}
	case "options":
		out := []obj{}
		for _, one := range strings.Split(v, ",") {
			one = strings.TrimSpace(one)
			out = append(out, obj{"id": typeID(one), "value": one})
		}
		return out
	case "user":
		return s.userRef(s.w.people[v])
	case "time":
		if a, err := parseAgo(v); err == nil {
			return jiraTime(a.at(s.w.now))
		}
	case "number":
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n
		}
	}
	return v
}

func (s *jiraServer) components(is *issue) []obj {
	out := []obj{}
	for _, c := range is.Components {
		i := slices.Index(is.project.Components, c)
		out = append(out, obj{"id": strconv.FormatInt(is.project.ID*10+int64(i), 10), "name": c})
	}
	return out
}

// links are an issue's own links and those that lead to it.
func (s *jiraServer) links(is *issue) []obj {
	out := []obj{}
	add := func(kind linkKind, direction string, other *issue) {
		if other.Hidden {
			return
		}
		out = append(out, obj{
			"id":      strconv.FormatInt(is.id*10+int64(len(out)), 10),
			"type":    obj{"id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward},
			direction: obj{"id": strconv.FormatInt(other.id, 10), "key": other.key, "fields": obj{"summary": other.Summary, "status": s.statusRef(other.project, other.status)}},
		})
	}
	for _, l := range is.Links {
		kind, to, _ := strings.Cut(l, " ")
		add(linkKinds()[kind], "outwardIssue", s.w.jira.byKey[to])
	}
	for _, other := range s.w.jira.issues {
		for _, l := range other.Links {
			if kind, to, _ := strings.Cut(l, " "); to == is.key {
				add(linkKinds()[kind], "inwardIssue", other)
			}
		}
	}
	return out
}

// issue finds one by key or id; hidden ones are not there.
func (s *jiraServer) issue(ref string) *issue {
	for _, is := range s.w.jira.issues {
		if !is.Hidden && (strings.EqualFold(is.key, ref) || strconv.FormatInt(is.id, 10) == ref) {
			return is
		}
	}
	return nil
}

func noIssue() answer {
	return jiraProblem(http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
}

func (s *jiraServer) issueFull(r *http.Request) answer {
	is := s.issue(r.PathValue("key"))
	if is == nil {
		return noIssue()
	}
	fields := []string{"*all"}
	if q := r.URL.Query().Get("fields"); q != "" {
		fields = strings.Split(q, ",")
	}
	o := s.issueRef(is, fields)
	if strings.Contains(r.URL.Query().Get("expand"), "changelog") {
		histories := s.histories(is.changes)
		slices.Reverse(histories)
		histories = histories[:min(len(histories), 40)]
		o["changelog"] = obj{"startAt": 0, "maxResults": len(histories), "total": len(is.changes), "histories": histories}
	}
	return ok(o)
}

func (s *jiraServer) histories(list []*change) []obj {
	out := []obj{}
	for _, c := range list {
		out = append(out, obj{
			"id": strconv.FormatInt(c.id, 10), "author": s.userRef(c.by), "created": jiraTime(c.at), "items": []obj{{
				"field": c.field, "fieldtype": fieldType(c), "fieldId": c.fieldID,
				"from": nullable(c.fromID), "fromString": nullable(c.from), "to": nullable(c.toID), "toString": nullable(c.to),
			}},
		})
	}
	return out
}

func fieldType(c *change) string {
	if strings.HasPrefix(c.fieldID, "customfield_") {
		return "custom"
	}
	return "jira"
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// changelog lists an issue's histories, oldest first.
func (s *jiraServer) changelog(r *http.Request) answer {
	is := s.issue(r.PathValue("key"))
	if is == nil {
		return noIssue()
	}
	from, to, limit := span(r, len(is.changes), 100)
	return ok(obj{
		"self": s.web + "/rest/api/3/issue/" + is.key + "/changelog", "startAt": from, "maxResults": limit, "total": len(is.changes),
		"isLast": to == len(is.changes), "values": s.histories(is.changes[from:to]),
	})
}

type bulkRequest struct {
	IssueIDsOrKeys []string `json:"issueIdsOrKeys"`
	FieldIDs       []string `json:"fieldIds"`
	MaxResults     int      `json:"maxResults"`
	NextPageToken  string   `json:"nextPageToken"`
}

// bulkChangelog lists the histories of many issues, by issue and time. A page
// ends after maxResults histories, so an issue may be cut in two.
func (s *jiraServer) bulkChangelog(r *http.Request) answer {
	var req bulkRequest
	if err := readBody(r, &req); err != nil || len(req.IssueIDsOrKeys) == 0 || len(req.IssueIDsOrKeys) > 1000 {
		return jiraProblem(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
	}
	limit := req.MaxResults
	if limit <= 0 {
		limit = 1000
	}
	limit = min(limit, 10000)
	skip, err := strconv.Atoi(req.NextPageToken)
	if req.NextPageToken != "" && (err != nil || skip < 0) {
		return jiraProblem(http.StatusBadRequest, "The provided next page token is invalid or has expired.")
	}
	logs, at, more := []obj{}, 0, false
	for _, is := range s.w.jira.issues {
		if is.Hidden || !slices.Contains(req.IssueIDsOrKeys, is.key) && !slices.Contains(req.IssueIDsOrKeys, strconv.FormatInt(is.id, 10)) {
			continue
		}
		var page []*change
		for _, c := range is.changes {
			if len(req.FieldIDs) > 0 && !slices.Contains(req.FieldIDs, c.fieldID) {
				continue
			}
			switch {
			case at >= skip+limit:
				more = true
			case at >= skip:
				page = append(page, c)
			}
			at++
		}
		if len(page) > 0 {
			logs = append(logs, obj{"issueId": strconv.FormatInt(is.id, 10), "changeHistories": s.histories(page)})
		}
	}
	body := obj{"issueChangeLogs": logs}
	if more {
		body["nextPageToken"] = strconv.Itoa(skip + limit)
	}
	return ok(body)
}

// approvals are those of a service-management request.
func (s *jiraServer) approvals(r *http.Request) answer {
	is := s.issue(r.PathValue("key"))
	if is == nil {
		return noIssue()
	}
	values := []obj{}
	for i, a := range is.approvals {
		values = append(values, obj{
			"id": strconv.FormatInt(is.id*10+int64(i), 10), "name": "Approval", "finalDecision": a.decision, "canAnswerApproval": false,
			"approvers":     []obj{{"approver": s.userRef(a.by), "approverDecision": a.decision}},
			"createdDate":   obj{"iso8601": is.created(s.w.now).Format("2006-01-02T15:04:05-0700"), "epochMillis": is.created(s.w.now).UnixMilli()},
			"completedDate": obj{"iso8601": a.at.Format("2006-01-02T15:04:05-0700"), "epochMillis": a.at.UnixMilli()},
		})
	}
	return ok(obj{"size": len(values), "start": 0, "limit": 50, "isLastPage": true, "values": values})
}

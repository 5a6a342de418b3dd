package jira

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// issuePayload is the payload of jira.issue.
type issuePayload struct {
	Key            string         `json:"key"`
	ID             string         `json:"id"`
	Project        string         `json:"project"`
	Type           string         `json:"type"`
	Summary        string         `json:"summary"`
	Status         string         `json:"status"`
	StatusCategory string         `json:"status_category,omitempty"` // new, indeterminate, done
	Priority       string         `json:"priority,omitempty"`
	Reporter       string         `json:"reporter,omitempty"`
	Assignee       string         `json:"assignee,omitempty"`
	Created        string         `json:"created,omitempty"`
	Updated        string         `json:"updated,omitempty"`
	Resolution     string         `json:"resolution,omitempty"`
	ResolvedAt     string         `json:"resolved_at,omitempty"`
	Due            string         `json:"due,omitempty"` // a day
	Labels         []string       `json:"labels"`
	Components     []string       `json:"components"`
	ParentKey      string         `json:"parent_key,omitempty"`
	CustomFields   map[string]any `json:"custom_fields"`
	Links          []issueLink    `json:"links"`
}

type issueLink struct {
	Type      string `json:"type"`
	Direction string `json:"direction"` // inward, outward
	Key       string `json:"key"`
}

// transitionPayload is the payload of jira.issue_transition.
type transitionPayload struct {
	IssueID   string `json:"issue_id"`
	IssueKey  string `json:"issue_key"`
	HistoryID string `json:"history_id"`
	Field     string `json:"field"`
	From      string `json:"from"`
	To        string `json:"to"`
	FromID    string `json:"from_id,omitempty"`
	ToID      string `json:"to_id,omitempty"`
	Author    string `json:"author,omitempty"`
	Created   string `json:"created"`
	Shortened bool   `json:"shortened,omitempty"` // from or to was longer than is kept
}

// shapeError is a field that is not what it should be.
type shapeError struct{ field, is string }

func (e *shapeError) Error() string { return fmt.Sprintf("field %s: %s", e.field, e.is) }

// textAt returns the text at a path of names; empty if it is not there. What
// is there and no text is an error.
func textAt(v any, names ...string) (string, error) {
	for _, n := range names {
		if v == nil {
			return "", nil
		}
		m, ok := v.(map[string]any)
		if !ok {
			return "", &shapeError{n, "there is nothing inside to be called so"}
		}
		v = m[n]
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", &shapeError{names[len(names)-1], "want text"}
}

// reader collects the first error of many readings.
type reader struct {
	fields map[string]any
	err    error
}

func (r *reader) text(limit int, names ...string) string {
	s, err := textAt(r.fields, names...)
	if err != nil && r.err == nil {
		r.err = err
	}
	return printable(s, limit)
}

// person returns the identity of a user field.
func (r *reader) person(name string) string {
	for _, part := range []string{"emailAddress", "accountId", "name", "displayName"} {
		if s := r.text(200, name, part); s != "" {
			return s
		}
	}
	return ""
}

// texts returns the texts of a list: the items, or what each calls name.
func (r *reader) texts(field, name string) []string {
	out := []string{}
	list, ok := r.fields[field].([]any)
	if !ok && r.fields[field] != nil && r.err == nil {
		r.err = &shapeError{field, "want a list"}
	}
	for _, item := range list {
		var s string
		var err error
		if name == "" {
			s, err = textAt(item)
		} else {
			s, err = textAt(item, name)
		}
		if err != nil && r.err == nil {
			r.err = err
		}
		out = append(out, printable(s, 300))
	}
	return out
}

// links returns the issue's links to others.
func (r *reader) links() []issueLink {
	out := []issueLink{}
	list, _ := r.fields["issuelinks"].([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		l := reader{fields: m}
		link := issueLink{Type: l.text(100, "type", "name"), Direction: "outward", Key: l.text(80, "outwardIssue", "key")}
		if link.Key == "" {
			link.Direction, link.Key = "inward", l.text(80, "inwardIssue", "key")
		}
		if l.err != nil && r.err == nil {
			r.err = l.err
		}
		if link.Key != "" {
			out = append(out, link)
		}
	}
	return out
}

// record turns an issue into a record.
func (is *issue) record(c *config) (connector.Record, error) {
	r := &reader{fields: is.fields}
	p := issuePayload{
		Key: is.key, ID: is.id, Project: r.text(80, "project", "key"), Type: r.text(200, "issuetype", "name"),
		Summary: r.text(1000, "summary"), Status: r.text(200, "status", "name"), StatusCategory: r.text(80, "status", "statusCategory", "key"),
		Priority: r.text(200, "priority", "name"), Reporter: r.person("reporter"), Assignee: r.person("assignee"),
		Created: stamp(is.created), Updated: stamp(is.updated),
		Resolution: r.text(200, "resolution", "name"), Due: r.text(10, "duedate"),
		Labels: r.texts("labels", ""), Components: r.texts("components", "name"), ParentKey: r.text(80, "parent", "key"),
		CustomFields: map[string]any{}, Links: r.links(),
	}
	if s := r.text(40, "resolutiondate"); s != "" {
		t, err := parseTime(s)
		if err != nil {
			return connector.Record{}, &shapeError{"resolutiondate", err.Error()}
		}
		p.ResolvedAt = t.Format(time.RFC3339Nano)
	}
	if r.err != nil {
		return connector.Record{}, r.err
	}
	for name, id := range c.CustomFields {
		v := is.fields[id]
		if t, ok := plainText(v); ok {
			v = t
		}
		if err := records.CheckValue(v, 0); err != nil {
			return connector.Record{}, &shapeError{id, err.Error()}
		}
		if v != nil {
			p.CustomFields[name] = v
		}
	}
	b, err := json.Marshal(p)
	return connector.Record{
		Kind: KindIssue, Major: 1, Subject: connector.Subject{Type: "record", ID: is.key},
		Key: is.id, EventTime: is.created, URL: is.url(c), Payload: b,
	}, err
}

func (is *issue) url(c *config) string { return c.WebURL + "/browse/" + is.key }

// transitions turns an issue's history into records, one for each field that a
// change touched.
func (is *issue) transitions(c *config) ([]connector.Record, error) {
	var out []connector.Record
	for _, h := range is.history {
		for i, item := range h.Items {
			const keep = 1000
			p := transitionPayload{
				IssueID: is.id, IssueKey: is.key, HistoryID: h.ID, Field: printable(item.Field, 200),
				From: printable(item.fromText(), keep), To: printable(item.toText(), keep),
				FromID: printable(deref(item.From), keep), ToID: printable(deref(item.To), keep),
				Author: h.Author.String(), Created: h.at.Format(time.RFC3339Nano),
			}
			p.Shortened = len([]rune(item.fromText())) > keep || len([]rune(item.toText())) > keep
			b, err := json.Marshal(p)
			if err != nil {
				return nil, err
			}
			out = append(out, connector.Record{
				Kind: KindTransition, Major: 1, Subject: connector.Subject{Type: "record", ID: is.key},
				Key: fmt.Sprintf("%s.%d", h.ID, i), EventTime: h.at, URL: is.url(c), Payload: b,
			})
		}
	}
	return out, nil
}

// stamp writes a time as payloads have it; empty if there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

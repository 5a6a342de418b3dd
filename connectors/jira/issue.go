package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// issue is one issue as the search gave it.
type issue struct {
	id, key string
	fields  map[string]any // numbers as json.Number
	created time.Time
	updated time.Time // zero, as created, if it is among the problems
	problem error     // times that are missing or none

	history     []*change // oldest first
	historyRead bool
	historyErr  error // what is wrong with the one that came with the search
}

// parseIssue reads one issue and checks what the rest relies on. With an error
// it returns how to name the issue.
func parseIssue(b []byte) (*issue, *unreadable) {
	var raw struct {
		ID        string          `json:"id"`
		Key       string          `json:"key"`
		Fields    map[string]any  `json:"fields"`
		Changelog json.RawMessage `json:"changelog"` // Data Center
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return nil, &unreadable{"an issue", errors.New("not an object with id, key and fields")}
	}
	ref := records.Line(raw.Key, 80)
	if ref == "" {
		ref = "an issue"
	}
	if _, err := strconv.ParseUint(raw.ID, 10, 64); err != nil || !issueKey().MatchString(raw.Key) {
		return nil, &unreadable{ref, errors.New("its id is no number or its key is no issue key")}
	}
	is := &issue{id: raw.ID, key: raw.Key, fields: raw.Fields}
	var noCreated, noUpdated error
	is.created, noCreated = timeField(raw.Fields, "created")
	is.updated, noUpdated = timeField(raw.Fields, "updated")
	is.problem = errors.Join(noCreated, noUpdated)
	var log expandedChangelog
	switch {
	case raw.Changelog == nil:
	case json.Unmarshal(raw.Changelog, &log) != nil:
		is.historyErr = &formatError{op: "search", err: errors.New("the issue's history is no list of entries")}
	case len(log.Histories) < log.Total: // the rest is with the issue itself
	default:
		if err := is.take(&log); err != nil {
			is.historyErr = &formatError{op: "search", err: err}
		}
	}
	return is, nil
}

// unreadable is an issue in an answer that could not be understood.
type unreadable struct {
	ref string
	err error
}

// parseTime reads the times of Jira's API.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 && t.Year() <= 9999 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", records.Line(s, 40))
}

func timeField(fields map[string]any, name string) (time.Time, error) {
	s, ok := fields[name].(string)
	if !ok {
		return time.Time{}, fmt.Errorf("field %s: missing or no time", name)
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("field %s: %w", name, err)
	}
	return t, nil
}

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
	Attachments    []attachment   `json:"attachments,omitzero"` // left out where Jira does not say
}

type issueLink struct {
	Type      string `json:"type"`
	Direction string `json:"direction"` // inward, outward
	Key       string `json:"key"`
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
	return records.Line(s, limit)
}

// person returns the identity of a user field.
func (r *reader) person(name string) string {
	v := r.fields[name]
	a := accountOf(v)
	if v != nil && a == nil && r.err == nil {
		r.err = &shapeError{name, "want a user"}
	}
	return a.String()
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
		out = append(out, records.Line(s, 300))
	}
	slices.Sort(out)
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
	slices.SortFunc(out, func(a, b issueLink) int {
		return strings.Compare(a.Type+"\x00"+a.Direction+"\x00"+a.Key, b.Type+"\x00"+b.Direction+"\x00"+b.Key)
	})
	return out
}

// record turns an issue into a record.
func (is *issue) record(c *config, files []attachment) (connector.Record, error) {
	r := &reader{fields: is.fields}
	p := issuePayload{
		Key: is.key, ID: is.id, Project: r.text(80, "project", "key"), Type: r.text(200, "issuetype", "name"),
		Summary: r.text(1000, "summary"), Status: r.text(200, "status", "name"), StatusCategory: r.text(80, "status", "statusCategory", "key"),
		Priority: r.text(200, "priority", "name"), Reporter: r.person("reporter"), Assignee: r.person("assignee"),
		Created: records.Stamp(is.created), Updated: records.Stamp(is.updated),
		Resolution: r.text(200, "resolution", "name"), Due: r.text(10, "duedate"),
		Labels: r.texts("labels", ""), Components: r.texts("components", "name"), ParentKey: r.text(80, "parent", "key"),
		CustomFields: map[string]any{}, Links: r.links(), Attachments: files,
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

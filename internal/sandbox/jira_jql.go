package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is the part of JQL that the simulated server understands: conditions
// joined by AND, then ORDER BY.
type filter struct {
	conditions []condition
	order      []string // fields; a leading "-" means descending
}

type condition struct {
	field, op string
	values    []string
}

var (
	jqlOrder  = regexp.MustCompile(`(?i)(^|\s+)order\s+by\s+`)
	jqlAnd    = regexp.MustCompile(`(?i)\s+and\s+`)
	jqlClause = regexp.MustCompile(`(?i)^\s*([a-z]+)\s*(=|!=|>=|<=|>|<|\s+not\s+in\b|\s+in\b)\s*(.+?)\s*$`)
)

// jqlError is what Jira says about a query, in Jira's words.
type jqlError string

func (e jqlError) Error() string { return string(e) }

func jqlErrorf(format string, args ...any) jqlError { return jqlError(fmt.Sprintf(format, args...)) }

// parseJQL reads a query.
func parseJQL(q string) (filter, error) {
	var f filter
	if loc := jqlOrder.FindStringIndex(q); loc != nil {
		for _, part := range strings.Split(q[loc[1]:], ",") {
			words := strings.Fields(strings.ToLower(part))
			if len(words) == 0 || len(words) > 2 {
				return f, jqlErrorf("Error in the JQL Query: the ORDER BY %q is not understood", part)
			}
			name := words[0]
			if len(words) == 2 && words[1] == "desc" {
				name = "-" + name
			}
			f.order = append(f.order, name)
		}
		q = q[:loc[0]]
	}
	if strings.TrimSpace(q) == "" {
		return f, jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	for _, clause := range jqlAnd.Split(strings.TrimSpace(q), -1) {
		m := jqlClause.FindStringSubmatch(strings.Trim(clause, " "))
		if m == nil {
			return f, jqlErrorf("Error in the JQL Query: %q is not understood", clause)
		}
		c := condition{field: strings.ToLower(m[1]), op: strings.Join(strings.Fields(strings.ToLower(m[2])), " ")}
		if !slices.Contains([]string{"project", "key", "issuekey", "id", "updated", "created", "status", "issuetype", "type"}, c.field) {
			return f, jqlErrorf("Field '%s' does not exist or you do not have permission to view it.", m[1])
		}
		value := m[3]
		if strings.HasSuffix(c.op, "in") {
			value = strings.TrimSuffix(strings.TrimPrefix(value, "("), ")")
			for _, v := range strings.Split(value, ",") {
				c.values = append(c.values, unquote(v))
			}
		} else {
			c.values = []string{unquote(value)}
		}
		f.conditions = append(f.conditions, c)
	}
	return f, nil
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

// match holds an issue against a query.
func (f filter) match(is *issue, now time.Time) (bool, error) {
	for _, c := range f.conditions {
		var got bool
		switch c.field {
		case "updated", "created":
			at := is.updated
			if c.field == "created" {
				at = is.created(now)
			}
			limit, err := jqlTime(c.values[0], now)
			if err != nil {
				return false, err
			}
			// JQL sees minutes.
			got = compareTimes(at.Truncate(time.Minute), limit, c.op)
		default:
			got = c.matchText(is)
		}
		if !got {
			return false, nil
		}
	}
	return true, nil
}

func (c condition) matchText(is *issue) bool {
	have := []string{is.key, strconv.FormatInt(is.id, 10)}
	switch c.field {
	case "project":
		have = []string{is.project.Key, is.project.Name, strconv.FormatInt(is.project.ID, 10)}
	case "status":
		have = []string{is.status}
	case "type", "issuetype":
		have = []string{is.Type}
	}
	found := slices.ContainsFunc(c.values, func(v string) bool {
		return slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, v) })
	})
	if c.op == "!=" || c.op == "not in" {
		return !found
	}
	return found
}

func compareTimes(a, b time.Time, op string) bool {
	switch op {
	case ">=":
		return !a.Before(b)
	case ">":
		return a.After(b)
	case "<=":
		return !a.After(b)
	case "<":
		return a.Before(b)
	}
	return a.Equal(b)
}

// jqlTime reads a date, a date with time, milliseconds since 1970, or a
// relative time.
func jqlTime(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006/01/02 15:04", "2006-01-02", "2006/01/02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	if a, err := parseAgo(s); err == nil {
		return a.at(now), nil
	}
	return time.Time{}, jqlErrorf("Date value '%s' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", s)
}

// sortIssues orders as the query asks; newest first if it does not.
func (f filter) sortIssues(list []*issue, now time.Time) {
	order := f.order
	if len(order) == 0 {
		order = []string{"-created"}
	}
	slices.SortStableFunc(list, func(a, b *issue) int {
		for _, o := range order {
			name, desc := strings.CutPrefix(o, "-")
			var c int
			switch name {
			case "updated":
				c = a.updated.Compare(b.updated)
			case "created":
				c = a.created(now).Compare(b.created(now))
			case "key", "issuekey":
				if c = strings.Compare(a.project.Key, b.project.Key); c == 0 {
					c = a.N - b.N
				}
			default:
				c = int(a.id - b.id)
			}
			if desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

package jira

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// path says where in an issue a value is:
//
//	priority.name                                 a field, then what is in it
//	components[].name                             of every item of a list
//	issuelinks[type.name=Causes].outwardIssue.key of the items that match
//	key, id                                       of the issue itself
//	transition:status=Approved.at   (or .by)      when, and by whom, a field last became a value
//	transition:status=Approved|Rejected.at        the same, with several values
//	transition:status=Open.first_at (or _by)      the same, when it did so first
//	=high                                         the text after the equals sign
type path struct {
	constant   string
	isConstant bool
	transition *transitionPath
	segments   []segment
}

type segment struct {
	name  string
	each  bool     // a list, item by item
	where []string // path within an item; nil takes all
	is    string   // what is there
}

type transitionPath struct {
	field  string
	values []string
	by     bool     // who, else when
	first  bool     // not the last time
	voidBy []string // values that undo it when the field becomes one later
}

// parsePath reads a path.
func parsePath(s string) (path, error) {
	if c, ok := strings.CutPrefix(s, "="); ok {
		return path{constant: c, isConstant: true}, nil
	}
	if t, ok := strings.CutPrefix(s, "transition:"); ok {
		return parseTransition(t)
	}
	var p path
	for rest := s; ; {
		var seg segment
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		seg.name, rest = rest[:end], rest[end:]
		if seg.name == "" {
			return path{}, fmt.Errorf("path %q: a name is missing", s)
		}
		if strings.HasPrefix(rest, "[") {
			inner, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return path{}, fmt.Errorf("path %q: a closing ] is missing", s)
			}
			seg.each, rest = true, after
			if where, is, ok := strings.Cut(inner, "="); ok && where != "" {
				seg.where, seg.is = strings.Split(where, "."), is
			} else if inner != "" {
				return path{}, fmt.Errorf("path %q: between [ and ] goes nothing, or name=value", s)
			}
		}
		p.segments = append(p.segments, seg)
		if rest == "" {
			return p, nil
		}
		if rest[0] != '.' || rest == "." {
			return path{}, fmt.Errorf("path %q: a name is missing", s)
		}
		rest = rest[1:]
	}
}

func parseTransition(s string) (path, error) {
	t := &transitionPath{}
	dot := strings.LastIndexByte(s, '.')
	switch s[dot+1:] {
	case "at":
	case "by":
		t.by = true
	case "first_at":
		t.first = true
	case "first_by":
		t.by, t.first = true, true
	default:
		dot = -1
	}
	if dot < 0 {
		return path{}, errors.New("a transition ends in .at, .by, .first_at or .first_by")
	}
	field, value, ok := strings.Cut(s[:dot], "=")
	if t.field, t.values = field, strings.Split(value, "|"); !ok || field == "" || slices.Contains(t.values, "") {
		return path{}, errors.New("a transition is written transition:status=Approved.at")
	}
	return path{transition: t}, nil
}

// field is the field to ask the search for; empty if none is needed.
func (p path) field() string {
	if p.isConstant || p.transition != nil || p.segments[0].name == "key" || p.segments[0].name == "id" {
		return ""
	}
	return p.segments[0].name
}

// resolve returns the value at p: nil if it is not there, a list if the path
// goes through one.
func (p path) resolve(is *issue) (any, error) {
	switch {
	case p.isConstant:
		return p.constant, nil
	case p.transition != nil:
		return p.transition.resolve(is), nil
	case len(p.segments) == 1 && p.segments[0].name == "key":
		return is.key, nil
	case len(p.segments) == 1 && p.segments[0].name == "id":
		return is.id, nil
	}
	return follow(is.fields, p.segments)
}

// resolve finds the change in the history; nil if there is none, or if it was
// undone.
func (t *transitionPath) resolve(is *issue) any {
	var found *change
	for _, c := range is.history {
		for _, item := range c.Items {
			switch {
			case !item.is(t.field):
			case slices.ContainsFunc(t.values, item.became):
				if found == nil || !t.first {
					found = c
				}
			case slices.ContainsFunc(t.voidBy, item.became):
				found = nil
			}
		}
	}
	switch {
	case found == nil:
		return nil
	case !t.by:
		return found.at.Format(time.RFC3339Nano)
	case found.Author.String() == "":
		return nil
	}
	return found.Author.String()
}

// follow goes down from v along segs.
func follow(v any, segs []segment) (any, error) {
	if v == nil || len(segs) == 0 {
		return v, nil
	}
	seg := segs[0]
	m, ok := v.(map[string]any)
	if !ok {
		if _, list := v.([]any); list {
			return nil, fmt.Errorf("there is a list before %q; write [] after its name", seg.name)
		}
		return nil, fmt.Errorf("there is nothing inside to be called %q", seg.name)
	}
	next := m[seg.name]
	if !seg.each || next == nil {
		return follow(next, segs[1:])
	}
	list, ok := next.([]any)
	if !ok {
		return nil, fmt.Errorf("%q is no list; write it without []", seg.name)
	}
	out := []any{}
	for _, item := range list {
		if seg.where != nil && !seg.matches(item) {
			continue
		}
		got, err := follow(item, segs[1:])
		if err != nil {
			return nil, err
		}
		switch got := got.(type) {
		case nil:
		case []any:
			out = append(out, got...)
		default:
			out = append(out, got)
		}
	}
	return out, nil
}

func (s segment) matches(item any) bool {
	for _, name := range s.where {
		m, ok := item.(map[string]any)
		if !ok {
			return false
		}
		item = m[name]
	}
	text, ok := item.(string)
	return ok && strings.EqualFold(text, s.is)
}

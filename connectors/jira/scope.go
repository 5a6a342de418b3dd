package jira

import (
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// kindsOf returns the kinds that a project can give and the request wants.
func (c *config) kindsOf(p project, req connector.Request) []string {
	out := []string{KindIssue, KindTransition}
	if p.Approvals {
		out = append(out, KindApproval)
	}
	for _, t := range c.IssueTypes {
		if t.Project == p.Key {
			out = append(out, t.Kind)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(k string) bool { return !req.Wants(k) })
}

// needsHistory reports whether the changelogs of a project's issues are needed.
func (c *config) needsHistory(p project, req connector.Request) bool {
	if req.Wants(KindTransition) || p.Approvals && req.Wants(KindApproval) { // who made the request may have been changed
		return true
	}
	for _, t := range c.IssueTypes {
		if t.Project != p.Key || !req.Wants(t.Kind) {
			continue
		}
		for _, f := range t.Fields {
			if f.path.transition != nil {
				return true
			}
		}
	}
	return false
}

package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// requestTypeField is the type of the field that makes an issue a request.
const requestTypeField = "com.atlassian.servicedesk:vp-origin"

// fields asks which fields Jira has, by id, with the type of custom ones; nil
// if it does not say.
func (c *client) fields(ctx context.Context) (map[string]string, error) {
	var list []struct {
		ID     string `json:"id"`
		Schema struct {
			Custom string `json:"custom"`
		} `json:"schema"`
	}
	if err := c.get(ctx, "api/"+c.version+"/field", nil, &list); err != nil {
		if stops(err) {
			return nil, err
		}
		return nil, nil // what needs it does without
	}
	out := map[string]string{}
	for _, f := range list {
		out[f.ID] = f.Schema.Custom
	}
	return out, nil
}

// needed are the custom fields that the settings name, with the kinds that
// have something from them.
func (c *config) needed(req connector.Request) map[string][]string {
	out := map[string][]string{}
	add := func(id, kind string) {
		if strings.HasPrefix(id, "customfield_") && req.Wants(kind) && !slices.Contains(out[id], kind) {
			out[id] = append(out[id], kind)
		}
	}
	for _, id := range c.CustomFields {
		add(id, KindIssue)
	}
	for _, t := range c.IssueTypes {
		for _, f := range t.Fields {
			add(f.path.field(), t.Kind)
		}
	}
	return out
}

// learnFields finds the field that makes an issue a request, and reports the
// fields that the settings name and Jira does not show: a search would leave
// them out without a word.
func (c *collection) learnFields(ctx context.Context) error {
	needed := c.cfg.needed(c.req)
	if !c.wantsApprovals() && len(needed) == 0 {
		return nil
	}
	known, err := c.api.fields(ctx)
	if err != nil || known == nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if known[id] == requestTypeField {
			c.requestField = id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(needed)) {
		if _, there := known[id]; there {
			continue
		}
		c.fieldsMissing = true
		kinds := needed[id]
		slices.Sort(kinds)
		if err := c.gap(kinds, "field "+id, &scopeError{connector.NotFound, fmt.Sprintf(
			"the settings name the field %s, which Jira does not show to the account: was it deleted, or hidden?", id)}); err != nil {
			return err
		}
	}
	return nil
}

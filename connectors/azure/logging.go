package azure

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// logging reads where an account's requests are logged. No setting at all
// means nowhere.
func (a *account) logging(ctx context.Context) error {
	var out struct {
		Value []struct {
			Properties struct {
				Workspace string `json:"workspaceId"`
				Storage   string `json:"storageAccountId"`
				Hub       string `json:"eventHubAuthorizationRuleId"`
				Logs      []struct {
					Category string `json:"category"`
					Group    string `json:"categoryGroup"`
					Enabled  bool   `json:"enabled"`
				} `json:"logs"`
			} `json:"properties"`
		} `json:"value"`
	}
	path := strings.TrimPrefix(a.id, "/") + "/providers/Microsoft.Insights/diagnosticSettings"
	if _, err := a.s.rest.Get(ctx, rest.Call{Path: path, Query: url.Values{"api-version": {"2021-05-01-preview"}}}, &out); err != nil {
		return err
	}
	if out.Value == nil {
		return &rest.MalformedError{Path: "diagnosticSettings of " + a.name, Why: "the answer holds no list"}
	}
	l := records.InvocationLogging{Provider: "azure", Account: a.subscription.id, Region: a.region, Resource: records.Line(a.id, 500), Destinations: []string{}, ContentTypes: []string{}}
	for _, s := range out.Value {
		on := false
		for _, log := range s.Properties.Logs {
			name := log.Category
			if name == "" {
				name = log.Group
			}
			if log.Enabled && name != "" {
				on = true
				l.ContentTypes = append(l.ContentTypes, records.Line(name, 100))
			}
		}
		if !on {
			continue
		}
		for _, d := range []string{s.Properties.Workspace, s.Properties.Storage, s.Properties.Hub} {
			if d != "" {
				l.Destinations = append(l.Destinations, records.Line(d, 500))
			}
		}
		if s.Properties.Workspace != "" {
			l.LogGroup = records.Line(s.Properties.Workspace, 500)
		}
	}
	slices.Sort(l.ContentTypes)
	slices.Sort(l.Destinations)
	l.ContentTypes, l.Destinations = slices.Compact(l.ContentTypes), slices.Compact(l.Destinations)
	l.Enabled = len(l.Destinations) > 0 && slices.ContainsFunc(l.ContentTypes, func(c string) bool {
		return strings.EqualFold(c, "RequestResponse") || strings.EqualFold(c, "AzureOpenAIRequestUsage") || strings.EqualFold(c, "allLogs")
	})
	return a.book.Record(connector.Record{
		Kind: records.KindInvocationLogging, Subject: connector.Subject{Type: "deployment", ID: a.name}, Key: strings.ToLower(a.id), URL: a.portal(a.id),
	}, l)
}

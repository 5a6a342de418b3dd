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
				Partner   string `json:"marketplacePartnerId"`
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
		p := s.Properties
		if p.Logs == nil {
			return &rest.MalformedError{Path: "diagnosticSettings of " + a.name, Why: "a setting does not say which logs it sends"}
		}
		calls := false
		for _, log := range p.Logs {
			name := log.Category
			if name == "" {
				name = log.Group
			}
			if log.Enabled && name != "" {
				calls = calls || holdsCalls(name)
				l.ContentTypes = append(l.ContentTypes, records.Line(name, 100))
			}
		}
		if !calls {
			continue // where other logs go is not where calls go
		}
		for _, d := range []string{p.Workspace, p.Storage, p.Hub, p.Partner} {
			if d != "" {
				l.Enabled = true
				l.Destinations = append(l.Destinations, records.Line(d, 500))
			}
		}
		if w := records.Line(p.Workspace, 500); w != "" && (l.LogGroup == "" || w < l.LogGroup) {
			l.LogGroup = w
		}
	}
	slices.Sort(l.ContentTypes)
	slices.Sort(l.Destinations)
	l.ContentTypes, l.Destinations = slices.Compact(l.ContentTypes), slices.Compact(l.Destinations)
	return a.book.Record(connector.Record{
		Kind: records.KindInvocationLogging, Subject: connector.Subject{Type: "deployment", ID: a.name}, Key: strings.ToLower(a.id), URL: a.portal(a.id),
	}, l)
}

// holdsCalls reports whether a category or group of logs has the calls of
// models in it.
func holdsCalls(name string) bool {
	for _, c := range []string{"RequestResponse", "AzureOpenAIRequestUsage", "allLogs"} {
		if strings.EqualFold(name, c) {
			return true
		}
	}
	return false
}

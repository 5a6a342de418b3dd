package jira

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Kinds that come from Jira whatever the settings map.
const (
	KindIssue      = "jira.issue"
	KindTransition = "jira.issue_transition"
	KindApproval   = "jira.approval"
)

// Permissions, by the names that Jira gives them.
const (
	permBrowse    = "BROWSE_PROJECTS"
	permApprovals = "read:servicedesk-request"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads one Jira.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	d := connector.Descriptor{
		Name:         "jira",
		Version:      Version,
		Summary:      "Jira Cloud and Data Center: issues, their history, approvals, and registers kept as issues",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{{
			Name: "token", Required: true,
			Summary: "Cloud: an API token of the account in settings.email; Data Center: a personal access token",
		}},
		Kinds: []connector.KindSpec{
			{Kind: KindIssue, Major: 1, Summary: "an issue with its fields as they are now"},
			{Kind: KindTransition, Major: 1, Summary: "one change of one field of an issue: who, when, from, to"},
		},
		Permissions: []connector.Permission{
			{
				ID: permBrowse, Kinds: []string{KindIssue, KindTransition},
				Why:   "a search silently leaves out every issue that the account may not browse",
				Grant: "project settings, Permissions: give the account's group Browse Projects; if the project uses issue security, add it to each level",
			},
			{
				ID: permApprovals, Kinds: []string{KindApproval},
				Why:   "approvals of service-management requests",
				Grant: "project settings, People: add the account as Service Desk Team (agent); with a scoped token also read:servicedesk-request",
			},
		},
	}
	for _, s := range records.Shapes() {
		d.Kinds = append(d.Kinds, connector.KindSpec{Kind: s.Kind, Major: 1, Summary: "from issues that the settings map to it"})
		d.Permissions[0].Kinds = append(d.Permissions[0].Kinds, s.Kind)
	}
	return d
}

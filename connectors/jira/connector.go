package jira

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.2.0"

// Kinds that come from Jira whatever the settings map.
const (
	KindIssue      = "jira.issue"
	KindTransition = "jira.issue_transition"
	KindApproval   = "jira.approval"
)

// Permissions, by the names that Jira gives them.
const (
	permBrowse      = "BROWSE_PROJECTS"
	permSecurity    = "issue security level"
	permApprovals   = "read:servicedesk-request"
	permAttachments = "read:attachment:jira"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads one Jira.
type Connector struct {
	tune func(*transport.Options) // for tests: clock and waits
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	d := connector.Descriptor{
		Name:         "jira",
		Version:      Version,
		Summary:      "Jira Cloud and Data Center: issues, their history and files, approvals, and registers kept as issues",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{{
			Name: "token", Required: true,
			Summary: "Cloud: an API token of the account in settings.email; Data Center: a personal access token",
		}},
		Kinds: []connector.KindSpec{
			{Kind: KindIssue, Major: 1, Reread: connector.ReadSinceCursor, Summary: "an issue with its fields and files as they are now"},
			{Kind: KindTransition, Major: 1, Reread: connector.ReadSinceCursor, Summary: "one change of one field of an issue: who, when, from, to"},
		},
		Permissions: permissions(),
	}
	for _, s := range records.Shapes() {
		d.Kinds = append(d.Kinds, connector.KindSpec{Kind: s.Kind, Major: 1, Reread: connector.ReadSinceCursor, Summary: "from issues that the settings map to it"})
		for i := range d.Permissions[:2] {
			d.Permissions[i].Kinds = append(d.Permissions[i].Kinds, s.Kind)
		}
	}
	return d
}

func permissions() []connector.Permission {
	return []connector.Permission{
		{
			ID: permBrowse, Kinds: []string{KindIssue, KindTransition},
			Why:   "a search silently leaves out every issue that the account may not browse",
			Grant: "project settings, Permissions: give the account's group Browse Projects; a token with scopes also needs read:jira-work and read:jira-user",
		},
		{
			ID: permSecurity, Kinds: []string{KindIssue, KindTransition},
			Why:   "an issue with a security level is hidden from every account that is not in it",
			Grant: "Jira settings, Issue security schemes: add the account's group to each level of the project's scheme",
		},
		{
			ID: permApprovals, Kinds: []string{KindApproval},
			Why:   "approvals of service-management requests",
			Grant: "project settings, People: add the account as Service Desk Team (agent); a token with scopes also needs read:servicedesk-request",
		},
		{
			ID: permAttachments, Kinds: []string{KindIssue},
			Why:   "the content of attached files, for its hash, if settings.attachments.sha256 asks for it",
			Grant: "Jira settings, System, Attachments: allow attachments; Browse Projects is enough for the account, a token with scopes needs read:jira-work or read:attachment:jira",
		},
	}
}

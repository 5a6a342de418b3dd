package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a principal is here for. Roles are added up.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
	Auditor  Role = "auditor"
	Security Role = "security"
	Admin    Role = "admin"
)

// Permission is something that a role allows.
type Permission string

// The permissions. Each operation of the dashboard and of the API asks for one.
const (
	Read         Permission = "read"          // pages and answers without raw payloads
	ReadPayload  Permission = "read_payload"  // raw payloads; each access is put on record
	RunSources   Permission = "run_sources"   // read a source now, pause it, take it up again
	ActFindings  Permission = "act_findings"  // acknowledge, assign, comment on a finding
	Request      Permission = "request"       // ask for a waiver, propose applicability, hand evidence in, attest a register entry
	Approve      Permission = "approve"       // be the second person: approve, reject, review
	DecideShadow Permission = "decide_shadow" // decide on AI that nobody registered
	Sample       Permission = "sample"        // draw a sample, test an item again
	Note         Permission = "note"          // write notes and conclusions
	Export       Permission = "export"        // make and fetch workbook, bundle and the other exports
	Ingest       Permission = "ingest"        // push records by the API
	Metrics      Permission = "metrics"       // read the metrics
	Administer   Permission = "administer"    // tokens, sessions, configuration
)

// RoleInfo is a row of the table of roles.
type RoleInfo struct {
	Role    Role
	For     string // who holds it
	Allowed []Permission
}

// Roles is the table of roles, in the order in which they are shown.
func Roles() []RoleInfo {
	return []RoleInfo{
		{Viewer, "anybody who should see where things stand", []Permission{Read}},
		{Operator, "compliance operations: runs sources, works on findings, asks for what others approve",
			[]Permission{Read, ReadPayload, RunSources, ActFindings, Request, DecideShadow, Sample, Note, Export, Ingest}},
		{Approver, "the second person: approves, rejects and reviews what somebody else began",
			[]Permission{Read, ReadPayload, ActFindings, Request, Approve, Note, Export}},
		{Auditor, "an internal or external auditor: sees everything, draws samples, writes notes, changes nothing else",
			[]Permission{Read, ReadPayload, Sample, Note, Export}},
		{Security, "the security team: decides on AI that nobody registered, works on findings",
			[]Permission{Read, ReadPayload, RunSources, ActFindings, Request, DecideShadow, Note, Export}},
		{Admin, "whoever runs the daemon: tokens, sessions, sources; approves nothing",
			[]Permission{Read, ReadPayload, RunSources, ActFindings, Request, Export, Ingest, Metrics, Administer}},
	}
}

// PermissionInfo is a row of the table of permissions.
type PermissionInfo struct {
	Permission Permission
	Means      string
	Person     bool // an act of a person: the principal has to be one of the register
}

// Permissions is the table of permissions, in the order in which they are shown.
func Permissions() []PermissionInfo {
	return []PermissionInfo{
		{Read, "see pages and answers, without raw payloads", false},
		{ReadPayload, "see raw payloads; each access is put on record", false},
		{RunSources, "read a source now, pause it, take it up again", false},
		{ActFindings, "acknowledge and assign findings, comment on them", true},
		{Request, "ask for a waiver, propose applicability, hand evidence in, confirm an entry of the register", true},
		{Approve, "approve, reject or review what another person began", true},
		{DecideShadow, "decide on AI that nobody registered", true},
		{Sample, "draw a sample, test an item again", true},
		{Note, "write notes and conclusions", true},
		{Export, "make and fetch exports", false},
		{Ingest, "push records by the API", false},
		{Metrics, "read the metrics", false},
		{Administer, "make and revoke tokens, end sessions, change how the daemon runs", false},
	}
}

// IsActOfPerson reports whether a permission is to put something on record as a
// person of the register.
func (p Permission) IsActOfPerson() bool {
	return slices.ContainsFunc(Permissions(), func(i PermissionInfo) bool { return i.Permission == p && i.Person })
}

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	var names []string
	for _, i := range Roles() {
		if string(i.Role) == s {
			return i.Role, nil
		}
		names = append(names, string(i.Role))
	}
	return "", fmt.Errorf("no role is called %q; roles are %s", s, strings.Join(names, ", "))
}

// ParsePermission reads the name of a permission.
func ParsePermission(s string) (Permission, error) {
	var names []string
	for _, i := range Permissions() {
		if string(i.Permission) == s {
			return i.Permission, nil
		}
		names = append(names, string(i.Permission))
	}
	return "", fmt.Errorf("no permission is called %q; permissions are %s", s, strings.Join(names, ", "))
}

// Allows reports whether the role allows p. A role that is not in the table
// allows nothing.
func (r Role) Allows(p Permission) bool {
	return slices.ContainsFunc(Roles(), func(i RoleInfo) bool { return i.Role == r && slices.Contains(i.Allowed, p) })
}

// AllowedBy lists what roles allow together, in the order of the table.
func AllowedBy(roles ...Role) []Permission {
	var out []Permission
	for _, i := range Permissions() {
		if slices.ContainsFunc(roles, func(r Role) bool { return r.Allows(i.Permission) }) {
			out = append(out, i.Permission)
		}
	}
	return out
}

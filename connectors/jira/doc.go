// Package jira reads issues, their full history and service-management
// approvals from Jira Cloud (REST v3) or Jira Data Center (REST v2), and maps
// configured issue types to kinds such as incidents, change requests and risk
// assessments.
//
// It imports plugins/ and go-jira, never internal/. It promises that a value
// which does not fit the kind it is mapped to becomes a gap for that issue and
// never another value, and that issues which the search hides are looked for
// with a canary and a count.
package jira

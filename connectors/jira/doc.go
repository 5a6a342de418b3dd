// Package jira reads issues, their full history, their attachments and
// service-management approvals from Jira Cloud (REST v3) or Jira Data Center
// (REST v2), and maps configured issues to kinds such as incidents, change
// requests, approvals, risk assessments, corrective actions and vendor reviews.
//
// It imports plugins/ and go-jira, never internal/. It promises that a value
// which does not fit the kind it is mapped to becomes a gap for that issue and
// never another value, that issues which the search hides are looked for with
// a canary and a count, that a history with entries missing is a gap, and that
// an issue which gave a gap is read again in every run until it gives none.
package jira

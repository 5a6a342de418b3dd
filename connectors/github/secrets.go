package github

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// store is one of the places where GitHub keeps secrets and variables.
type store struct {
	name  string // actions, dependabot
	typ   string // secret, variable
	path  string // below what it belongs to
	field string // of the answer that holds the list
	page  string // most that a page may hold
	repo  string // permission to list a repository's
	org   string // permission to list the organisation's
}

// The stores. A page of variables holds 30 at most.
var (
	actionsSecrets = store{name: "actions", typ: "secret", path: "actions/secrets", field: "secrets", page: "100",
		repo: permSecrets, org: permOrgSecrets}
	actionsVariables = store{name: "actions", typ: "variable", path: "actions/variables", field: "variables", page: "30",
		repo: permVariables, org: permOrgVariables}
	dependabotSecrets = store{name: "dependabot", typ: "secret", path: "dependabot/secrets", field: "secrets", page: "100",
		repo: permDependabot, org: permOrgDependabot}
	environmentSecretStore   = store{name: "actions", typ: "secret", path: "secrets", field: "secrets", page: "100", repo: permEnvironments}
	environmentVariableStore = store{name: "actions", typ: "variable", path: "variables", field: "variables", page: "30", repo: permEnvironments}
)

// keptName is a secret or variable as listed. It has no place for a value, so
// that the one a variable comes with goes no further.
type keptName struct {
	Name       string    `json:"name"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Visibility string    `json:"visibility"`
}

type namePayload struct {
	Scope        string `json:"scope"` // organization, repository, environment
	Organization string `json:"organization,omitempty"`
	Repo         string `json:"repo,omitempty"`
	RepoID       int64  `json:"repo_id,omitempty"`
	Environment  string `json:"environment,omitempty"`
	Store        string `json:"store"`
	Type         string `json:"type"` // secret, variable
	Name         string `json:"name"`
	Visibility   string `json:"visibility,omitempty"` // all, private, selected
	CreatedAt    string `json:"created_at,omitempty"`
	UpdatedAt    string `json:"updated_at,omitempty"`
}

// holder is what a store belongs to.
type holder struct {
	path    string // of the API
	payload namePayload
	subject connector.Subject
	key     string
	web     string // page where a person can see it
	scope   string // for a gap
}

// orgNames emits the names that the organisation keeps in a store.
func (r *run) orgNames(ctx context.Context, s store) error {
	org := r.cfg.Organization
	return r.names(ctx, s, s.org, holder{
		path: "orgs/" + org, payload: namePayload{Scope: "organization", Organization: org},
		subject: connector.Subject{Type: "organization", ID: org}, key: "org/" + strings.ToLower(org),
		web: "organizations/" + org + "/settings/" + settingsPage(s), scope: "organisation " + org,
	})
}

// repoNames emits the names that a repository keeps in a store.
func (r *run) repoNames(ctx context.Context, repo repository, s store) error {
	return r.names(ctx, s, s.repo, holder{
		path: repo.path(), payload: namePayload{Scope: "repository", Repo: repo.FullName, RepoID: repo.ID},
		subject: connector.Subject{Type: "repository", ID: repo.FullName}, key: strconv.FormatInt(repo.ID, 10),
		web: repo.FullName + "/settings/" + settingsPage(s), scope: repo.FullName,
	})
}

// environmentNames emits the names that an environment keeps in a store.
func (r *run) environmentNames(ctx context.Context, repo repository, env string, s store) error {
	return r.names(ctx, s, s.repo, holder{
		path:    repo.path() + "/environments/" + url.PathEscape(env),
		payload: namePayload{Scope: "environment", Repo: repo.FullName, RepoID: repo.ID, Environment: env},
		subject: connector.Subject{Type: "repository", ID: repo.FullName}, key: fmt.Sprintf("%d/environment/%s", repo.ID, env),
		web: repo.FullName + "/settings/environments", scope: repo.FullName + " environment " + env,
	})
}

// settingsPage is where the site shows a store.
func settingsPage(s store) string {
	if s.typ == "variable" {
		return "variables/" + s.name
	}
	return "secrets/" + s.name
}

func (r *run) names(ctx context.Context, s store, permission string, h holder) error {
	_, err := list(ctx, r, listing[keptName]{
		kind: KindSecretName, path: h.path + "/" + s.path, query: url.Values{"per_page": {s.page}}, field: s.field, total: "total_count",
		part: part{kinds: []string{KindSecretName}, scope: h.scope + " " + s.path, permission: permission},
		record: func(row keptName) (connector.Record, any, error) {
			if !records.Fit(row.Name) {
				return connector.Record{}, nil, &malformedError{Path: h.path + "/" + s.path, Why: "a " + s.typ + " whose name is none"}
			}
			pay := h.payload
			pay.Store, pay.Type, pay.Name, pay.Visibility = s.name, s.typ, row.Name, line(row.Visibility, 40)
			pay.CreatedAt, pay.UpdatedAt = stamp(row.CreatedAt), stamp(row.UpdatedAt)
			key := fmt.Sprintf("%s/%s/%s/%s", h.key, s.name, s.typ, row.Name)
			return connector.Record{Subject: h.subject, Key: key, URL: r.cfg.web(h.web, nil)}, pay, nil
		},
	})
	return err
}

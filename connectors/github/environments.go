package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// listedEnvironment is an environment as listed. It is kept as a note beside
// the listing's validator, because the branches it may be deployed from are
// another list, which changes by itself.
type listedEnvironment struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	HTMLURL      string    `json:"html_url,omitempty"`
	CreatedAt    time.Time `json:"created_at,omitzero"`
	UpdatedAt    time.Time `json:"updated_at,omitzero"`
	AdminsBypass *bool     `json:"can_admins_bypass,omitempty"`
	Rules        []struct {
		Type       string         `json:"type"`
		WaitTimer  int            `json:"wait_timer,omitempty"`
		SelfReview *bool          `json:"prevent_self_review,omitempty"`
		Reviewers  []gateReviewer `json:"reviewers,omitempty"`
	} `json:"protection_rules,omitempty"`
	Branches *struct {
		Protected bool `json:"protected_branches"`
		Custom    bool `json:"custom_branch_policies"`
	} `json:"deployment_branch_policy,omitempty"`
}

type environmentPayload struct {
	Repo              string   `json:"repo"`
	RepoID            int64    `json:"repo_id"`
	EnvironmentID     int64    `json:"environment_id"`
	Name              string   `json:"name"`
	CreatedAt         string   `json:"created_at,omitempty"`
	UpdatedAt         string   `json:"updated_at,omitempty"`
	RequiredReviewers []string `json:"required_reviewers"`
	PreventSelfReview *bool    `json:"prevent_self_review,omitempty"`
	WaitTimerMinutes  int      `json:"wait_timer_minutes"`
	CanAdminsBypass   *bool    `json:"can_admins_bypass,omitempty"` // nil when GitHub does not say
	BranchPolicy      string   `json:"branch_policy"`
	BranchPatterns    []string `json:"branch_patterns,omitempty"`
	CustomRules       []string `json:"custom_rules"`
}

// environmentNote is kept with the validator of a page of environments.
type environmentNote struct {
	Rows  []listedEnvironment `json:"rows"`
	Total int                 `json:"total"`
}

// environmentNames are the environments of a repository, listed once for all
// kinds that need them.
type environmentNames struct {
	done bool
	rows []listedEnvironment
	err  error
}

// listEnvironments lists the environments of a repository.
func (r *run) listEnvironments(ctx context.Context, repo repository, envs *environmentNames) ([]listedEnvironment, error) {
	if envs.done {
		return envs.rows, envs.err
	}
	envs.done = true
	path, total := repo.path()+"/environments", -1
	envs.err = pages(ctx, r.api, call{path: path, usable: noteFits(func(n environmentNote) bool { return n.Rows != nil })},
		func(p page[json.RawMessage]) (bool, error) {
			var note environmentNote
			var err error
			if p.notModified {
				err = json.Unmarshal(p.memo, &note)
			} else {
				note.Rows, note.Total, err = rowsOf[listedEnvironment](listing[listedEnvironment]{path: path, field: "environments", total: "total_count"}, p.body)
			}
			if err != nil {
				return false, err
			}
			envs.rows, total = append(envs.rows, note.Rows...), note.Total
			return true, r.keep(p.answer, note)
		})
	if envs.err == nil && total > len(envs.rows) {
		envs.err = r.gap(connector.Gap{Kinds: []string{KindEnvironment}, Scope: repo.FullName, Reason: connector.Hidden, Permission: permActions,
			Detail: fmt.Sprintf("GitHub counts %d environments and shows %d", total, len(envs.rows))})
	}
	return envs.rows, envs.err
}

// environments emits the rules of each environment. They are emitted each time
// as they are known; the host sees that nothing changed.
func (r *run) environments(ctx context.Context, repo repository, envs *environmentNames) error {
	rows, err := r.listEnvironments(ctx, repo, envs)
	if err != nil {
		return err
	}
	for _, env := range rows {
		where := part{kinds: []string{KindEnvironment}, scope: repo.FullName + " environment " + env.Name, permission: permActions}
		if !fitID(env.ID) || !records.Fit(env.Name) {
			if err := r.missed(ctx, where, &malformedError{Path: repo.path() + "/environments", Why: "an environment without id or name"}); err != nil {
				return err
			}
			continue
		}
		pay := env.payload(repo)
		if pay.BranchPolicy == "custom" {
			if pay.BranchPatterns, err = r.branchPatterns(ctx, repo, env.Name); err != nil {
				if err := r.missed(ctx, where, err); err != nil {
					return err
				}
			}
		}
		err := r.record(connector.Record{
			Kind: KindEnvironment, Subject: connector.Subject{Type: "repository", ID: repo.FullName},
			Key: strconv.FormatInt(repo.ID, 10) + "/" + env.Name, URL: env.HTMLURL,
		}, pay)
		if err != nil {
			return err
		}
	}
	return nil
}

func (env *listedEnvironment) payload(repo repository) environmentPayload {
	pay := environmentPayload{
		Repo: repo.FullName, RepoID: repo.ID, EnvironmentID: env.ID, Name: env.Name, CreatedAt: stamp(env.CreatedAt), UpdatedAt: stamp(env.UpdatedAt),
		RequiredReviewers: []string{}, CanAdminsBypass: env.AdminsBypass, BranchPolicy: "any", CustomRules: []string{},
	}
	for _, rule := range env.Rules {
		switch rule.Type {
		case "required_reviewers":
			pay.RequiredReviewers = append(pay.RequiredReviewers, reviewerNames(rule.Reviewers)...)
			pay.PreventSelfReview = rule.SelfReview
		case "wait_timer":
			pay.WaitTimerMinutes = max(pay.WaitTimerMinutes, rule.WaitTimer)
		case "branch_policy":
		default:
			pay.CustomRules = append(pay.CustomRules, line(rule.Type, 60))
		}
	}
	slices.Sort(pay.RequiredReviewers)
	slices.Sort(pay.CustomRules)
	switch b := env.Branches; {
	case b == nil:
	case b.Protected:
		pay.BranchPolicy = "protected"
	case b.Custom:
		pay.BranchPolicy = "custom"
	}
	return pay
}

// branchPatterns are from where an environment may be deployed to.
func (r *run) branchPatterns(ctx context.Context, repo repository, env string) ([]string, error) {
	type policy struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	path := repo.path() + "/environments/" + url.PathEscape(env) + "/deployment-branch-policies"
	patterns := []string{}
	err := pages(ctx, r.api, call{path: path, usable: noteFits(func(n []string) bool { return n != nil })}, func(p page[json.RawMessage]) (bool, error) {
		names := []string{}
		if p.notModified {
			err := json.Unmarshal(p.memo, &names)
			patterns = append(patterns, names...)
			return true, err
		}
		rows, _, err := rowsOf[policy](listing[policy]{path: path, field: "branch_policies", total: "total_count"}, p.body)
		if err != nil {
			return false, err
		}
		for _, b := range rows {
			kind := "branch"
			if b.Type != "" {
				kind = line(b.Type, 20)
			}
			names = append(names, kind+":"+line(b.Name, 255))
		}
		patterns = append(patterns, names...)
		return true, r.keep(p.answer, names)
	})
	slices.Sort(patterns)
	if err != nil {
		return nil, err
	}
	return patterns, nil
}

// maxNamedEnvironments is of how many environments of a repository the names
// of secrets are read. Many are made for a while only, one for each change.
const maxNamedEnvironments = 50

// environmentSecrets emits the names of what environments keep.
func (r *run) environmentSecrets(ctx context.Context, repo repository, envs *environmentNames) error {
	rows, err := r.listEnvironments(ctx, repo, envs)
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return r.missed(ctx, part{kinds: []string{KindSecretName}, scope: repo.FullName + " environments", permission: permActions}, err)
	}
	if err != nil {
		return err
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b listedEnvironment) int { return a.CreatedAt.Compare(b.CreatedAt) })
	if len(rows) > maxNamedEnvironments {
		if err := r.gap(connector.Gap{Kinds: []string{KindSecretName}, Scope: repo.FullName + " environments", Reason: connector.Truncated,
			Detail: fmt.Sprintf("names of secrets are read of the %d oldest of %d environments", maxNamedEnvironments, len(rows))}); err != nil {
			return err
		}
		rows = rows[:maxNamedEnvironments]
	}
	for _, env := range rows {
		if !records.Fit(env.Name) {
			continue // said where environments are read
		}
		for _, s := range []store{environmentSecretStore, environmentVariableStore} {
			if err := r.environmentNames(ctx, repo, env.Name, s); err != nil {
				return err
			}
		}
	}
	return nil
}

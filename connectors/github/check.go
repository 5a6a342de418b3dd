package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxScope is how many repositories a check lists.
const maxScope = 500

// Check asks who the token is, probes each permission on one repository, and
// lists what can be reached. It reads no evidence.
func (*Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	now := time.Now().UTC()
	cfg, err := parseConfig(in, now)
	if err != nil {
		return connector.CheckReport{}, err
	}
	a, err := newAPI(cfg, nil, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	rep := connector.CheckReport{Scope: []string{}}
	if rep.Identity, err = identity(ctx, a); err != nil {
		return problem(rep, err)
	}
	noted := &notes{}
	r := &run{cfg: cfg, emit: noted, api: a, cover: newCoverage(), now: now, cancel: func(error) {}}
	repos, err := r.repositories(ctx)
	if err != nil {
		return problem(rep, err)
	}
	for _, repo := range repos[:min(len(repos), maxScope)] {
		rep.Scope = append(rep.Scope, repo.FullName)
	}
	if len(repos) == 0 {
		for _, p := range New().Describe().Permissions {
			rep.Permissions = append(rep.Permissions, connector.PermissionState{Permission: p.ID, Detail: "there is no repository to probe it on"})
		}
		rep.Problem = "the token sees no repository in the scope" + noted.why()
		rep.Remedy = "check organization and repositories in the configuration, and that the token is granted these repositories"
		return rep, nil
	}
	rep.Permissions, err = probe(ctx, a, repos[0])
	if err != nil {
		return problem(rep, err)
	}
	for i := range rep.Permissions {
		if p := &rep.Permissions[i]; p.Permission == permMetadata && len(noted.gaps) > 0 {
			p.Grant, p.Detail = connector.Missing, "not everything in the scope is seen"+noted.why()
		}
	}
	return rep, nil
}

// problem makes a refusal by the source a finding of the check, and anything
// else its failure.
func problem(rep connector.CheckReport, err error) (connector.CheckReport, error) {
	if statusOf(err) == http.StatusUnauthorized || errors.Is(err, connector.ErrRefused) {
		rep.Problem = "GitHub refuses the token (401): it has expired or was revoked"
		rep.Remedy = "create a new fine-grained token with the permissions listed and put it in the place of the secret " + secretToken
		return rep, nil
	}
	return rep, err
}

// identity names whose token it is. An app's installation token is nobody's.
func identity(ctx context.Context, a *api) (string, error) {
	var me gh.User
	ans, err := a.get(ctx, call{path: "user"}, &me)
	if status := statusOf(err); status == http.StatusForbidden || status == http.StatusNotFound {
		var limits struct{}
		if ans, err = a.get(ctx, call{path: "rate_limit"}, &limits); err == nil {
			return "a GitHub App installation" + expiry(ans.header), nil
		}
	}
	if err != nil {
		return "", err
	}
	who := login(&me) + expiry(ans.header)
	if scopes := ans.header.Get("X-OAuth-Scopes"); scopes != "" {
		who += ", a classic token with the scopes " + line(scopes, 200) + "; a fine-grained read-only token can do less harm"
	}
	return who, nil
}

func expiry(h http.Header) string {
	if at := h.Get("Github-Authentication-Token-Expiration"); at != "" {
		return ", token valid until " + line(at, 40)
	}
	return ""
}

// probe asks one cheap question for each permission.
func probe(ctx context.Context, a *api, repo repository) ([]connector.PermissionState, error) {
	one := url.Values{"per_page": {"1"}}
	branch := url.PathEscape(repo.DefaultBranch)
	var out []connector.PermissionState
	for _, q := range []struct {
		permission string
		call       call
	}{
		{permMetadata, call{path: repo.path()}},
		{permContents, call{path: repo.path() + "/commits", query: one}},
		{permPulls, call{path: repo.path() + "/pulls", query: one}},
		{permActions, call{path: repo.path() + "/actions/runs", query: one}},
		{permAdmin, call{path: repo.path() + "/branches/" + branch + "/protection"}},
	} {
		state := connector.PermissionState{Permission: q.permission, Grant: connector.Granted, Detail: "probed on " + repo.FullName}
		var any any
		_, err := a.get(ctx, q.call, &any)
		switch status := statusOf(err); {
		case err == nil, status == http.StatusConflict && q.permission == permContents, says(err, notProtected):
		case status == http.StatusForbidden, status == http.StatusNotFound:
			state.Grant, state.Detail = connector.Missing, line(err.Error(), 300)+". Grant it: "+grantOf(q.permission)
		case status == http.StatusUnauthorized || ctx.Err() != nil:
			return out, err
		default:
			state.Grant, state.Detail = connector.GrantUnknown, line(err.Error(), 300)
		}
		out = append(out, state)
	}
	return out, nil
}

func grantOf(permission string) string {
	for _, p := range New().Describe().Permissions {
		if p.ID == permission {
			return p.Grant
		}
	}
	return strings.TrimSuffix(permission, ":read")
}

// notes is an emitter for a check: it keeps what could not be seen, and drops
// what could.
type notes struct{ gaps []connector.Gap }

var _ connector.Emitter = (*notes)(nil)

func (n *notes) Gap(g connector.Gap) error {
	n.gaps = append(n.gaps, g)
	return nil
}

// why says of the first few what they are.
func (n *notes) why() string {
	var b strings.Builder
	for i, g := range n.gaps {
		if i == 5 {
			fmt.Fprintf(&b, "; and %d more", len(n.gaps)-i)
			break
		}
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0] + line(g.Scope, 120) + ": " + line(g.Detail, 300))
	}
	return b.String()
}

func (*notes) Record(connector.Record) error               { return nil }
func (*notes) Unchanged(string, int) error                 { return nil }
func (*notes) Cursor(string, string) error                 { return nil }
func (*notes) Validator(string, connector.Validator) error { return nil }
func (*notes) Progress(connector.Progress)                 {}

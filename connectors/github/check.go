package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxScope is how many repositories a check lists.
const maxScope = 500

// Check asks who the credential is, which permissions it has, and what can be
// reached. It reads no evidence.
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
	who, err := identify(ctx, cfg, a)
	if err != nil {
		return problem(rep, err)
	}
	rep.Identity = who.name
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
		rep.Problem = "the token sees no repository in the scope" + noted.why()
		rep.Remedy = "check organization and repositories in the configuration, and that the token is granted these repositories"
	}
	if rep.Permissions, err = r.permissions(ctx, who, probed(repos)); err != nil {
		return problem(rep, err)
	}
	for i := range rep.Permissions {
		if p := &rep.Permissions[i]; p.Permission == permMetadata && len(repos) > 0 && len(noted.gaps) > 0 {
			p.Grant, p.Detail = connector.Missing, "not everything in the scope is seen"+noted.why()
		}
	}
	return rep, nil
}

// probed is the repository that permissions are tried out on: a private one,
// because a public one shows everybody almost everything.
func probed(repos []repository) repository {
	for _, repo := range repos {
		if repo.Private && repo.DefaultBranch != "" {
			return repo
		}
	}
	if len(repos) > 0 {
		return repos[0]
	}
	return repository{}
}

// problem makes a refusal by the source a finding of the check, and anything
// else its failure.
func problem(rep connector.CheckReport, err error) (connector.CheckReport, error) {
	var own *appError
	if errors.As(err, &own) && errors.Is(own.ends(), connector.ErrRefused) {
		rep.Problem = "GitHub does not let the app in: " + line(own.Error(), 300)
		rep.Remedy = own.remedy()
		return rep, nil
	}
	if statusOf(err) == http.StatusUnauthorized || errors.Is(err, connector.ErrRefused) {
		rep.Problem = "GitHub refuses the token (401): it has expired or was revoked"
		rep.Remedy = "create a new fine-grained token with the permissions listed and put it in the place of the secret " + secretToken
		return rep, nil
	}
	return rep, err
}

// permissions says of each one whether it is there. An app is told by GitHub
// itself; with a token one cheap question is asked for each.
func (r *run) permissions(ctx context.Context, who identity, repo repository) ([]connector.PermissionState, error) {
	asked := map[string]probe{}
	for _, q := range r.probes(repo) {
		asked[q.permission] = q
	}
	var out []connector.PermissionState
	for _, p := range New().Describe().Permissions {
		q, ok := asked[p.ID]
		state := connector.PermissionState{Permission: p.ID, Detail: "there is nothing to try it out on"}
		switch {
		case who.app != nil:
			state = who.appGrant(p)
		case ok && q.moot != "":
			state.Detail = q.moot
		case ok:
			_, err := r.api.get(ctx, q.call, new(any))
			if statusOf(err) == http.StatusUnauthorized || ctx.Err() != nil {
				return out, err
			}
			state = q.state(p, err)
		}
		if p.ID == permMetadata && who.budget != "" {
			state.Detail += "; " + who.budget
		}
		out = append(out, state)
	}
	return out, nil
}

// probe is a question that only one who has a permission gets an answer to.
type probe struct {
	permission string
	call       call
	on         string // what it is asked about
	open       bool   // anybody may ask it: an answer proves nothing
	fine       func(error) bool
	absent     string // what an answer of 404 may mean besides that the permission is missing
	moot       string // why it is not asked at all
}

// probes are the questions for a token; those of a repository need one.
func (r *run) probes(repo repository) []probe {
	if repo.FullName == "" {
		return r.orgProbes()
	}
	one := url.Values{"per_page": {"1"}}
	on, open := repo.FullName, !repo.Private
	return append([]probe{
		{permission: permMetadata, call: call{path: repo.path()}, on: on, open: open},
		{permission: permContents, call: call{path: repo.path() + "/commits", query: one}, on: on, open: open,
			fine: func(err error) bool { return statusOf(err) == http.StatusConflict }},
		{permission: permPulls, call: call{path: repo.path() + "/pulls", query: one}, on: on, open: open},
		{permission: permActions, call: call{path: repo.path() + "/actions/runs", query: one}, on: on, open: open},
		{permission: permAdmin, call: call{path: repo.path() + "/branches/" + url.PathEscape(repo.DefaultBranch) + "/protection"}, on: on,
			fine: func(err error) bool { return says(err, notProtected) }},
	}, append(furtherProbes(repo), r.orgProbes()...)...)
}

// state is what the answer to a probe shows.
func (q probe) state(p connector.Permission, err error) connector.PermissionState {
	state := connector.PermissionState{Permission: p.ID, Grant: connector.Granted, Detail: "tried out on " + q.on}
	var se *statusError
	switch status := statusOf(err); {
	case (err == nil || q.fine != nil && q.fine(err)) && q.open:
		state.Grant, state.Detail = connector.GrantUnknown, q.on+" is public and shows this to everybody; there is no private repository to try it out on"
	case err == nil, q.fine != nil && q.fine(err):
	case status == http.StatusNotFound && q.absent != "":
		state.Grant, state.Detail = connector.GrantUnknown, line(err.Error(), 300)+"; "+q.absent
	case errors.As(err, &se) && (status == http.StatusForbidden || status == http.StatusNotFound):
		state.Grant, state.Detail = connector.Missing, line(err.Error(), 300)
		if se.Accepted != "" {
			state.Detail += "; GitHub asks for " + se.Accepted
		}
		state.Detail += ". Grant it: " + p.Grant
	default:
		state.Grant, state.Detail = connector.GrantUnknown, line(err.Error(), 300)
	}
	return state
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

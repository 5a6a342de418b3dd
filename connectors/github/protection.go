package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// notProtected is GitHub's message for a branch without classic protection.
// Another 404 on the same address means that the token may not know.
const notProtected = "Branch not protected"

// reading is what one of the two systems of protection said.
type reading int

// Readings. The zero value is one that was not made.
const (
	unread  reading = iota
	absent          // it protects nothing
	present         // it protects the branch
)

// branchNote is kept with the validator of a branch.
type branchNote struct {
	Protected bool    `json:"protected"`
	Classic   reading `json:"classic"`
	Head      string  `json:"head"` // commit
}

// branchState is a branch as GitHub shows it to everybody.
type branchState struct {
	Protected *bool `json:"protected"`
	Commit    struct {
		SHA string `json:"sha"`
	} `json:"commit"`
}

// branchAnswer is what was asked of a branch once in a run.
type branchAnswer struct {
	answer
	note branchNote
	err  error
}

// branch asks for a branch, once for all kinds that need it.
func (r *run) branch(ctx context.Context, repo repository, name string) (answer, branchNote, error) {
	path := repo.path() + "/branches/" + url.PathEscape(name)
	known := strconv.FormatInt(repo.ID, 10) + "/" + name
	if b, ok := r.asked.Load(known); ok {
		b := b.(branchAnswer)
		return b.answer, b.note, b.err
	}
	var state branchState
	b := branchAnswer{}
	b.answer, b.err = r.api.get(ctx, call{path: path, usable: noteFits(func(n branchNote) bool {
		return n.Classic != unread || !r.req.Wants(KindBranchProtection)
	})}, &state)
	b.note = branchNote{Protected: state.Protected == nil || *state.Protected, Head: state.Commit.SHA}
	if b.err == nil && b.notModified {
		b.err = json.Unmarshal(b.memo, &b.note)
	}
	r.asked.Store(known, b)
	return b.answer, b.note, b.err
}

// protection emits one effective answer for each branch that is read.
func (r *run) protection(ctx context.Context, repo repository) error {
	for _, branch := range r.branches(repo) {
		err := r.branchProtection(ctx, repo, branch)
		if err != nil && branch != repo.DefaultBranch && statusOf(err) == http.StatusNotFound {
			continue // not every repository has the branches besides the default one
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// guard is what is known about the protection of one branch.
type guard struct {
	protectionPayload
	id        string // OWNER/NAME, branch
	classic   reading
	rules     reading
	enforced  []bool // for admins, by each system whose answer is known
	updatedAt time.Time
}

func (r *run) branchProtection(ctx context.Context, repo repository, branch string) error {
	path := repo.path() + "/branches/" + url.PathEscape(branch)
	ans, note, err := r.branch(ctx, repo, branch)
	switch status := statusOf(err); {
	case status == http.StatusNotFound && branch == repo.DefaultBranch && r.isEmpty(ctx, repo):
		return nil // no commit yet, so no branch
	case err != nil:
		return err
	}
	g := &guard{id: repo.FullName + " " + branch, protectionPayload: protectionPayload{
		Repo: repo.FullName, RepoID: repo.ID, Ref: branch, IsDefaultBranch: branch == repo.DefaultBranch, Unread: []string{},
		RequiredStatusChecks: []string{}, BypassActors: []string{}, BypassActorsKnown: true, RulesetIDs: []string{},
	}}
	if ans.notModified && note.Classic == absent {
		g.classic = absent // the branch would have changed with it
	} else if err := r.classic(ctx, g, path+"/protection", note.Protected); err != nil {
		return err
	}
	if err := r.rules(ctx, g, repo, branch); err != nil {
		return err
	}
	note.Classic = g.classic
	if err := r.keep(ans, note); err != nil {
		return err
	}
	return r.emitProtection(repo, g)
}

// isEmpty reports whether a repository has no commit.
func (r *run) isEmpty(ctx context.Context, repo repository) bool {
	var list []*gh.RepositoryCommit
	_, err := r.api.get(ctx, call{path: repo.path() + "/commits", query: url.Values{"per_page": {"1"}}}, &list)
	return statusOf(err) == http.StatusConflict
}

// emitProtection states the answer, if there is one. When neither system could
// be read, or the one that could says nothing, there is none.
func (r *run) emitProtection(repo repository, g *guard) error {
	if g.classic != present && g.rules != present && (g.classic != absent || g.rules != absent) {
		return nil // the gaps say why
	}
	g.finish()
	return r.record(connector.Record{
		Kind: KindBranchProtection, Subject: connector.Subject{Type: "repository", ID: repo.FullName},
		Key: fmt.Sprintf("%d/%s", repo.ID, g.Ref), EventTime: g.updatedAt,
	}, g.protectionPayload)
}

// finish puts the two systems' answers together.
func (g *guard) finish() {
	switch {
	case g.classic == present && g.rules == present:
		g.Source = "classic+ruleset"
	case g.classic == present:
		g.Source = "classic"
	case g.rules == present:
		g.Source = "ruleset"
	default:
		g.Source = "none"
	}
	g.Enforcement = "active"
	if g.Source == "none" {
		g.Enforcement = "none"
	}
	if len(g.enforced) > 0 && g.BypassActorsKnown {
		all := !slices.Contains(g.enforced, false)
		g.EnforceAdmins = &all
	}
	for _, list := range []*[]string{&g.RequiredStatusChecks, &g.BypassActors, &g.RulesetIDs, &g.RuleTypes} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if len(g.RulesetIDs) > 0 {
		g.RulesetID = g.RulesetIDs[0]
	}
}

// classicNote is kept with the validator of a classic protection: the whole
// of what is used.
type classicNote struct {
	Reviews     int      `json:"reviews"`
	PullRequest bool     `json:"pull_request"`
	Stale       bool     `json:"stale"`
	LastPush    bool     `json:"last_push"`
	Owners      bool     `json:"owners"`
	Checks      []string `json:"checks"`
	Strict      bool     `json:"strict"`
	Signatures  bool     `json:"signatures"`
	NoForce     bool     `json:"no_force"`
	NoDeletion  bool     `json:"no_deletion"`
	Locked      bool     `json:"locked,omitempty"`
	Queue       bool     `json:"queue,omitempty"`
	Types       []string `json:"types,omitempty"` // of rules
	Admins      bool     `json:"admins"`
	Bypass      []string `json:"bypass"`
}

// classic reads classic protection into g. protected is whether the branch
// says that anything protects it.
func (r *run) classic(ctx context.Context, g *guard, path string, protected bool) error {
	var p gh.Protection
	ans, err := r.api.get(ctx, call{path: path, usable: noteFits(func(classicNote) bool { return true })}, &p)
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusForbidden {
		if says(err, notProtected) || !protected {
			g.classic = absent
			return nil
		}
		g.Unread = append(g.Unread, "classic")
		return r.missed(ctx, part{kinds: []string{KindBranchProtection}, scope: g.id, permission: permAdmin}, err)
	}
	if err != nil {
		return err
	}
	var n classicNote
	if ans.notModified {
		if err := json.Unmarshal(ans.memo, &n); err != nil {
			return err
		}
	} else {
		n = noteOfClassic(&p)
		if err := r.keep(ans, n); err != nil {
			return err
		}
	}
	g.classic = present
	g.enforced = append(g.enforced, n.Admins)
	g.require(n)
	return nil
}

func says(err error, message string) bool {
	var se *statusError
	return errors.As(err, &se) && se.Message == message
}

func noteOfClassic(p *gh.Protection) classicNote {
	n := classicNote{
		Admins: p.EnforceAdmins != nil && p.EnforceAdmins.Enabled, Signatures: p.GetRequiredSignatures().GetEnabled(),
		NoForce: p.AllowForcePushes == nil || !p.AllowForcePushes.Enabled, NoDeletion: p.AllowDeletions == nil || !p.AllowDeletions.Enabled,
		Locked: p.GetLockBranch().GetEnabled(),
	}
	if rv := p.RequiredPullRequestReviews; rv != nil {
		n.PullRequest, n.Reviews, n.Stale = true, rv.RequiredApprovingReviewCount, rv.DismissStaleReviews
		n.Owners, n.LastPush = rv.RequireCodeOwnerReviews, rv.RequireLastPushApproval
		if by := rv.BypassPullRequestAllowances; by != nil {
			for _, u := range by.Users {
				n.Bypass = append(n.Bypass, "user:"+line(u.GetLogin(), 100))
			}
			for _, t := range by.Teams {
				n.Bypass = append(n.Bypass, "team:"+line(t.GetSlug(), 100))
			}
			for _, a := range by.Apps {
				n.Bypass = append(n.Bypass, "app:"+line(a.GetSlug(), 100))
			}
		}
	}
	if c := p.RequiredStatusChecks; c != nil {
		n.Strict = c.Strict
		if c.Contexts != nil {
			for _, name := range *c.Contexts {
				n.Checks = append(n.Checks, line(name, 200))
			}
		}
		if c.Checks != nil {
			for _, check := range *c.Checks {
				if check != nil {
					n.Checks = append(n.Checks, line(check.Context, 200))
				}
			}
		}
	}
	return n
}

// require adds the demands of one system to those known so far.
func (g *guard) require(n classicNote) {
	g.RequirePullRequest = g.RequirePullRequest || n.PullRequest
	g.RequiredApprovals = max(g.RequiredApprovals, n.Reviews)
	g.DismissStaleReviews = g.DismissStaleReviews || n.Stale
	g.RequireLastPushApproval = g.RequireLastPushApproval || n.LastPush
	g.RequireCodeOwnerReview = g.RequireCodeOwnerReview || n.Owners
	g.RequiredStatusChecks = append(g.RequiredStatusChecks, n.Checks...)
	g.StrictStatusChecks = g.StrictStatusChecks || n.Strict
	g.RequireSignatures = g.RequireSignatures || n.Signatures
	g.ForbidForcePushes = g.ForbidForcePushes || n.NoForce
	g.ForbidDeletion = g.ForbidDeletion || n.NoDeletion
	g.BypassActors = append(g.BypassActors, n.Bypass...)
	g.Locked = g.Locked || n.Locked
	g.RequireMergeQueue = g.RequireMergeQueue || n.Queue
	g.RuleTypes = append(g.RuleTypes, n.Types...)
}

// actorName names who may bypass a ruleset.
func actorName(kind string, id int64) string {
	switch kind {
	case "OrganizationAdmin":
		return "organization_admin"
	case "RepositoryRole":
		if name := map[int64]string{2: "maintain", 4: "write", 5: "admin"}[id]; name != "" {
			return "role:" + name
		}
		return "role:" + strconv.FormatInt(id, 10)
	case "DeployKey":
		return "deploy_key"
	case "Integration":
		return "app:" + strconv.FormatInt(id, 10)
	}
	return line(strings.ToLower(kind), 40) + ":" + strconv.FormatInt(id, 10)
}

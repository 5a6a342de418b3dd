package github

import (
	"context"
	"encoding/json"
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

// branchRule is a rule that applies to a branch. The client library's own type
// fails on rules it does not know.
type branchRule struct {
	Type       string          `json:"type"`
	SourceType string          `json:"ruleset_source_type"`
	Source     string          `json:"ruleset_source"`
	RulesetID  int64           `json:"ruleset_id"`
	Parameters json.RawMessage `json:"parameters"`
}

// pullRequestRule are the parameters of a rule of type pull_request.
type pullRequestRule struct {
	Approvals int  `json:"required_approving_review_count"`
	Stale     bool `json:"dismiss_stale_reviews_on_push"`
	Owners    bool `json:"require_code_owner_review"`
	LastPush  bool `json:"require_last_push_approval"`
}

// statusRule are the parameters of a rule of type required_status_checks.
type statusRule struct {
	Strict bool `json:"strict_required_status_checks_policy"`
	Checks []struct {
		Context string `json:"context"`
	} `json:"required_status_checks"`
}

// rulesNote is kept with the validator of a page of rules.
type rulesNote struct {
	Count    int         `json:"count"` // rules on the page, known or not
	Demands  classicNote `json:"demands"`
	Rulesets []rulesetID `json:"rulesets"`
}

type rulesetID struct {
	ID     int64  `json:"id"`
	Source string `json:"source"` // where it is kept: type and name
}

// rules reads the rules that apply to a branch into g. They are the effective
// ones: those of rulesets that are only evaluated are not among them.
func (r *run) rules(ctx context.Context, g *guard, repo repository, branch string) error {
	var notes []rulesNote
	c := call{path: repo.path() + "/rules/branches/" + url.PathEscape(branch), usable: noteFits(func(rulesNote) bool { return true })}
	err := pages(ctx, r.api, c, func(p page[[]*branchRule]) (bool, error) {
		var note rulesNote
		if p.notModified {
			err := json.Unmarshal(p.memo, &note)
			notes = append(notes, note)
			return true, err
		}
		note, err := noteOfRules(c.path, p.body)
		if err != nil {
			return false, err
		}
		notes = append(notes, note)
		return true, r.keep(p.answer, note)
	})
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusForbidden {
		g.Unread = append(g.Unread, "ruleset")
		gap := gapOf(part{kinds: []string{KindBranchProtection}, scope: g.id, permission: permMetadata}, err)
		if status == http.StatusNotFound { // the branch can be read, and so could its rules if the server had them
			gap.Reason, gap.Permission, gap.Detail = connector.Unsupported, "", err.Error()
		}
		gap.Detail = "the rules that apply to the branch cannot be read, so it is not known whether rulesets protect it: " + gap.Detail
		return r.gap(gap)
	}
	if err != nil {
		return err
	}
	g.rules = absent
	for _, n := range notes {
		if n.Count == 0 {
			continue
		}
		g.rules = present
		g.require(n.Demands)
		for _, id := range n.Rulesets {
			if err := r.addRuleset(ctx, g, repo, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func noteOfRules(path string, rules []*branchRule) (rulesNote, error) {
	var n rulesNote
	for _, rule := range rules {
		if rule == nil {
			continue
		}
		n.Count++
		if id := (rulesetID{rule.RulesetID, rule.SourceType + " " + rule.Source}); fitID(id.ID) && !slices.Contains(n.Rulesets, id) {
			n.Rulesets = append(n.Rulesets, id)
		}
		if err := n.Demands.add(rule); err != nil {
			return n, &malformedError{Path: path, Why: "the parameters of rule " + line(rule.Type, 60) + ": " + decodeProblem(err)}
		}
	}
	return n, nil
}

// add takes over what a rule demands. Rules that demand nothing we report are
// counted only.
func (n *classicNote) add(rule *branchRule) error {
	n.Types = append(n.Types, line(rule.Type, 60))
	switch rule.Type {
	case "pull_request":
		var p pullRequestRule
		if err := decodeParameters(rule.Parameters, &p); err != nil {
			return err
		}
		n.PullRequest = true
		n.Reviews = max(n.Reviews, p.Approvals)
		n.Stale, n.Owners, n.LastPush = n.Stale || p.Stale, n.Owners || p.Owners, n.LastPush || p.LastPush
	case "required_status_checks":
		var p statusRule
		if err := decodeParameters(rule.Parameters, &p); err != nil {
			return err
		}
		n.Strict = n.Strict || p.Strict
		for _, c := range p.Checks {
			n.Checks = append(n.Checks, line(c.Context, 200))
		}
	case "required_signatures":
		n.Signatures = true
	case "non_fast_forward":
		n.NoForce = true
	case "deletion":
		n.NoDeletion = true
	case "update":
		n.Locked = true
	case "merge_queue":
		n.Queue = true
	}
	return nil
}

func decodeParameters(raw json.RawMessage, out any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// ruleset is who may bypass a set of rules. It is kept as a note.
type ruleset struct {
	Known   bool      `json:"known"` // GitHub shows the actors to those who may edit it
	Actors  []string  `json:"actors"`
	Updated time.Time `json:"updated,omitzero"`
}

// listedRuleset is a ruleset without its rules, which the library cannot decode.
type listedRuleset struct {
	BypassActors *[]*gh.BypassActor `json:"bypass_actors"`
	UpdatedAt    gh.Timestamp       `json:"updated_at"`
}

func (r *run) addRuleset(ctx context.Context, g *guard, repo repository, id rulesetID) error {
	set, err := r.ruleset(ctx, repo, id)
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusForbidden {
		set, err = ruleset{}, nil
	}
	if err != nil {
		return err
	}
	g.RulesetIDs = append(g.RulesetIDs, strconv.FormatInt(id.ID, 10))
	g.updatedAt = later(g.updatedAt, set.Updated)
	if !set.Known {
		g.BypassActorsKnown = false
		return nil
	}
	g.BypassActors = append(g.BypassActors, set.Actors...)
	g.enforced = append(g.enforced, !slices.ContainsFunc(set.Actors, func(a string) bool {
		return strings.HasPrefix(a, "organization_admin") || strings.HasPrefix(a, "role:") // administrators have every role
	}))
	return nil
}

// ruleset reads a ruleset once in a run: an organisation's applies to many
// repositories.
func (r *run) ruleset(ctx context.Context, repo repository, id rulesetID) (ruleset, error) {
	known := fmt.Sprintf("%s %d", id.Source, id.ID)
	c := call{path: fmt.Sprintf("%s/rulesets/%d", repo.path(), id.ID), usable: noteFits(func(ruleset) bool { return true })}
	shared := strings.HasPrefix(id.Source, "Organization ") || strings.HasPrefix(id.Source, "Enterprise ")
	if shared {
		c.as = "ruleset " + known // whichever repository is the first to ask
		r.rulesetTurn.Lock()
		defer r.rulesetTurn.Unlock()
		if set, ok := r.rulesets[known]; ok {
			return set, nil
		}
	}
	var listed listedRuleset
	ans, err := r.api.get(ctx, c, &listed)
	if status := statusOf(err); shared && (status == http.StatusNotFound || status == http.StatusForbidden) {
		r.rulesets[known] = ruleset{} // what is kept from the token here is so everywhere
	}
	if err != nil {
		return ruleset{}, err
	}
	var set ruleset
	if ans.notModified {
		if err := json.Unmarshal(ans.memo, &set); err != nil {
			return ruleset{}, err
		}
	} else {
		set = ruleset{Known: listed.BypassActors != nil, Updated: listed.UpdatedAt.UTC()}
		if set.Known {
			for _, a := range *listed.BypassActors {
				set.Actors = append(set.Actors, bypassName(a))
			}
		}
		if err := r.keep(ans, set); err != nil {
			return ruleset{}, err
		}
	}
	if shared {
		r.rulesets[known] = set
	}
	return set, nil
}

func bypassName(a *gh.BypassActor) string {
	if a == nil {
		return "unknown"
	}
	name := actorName(a.GetActorType(), a.GetActorID())
	switch mode := a.GetBypassMode(); mode {
	case "pull_request":
		return name + " (pull requests only)"
	case "exempt":
		return name + " (exempt)"
	}
	return name
}

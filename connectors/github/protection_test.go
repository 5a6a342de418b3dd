package github_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const mainBranch = "/repos/acme/app/branches/main"

func pullRule(id, approvals int) obj {
	return obj{"type": "pull_request", "ruleset_source_type": "Repository", "ruleset_source": "acme/app", "ruleset_id": id, "parameters": obj{
		"required_approving_review_count": approvals, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
		"require_last_push_approval": true, "required_review_thread_resolution": true, "automatic_copilot_code_review_enabled": true}}
}

func otherRules(id int) []any {
	rule := func(typ string, params obj) obj {
		r := obj{"type": typ, "ruleset_source_type": "Organization", "ruleset_source": "acme", "ruleset_id": id}
		if params != nil {
			r["parameters"] = params
		}
		return r
	}
	return []any{
		rule("required_status_checks", obj{"strict_required_status_checks_policy": true, "required_status_checks": []any{obj{"context": "eval", "integration_id": 1}}}),
		rule("deletion", nil), rule("non_fast_forward", nil), rule("required_signatures", nil),
		rule("a_rule_of_next_year", obj{"x": []any{1}}), // the client library fails on these
	}
}

var rulesetOpen = obj{"id": 9, "name": "gate", "enforcement": "active", "updated_at": day(4), "rules": otherRules(9), "bypass_actors": []any{
	obj{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}, obj{"actor_id": 77, "actor_type": "Team", "bypass_mode": "pull_request"},
	obj{"actor_id": nil, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}}}

// The two systems of protection and what a token may see of them.
func TestBranchProtection(t *testing.T) {
	const rules, classic = "/repos/acme/app/rules/branches/main", mainBranch + "/protection"
	none := status(404, "Branch not protected")
	bare, denied := status(404, "Not Found"), status(403, "Resource not accessible by personal access token")
	for _, tc := range []struct {
		name      string
		protected any // of the branch; nil: GitHub does not say
		classic   http.HandlerFunc
		rules     any // list, or a handler
		want      obj // selected fields; nil: no record
		gaps      []connector.Reason
	}{
		{"classic only", true, nil, []any{}, obj{"source": "classic", "required_approving_review_count": 2.0, "enforce_admins": true}, nil},
		{"ruleset only", true, none, []any{pullRule(9, 1)}, obj{"source": "ruleset", "required_approving_review_count": 1.0, "require_last_push_approval": true,
			"enforce_admins": false, "ruleset_id": "9", "bypass_actors": []any{"organization_admin", "role:admin", "team:77 (pull requests only)"}}, nil},
		{"ruleset only, the branch says unprotected", false, bare, []any{pullRule(9, 1)}, obj{"source": "ruleset", "required_approving_review_count": 1.0}, nil},
		{"both: the stricter demand counts", true, nil, append(otherRules(9), pullRule(9, 3)), obj{"source": "classic+ruleset", "required_approving_review_count": 3.0,
			"dismiss_stale_reviews": true, "required_status_checks": []any{"eval", "test"}, "require_signatures": true, "forbid_deletion": true, "enforce_admins": false}, nil},
		{"none", false, none, []any{}, obj{"source": "none", "required_approving_review_count": 0.0, "enforcement": "none", "require_pull_request": false}, nil},
		{"none, by the branch's own word", false, bare, []any{}, obj{"source": "none"}, nil},
		{"none, by the branch's own word, without the right", false, denied, []any{}, obj{"source": "none"}, nil},

		{"bare 404 is not unprotected", true, bare, []any{}, nil, []connector.Reason{connector.Denied}},
		{"403 is not unprotected", true, denied, []any{}, nil, []connector.Reason{connector.Denied}},
		{"silence about the branch is not unprotected", nil, bare, []any{}, nil, []connector.Reason{connector.Denied}},
		{"not protected, rules denied", false, none, denied, nil, []connector.Reason{connector.Denied}},
		{"not protected, rules not offered", false, none, bare, nil, []connector.Reason{connector.Unsupported}},
		{"neither can be read", true, denied, denied, nil, []connector.Reason{connector.Denied, connector.Denied}},
		{"rules only, classic denied", true, denied, []any{pullRule(9, 1)}, obj{"source": "ruleset", "unread": []any{"classic"}}, []connector.Reason{connector.Denied}},
		{"classic only, rules not offered", true, nil, bare, obj{"source": "classic", "unread": []any{"ruleset"}}, []connector.Reason{connector.Unsupported}},
		{"rules that cannot be understood", true, none, []any{obj{"type": "pull_request", "ruleset_id": 9, "parameters": obj{"required_approving_review_count": "one"}}},
			nil, []connector.Reason{connector.Malformed}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.set(mainBranch, obj{"name": "main", "protected": tc.protected}, "/repos/acme/app/rulesets/9", rulesetOpen)
			if tc.classic != nil {
				f.on(classic, tc.classic)
			}
			if rh, ok := tc.rules.(http.HandlerFunc); ok {
				f.on(rules, rh)
			} else {
				f.set(rules, tc.rules)
			}
			for _, pass := range []string{"first", "again"} {
				cov := h.mustCollect(f, everything())
				got, seen := h.payloads(github.KindBranchProtection)["11/main"]
				if seen != (tc.want != nil) {
					t.Fatalf("%s: record %v, want %v", pass, got, tc.want)
				}
				for k, v := range tc.want {
					if d := cmp.Diff(v, got[k]); d != "" {
						t.Errorf("%s: %s (-want +got):\n%s", pass, k, d)
					}
				}
				var reasons []connector.Reason
				for _, g := range h.gaps {
					reasons = append(reasons, g.Reason)
				}
				if d := cmp.Diff(tc.gaps, reasons); d != "" {
					t.Errorf("%s: gaps (-want +got):\n%s", pass, d)
				}
				if complete := cov[github.KindBranchProtection].Status == connector.Complete; complete != (tc.gaps == nil) || complete != cov[github.KindBranchProtection].Enumerated {
					t.Errorf("%s: coverage %+v", pass, cov[github.KindBranchProtection])
				}
			}
		})
	}
}

// Who may bypass a ruleset is shown to its editors only.
func TestBypassActorsUnknown(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on(mainBranch+"/protection", status(404, "Branch not protected"))
	f.set("/repos/acme/app/rules/branches/main", []any{pullRule(9, 1)}, "/repos/acme/app/rulesets/9", obj{"id": 9, "updated_at": day(4)})
	h.mustCollect(f, everything())
	got := h.payloads(github.KindBranchProtection)["11/main"]
	if _, has := got["enforce_admins"]; has || got["bypass_actors_known"] != false {
		t.Errorf("%v: want no enforce_admins and bypass_actors_known false", got)
	}
	if e := h.records[github.KindBranchProtection+" 11/main"].EventTime; e.Format("2006-01-02") != day(4)[:10] {
		t.Errorf("event time %v, want the ruleset's update", e)
	}
}

// Protection that appears after a run is noticed though the 404 was skipped.
func TestProtectionAppears(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on(mainBranch+"/protection", status(404, "Branch not protected"))
	f.set(mainBranch, obj{"name": "main", "protected": false})
	h.mustCollect(f, everything())
	f.took()
	h.mustCollect(f, everything())
	if h.calls.Requests != h.calls.NotModified {
		t.Errorf("unchanged: %+v, want only 304", h.calls)
	}
	f.on(mainBranch+"/protection", nil)
	f.set(mainBranch, obj{"name": "main", "protected": true})
	h.mustCollect(f, everything())
	if got := h.payloads(github.KindBranchProtection)["11/main"]["source"]; got != "classic" {
		t.Errorf("source %v, want classic", got)
	}
}

func TestMoreBranches(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/repos/acme/app/branches/release/1", obj{"name": "release/1", "protected": false}, "/repos/acme/app/rules/branches/release/1", []any{},
		"/repos/acme/app/commits?sha=release%2F1", []any{commitJSON("m1", day(9))}, "/repos/acme/app/commits/"+sha("m1"), obj{"files": []any{}},
		"/repos/acme/app/commits/"+sha("m1")+"/pulls", []any{pullJSON(1, day(10), "merged_at", day(9))})
	h.mustCollect(f, everything("branches", []any{"release/1", "nowhere"}))
	if d := cmp.Diff([]string{"11/main", "11/release/1"}, h.keys(github.KindBranchProtection)); d != "" {
		t.Error(d)
	}
	if len(h.gaps) != 0 {
		t.Errorf("gaps %+v", h.gaps)
	}
	// What came to main by a pull request came to the other branch without one.
	if _, ok := h.payloads(github.KindPush)["11/release/1/"+sha("m1")]; !ok {
		t.Errorf("pushes %q", h.keys(github.KindPush))
	}
}

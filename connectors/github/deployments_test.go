package github_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const deploys = "/repos/acme/app/deployments"

func readDeployments(h *host, f *fakeGitHub) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(), onlyKinds(github.KindDeployment))
}

// A deployment that waits is followed until it is done, even if the listing
// does not show that it changed.
func TestDeploymentIsFollowed(t *testing.T) {
	f, h := newInventory(t)
	at := recent(1)
	f.set(deploys, []any{deploymentJSON(900, at)}, deploys+"/900", deploymentJSON(900, at), deploys+"/900/statuses", []any{statusJSON(1, "waiting", at)},
		"/repos/acme/app/actions/runs/71/approvals", []any{},
		"/repos/acme/app/actions/runs/71/pending_deployments", []any{
			obj{"environment": obj{"name": "production"}, "reviewers": []any{obj{"type": "User", "reviewer": user("lee")}, obj{"type": "Team", "reviewer": obj{"slug": "ml"}}}},
			obj{"environment": obj{"name": "other"}, "reviewers": []any{}}})
	readDeployments(h, f)
	got := h.payloads(github.KindDeployment)["900"]
	if d := cmp.Diff([]any{"team:ml", "user:lee"}, got["pending_reviewers"]); d != "" || got["status"] != "waiting" || len(got["protection_reviews"].([]any)) != 0 {
		t.Errorf("%v\n%s", got, d)
	}
	f.set(deploys+"/900/statuses", []any{statusJSON(2, "success", recent(0)), statusJSON(1, "waiting", at)},
		"/repos/acme/app/actions/runs/71/approvals", []any{obj{"state": "approved", "user": user("lee"), "environments": []any{obj{"name": "production"}}}})
	readDeployments(h, f)
	got = h.payloads(github.KindDeployment)["900"]
	if got["status"] != "success" || len(got["protection_reviews"].([]any)) != 1 || got["pending_reviewers"] != nil || h.revisions != 1 {
		t.Errorf("%v", got)
	}
	if readDeployments(h, f); counted(h) != 0 || h.revisions != 0 {
		t.Errorf("done: %d counted calls, %d revisions", counted(h), h.revisions)
	}
	f.set(deploys, []any{deploymentJSON(900, at, "updated_at", recent(0))}, deploys+"/900/statuses", []any{statusJSON(3, "inactive", recent(0))})
	if readDeployments(h, f); h.payloads(github.KindDeployment)["900"]["status"] != "inactive" {
		t.Errorf("changed: %v", h.payloads(github.KindDeployment))
	}
}

// A run that is gone leaves it open who let its deployment through; one that
// no workflow made had no gate.
func TestDeploymentWithoutRun(t *testing.T) {
	f, h := newInventory(t)
	f.on("/repos/acme/app/actions/runs/71/approvals", status(404, "Not Found"))
	cov := readDeployments(h, f)
	for _, id := range []string{"800", "801"} {
		if _, said := h.payloads(github.KindDeployment)[id]["protection_reviews"]; said {
			t.Errorf("%s: reviews that nobody could ask for", id)
		}
	}
	if len(h.gaps) > 0 || cov[github.KindDeployment].Status != connector.Complete {
		t.Errorf("gaps %+v", h.gaps)
	}
}

// One that cannot be read does not lose the others, and is asked for again.
func TestDeploymentUnread(t *testing.T) {
	f, h := newInventory(t)
	f.on(deploys+"/801/statuses", status(500, "boom"))
	readDeployments(h, f)
	if got := h.keys(github.KindDeployment); len(got) != 1 || len(h.gaps) != 1 || h.gaps[0].Scope != "acme/app deployment 801" {
		t.Errorf("%v, gaps %+v", got, h.gaps)
	}
	f.on(deploys+"/801/statuses", nil)
	readDeployments(h, f)
	if got := h.keys(github.KindDeployment); len(got) != 2 || len(h.gaps) != 0 {
		t.Errorf("%v, gaps %+v", got, h.gaps)
	}
}

// Hostile links name no run.
func TestDeploymentRunLinks(t *testing.T) {
	f, _ := newInventory(t)
	for i, link := range []string{"https://evil.example/actions/runs/71", "javascript:/acme/app/actions/runs/71", "https://github.com/acme/app/actions/runs/71x",
		"https://github.com/acme/app/actions/runs/99999999999999999999", "https://github.com/acme/app/actions/runs/0", "https://github.com/mallory/app/actions/runs/71"} {
		f.set(deploys, []any{deploymentJSON(801, day(12))}, deploys+"/801/statuses", []any{obj{"id": 1, "state": "success", "created_at": day(12), "log_url": link}})
		h := newHost(t)
		readDeployments(h, f)
		if got := h.payloads(github.KindDeployment)["801"]; got == nil || got["run_id"] != nil || len(h.gaps) > 0 {
			t.Errorf("%d %s: %v, gaps %+v", i, link, got, h.gaps)
		}
	}
}

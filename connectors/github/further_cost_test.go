package github_test

import (
	"fmt"
	"testing"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// What the further kinds cost in an organisation of 200 repositories: once
// they were read, GitHub counts next to nothing.
func TestCostOfFurtherKinds(t *testing.T) {
	const n = 200
	f, h := newInventory(t)
	repos := make([]any, 0, n)
	for i := range n {
		name := fmt.Sprintf("r%04d", i)
		path := "/repos/acme/" + name
		repos = append(repos, repoJSON(1000+i, name))
		f.set(path+"/git/trees/main", obj{"sha": sha("tree"), "tree": []any{blobEntry("CODEOWNERS", ownersText)}},
			path+"/git/blobs/"+gitBlob(ownersText), blobJSON(ownersText), path+"/commits?path=CODEOWNERS&sha=main", []any{commitJSON("owners", day(4))},
			path+"/codeowners/errors", obj{"errors": []any{}}, path+"/releases", []any{releaseJSON(5000+i, "v1", day(3))},
			path+"/tags", []any{obj{"name": "v1", "commit": obj{"sha": appSHA}}}, path+"/deployments", []any{deploymentJSON(8000+i, day(12))},
			fmt.Sprintf("%s/deployments/%d/statuses", path, 8000+i), []any{statusJSON(1, "success", day(12))},
			path+"/actions/runs/71/approvals", []any{}, path+"/environments", wrapped{"environments", []any{obj{"id": i + 1, "name": "p", "created_at": day(1)}}},
			path+"/environments/p/secrets", wrapped{"secrets", []any{named("A")}}, path+"/environments/p/variables", wrapped{"variables", []any{}},
			path+"/actions/secrets", wrapped{"secrets", []any{named("B")}}, path+"/actions/variables", wrapped{"variables", []any{variable("C")}},
			path+"/dependabot/secrets", wrapped{"secrets", []any{}}, path+"/dependency-graph/sbom", obj{"sbom": spdxJSON(day(1), name)})
	}
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 0, "total_private_repos": n}, "/orgs/acme/repos", repos)
	read := func(what string) {
		t.Helper()
		cov := h.mustCollect(f, everything("requests_per_second", 1000000, "sbom_per_run", n), onlyKinds(furtherKinds()...))
		for kind, k := range cov {
			if k.Status != connector.Complete {
				t.Fatalf("%s: %s is %s; gaps %+v", what, kind, k.Status, h.gaps[:min(len(h.gaps), 3)])
			}
		}
		t.Logf("%-24s %6d requests, %5d counted, %5d answered 304, %5d new or changed records", what, h.calls.Requests, counted(h), h.calls.NotModified, h.revisions)
	}
	read("first run")
	read("unchanged")
	if counted(h) > 2 || h.revisions != 0 {
		t.Errorf("unchanged: %d counted calls, %d revisions", counted(h), h.revisions)
	}
	f.set("/repos/acme/r0007/actions/secrets", wrapped{"secrets", []any{named("B"), named("OPENAI_API_KEY")}})
	read("one more secret")
	if counted(h) > 3 || h.revisions != 1 || len(h.keys(github.KindSecretName)) != 3*n+3 {
		t.Errorf("one more secret: %d counted calls, %d revisions, %d names", counted(h), h.revisions, len(h.keys(github.KindSecretName)))
	}
}

package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const graph = "/repos/acme/app/dependency-graph/sbom"

func readSBOMs(h *host, f *fakeGitHub, more ...any) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(more...), onlyKinds(github.KindSBOM))
}

// age makes what a cursor says of a repository older.
func (h *host) age(repo int, change func(cur map[string]any)) {
	h.t.Helper()
	name := fmt.Sprintf("sbom/%d", repo)
	var cur map[string]any
	if err := json.Unmarshal([]byte(h.cursors[name]), &cur); err != nil {
		h.t.Fatal(err)
	}
	change(cur)
	b, err := json.Marshal(cur)
	if err != nil {
		h.t.Fatal(err)
	}
	h.cursors[name] = string(b)
}

// When a document was made, its random name and the order of its lists are no
// revision; a package is.
func TestSBOM(t *testing.T) {
	f, h := newInventory(t)
	cov := readSBOMs(h, f)
	got := h.payloads(github.KindSBOM)["11"]
	digest := got["document_sha256"]
	if s, ok := digest.(string); !ok || len(s) != 64 {
		t.Errorf("digest %v", digest)
	}
	delete(got, "document_sha256")
	want := plain(map[string]map[string]obj{"": {"": {"repo": "acme/app", "repo_id": 11, "format": "SPDX-2.3", "creators": []any{"Tool: GitHub.com-Dependency-Graph"},
		"packages_total": 2, "packages_truncated": false, "ecosystems": []any{"gem", "npm"}, "packages": []any{
			obj{"name": "rails", "version": "1.0.0", "purl": "pkg:gem/rails@1.0.0", "license": "MIT"},
			obj{"name": "openai", "version": "3.96.0", "purl": "pkg:npm/openai@3.96.0", "license": "MIT"}}}}})[""][""]
	if d := cmp.Diff(want, got); d != "" || cov[github.KindSBOM].Enumerated {
		t.Errorf("%+v (-want +got):\n%s", cov, d)
	}
	if readSBOMs(h, f); counted(h) != 0 || len(h.gaps) != 0 {
		t.Errorf("nothing was pushed: %d counted calls, gaps %+v", counted(h), h.gaps)
	}
	f.set(graph, obj{"sbom": spdxJSON("2026-05-05T00:00:00Z", "two", spdxPackage("openai", "3.96.0", "npm"), spdxPackage("rails", "1.0.0", "gem"))})
	f.set("/orgs/acme/repos", []any{repoJSON(11, "app", "pushed_at", day(25))})
	if readSBOMs(h, f); counted(h) != 2 || h.revisions != 0 || h.payloads(github.KindSBOM)["11"]["document_sha256"] != digest {
		t.Errorf("pushed to, but the packages are the same: %d counted calls, %d revisions", counted(h), h.revisions)
	}
	f.set(graph, obj{"sbom": spdxJSON("2026-05-05T00:00:00Z", "three", spdxPackage("openai", "4.0.0", "npm"))})
	h.age(11, func(cur map[string]any) { cur["read"] = "2026-01-01T00:00:00Z" })
	if readSBOMs(h, f); h.revisions != 1 || h.payloads(github.KindSBOM)["11"]["packages_total"] != 1.0 {
		t.Errorf("old and changed: %d revisions, %v", h.revisions, h.payloads(github.KindSBOM))
	}
}

// The budget goes round: what was never read comes first, then what was read
// longest ago; what is left over is a gap, and after some runs there is none.
func TestSBOMBudget(t *testing.T) {
	f, h := newInventory(t)
	var repos []any
	for i := range 7 {
		name := fmt.Sprintf("r%d", i)
		repos = append(repos, repoJSON(100+i, name))
		f.set("/repos/acme/"+name+"/dependency-graph/sbom", obj{"sbom": spdxJSON("2026-03-01T00:00:00Z", name)})
	}
	f.on("/repos/acme/r2/dependency-graph/sbom", status(404, "Not Found")) // gives none
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 0, "total_private_repos": 7}, "/orgs/acme/repos", repos)
	for i, want := range []struct {
		records int
		gaps    string
	}{
		{2, "rate_limited 4 of 7, denied acme/r2"}, {5, "rate_limited 1 of 7, denied 1 repositories"}, {6, "denied 1 repositories"}, {6, "denied 1 repositories"},
	} {
		cov := readSBOMs(h, f, "sbom_per_run", 3)
		var gaps []string
		for _, g := range h.gaps {
			switch g.Scope {
			case "acme/r2":
				gaps = append(gaps, string(g.Reason)+" acme/r2")
			default:
				gaps = append(gaps, string(g.Reason)+" "+strings.Join(strings.Fields(g.Detail)[:map[bool]int{true: 3, false: 2}[g.Reason == connector.RateLimited]], " "))
			}
		}
		if got := strings.Join(gaps, ", "); got != want.gaps || len(h.records) != want.records || cov[github.KindSBOM].Status == connector.Complete {
			t.Errorf("run %d: %d records, gaps %q, %+v", i+1, len(h.records), got, cov[github.KindSBOM])
		}
	}
	h.age(102, func(cur map[string]any) { cur["tried"] = "2026-01-01T00:00:00Z" })
	f.on("/repos/acme/r2/dependency-graph/sbom", nil)
	if cov := readSBOMs(h, f, "sbom_per_run", 3); len(h.records) != 7 || cov[github.KindSBOM].Status != connector.Complete {
		t.Errorf("%d records, gaps %+v", len(h.records), h.gaps)
	}
}

// The limit that GitHub sets for these requests does not hold up the others.
func TestSBOMLimitIsItsOwn(t *testing.T) {
	f, h := newInventory(t)
	f.on(graph, status(403, "API rate limit exceeded", "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "99999999999", "X-Ratelimit-Resource", "dependency_sbom"))
	cov := readFurther(h, f)
	if len(h.gaps) != 1 || h.gaps[0].Reason != connector.RateLimited || h.gaps[0].Kinds[0] != github.KindSBOM {
		t.Errorf("gaps %+v", h.gaps)
	}
	if cov[github.KindSecretName].Status != connector.Complete || h.cursors["sbom/11"] != "" {
		t.Errorf("%+v", cov)
	}
}

// reports serves documents as reports: asked for, made, fetched from a store
// of files on another host.
func reports(t *testing.T, f *fakeGitHub, notReady int) (asked *int) {
	t.Helper()
	const id = "15e41dd2-f961-4f4d-b8dc-f8f57ad70d57"
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the store of files was sent the token")
		}
		_ = json.NewEncoder(w).Encode(spdxJSON("2026-03-01T00:00:00Z", "report")) // bare, as a file
	}))
	t.Cleanup(files.Close)
	asked = new(int)
	f.on(graph+"/generate-report", func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(obj{"sbom_url": "https://elsewhere.example" + graph + "/fetch-report/" + id})
	})
	f.on(graph+"/fetch-report/"+id, func(w http.ResponseWriter, r *http.Request) {
		if notReady > 0 {
			notReady--
			w.WriteHeader(http.StatusAccepted)
			return
		}
		http.Redirect(w, r, files.URL+"/blob?sig=x", http.StatusFound)
	})
	return asked
}

func TestSBOMReport(t *testing.T) {
	for name, tc := range map[string]struct {
		settings []any
		direct   http.HandlerFunc
	}{
		"configured":                 {[]any{"sbom_reports", true}, status(500, "not to be asked")},
		"where the direct way fails": {nil, status(502, "took too long")},
	} {
		f, h := newInventory(t)
		f.on(graph, tc.direct)
		reports(t, f, 0)
		readSBOMs(h, f, tc.settings...)
		if got := h.payloads(github.KindSBOM)["11"]; got == nil || got["packages_total"] != 2.0 || len(h.gaps) > 0 {
			t.Errorf("%s: %v, gaps %+v", name, got, h.gaps)
		}
	}
}

// A report that is not ready in time is fetched by the next run, not asked for
// again.
func TestSBOMReportLater(t *testing.T) {
	f, h := newInventory(t)
	asked := reports(t, f, 2)
	readSBOMs(h, f, "sbom_reports", true)
	if len(h.records) != 0 || len(h.gaps) != 1 || h.gaps[0].Reason != connector.Unavailable {
		t.Errorf("gaps %+v", h.gaps)
	}
	readSBOMs(h, f, "sbom_reports", true, "max_wait_seconds", 10)
	if len(h.records) != 1 || len(h.gaps) != 0 || *asked != 1 {
		t.Errorf("%d records, asked %d times, gaps %+v", len(h.records), *asked, h.gaps)
	}
}

func TestSBOMReportHostile(t *testing.T) {
	for _, address := range []string{"", "../../x", "https://x/%2e%2e", "https://x/a?b", strings.Repeat("a", 200)} {
		f, h := newInventory(t)
		f.on(graph+"/generate-report", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(obj{"sbom_url": address})
		})
		readSBOMs(h, f, "sbom_reports", true)
		if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Malformed {
			t.Errorf("%q: gaps %+v", address, h.gaps)
		}
	}
}

// A document with more packages than a record holds says so, and its digest is
// of all.
func TestSBOMLarge(t *testing.T) {
	f, h := newInventory(t)
	var packages []any
	for i := range 9000 {
		packages = append(packages, spdxPackage(fmt.Sprintf("package-%05d", i), strings.Repeat("1", i%90+1), "npm"))
	}
	f.set(graph, obj{"sbom": spdxJSON("2026-03-01T00:00:00Z", "x", packages...)})
	readSBOMs(h, f)
	got := h.payloads(github.KindSBOM)["11"]
	if list := got["packages"].([]any); got["packages_total"] != 9000.0 || got["packages_truncated"] != true || len(list) < 3000 || len(list) > 6000 || len(h.gaps) > 0 {
		t.Errorf("%d of %v packages, gaps %+v", len(list), got["packages_total"], h.gaps)
	}
}

package github_test

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const ownersTree = "/repos/acme/app/git/trees/"

func blobEntry(path, text string) obj {
	return obj{"path": path, "type": "blob", "mode": "100644", "sha": gitBlob(text)}
}

// setOwners puts files where GitHub looks for them, by folder.
func setOwners(f *fakeGitHub, files map[string]string) {
	root := []any{blobEntry("README.md", "x")}
	for _, folder := range []string{".github", "docs"} {
		id := sha("tree " + folder + files[folder])
		root = append(root, obj{"path": folder, "type": "tree", "mode": "040000", "sha": id})
		entries := []any{blobEntry("other", "x")}
		if text, ok := files[folder]; ok {
			entries = append(entries, blobEntry("CODEOWNERS", text))
		}
		f.set(ownersTree+id, obj{"sha": id, "tree": entries})
	}
	if text, ok := files["."]; ok {
		root = append(root, blobEntry("CODEOWNERS", text))
	}
	f.set(ownersTree+"main", obj{"sha": sha("root"), "tree": root})
	for folder, text := range files {
		path := strings.TrimPrefix(folder+"/CODEOWNERS", "./")
		f.set("/repos/acme/app/git/blobs/"+gitBlob(text), blobJSON(text),
			"/repos/acme/app/commits?path="+strings.ReplaceAll(path, "/", "%2F")+"&sha=main", []any{commitJSON("owners", day(4))})
	}
}

// The first file found counts, as at GitHub; when it goes away the next does,
// and when all are gone so is the record.
func TestCodeownersPlace(t *testing.T) {
	f, h := newInventory(t)
	files := map[string]string{".github": "* @a\n", ".": "* @b\n", "docs": "* @c\n"}
	for _, step := range []struct{ gone, want string }{
		{"", "11/.github/CODEOWNERS"}, {".github", "11/CODEOWNERS"}, {".", "11/docs/CODEOWNERS"}, {"docs", ""},
	} {
		delete(files, step.gone)
		setOwners(f, files)
		if len(files) == 0 {
			f.on("/repos/acme/app/codeowners/errors", status(404, "Not Found"))
		}
		for range 2 {
			cov := h.mustCollect(f, everything(), onlyKinds(github.KindCodeowners))
			if got := strings.Join(h.keys(github.KindCodeowners), " "); got != step.want || len(h.gaps) > 0 || !cov[github.KindCodeowners].Enumerated {
				t.Errorf("without %s: %q, gaps %+v, %+v", step.gone, got, h.gaps, cov)
			}
		}
		if counted(h) != 0 || h.revisions != 0 {
			t.Errorf("again: %d counted calls, %d revisions", counted(h), h.revisions)
		}
	}
}

// A commit elsewhere costs the tree and no more; owners that lose access show
// without a commit.
func TestCodeownersChanges(t *testing.T) {
	f, h := newInventory(t)
	read := func() {
		t.Helper()
		h.mustCollect(f, everything(), onlyKinds(github.KindCodeowners))
		if len(h.gaps) > 0 {
			t.Errorf("gaps %+v", h.gaps)
		}
	}
	read()
	f.set(ownersTree+"main", obj{"sha": sha("later"), "tree": []any{blobEntry("main.go", "x"), obj{"path": ".github", "type": "tree", "sha": githubDir}}})
	if read(); counted(h) != 1 || h.revisions != 0 || h.attested != 1 {
		t.Errorf("a commit elsewhere: %d counted calls, %d revisions, %d attested", counted(h), h.revisions, h.attested)
	}
	f.set("/repos/acme/app/codeowners/errors", obj{"errors": []any{}})
	if read(); h.revisions != 1 || len(h.payloads(github.KindCodeowners)["11/.github/CODEOWNERS"]["errors"].([]any)) != 0 {
		t.Errorf("an error that went: %d revisions, %v", h.revisions, h.payloads(github.KindCodeowners))
	}
	if read(); counted(h) != 0 || h.attested != 1 {
		t.Errorf("then: %d counted calls, %d attested", counted(h), h.attested)
	}
	setOwners(f, map[string]string{".github": "* @new\n"})
	if read(); h.revisions != 1 {
		t.Errorf("another file: %d revisions", h.revisions)
	}
}

// What GitHub does not say about errors is not "no errors".
func TestCodeownersWithoutErrors(t *testing.T) {
	f, h := newInventory(t)
	f.on("/repos/acme/app/codeowners/errors", status(404, "Not Found"))
	cov := h.mustCollect(f, everything(), onlyKinds(github.KindCodeowners))
	if _, said := h.payloads(github.KindCodeowners)["11/.github/CODEOWNERS"]["errors"]; said || len(h.gaps) != 1 || cov[github.KindCodeowners].Status != connector.Partial {
		t.Errorf("%v, gaps %+v", h.payloads(github.KindCodeowners), h.gaps)
	}
}

func TestCodeownersOddFiles(t *testing.T) {
	for name, entry := range map[string]obj{
		"link":        {"path": "CODEOWNERS", "type": "blob", "mode": "120000", "sha": sha("x")},
		"no id":       {"path": "CODEOWNERS", "type": "blob", "mode": "100644", "sha": "x"},
		"other bytes": {"path": "CODEOWNERS", "type": "blob", "mode": "100644", "sha": sha("not what the blob holds")},
	} {
		f, h := newInventory(t)
		f.set(ownersTree+"main", obj{"sha": sha("root"), "tree": []any{entry}}, "/repos/acme/app/git/blobs/"+sha("not what the blob holds"), blobJSON("* @x\n"))
		cov := h.mustCollect(f, everything(), onlyKinds(github.KindCodeowners))
		if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Malformed || cov[github.KindCodeowners].Enumerated || len(h.records) > 0 {
			t.Errorf("%s: gaps %+v, %v", name, h.gaps, h.keys(github.KindCodeowners))
		}
	}
	f, h := newInventory(t)
	f.set("/repos/acme/app/commits", []any{}, "/orgs/acme/repos", []any{repoJSON(11, "app")})
	f.on("/repos/acme/app/git/trees/main", status(409, "Git Repository is empty."))
	if cov := h.mustCollect(f, everything(), onlyKinds(github.KindCodeowners)); len(h.gaps) > 0 || cov[github.KindCodeowners].Status != connector.Complete {
		t.Errorf("no commit yet: %+v, gaps %+v", cov, h.gaps)
	}
}

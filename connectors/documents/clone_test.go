package documents

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor" //nolint:misspell // the package's name
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// An address would have to be fetched: by a program, or over the network. The
// connector does neither.
func TestAddressesAreRefused(t *testing.T) {
	for _, s := range []string{
		"https://git.example.com/x.git", "ssh://git@example.com/x", "git@example.com:x.git", "file:///srv/x.git", "ext::sh -c touch% /tmp/pwned",
		"git://example.com/x", "http://127.0.0.1/x", "fd::3", "example@host:x",
	} {
		_, err := parseConfig(fmt.Appendf(nil, `{"repository":%q,"documents":[{"glob":"*.md"}]}`, s))
		if err == nil || !strings.Contains(err.Error(), "opens no connection") {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{"/srv/x.git", "./x", "../a b", "C:/git/x", "x:y"} {
		if _, err := parseConfig(fmt.Appendf(nil, `{"repository":%q,"documents":[{"glob":"*.md"}]}`, s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// Nothing that starts a program, and nothing that reaches another machine, is
// even linked into the package.
func TestNothingIsRun(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		switch dep = strings.TrimSpace(dep); {
		case dep == "os/exec", strings.Contains(dep, "go-git/v5/plumbing/transport"), strings.Contains(dep, "crypto/ssh"):
			t.Errorf("%s is among what the connector is built of", dep)
		}
	}
}

func TestWhereGitKeepsThings(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "a\n"})
	open := func(dir string) connector.CheckReport {
		s := documentSettings(r)
		s["repository"] = dir
		return check(t, s)
	}
	if rep := open(filepath.Join(r.dir, ".git")); rep.Problem != "" {
		t.Errorf("what a bare repository looks like: %+v", rep)
	}
	// As git worktree add lays it out.
	tree, kept := t.TempDir(), filepath.Join(r.dir, ".git", "worktrees", "second")
	for name, text := range map[string]string{
		filepath.Join(tree, ".git"): "gitdir: " + kept + "\n", filepath.Join(kept, "HEAD"): "ref: refs/heads/main\n", filepath.Join(kept, "commondir"): "../..\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if rep := open(tree); rep.Problem != "" || len(rep.Scope) != 1 {
		t.Errorf("a further work tree: %+v", rep)
	}
	if rep := open(t.TempDir()); !strings.Contains(rep.Problem, "no git repository") || !strings.Contains(rep.Remedy, "folder") {
		t.Errorf("an empty folder: %+v", rep)
	}
	cfg := filepath.Join(r.dir, ".git", "config")
	for _, ext := range []string{"objectformat = sha256", "refstorage = reftable"} {
		if err := os.WriteFile(cfg, []byte("[core]\n\trepositoryformatversion = 1\n[extensions]\n\t"+ext+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if rep := open(r.dir); !strings.Contains(rep.Problem, "not supported") {
			t.Errorf("%s: %+v", ext, rep)
		}
	}
}

func TestLargeFiles(t *testing.T) {
	r := newTestRepo(t)
	content := "# Policy\n\n## Purpose\n"
	ptr := fmt.Sprintf("%soid sha256:%s\nsize %d\n", pointerVersion, sum(content), len(content))
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": ptr})
	s := documentSettings(r)
	rec, _ := run(t, s, nil)
	if len(rec.Records()) != 0 || len(rec.Gaps()) == 0 || rec.Gaps()[0].Reason != connector.Unavailable || !strings.Contains(rec.Gaps()[0].Detail, "git lfs fetch") {
		t.Fatalf("a pointer is not the policy: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	kept := filepath.Join(r.dir, ".git", "lfs", "objects", sum(content)[:2], sum(content)[2:4], sum(content))
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	rec, _ = run(t, s, rec)
	if len(rec.Records()) != 1 || connectortest.Payload(t, rec.Records()[0])["sha256"] != sum(content) || len(rec.Gaps()) != 0 {
		t.Errorf("fetched since: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	if err := os.WriteFile(kept, []byte(strings.Replace(content, "P", "p", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if rec, _ = run(t, s, nil); len(rec.Records()) != 0 || !strings.Contains(rec.Gaps()[0].Detail, "not what the pointer names") {
		t.Errorf("tampered with: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	f := newTestFolder(t)
	f.write("policies/a.md", ptr)
	if rec, _ = run(t, f.settings(), nil); len(rec.Records()) != 0 || len(rec.Gaps()) != 1 {
		t.Errorf("in a folder: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
}

// What hides files below it is reported, though no glob names it itself.
func TestHiddenFolders(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/ok.md": "ok\n", "readme.md": "x"})
	tree := r.store(treeOf(
		r.blob("ok.md", filemode.Regular, "ok\n"), r.blob("module", filemode.Submodule, ""),
		r.blob("elsewhere", filemode.Symlink, "../other"), r.blob("alias.txt", filemode.Symlink, "ok.md"),
	))
	e := r.blob("policies", filemode.Dir, "")
	e.Hash = tree
	r.commitTree(at(1, 2, 9), e)
	rec, _ := run(t, documentSettings(r), nil)
	var got []string
	for _, g := range rec.Gaps() {
		got = append(got, g.Scope)
	}
	if diff := cmp.Diff([]string{"policies/elsewhere", "policies/module"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGlobThatTakesNothing(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(3, 2, 16), map[string]string{"policies/a.md": "a\n"})
	s := documentSettings(r)
	s["documents"] = append(s["documents"].([]any), map[string]any{"glob": "procedures/*.md"})
	s["records"] = []any{map[string]any{"glob": "incidents/*.yaml", "kinds": []string{"jira.incident"}}}
	rec, cov := run(t, s, nil)
	var got []string
	for _, g := range rec.Gaps() {
		got = append(got, string(g.Reason)+" "+g.Scope+" "+strings.Join(g.Kinds, " "))
	}
	if diff := cmp.Diff([]string{"not_found procedures/*.md document.revision", "not_found incidents/*.yaml jira.incident"}, got); diff != "" {
		t.Error(diff)
	}
	if c := cov["jira.incident"]; c.Status != connector.Partial || c.Enumerated {
		t.Errorf("no file is no clean answer: %+v", c)
	}
	again, cov := run(t, s, rec)
	if len(again.Gaps()) != 2 || again.Attested()[group] != 1 || cov["jira.incident"].Status != connector.Partial {
		t.Errorf("unchanged, and still nothing there: gaps %v", again.Gaps())
	}
	if rep := check(t, s); !strings.Contains(rep.Permissions[0].Detail, "no file matches procedures/*.md") {
		t.Errorf("%+v", rep)
	}
}

func TestSignedCommits(t *testing.T) {
	key, err := openpgp.NewEntity("Ines", "", "ines@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var public bytes.Buffer
	w, err := armor.Encode(&public, openpgp.PublicKeyType, nil) //nolint:misspell // the package's name
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil { //nolint:misspell // the method's name
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/plain.md": "plain\n"})
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(r.dir, "policies", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := r.tree.Add("policies/" + name); err != nil {
			t.Fatal(err)
		}
	}
	write("signed.md", "signed\n")
	when := key.PrimaryKey.CreationTime
	sig := &object.Signature{Name: "Ines", Email: "ines@example.com", When: when}
	if _, err := r.tree.Commit("signed", &git.CommitOptions{Author: sig, Committer: sig, SignKey: key}); err != nil {
		t.Fatal(err)
	}
	facts := func(keys ...string) map[string][2]any {
		s := documentSettings(r)
		s["signing_keys"] = keys
		rec, _ := run(t, s, nil)
		m := map[string][2]any{}
		for _, x := range rec.Records() {
			p := connectortest.Payload(t, x)
			m[p["source_path"].(string)] = [2]any{p["source_signature"], p["source_signed_by"]}
		}
		return m
	}
	want := map[string][2]any{"policies/plain.md": {nil, nil}, "policies/signed.md": {"openpgp", nil}}
	if diff := cmp.Diff(want, facts()); diff != "" {
		t.Errorf("without a key nothing is proven:\n%s", diff)
	}
	want["policies/signed.md"] = [2]any{"openpgp", fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)}
	if diff := cmp.Diff(want, facts(public.String())); diff != "" {
		t.Error(diff)
	}
	if _, err := parseKeys([]string{"no key"}); err == nil {
		t.Error("nonsense is taken for a key")
	}
}

// A form that nobody has filled in is a gap, never evidence; once it is filled
// in, the form before it is no revision.
func TestForms(t *testing.T) {
	form := "---\nid: <id of the policy>\nowner: <who>\n---\n# Policy\n\n## Purpose\n\nApproved by <name of the approver>.\n"
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": form, "policies/html.md": "Line<br>and <b>bold</b>, <ann@example.com>, `<code here>`, 3 <5 and >4\n\n```\n<not a form>\n```\n"})
	rec, _ := run(t, documentSettings(r), nil)
	if len(rec.Records()) != 1 || len(rec.Gaps()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "placeholder <id of the policy>") {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	filled := strings.NewReplacer("<id of the policy>", "p", "<who>", "ann", "<name of the approver>", "Bo").Replace(form)
	half := strings.NewReplacer("<id of the policy>", "p", "<who>", "ann").Replace(form)
	r.commit(at(1, 2, 9), map[string]string{"policies/a.md": half})
	if rec, _ = run(t, documentSettings(r), nil); len(rec.Records()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "placeholder <name of the approver>") {
		t.Errorf("half filled in: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	r.commit(at(1, 3, 9), map[string]string{"policies/a.md": filled})
	if rec, _ = run(t, documentSettings(r), nil); len(rec.Records()) != 2 || len(rec.Gaps()) != 0 {
		t.Errorf("filled in: records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	for text, want := range map[string]string{
		"approver: <who>": "approver", "risks:\n  - {source: <what>, level: high}": "risks[0].source", "topics: {security: <what>}": "topics.security",
		"topics: {<topic>: good}": "topics.<topic>", "approver: ' <who> '": "approver",
	} {
		docs, err := decodeYAML([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := notFilledIn(docs[0].(map[string]any)); err == nil || !strings.Contains(err.Error(), "field "+want+" still") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"a: <5%", "a: x <y> z", "a: <https://example.com/>", "a: <ann@example.com>", "a: <>", "a: 1 < 2 > 0"} {
		docs, err := decodeYAML([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := notFilledIn(docs[0].(map[string]any)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

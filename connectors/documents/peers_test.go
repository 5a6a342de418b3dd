//go:build peers

package documents

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// gitRun runs git as a person would, with a committer's date.
func gitRun(t *testing.T, dir, date string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Carl", "GIT_COMMITTER_EMAIL=carl@example.com")
	if date != "" {
		cmd.Env = append(cmd.Env, "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// history makes a repository with git: a policy that is changed on a branch,
// merged, and moved, and a register of training.
func history(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	commit := func(date, message string) {
		t.Helper()
		gitRun(t, dir, date, "add", "-A")
		gitRun(t, dir, date, "commit", "-q", "-m", message)
	}
	gitRun(t, dir, "", "init", "-q", "-b", "main")
	write("policies/ai.md", policyV1)
	write("registers/training.csv", "person,course,completed_at\nann,x,2026-01-02\n")
	commit("2026-01-10T09:00:00Z", "first")
	gitRun(t, dir, "", "checkout", "-q", "-b", "change")
	write("policies/ai.md", strings.Replace(policyV2, "2.0", "2.0-draft", 1))
	commit("2026-01-20T09:00:00Z", "draft")
	write("policies/ai.md", policyV2)
	commit("2026-01-21T09:00:00Z", "final")
	gitRun(t, dir, "", "checkout", "-q", "main")
	gitRun(t, dir, "2026-02-10T09:00:00Z", "merge", "-q", "--no-ff", "-m", "merge", "change")
	gitRun(t, dir, "", "mv", "policies/ai.md", "policies/ai-policy.md")
	commit("2026-03-10T09:00:00Z", "rename")
	return dir
}

func peerSettings(dir string) map[string]any {
	return map[string]any{
		"repository": dir,
		"documents":  []any{map[string]any{"glob": "policies/**/*.md", "required_sections": []string{"Purpose", "Scope"}}},
		"records":    []any{map[string]any{"glob": "registers/*.csv", "kinds": []string{"training.completion"}}},
	}
}

// Whatever way git keeps the same history, the same is read from it.
func TestAgainstGit(t *testing.T) {
	dir := history(t)
	want := []string{"document.revision 2026-01-10", "document.revision 2026-02-10", "training.completion 2026-01-02"}
	facts := func(dir string) ([]string, *connectortest.Recorder, connector.Coverage) {
		rec, cov := run(t, peerSettings(dir), nil)
		var got []string
		for _, x := range rec.Records() {
			got = append(got, x.Kind+" "+x.EventTime.Format("2006-01-02"))
		}
		slices.Sort(got)
		return got, rec, cov
	}
	clone := func(args ...string) string {
		to := filepath.Join(t.TempDir(), "clone")
		gitRun(t, ".", "", append(append([]string{"clone", "-q"}, args...), "file://"+dir, to)...)
		return to
	}
	tree := filepath.Join(t.TempDir(), "second")
	gitRun(t, dir, "", "worktree", "add", "-q", tree, "main", "--force")
	packed := clone("--mirror")
	gitRun(t, packed, "", "gc", "-q", "--aggressive")
	gitRun(t, packed, "", "pack-refs", "--all")
	alternates := filepath.Join(t.TempDir(), "shared")
	gitRun(t, ".", "", "clone", "-q", "--bare", dir, alternates)
	for name, at := range map[string]string{"work tree": dir, "further work tree": tree, "mirror": clone("--mirror"), "packed": packed, "bare": alternates} {
		t.Run(name, func(t *testing.T) {
			got, rec, cov := facts(at)
			if diff := cmp.Diff(want, got); diff != "" || len(rec.Gaps()) != 0 {
				t.Errorf("%s\ngaps %v", diff, rec.Gaps())
			}
			if cov[records.KindDocumentRevision].Status != connector.Complete {
				t.Errorf("coverage %+v", cov[records.KindDocumentRevision])
			}
		})
	}
	t.Run("shallow", func(t *testing.T) {
		_, rec, cov := facts(clone("--depth", "2"))
		if len(rec.Gaps()) == 0 || rec.Gaps()[0].Reason != connector.Truncated || cov[records.KindDocumentRevision].Status != connector.Partial {
			t.Errorf("gaps %v", rec.Gaps())
		}
	})
	t.Run("without contents", func(t *testing.T) {
		gitRun(t, dir, "", "config", "uploadpack.allowFilter", "true")
		_, rec, _ := facts(clone("--bare", "--filter=blob:none"))
		if len(rec.Records()) != 0 || len(rec.Gaps()) == 0 || rec.Gaps()[0].Reason != connector.Unavailable {
			t.Errorf("records %v, gaps %v", rec.Records(), rec.Gaps())
		}
	})
	t.Run("pushed by force", func(t *testing.T) {
		at := clone("--mirror")
		first, _ := run(t, peerSettings(at), nil)
		gitRun(t, dir, "2026-04-01T09:00:00Z", "commit", "-q", "--amend", "-m", "another history")
		gitRun(t, at, "", "fetch", "-q", "--prune")
		second, _ := run(t, peerSettings(at), first)
		if len(second.Gaps()) != 1 || second.Gaps()[0].Reason != connector.Hidden {
			t.Errorf("gaps %v", second.Gaps())
		}
	})
	t.Run("submodule", func(t *testing.T) {
		gitRun(t, dir, "2026-05-01T09:00:00Z", "submodule", "add", "-q", "file://"+packed, "policies/module")
		gitRun(t, dir, "2026-05-01T09:00:00Z", "commit", "-q", "-m", "submodule")
		_, rec, _ := facts(dir)
		if len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "policies/module" || rec.Gaps()[0].Reason != connector.Unsupported {
			t.Errorf("gaps %v", rec.Gaps())
		}
	})
	t.Run("objects named by SHA-256", func(t *testing.T) {
		other := t.TempDir()
		gitRun(t, other, "", "init", "-q", "--object-format=sha256", "-b", "main")
		if rep := check(t, peerSettings(other)); !strings.Contains(rep.Problem, "not supported") {
			t.Errorf("%+v", rep)
		}
	})
	_, rec, _ := facts(packed)
	connectortest.Peer(t, "git 2", rec.Kinds())
}

// What gpg signed is proven by its key; what ssh-keygen signed is named.
func TestAgainstGitSigned(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", home)
	sh := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	sh("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "Carl <carl@example.com>", "ed25519", "sign", "never")
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	public := sh("gpg", "--batch", "-a", "--export", "carl@example.com")
	key := filepath.Join(home, "id")
	sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	gitRun(t, dir, "", "init", "-q", "-b", "main")
	for name, args := range map[string][]string{
		"gpg.md": {"-c", "user.signingkey=carl@example.com"}, "ssh.md": {"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key + ".pub"},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		gitRun(t, dir, "", "add", name)
		gitRun(t, dir, "", append(args, "commit", "-q", "-S", "-m", name)...)
	}
	rec, _ := run(t, map[string]any{"repository": dir, "documents": []any{map[string]any{"glob": "*.md"}}, "signing_keys": []string{public}}, nil)
	got := map[any]any{}
	for _, x := range rec.Records() {
		m := connectortest.Payload(t, x)
		got[m["source_path"]] = m["source_signature"]
		if proven := m["source_signed_by"] != nil; proven != (m["source_path"] == "gpg.md") {
			t.Errorf("%v: signed by %v", m["source_path"], m["source_signed_by"])
		}
	}
	if diff := cmp.Diff(map[any]any{"gpg.md": "openpgp", "ssh.md": "ssh"}, got); diff != "" {
		t.Errorf("%s\ngaps %v", diff, rec.Gaps())
	}
}

// Files that other programs wrote; testdata/make.py says which and how.
func TestAgainstOfficePrograms(t *testing.T) {
	for server, file := range map[string]string{"reportlab 5.1.0": "policy.pdf", "python-docx 1.2.0": "policy.docx", "openpyxl 3.1.5": "training.xlsx"} {
		f := newTestFolder(t)
		f.write("in/"+file, string(fixture(t, file)))
		s := map[string]any{"folder": f.dir, "documents": []any{map[string]any{"glob": "in/*"}}}
		if filepath.Ext(file) != ".pdf" {
			s["records"] = []any{map[string]any{"glob": "in/*", "kinds": []string{"training.completion"}, "columns": map[string]string{"Employee": "person"}}}
		}
		rec, _ := run(t, s, nil)
		connectortest.Peer(t, server, rec.Kinds())
	}
}

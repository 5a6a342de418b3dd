package sandbox_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/register"
)

func TestWriteFilesLoads(t *testing.T) {
	_, org := start(t)
	dir := t.TempDir()
	if err := org.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	cfg, err := configfile.Load(filepath.Join(dir, "exhibit.yaml"), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range cfg.Sources {
		names = append(names, s.Name+":"+s.Connector)
	}
	if diff := cmp.Diff([]string{"github:github", "jira:jira", "jira-people:jira", "aws:aws", "governance:documents"}, names); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	reg, err := register.Load(filepath.Join(dir, "register.yaml"), register.Known{Now: org.Now})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Organization != reg.Organization.ID || len(reg.Systems) != 5 || len(reg.Vendors) != 4 || len(reg.Waivers) != 3 {
		t.Errorf("organization %q and %q, %d systems, %d vendors, %d waivers", cfg.Organization, reg.Organization.ID,
			len(reg.Systems), len(reg.Vendors), len(reg.Waivers))
	}
	if len(reg.Applicability.Controls) != 38 {
		t.Errorf("%d controls in the statement of applicability, want 38", len(reg.Applicability.Controls))
	}
}

func TestWriteFilesSecrets(t *testing.T) {
	_, org := start(t)
	dir := t.TempDir()
	if err := org.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	secrets := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if filepath.Base(filepath.Dir(p)) == "secrets" {
			secrets++
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o, want 600", p, info.Mode().Perm())
			}
			return nil
		}
		for _, secret := range []string{org.GitHubToken, org.JiraToken, org.AWSSecretAccessKey, org.AWSAccessKeyID} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds a secret", p)
			}
		}
		return nil
	})
	if err != nil || secrets != 4 {
		t.Errorf("%d secrets, %v; want 4", secrets, err)
	}
}

// headOf is the newest commit of a governance repository, with its history's
// length.
func headOf(t *testing.T, dir string) (*object.Commit, int) {
	t.Helper()
	r, err := git.PlainOpen(filepath.Join(dir, "governance"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := r.Head()
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.CommitObject(head.Hash())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	commits, err := r.Log(&git.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := commits.ForEach(func(k *object.Commit) error {
		n++
		if k.Committer.When.After(testNow()) {
			t.Errorf("commit %q lies in the future", k.Message)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return c, n
}

func TestGovernanceIsTheSameTwice(t *testing.T) {
	_, org := start(t)
	_, other := start(t)
	a, b := t.TempDir(), t.TempDir()
	for dir, o := range map[string]interface{ WriteFiles(string) error }{a: org, b: other} {
		if err := o.WriteFiles(dir); err != nil {
			t.Fatal(err)
		}
	}
	ca, na := headOf(t, a)
	cb, nb := headOf(t, b)
	if ca.Hash != cb.Hash || na != nb || na < 15 {
		t.Errorf("heads %s and %s, %d and %d commits; want the same, at least 15", ca.Hash, cb.Hash, na, nb)
	}
	for _, name := range []string{"register.yaml", "imports/uploads.jsonl", "imports/northlight-usage.jsonl"} {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs: %v, %v", name, errX, errY)
		}
	}
}

func TestWriteFilesAgainAndRefuses(t *testing.T) {
	_, org := start(t)
	dir := t.TempDir()
	for range 2 {
		if err := org.WriteFiles(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "exhibit.db"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := org.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "exhibit.db")); err != nil || string(text) != "kept" {
		t.Errorf("a file of somebody else: %q, %v", text, err)
	}
	mine := t.TempDir()
	if err := os.MkdirAll(filepath.Join(mine, "governance"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := org.WriteFiles(mine)
	if err == nil || !strings.Contains(err.Error(), "governance") {
		t.Errorf("a folder with somebody's governance/: %v, want it refused", err)
	}
	if _, err := os.Stat(filepath.Join(mine, "governance")); err != nil {
		t.Error(err)
	}
}

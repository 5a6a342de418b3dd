package attest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/attest"
)

// recipes are the commands of README.md, by heading.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, section := range strings.Split(string(mustRead(t, "README.md")), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		if _, code, ok := strings.Cut(text, "```sh\n"); ok {
			out[title], _, _ = strings.Cut(code, "```")
		}
	}
	return out
}

func recipe(t *testing.T, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	cmd.Env = append(os.Environ(), append(env, "TMPDIR="+t.TempDir())...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// What the page tells an auditor to do works, and finds what was changed.
func TestReadmeRecipes(t *testing.T) {
	all := recipes(t)
	if len(all) != 3 {
		t.Fatalf("recipes: %v", all)
	}
	authority, _ := newAuthority(t)
	b := newBook(t, newKey(t), 3)
	l := b.log()
	ts, _, err := client().Stamp(t.Context(), attest.Authority{URL: serve(t, authority)}, l.Note)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := newWitness(t, b)
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	checkpoint, token := file("checkpoint", l.Note), file("token", ts.Token)
	cosigned := file("cosigned", attest.Cosign(l.Note, w.Line(l.Content.Text())))
	pub := file("exhibit.pub", []byte(b.key.Public()+"\n"))
	other := file("other", b.at(2).Note)
	forged := file("forged", bytes.Replace(l.Note, []byte("\n3\n"), []byte("\n4\n"), 1))
	forgedCosigned := file("forged-cosigned", bytes.Replace(attest.Cosign(l.Note, w.Line(l.Content.Text())), []byte("\n3\n"), []byte("\n4\n"), 1))
	for _, tc := range []struct {
		title, want string // no want: it has to fail
		env         []string
	}{
		{"Check a time stamp", "Verification: OK", []string{"CHECKPOINT=" + checkpoint, "TOKEN=" + token, "ROOTS=" + authority.Roots}},
		{"Check a time stamp", "", []string{"CHECKPOINT=" + other, "TOKEN=" + token, "ROOTS=" + authority.Roots}},
		{"Check a cosignature", "Signature Verified Successfully", []string{"COSIGNED=" + cosigned, "KEY=" + w.Key()}},
		{"Check a cosignature", "", []string{"COSIGNED=" + forgedCosigned, "KEY=" + w.Key()}},
		{"Check that the checkpoint is the organisation's", "Signature Verified Successfully", []string{"CHECKPOINT=" + checkpoint, "PUB=" + pub}},
		{"Check that the checkpoint is the organisation's", "", []string{"CHECKPOINT=" + forged, "PUB=" + pub}},
	} {
		out, err := recipe(t, all[tc.title], tc.env...)
		if good := err == nil; good != (tc.want != "") || !strings.Contains(out, tc.want) {
			t.Errorf("%s with %v: %v\n%s", tc.title, tc.env, err, out)
		}
	}
}

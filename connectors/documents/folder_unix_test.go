//go:build unix

package documents

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestFolderOfHostileThings(t *testing.T) {
	f := newTestFolder(t)
	f.write("policies/ok.md", "ok\n")
	f.write("policies/~$ok.md", "what an office program leaves beside an open document")
	f.write("policies/big.md", strings.Repeat("x", 2000))
	f.write("policies/bell\a.md", "x")
	secret := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(f.dir, "policies", name) }
	for _, err := range []error{
		os.Symlink(secret, in("out.md")), os.Symlink("ok.md", in("inside.md")), os.Symlink(filepath.Dir(secret), in("folder")),
		os.Symlink("ok.md", in("unwanted.txt")), syscall.Mkfifo(in("pipe.md"), 0o600), os.Mkdir(in("folder.md"), 0o755), os.Mkdir(in(".git"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.write("policies/.git/hidden.md", "no document")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", in("socket.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := f.settings()
	s["max_file_bytes"] = 1000
	rec, cov := run(t, s, nil)
	got := map[string]connector.Reason{}
	for _, g := range rec.Gaps() {
		got[g.Scope] = g.Reason
		if strings.Contains(g.Detail, secret) {
			t.Errorf("detail %q", g.Detail)
		}
	}
	want := map[string]connector.Reason{
		"policies/big.md": connector.Truncated, "policies/bell\uFFFD.md": connector.Unsupported,
		"policies/out.md": connector.Unsupported, "policies/inside.md": connector.Unsupported, "policies/folder": connector.Unsupported,
		"policies/pipe.md": connector.Unsupported, "policies/socket.md": connector.Unsupported,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(rec.Records()) != 1 || cov[records.KindDocumentRevision].Status != connector.Partial {
		t.Errorf("records %v, coverage %+v", rec.Records(), cov[records.KindDocumentRevision])
	}
}

//go:build unix

package netlogs

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// Files that are none: named, and the others are read.
func TestHostileFiles(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Hour)
	f.add("a.log", squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443"))
	f.check(syscall.Mkfifo(f.path("fifo.log"), 0o600))
	f.check(os.Symlink("/nowhere", f.path("broken.log")))
	f.check(os.Symlink(f.path("loop.log"), f.path("loop.log")))
	f.check(os.Symlink(f.path("a.log"), f.path("link.log")))
	f.check(os.WriteFile(f.path("bad.log.gz"), []byte{0x1f, 0x8b, 1, 2}, 0o600))
	f.check(os.WriteFile(f.path("empty.log"), nil, 0o600))
	f.check(os.WriteFile(f.path("prose.log"), []byte("Dear all,\nwe use api.openai.com.\n"), 0o600))
	rec, cov := collect(t, f.config(map[string]any{"logs": []any{f.log("proxy", "*.log*"), f.log("none", "absent/*.log")}}), nil)
	var scopes []string
	for _, g := range rec.Gaps() {
		scopes = append(scopes, strings.TrimPrefix(g.Scope, "log proxy, "+f.dir+"/"))
	}
	for _, want := range []string{"fifo.log", "broken.log", "loop.log", "bad.log.gz", "prose.log", "log none, " + f.path("absent/*.log")} {
		if !strings.Contains(strings.Join(scopes, "\n"), want) {
			t.Errorf("%s is not named: %v", want, scopes)
		}
	}
	if len(rec.Records()) != 1 || number64(connectortest.Payload(t, rec.Records()[0])["requests"]) != 1 || cov.Status != connector.Partial {
		t.Errorf("%v %+v", rec.Records(), cov)
	}
}

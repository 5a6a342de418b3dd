//go:build peers

package real

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/store/sqlite"

	"github.com/exhibit-aims/exhibit/internal/peertest"
)

// office is a directory with a user's configuration, and the installed
// binaries to run there.
type office struct {
	t   *testing.T
	dir string
	bin string
}

// secrets are what the configuration reads from files; no command may print
// the values.
var secrets = map[string]string{
	"github-token": "token-exhibit", "jira-token": "jira-secret", "aws-access-key-id": "AKIAREADER", "aws-secret-access-key": "zq7-no-file-has-this-name",
}

// openOffice writes a configuration, with the addresses of the peers and the
// secrets filled in.
func openOffice(t *testing.T, config string, addresses any, now time.Time) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), bin: filepath.Join(binaries(t), "exhibit")}
	files, err := filepath.Glob(filepath.Join(config, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configuration in %s: %v", config, err)
	}
	for _, f := range files {
		write(t, filepath.Join(o.dir, filepath.Base(f)), fill(t, f, addresses, templates(now)), 0o644)
	}
	for name, secret := range secrets {
		write(t, filepath.Join(o.dir, "secrets", name), []byte(secret+"\n"), 0o600)
	}
	return o
}

// run runs exhibit as a user would and expects an exit code. It returns all
// that was printed.
func (o *office) run(want int, args ...string) string {
	o.t.Helper()
	out, errs := o.exec(want, args...)
	return out + errs
}

func (o *office) exec(want int, args ...string) (stdout, stderr string) {
	o.t.Helper()
	line := "exhibit " + strings.Join(args, " ")
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(o.t.Context(), o.bin, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.dir, &out, &errs
	cmd.Env = []string{"HOME=" + o.dir, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"}
	cmd.SysProcAttr, cmd.WaitDelay = peertest.DieWithParent(), 10*time.Second
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatalf("%s: %v", line, err)
	}
	got := cmd.ProcessState.ExitCode()
	o.t.Logf("%5.2fs exit %2d  %s", time.Since(began).Seconds(), got, line)
	if got != want {
		o.t.Errorf("%s: exit code %d, want %d\n%s\n%s", line, got, want, out.String(), errs.String())
	}
	if got != 0 && out.Len()+errs.Len() == 0 {
		o.t.Errorf("%s: exit code %d without a word", line, got)
	}
	for _, secret := range secrets {
		if bytes.Contains(out.Bytes(), []byte(secret)) || bytes.Contains(errs.Bytes(), []byte(secret)) {
			o.t.Errorf("%s prints a secret", line)
		}
	}
	return out.String(), errs.String()
}

// decode runs exhibit -o json and decodes what it prints.
func decode[T any](o *office, want int, args ...string) T {
	o.t.Helper()
	var v T
	out, _ := o.exec(want, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		o.t.Fatalf("exhibit %s: %v\n%.800s", strings.Join(args, " "), err, out)
	}
	return v
}

// counts tells how many records the newest run of each source gave, by kind.
func (o *office) counts() map[string]map[string]int64 {
	o.t.Helper()
	st, err := sqlite.Open(filepath.Join(o.dir, "exhibit.db"), sqlite.Options{ReadOnly: true})
	if err != nil {
		o.t.Fatal(err)
	}
	defer st.Close()
	out := map[string]map[string]int64{}
	for r, err := range st.Runs(o.t.Context(), "") {
		if err != nil {
			o.t.Fatal(err)
		}
		if r.Provenance.Source == "exhibit" {
			continue // what the agent states of itself
		}
		out[r.Provenance.Source] = map[string]int64{}
		for kind, n := range r.Kinds {
			out[r.Provenance.Source][kind] = n.Seen
		}
	}
	return out
}

// flippedStore returns the bytes of a store with one bit changed, in the lines
// of its ledger: much of the file is indexes and free space.
func flippedStore(t *testing.T, path string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var data []byte
	if err := db.QueryRowContext(t.Context(), `SELECT data FROM line_blocks ORDER BY first LIMIT 1`).Scan(&data); err != nil {
		t.Fatal(err)
	}
	b := mustRead(t, path)
	at := bytes.Index(b, data[:32])
	if at < 0 {
		t.Fatal("the lines of the ledger are not where they should be")
	}
	b[at+24] ^= 1
	return b
}

// rows reads a sheet of a workbook as Excel shows it, without its header.
func rows(t *testing.T, path, sheet string) []string {
	t.Helper()
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	all, err := book.GetRows(sheet)
	if err != nil || len(all) == 0 {
		t.Fatalf("sheet %s: %d rows, %v", sheet, len(all), err)
	}
	var out []string
	for _, r := range all[1:] {
		out = append(out, strings.Join(r, " | "))
	}
	return out
}

// Package second holds a verifier of bundles that shares no code with this
// program: verify.py, written in Python from FORMAT.md with the standard library
// only. The test holds its verdicts against a corpus of good and tampered bundles.
package second

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

// holds runs the second verifier and reports its verdict and words.
func holds(t *testing.T, args ...string) (bool, string) {
	t.Helper()
	if _, err := os.ReadFile("verify.py"); err != nil { // so that a change of it makes an earlier run of this test worth nothing
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "python3", append([]string{"-I", "-B", "verify.py"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, string(out)
	case errors.As(err, &exit) && exit.ExitCode() == 12:
		return false, string(out)
	}
	t.Fatalf("verify.py %s: %v (python3 is needed)\n%s", strings.Join(args, " "), err, out)
	return false, ""
}

// TestAgreement: what can be found without assessing anew, both verifiers find.
func TestAgreement(t *testing.T) {
	dir := t.TempDir()
	var found, left atomic.Int64
	corpus := verifytest.Corpus(t, dir)
	t.Run("file", func(t *testing.T) {
		for _, w := range corpus {
			t.Run(w.File, func(t *testing.T) {
				t.Parallel()
				if ok := agrees(t, dir, w); !ok {
					found.Add(1)
				} else if !w.Good {
					left.Add(1)
				}
			})
		}
	})
	if found.Load() < 50 {
		t.Errorf("only %d kinds of tampering were found", found.Load())
	}
	t.Logf("%d found, %d need the rules engine", found.Load(), left.Load())
}

// agrees reports whether a file holds, which has to be as wanted.
func agrees(t *testing.T, dir string, w verifytest.Written) bool {
	t.Helper()
	args := []string{filepath.Join(dir, w.File), "--key", filepath.Join(dir, "exhibit.pub")}
	if w.Against != "" {
		args = append(args, "--against", filepath.Join(dir, w.Against))
	}
	ok, said := holds(t, args...)
	wantOK := w.Good || w.Needs == verifytest.Computing
	if ok != wantOK {
		t.Errorf("%s: holds %v, want %v\n%s", w.Kind, ok, wantOK, said)
	}
	if strings.ContainsFunc(strings.ReplaceAll(said, "\n", ""), unicode.IsControl) {
		t.Errorf("%s: it prints what a terminal would obey: %q", w.Kind, said)
	}
	if ok && !w.Good && !strings.Contains(said, "not assessed anew") {
		t.Errorf("%s: does not say what it did not check:\n%s", w.Kind, said)
	}
	return ok
}

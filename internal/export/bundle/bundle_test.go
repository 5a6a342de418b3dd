package bundle_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

func sample(t *testing.T) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, s *exporttest.Sample) ([]byte, bundle.Summary) {
	t.Helper()
	var buf bytes.Buffer
	sum, err := bundle.Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, bundle.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), sum
}

func TestDeterministic(t *testing.T) {
	first, sum := write(t, sample(t))
	for range 2 {
		if again, sum2 := write(t, sample(t)); !bytes.Equal(first, again) || sum != sum2 {
			t.Fatal("the same snapshot gave another bundle")
		}
	}
	want := bundle.Counts{Controls: 8, Results: 53, Evidence: 51, Used: 51, Payloads: 51, Entries: 59, Runs: 4}
	if d := cmp.Diff(want, sum.Counts); d != "" {
		t.Error(d)
	}
}

// The recipe in README.txt, which an auditor follows without this program, is
// run as it is written.
func TestReadmeRecipe(t *testing.T) {
	s := sample(t)
	seen := 0
	s.Ledger.Keep = func(evidence.Evidence) bool { seen++; return seen%4 != 2 } // so that the cover has nodes
	s.Snapshot.Assessment.Results = nil
	b, _ := write(t, s)
	dir := t.TempDir()
	extract(t, b, dir)
	readme, err := os.ReadFile(filepath.Join(dir, bundle.ReadmeFile))
	if err != nil {
		t.Fatal(err)
	}
	cover, err := os.ReadFile(filepath.Join(dir, bundle.CoverFile))
	if err != nil || !strings.Contains(string(cover), "\nnode ") {
		t.Fatalf("the cover has no nodes to test with: %v\n%s", err, cover)
	}
	steps := recipe(string(readme))
	id := evidenceID(t, dir)
	for _, tt := range []struct{ step, script, want string }{
		{"1", steps["1"], bundle.WorkbookFile + ": OK"},
		{"3", steps["3"], "Signature Verified Successfully"},
		{"3, checkpoint", strings.Replace(steps["3"], "name=manifest.note", "name=checkpoint.note", 1), "Signature Verified Successfully"},
		{"5", strings.Replace(steps["5"], "EVIDENCE-ID", id, 1), "2:" + id},
		{"6", steps["6"], checkpointBody(t, dir)},
	} {
		if tt.script == "" {
			t.Fatalf("README.txt has no step %s", tt.step)
		}
		cmd := exec.Command("bash", "-c", "set -e -o pipefail\n"+tt.script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("step %s: %v\n%s\nwant %q in it", tt.step, err, out, tt.want)
		}
	}
	if out, err := exec.Command("bash", "-c", "cd "+dir+" && sha256sum manifest.json | cut -c1-64 | xargs -I{} grep -c ^{} manifest.note").CombinedOutput(); err != nil ||
		strings.TrimSpace(string(out)) != "1" {
		t.Errorf("step 2: %v %s", err, out)
	}
}

// recipe takes the indented commands of each numbered step.
func recipe(readme string) map[string]string {
	steps := make(map[string]string)
	step := ""
	for line := range strings.Lines(readme) {
		if len(line) > 2 && line[1] == '.' {
			step = line[:1]
		} else if cmd, ok := strings.CutPrefix(line, "     "); ok && step != "" {
			steps[step] += cmd
		}
	}
	return steps
}

func extract(t *testing.T, b []byte, dir string) {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func evidenceID(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, bundle.EntriesFile))
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Sum(bytes.Split(b, []byte("\n"))[1]).String()
}

func checkpointBody(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, bundle.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Split(string(b), "\n")[1:3], "\n")
}

// An erased payload leaves its entry, its proof and a place in the manifest.
func TestErased(t *testing.T) {
	s := sample(t)
	s.EraseFirst(t.Fatal)
	b, sum := write(t, s)
	if sum.Counts.Payloads != 50 || sum.Counts.Entries != 60 {
		t.Errorf("%+v", sum.Counts)
	}
	m := manifest(t, b)
	if len(m.Erased) != 1 {
		t.Errorf("erased: %v", m.Erased)
	}
}

func manifest(t *testing.T, b []byte) bundle.Head {
	t.Helper()
	dir := t.TempDir()
	extract(t, b, dir)
	f, err := os.Open(filepath.Join(dir, bundle.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := bundle.ReadManifest(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.Files() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if c := r.Head.Counts; n != 11+c.Payloads+c.Runs+c.Rules+c.Attestations {
		t.Errorf("%d files listed for %d payloads", n, r.Head.Counts.Payloads)
	}
	return r.Head
}

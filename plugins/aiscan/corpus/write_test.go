package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// EXHIBIT_CORPUS_DIR names a folder that gets the repositories as files, for
// other scanners (see peers/run). Without it, a temporary one shows that all
// of them can be laid out.
func TestWrite(t *testing.T) {
	dir := os.Getenv("EXHIBIT_CORPUS_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	repos, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range repos {
		for _, f := range r.Files {
			if !filepath.IsLocal(f.Path) || strings.Contains(f.Path, `\`) {
				t.Fatalf("%s: %q does not stay in its folder", r.Name, f.Path)
			}
			p := filepath.Join(dir, r.Name, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

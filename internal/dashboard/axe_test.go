//go:build peers

package dashboard

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// axe-core, which is under the MPL-2.0 and no part of the product.
const (
	axeVersion = "4.14.1"
	axeSHA512  = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axeScript is axe-core, from the user's cache or through npm.
func axeScript(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "exhibit-tests")
	file := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	pack, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		npm := exec.CommandContext(t.Context(), "npm", "pack", "--silent", "axe-core@"+axeVersion)
		npm.Dir = dir
		if out, err := npm.CombinedOutput(); err != nil {
			t.Fatalf("axe-core is taken through npm, which did not give it: %v: %s", err, out)
		}
		pack, err = os.ReadFile(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(pack); base64.StdEncoding.EncodeToString(sum[:]) != axeSHA512 {
		t.Fatalf("%s is not axe-core %s", file, axeVersion)
	}
	z, err := gzip.NewReader(bytes.NewReader(pack))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s holds no axe.min.js: %v", file, err)
		}
		if h.Name == "package/axe.min.js" {
			text, err := io.ReadAll(io.LimitReader(r, 4<<20))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
}

// TestRealBrowser: every page, for whoever may see little and much, light and
// dark, wide and narrow, keeps the rules for who cannot see or use a mouse.
func TestRealBrowser(t *testing.T) {
	script := axeScript(t)
	everyLook(t, reader(t), func(b *tab, path, name string) {
		b.sound(name)
		b.axe(name, script)
	})
}

// axe holds a page against the rules for who cannot see or use a mouse.
func (b *tab) axe(path, script string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](script)))
	raw, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + ", " + v.nodes.length + " times, as in " + v.nodes[0].html.slice(0, 200) + " " + (v.nodes[0].failureSummary || "").slice(0, 300))))`, chromedp.EvalAwaitPromise))
	b.must(err)
	var list []string
	b.must(json.Unmarshal([]byte(raw), &list))
	for _, v := range list {
		b.t.Errorf("%s: %s", path, v)
	}
}

// everyLook opens every page as a viewer and as somebody with every role, light
// and dark, wide and narrow.
func everyLook(t *testing.T, o *org, each func(b *tab, path, name string)) {
	for name, who := range map[string]access.Principal{"viewer": someone("", access.Viewer),
		"all": someone("", access.Admin, access.Operator, access.Approver, access.Security, access.Auditor)} {
		b := browse(t, o, who)
		n, begun := 0, time.Now()
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1400, 390} {
				b.screen(width, scheme)
				for _, path := range o.getPages(who) {
					b.open(path)
					n++
					each(b, path, fmt.Sprintf("%s (%s, %s, %d)", path, name, scheme, width))
				}
			}
		}
		t.Logf("%s: %d pages in %s", name, n, time.Since(begun).Round(time.Second))
	}
}

// TestRealBrowserPoisoned: nothing that a store holds is executed, asked for or makes
// a page wider.
func TestRealBrowserPoisoned(t *testing.T) {
	o := poisonedOrg(t)
	who := someone("", access.Admin, access.Operator, access.Approver, access.Security, access.Auditor)
	b := browse(t, o, who)
	b.screen(390, "light")
	for _, path := range o.getPages(who) {
		if !strings.Contains(path, "?") {
			b.open(path)
			b.sound(path)
		}
	}
}

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

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

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
// dark, wide and narrow, keeps the rules for who cannot see or use a mouse. A page
// is loaded once and then looked at in each way, unless every element of it stands
// where one like it stood on a page that was looked at.
func TestRealBrowser(t *testing.T) {
	o, script := reader(t), axeScript(t)
	all := someone("", access.Admin, access.Operator, access.Approver, access.Security, access.Auditor)
	viewer := someone("", access.Viewer)
	n, seen := 0, map[string]bool{}
	for _, who := range []access.Principal{all, viewer} {
		name := string(who.Roles[0])
		b := browse(t, o, who)
		_, err := chromedp.Call(b.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		b.must(err)
		for _, path := range o.getPages(who) {
			if !o.get(who, path).showsMore(seen) {
				continue
			}
			begun := time.Now()
			b.open(path)
			for _, l := range looks {
				b.screen(l.width, l.scheme)
				title := fmt.Sprintf("%s (%s, %s, %d)", path, name, l.scheme, l.width)
				b.sound(title)
				b.axe(title, l.rules)
			}
			n++
			t.Logf("%s: %v", path, time.Since(begun).Round(time.Millisecond))
		}
	}
	t.Logf("%d pages, each looked at in %d ways", n, len(looks))
}

// looks are the ways to look at a page. Only what has to do with colours can be
// another matter in the dark.
var looks = []struct {
	width         int64
	scheme, rules string
}{
	{1400, "light", ""}, {390, "light", ""}, {390, "dark", colours}, {1400, "dark", colours},
}

const colours = `runOnly: ["color-contrast", "link-in-text-block"], `

// showsMore reports whether a page has an element that is not like any of those seen
// before: by its name, attributes, class and whether it holds text, under the same
// parent and after the same sibling. It adds them to those.
func (a *answer) showsMore(seen map[string]bool) bool {
	more := false
	var walk func(n *html.Node, parent string)
	walk = func(n *html.Node, parent string) {
		before := ""
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type != html.ElementNode {
				continue
			}
			like := likeness(c)
			if where := parent + " > " + before + " + " + like; !seen[where] {
				seen[where], more = true, true
			}
			walk(c, like)
			before = like
		}
	}
	walk(a.doc, "")
	return more
}

// likeness is what rules look at in an element, but for the words of it.
func likeness(n *html.Node) string {
	out := n.Data
	for _, at := range n.Attr {
		switch at.Key {
		case "class", "type", "role", "scope", "colspan", "aria-hidden", "tabindex":
			out += " " + at.Key + "=" + at.Val
		default:
			out += " " + at.Key
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode && strings.TrimSpace(c.Data) != "" {
			return out + " with text"
		}
	}
	return out
}

// axe holds a page against the rules for who cannot see or use a mouse: all that
// axe runs by itself, or those that are named.
func (b *tab) axe(path, rules string) {
	b.t.Helper()
	raw, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document, {`+rules+`resultTypes: ["violations"], selectors: false}).then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + ", " + v.nodes.length + " times, as in " + v.nodes[0].html.slice(0, 200) + " " + (v.nodes[0].failureSummary || "").slice(0, 300))))`, chromedp.EvalAwaitPromise))
	b.must(err)
	var list []string
	b.must(json.Unmarshal([]byte(raw), &list))
	for _, v := range list {
		b.t.Errorf("%s: %s", path, v)
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

package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// tab is a page of a real browser, with what went wrong in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu   sync.Mutex
	said []string
}

// chromium is the one browser of all tests: it is started by the first that needs
// it, and ended by TestMain.
var chromium struct {
	sync.Once
	ctx  context.Context
	err  error
	ends []func()
}

func startChromium() {
	path, err := exec.LookPath("chromium")
	if err != nil {
		chromium.err = errors.New("the pages are looked at with chromium, which is not here: install the package chromium (.ci/need-tools chromium does)")
		return
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(sharedDir, "chromium")))
	alloc, end := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, closeAll := chromedp.NewContext(alloc)
	chromium.ctx, chromium.ends = ctx, []func(){closeAll, end}
	chromium.err = chromedp.Do(ctx)
}

// browse opens a tab of Chromium before a server that shows an organisation to
// somebody.
func browse(t *testing.T, o *org, who access.Principal) *tab {
	t.Helper()
	s := httptest.NewServer(o.as(who))
	t.Cleanup(s.Close)
	return browseAt(t, s.URL)
}

// browseAt opens a tab of Chromium before a server.
func browseAt(t *testing.T, base string) *tab {
	t.Helper()
	if chromium.Do(startChromium); chromium.err != nil {
		t.Fatal(chromium.err)
	}
	ctx, closeTab := chromedp.NewContext(chromium.ctx)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, base: base}
	b.must(chromedp.Do(ctx))
	b.must(chromedp.Listen(ctx, b.heard))
	return b
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// heard notes what should not have happened.
func (b *tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			b.said = append(b.said, fmt.Sprintf("%s: %s", ev.Entry.Source, ev.Entry.Text))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, "exception: "+ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, fmt.Sprintf("console.%s", ev.Type))
	case *cdppage.EventJavascriptDialogOpening:
		b.said = append(b.said, "a dialog: "+ev.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, b.base+"/") && !strings.HasPrefix(ev.Request.URL, "data:") {
			b.said = append(b.said, "a request to "+ev.Request.URL)
		}
	}
}

// wrong takes what was heard.
func (b *tab) wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.said
	b.said = nil
	return out
}

// screen sets the size and the colours.
func (b *tab) screen(width int64, scheme string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 900)))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.must(err)
}

// open goes to a page.
func (b *tab) open(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(b.base+path)); err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
}

// found is what the browser says of a page.
type found struct {
	H1       int    `json:"h1"`
	Wide     int    `json:"wide"`
	Width    int    `json:"width"`
	Widest   string `json:"widest"`
	Executed string `json:"executed"`
	Colour   string `json:"colour"`
}

const look = `(() => {
  const wide = document.documentElement.scrollWidth, width = document.documentElement.clientWidth;
  let widest = "";
  if (wide > width) for (const e of document.body.querySelectorAll("*")) if (e.getBoundingClientRect().right > width + 1 && !e.closest(".scroll,.calendar,.timeline,nav.main,.skip,.vh")) { widest = e.outerHTML.slice(0, 160); break }
  return {h1: document.querySelectorAll("h1").length, wide, width, widest, executed: typeof window.__x, colour: getComputedStyle(document.body).backgroundColor};
})()`

// sound says what a browser finds wrong with the page that is open.
func (b *tab) sound(path string) found {
	b.t.Helper()
	f, err := chromedp.Run(b.ctx, chromedp.Evaluate[found](look))
	b.must(err)
	if f.H1 != 1 {
		b.t.Errorf("%s: %d h1", path, f.H1)
	}
	if f.Wide > f.Width {
		b.t.Errorf("%s: %d wide on a screen of %d: %s", path, f.Wide, f.Width, f.Widest)
	}
	if f.Executed != "undefined" {
		b.t.Errorf("%s: what a source sent was executed", path)
	}
	for _, w := range b.wrong() {
		b.t.Errorf("%s: %s", path, w)
	}
	return f
}

// getPages are the addresses of all pages that somebody may see.
func (o *org) getPages(who access.Principal) []string {
	var out []string
	all := addresses(o)
	for _, r := range o.dash.routes {
		if strings.HasPrefix(r.pattern, "GET ") && r.send == nil && who.May(r.needs) {
			out = append(out, all[r.pattern]...)
		}
	}
	return out
}

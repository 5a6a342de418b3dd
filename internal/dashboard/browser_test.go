package dashboard

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// TestBrowser: a real browser shows every page without a complaint, without a
// request to elsewhere, and on a phone without scrolling sideways. All roles,
// sizes and colours are gone through by TestRealBrowser.
func TestBrowser(t *testing.T) {
	o := reader(t)
	who := someone("", access.Admin, access.Operator, access.Approver, access.Security, access.Auditor)
	b := browse(t, o, who)
	colours := map[string]bool{}
	for i, path := range o.getPages(who) {
		width, scheme := int64(1400), "light"
		if i%2 == 0 {
			width, scheme = 390, "dark"
		}
		b.screen(width, scheme)
		b.open(path)
		colours[b.sound(path).Colour] = true
	}
	if len(colours) != 2 {
		t.Errorf("light and dark pages look the same: %v", colours)
	}
}

// focused is the element that has the focus.
type focused struct {
	Text    string `json:"text"`
	Class   string `json:"class"`
	Outline string `json:"outline"`
	Left    int    `json:"left"`
	Right   int    `json:"right"`
	Body    bool   `json:"body"`
}

const focusNow = `(() => { const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
  return {text: e.textContent.trim().slice(0, 60), class: e.className, outline: s.outlineStyle + " " + s.outlineWidth, left: Math.round(r.left), right: Math.round(r.right), body: e === document.body}; })()`

// TestBrowserKeyboard: the first stop leads to the content, and it is always to
// be seen where the focus is.
func TestBrowserKeyboard(t *testing.T) {
	o := reader(t)
	b := browse(t, o, someone("", access.Admin, access.Operator))
	b.screen(1400, "light")
	for _, path := range []string{"/", "/controls", "/exports", "/vendors"} {
		b.open(path)
		for i := range 40 {
			b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(kb.Tab)))
			f, err := chromedp.Run(b.ctx, chromedp.Evaluate[focused](focusNow))
			b.must(err)
			if i == 0 && (f.Class != "skip" || f.Left < 0) {
				t.Errorf("%s: the first stop is %+v", path, f)
			}
			if f.Body {
				break // all was gone through
			}
			if strings.HasPrefix(f.Outline, "none") || f.Right <= 0 {
				t.Errorf("%s: nobody sees the focus on %q: %+v", path, f.Text, f)
			}
		}
	}
	b.open("/")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)))
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.activeElement.id`))
	b.must(err)
	if at != "main" {
		t.Errorf("the first stop leads to %q", at)
	}
}

// TestBrowserAct: a form is filled in and sent by a browser, and what was written
// is on record under the person.
func TestBrowserAct(t *testing.T) {
	o := actor(t)
	f, person := o.openFinding(), o.aPerson()
	b := browse(t, o, someone(person, access.Operator))
	b.screen(390, "light")
	path := "/findings/" + f.ID + "/acknowledge"
	b.open(path)
	b.must(chromedp.Do(b.ctx, chromedp.SendKeys("#note", "seen <script>window.__x = 1</script>"), chromedp.Click("main button.main"), chromedp.WaitVisible(".note.good")))
	if got := b.sound(path); got.H1 != 1 {
		t.Error("no page came")
	}
	l, err := o.service.Life(t.Context(), f.ID)
	b.must(err)
	if last := l.History[len(l.History)-1]; last.By != person || !strings.Contains(last.Cause, "seen <script>") {
		t.Errorf("on record: %+v", last)
	}
	// The list of exports follows by itself until nothing is waiting.
	who := someone(person, access.Auditor)
	b = browse(t, o, who)
	b.open("/exports")
	b.must(chromedp.Do(b.ctx, chromedp.Click(".form button.main"), chromedp.WaitVisible("#jobs[data-follow]")))
	o.makeExports(account(who))
	b.must(chromedp.Do(b.ctx, chromedp.WaitVisible("#jobs .tag.good")))
	b.sound("/exports")
}

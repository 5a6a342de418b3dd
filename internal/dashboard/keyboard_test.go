package dashboard

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/server"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// serve puts an organisation behind the server that people log in at, and returns
// its address and a token for each of those who are given.
func (o *org) serve(who ...access.Principal) (base string, tokens []string) {
	t := o.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), opsdb.FileName))
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	cfg := configfile.DefaultServer()
	cfg.Listen = "127.0.0.1:0"
	s, err := server.New(t.Context(), server.Options{Config: cfg, DB: db, Account: "tester@here", Logger: slog.New(slog.DiscardHandler), Now: o.dash.Clock,
		Register: func() *register.Register {
			reg, err := o.service.Register()
			if err != nil {
				return nil
			}
			return reg
		},
		Append: func(ctx context.Context, entries ...store.NewEntry) error {
			_, err := o.store.Append(ctx, store.Batch{Entries: entries})
			return err
		}})
	must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, server.Handlers{Dashboard: o.dash}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for _, p := range who {
		maker := p
		maker.Roles = append([]access.Role{access.Admin}, p.Roles...)
		var scope []access.Permission
		for _, i := range access.Permissions() {
			if p.May(i.Permission) && i.Permission != access.Ingest { // which is for sources that are named
				scope = append(scope, i.Permission)
			}
		}
		_, text, err := s.Gate().Tokens.Create(t.Context(), maker, access.NewToken{Name: "the keyboard", Roles: p.Roles, Scope: scope})
		must(err)
		tokens = append(tokens, text)
	}
	return s.URL(), tokens
}

// stop is where the focus is, as somebody sees it.
type stop struct {
	Name   string `json:"name"`  // as it is read out
	Href   string `json:"href"`  // of a link
	Field  string `json:"field"` // name of a field
	Class  string `json:"class"`
	Hidden string `json:"hidden"` // why nobody sees it
	Body   bool   `json:"body"`   // the focus is nowhere
	Inside string `json:"inside"` // where the form goes that it stands in
	InMain bool   `json:"main"`
}

const stopNow = `(() => {
  const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
  const label = e.labels && e.labels.length ? e.labels[0].textContent : e.getAttribute("aria-label") || e.textContent;
  let hidden = "";
  if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 1) hidden = "no outline";
  else if (r.right <= 0 || r.left >= innerWidth || r.bottom <= 0 || r.top >= innerHeight) hidden = "outside the window";
  else if (r.height < 200) {
    const at = document.elementFromPoint(Math.max(0, Math.min(innerWidth - 1, r.left + Math.min(r.width / 2, 8))), Math.max(0, Math.min(innerHeight - 1, r.top + r.height / 2)));
    if (at && !e.contains(at) && !at.contains(e)) hidden = "behind " + at.outerHTML.slice(0, 80);
  }
  return {name: label.trim().replace(/\s+/g, " ").slice(0, 80), href: e.getAttribute("href") || "", field: e.getAttribute("name") || "", class: e.className, hidden,
    body: e === document.body, inside: e.closest("form") ? e.closest("form").getAttribute("action") || "" : "", main: !!e.closest("main")};
})()`

func (b *tab) stop() stop {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[stop](stopNow))
	b.must(err)
	return s
}

func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(k)))
	}
}

// tabTo presses Tab until the focus is where it is wanted, if it is not there already;
// at each stop it has to be seen where that is.
func (b *tab) tabTo(what string, is func(stop) bool) {
	b.t.Helper()
	if is(b.stop()) {
		return
	}
	for range 200 {
		b.press(kb.Tab)
		s := b.stop()
		if s.Body {
			break
		}
		if s.Hidden != "" {
			b.t.Errorf("on the way to %s nobody sees the focus on %q: %s", what, s.Name, s.Hidden)
		}
		if is(s) {
			return
		}
	}
	page, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + " " + document.querySelector("main").innerText.slice(0, 1500)`))
	b.must(err)
	b.t.Fatalf("Tab does not lead to %s: %s", what, page)
}

func (b *tab) tabToLink(begins string) {
	b.t.Helper()
	b.tabTo("a link to "+begins, func(s stop) bool { return strings.HasPrefix(s.Href, begins) })
}

func (b *tab) tabToField(name string) {
	b.t.Helper()
	b.tabTo("the field "+name, func(s stop) bool { return s.Field == name })
}

func (b *tab) tabToButton(name string) {
	b.t.Helper()
	b.tabTo("the button "+name, func(s stop) bool { return s.Name == name && s.Href == "" })
}

// sent waits for the page that follows a key to hold something, and returns what its
// main part says. The focus is then on what is to be read, or the next Tab leads to
// the beginning of the page.
func (b *tab) sent(selector string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(selector)); err != nil {
		b.t.Fatalf("no page came that holds %s: %v", selector, err)
	}
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
	b.must(err)
	if s := b.stop(); s.Body {
		b.press(kb.Tab)
		if s := b.stop(); s.Class != "skip" && !s.InMain {
			b.t.Errorf("the focus was lost, and Tab leads to %+v", s)
		}
	} else if s.Hidden != "" && !s.InMain {
		b.t.Errorf("the focus is on %q, where nobody sees it: %s", s.Name, s.Hidden)
	}
	return text
}

// logIn logs in by a token, on the page that whoever is not logged in comes to.
func (b *tab) logIn(token string) {
	b.t.Helper()
	b.tabToField("token")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(token), chromedp.KeyEvent(kb.Enter)))
	b.sent("#second")
}

// says fails unless a page says all of that.
func (b *tab) says(page string, texts ...string) {
	b.t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			b.t.Errorf("the page does not say %q:\n%.1500s", s, page)
		}
	}
}

// TestBrowserSecondPerson: by the keyboard alone, one person asks for a waiver and is
// told that they cannot accept it and who could; another one finds it on the page of
// the day and accepts it, and the page says so and leads to it in the ledger.
func TestBrowserSecondPerson(t *testing.T) {
	o := actor(t)
	asks, accepts, id := o.ownerAndAnother()
	asks.Roles, accepts.Roles = []access.Role{access.Operator}, []access.Role{access.Approver}
	base, tokens := o.serve(asks, accepts)
	b := browseAt(t, base)
	b.screen(1280, "light")
	b.open("/")
	b.logIn(tokens[0])
	b.tabToLink("/findings/" + id)
	b.press(kb.Enter)
	b.sent("#acts")
	b.tabToLink("/waivers/new?")
	b.press(kb.Enter)
	b.sent("#w-reason")

	// What says nothing is refused beside the form, and what was typed is kept.
	b.tabToField("reason")
	b.press(" ")
	b.tabToField("compensating")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent("read by hand each week")))
	b.tabToField("expires")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent("01012027"))) // the same whether the day or the month comes first
	b.tabToButton("Ask")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))))
	if s := b.stop(); s.Field != "expires" {
		t.Errorf("Shift and Tab lead from the button to %+v", s)
	}
	b.tabToButton("Ask")
	b.press(" ")
	b.says(b.sent(".wrong"), "Nothing was put on record", "Reason is empty")
	if s := b.stop(); s.Class != "wrong" || s.Inside != "/waivers/new" {
		t.Errorf("after a refusal the focus is on %+v", s)
	}
	b.tabToField("reason")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent("it moves next month")))
	b.tabToButton("Ask")
	b.press(kb.Enter)
	page := b.sent("main .note.good")
	w := o.waiver(func(w people.Waiver) bool { return strings.TrimSpace(w.Reason) == "it moves next month" })
	b.says(page, w.ID, "covers nothing until somebody else approves it", "read by hand each week", "2027-01-01", asks.Person+" began it and cannot decide on it", accepts.Person)
	b.tabToButton("Log out")
	b.press(kb.Enter)
	b.sent(`a[href="/login"]`)
	b.tabToLink("/login")
	b.press(kb.Enter)
	b.sent("#token")

	// A token that was mistyped is refused where the field is.
	b.tabToField("token")
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(strings.ToUpper(tokens[1])), chromedp.KeyEvent(kb.Enter)))
	b.says(b.sent(".alert"), "no API token")
	b.logIn(tokens[1])
	b.tabToLink("/waivers?id=" + w.ID)
	b.press(kb.Enter)
	b.says(b.sent("#w-0"), w.ID, "requested", "it moves next month")
	b.tabToButton("Approve")
	b.press(kb.Enter)
	b.says(b.sent("main .note.good"), "approved what somebody else began", "active", accepts.Person)
	if got := o.waiver(func(x people.Waiver) bool { return x.ID == w.ID }); got.ApprovedBy != accepts.Person || got.RequestedBy != asks.Person || got.ApprovedAccount == got.RequestedAccount {
		t.Errorf("on record: %+v", got)
	}
	b.tabToLink("/evidence?")
	b.press(kb.Enter)
	b.says(b.sent("main table"), w.ID, "revision 2")
	b.tabToLink("/evidence/")
	b.press(kb.Enter)
	b.sent(`a[href^="/proof/"]`)
	b.tabToLink("/proof/")
	b.press(kb.Enter)
	b.says(b.sent("main h1"), "Merkle path", w.ID)
	for _, why := range b.wrong() {
		if !strings.Contains(why, "status of 422") && !strings.Contains(why, "status of 401") { // the two refusals
			t.Error(why)
		}
	}
}

// ownerAndAnother are somebody who has a finding on the page of the day, with its id,
// and somebody else who may decide.
func (o *org) ownerAndAnother() (owner, other access.Principal, id string) {
	o.t.Helper()
	first, second := o.pair()
	for _, v := range o.view().Owners {
		for _, r := range dueRows(v, listedToday) {
			if r.Duty || !r.State.IsOpen() || v.Person == "" {
				continue
			}
			other = first
			if v.Person == first.Person {
				other = second
			}
			return someone(v.Person), other, r.ID
		}
	}
	o.t.Fatal("nobody has a finding")
	return owner, other, ""
}

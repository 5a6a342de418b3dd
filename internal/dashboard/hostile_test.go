package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

// venoms are texts that a source could send to harm who looks at a page. Each
// holds the mark by which it is found again.
var venoms = []string{
	`<script>alert("venom")</script>`,
	`<img src="venom" onerror="window.__x=1"><script>window.__x=2</script>`,
	`"><img src=x onerror=alert('venom')>`,
	`' onmouseover='alert("venom")' x='`,
	"venom\u202Egpj.exe\u2066\u200B\uFEFF",
	`{{.Who.Account}}{{template "csrf" .}}venom`,
	`javascript:alert("venom")//`,
	`</td></tr></table></main><h1>venom</h1>`,
	"venom\r\nSet-Cookie: a=b\x1b[31m",
	`&lt;venom&gt;&#60;b&#62;`,
	`../../venom/..//.`,
	`</textarea></select></title></style><svg onload=alert("venom")>`,
	`venom ` + strings.Repeat("x", 5000),
}

// poisonedOrg is an organisation whose every record, run and person is called
// something hostile. It holds records of every kind of the catalog.
func poisonedOrg(t testing.TB) *org {
	t.Helper()
	o := actor(t)
	p := &poisoner{now: o.now}
	run := evidence.Run{ID: "poison", StartedAt: o.now.Add(-time.Hour), Provenance: evidence.Provenance{Agent: p.text(), Source: p.text(), Connector: p.text(),
		ConnectorVersion: p.text(), Identity: p.text(), Method: p.text(), Reliability: p.text()}}
	p.append(t, o, store.Batch{Open: &run})
	kinds := map[string]evidence.KindRead{}
	for _, k := range o.collector.Catalog.Kinds {
		if strings.HasPrefix(k.ID, "exhibit.") || k.ID == "soa.record" { // made by the agent itself; a statement is read strictly
			continue
		}
		kinds[k.ID] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
		var records []evidence.Record
		for n := range 3 {
			records = append(records, p.record(t, k, n))
		}
		p.append(t, o, store.Batch{Run: run.ID, Records: records})
	}
	closed := run
	closed.FinishedAt, closed.Status, closed.Error, closed.Kinds = o.now.Add(-time.Minute), evidence.RunPartial, p.text(), kinds
	closed.Gaps = []evidence.Gap{{Kinds: []string{p.text()}, Scope: p.text(), Reason: p.text(), Permission: p.text(), Detail: p.text()}}
	p.append(t, o, store.Batch{Run: run.ID, Close: &store.RunClose{Run: closed, Seen: func(string, string, string) bool { return true }}})
	o.conclude()
	var told tell.Status
	p.fill(reflect.ValueOf(&told).Elem())
	o.dash.Told = toldAs{status: told}
	return o
}

// fill gives every text of a value something hostile, and lists two of each.
func (p *poisoner) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(p.text())
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			p.fill(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(p.now))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				p.fill(v.Field(i))
			}
		}
	}
}

// poisoner makes hostile records.
type poisoner struct {
	n   int
	now time.Time
}

func (p *poisoner) text() string {
	p.n++
	return venoms[p.n%len(venoms)]
}

func (p *poisoner) append(t testing.TB, o *org, b store.Batch) {
	t.Helper()
	if _, err := o.store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func (p *poisoner) record(t testing.TB, k *catalog.Kind, n int) evidence.Record {
	t.Helper()
	payload, err := json.Marshal(p.object(k.Fields))
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := evidence.Canonical(payload)
	if err != nil {
		t.Fatal(err)
	}
	r := evidence.Record{Kind: k.ID, Major: k.Major, Subject: evidence.Subject{Type: k.SubjectType, ID: p.text()}, Key: fmt.Sprint(n, p.text()),
		URL: p.text(), Payload: canonical, CollectedAt: p.now.Add(-30 * time.Minute)}
	if k.EventTime != "" {
		r.EventTime = p.now.Add(-48 * time.Hour)
	}
	return r
}

func (p *poisoner) object(fields []catalog.Field) map[string]any {
	out := map[string]any{}
	for i := range fields {
		f := &fields[i]
		v := p.value(&f.Type)
		if len(f.Values) > 0 && p.n%2 == 0 { // some have to be understood, to be shown
			v = f.Values[p.n%len(f.Values)]
		}
		out[f.Name] = v
	}
	return out
}

func (p *poisoner) value(t *catalog.Type) any {
	switch t.Name {
	case catalog.Int, catalog.Number:
		p.n++
		return p.n % 7
	case catalog.Bool:
		p.n++
		return p.n%2 == 0
	case catalog.Time:
		return p.now.Add(-47 * time.Hour).Format(time.RFC3339)
	case catalog.Date:
		return p.now.Add(-47 * time.Hour).Format(time.DateOnly)
	case catalog.List:
		return []any{p.value(t.Elem), p.value(t.Elem)}
	case catalog.Map:
		return map[string]any{p.text(): p.value(t.Elem)}
	case catalog.Object:
		return p.object(t.Fields)
	}
	return p.text()
}

// TestHostileContent: whatever a store holds is text on every page. The page has
// the elements and attributes that its templates give it, and no others; no
// address comes from the store unless it is of the web.
func TestHostileContent(t *testing.T) {
	o := poisonedOrg(t)
	seen := 0
	check := func(path string, a *answer) {
		t.Helper()
		for _, why := range unsound(a) {
			t.Errorf("%s: %s", path, why)
		}
		for _, n := range a.elements("") {
			for _, at := range n.Attr {
				if strings.Contains(at.Key, "venom") {
					t.Errorf("%s: <%s> has the attribute %.80s", path, n.Data, at.Key)
				}
			}
			if !ours[n.Data] {
				t.Errorf("%s: an element <%s>", path, n.Data)
			}
			if n.Data == "a" && strings.HasPrefix(strings.TrimSpace(strings.ToLower(attr(n, "href"))), "javascript") {
				t.Errorf("%s: a link to %s", path, attr(n, "href"))
			}
		}
		for _, r := range a.text {
			switch r {
			case '\u202E', '\u2066', '\u200B', '\uFEFF', 0, 0x1b, '\r':
				t.Fatalf("%s: holds %U", path, r)
			}
		}
		if strings.Contains(a.words(), "venom") {
			seen++
		}
		if len(a.text) > 1<<20 {
			t.Errorf("%s: %d bytes", path, len(a.text))
		}
	}
	o.eachPage(check)
	o.eachLink(func(path string, a *answer) {
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d: %.300s", path, a.StatusCode, a.words())
		}
		check(path, a)
	})
	for path, section := range map[string]string{"/": "first", "/told": "channels"} {
		a := o.get(someone("", access.Operator, access.Approver, access.Security, access.Admin, access.Auditor), path)
		if !slices.ContainsFunc(a.elements("section"), func(n *html.Node) bool {
			return attr(n, "aria-labelledby") == section && strings.Contains(textOf(n), "venom")
		}) {
			t.Errorf("%s: its part %s shows nothing hostile: the test proves nothing of it", path, section)
		}
	}
	refused := 0
	o.eachForm(func(path string, a *answer) {
		if a.StatusCode/100 == 3 {
			return
		}
		check(path, a)
		if strings.Contains(a.words(), "venom") {
			refused++
		}
	})
	t.Logf("%d pages show something hostile, %d of forms say it again to whoever sent it", seen, refused)
	if refused < 7 {
		t.Errorf("only %d forms were refused and show what is hostile", refused)
	}
	if seen < 20 {
		t.Errorf("only %d pages showed what is hostile: the test proves little", seen)
	}
}

// ours are the elements that templates make.
var ours = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(`html head meta title link script body a svg symbol path circle rect line text desc use header span div nav p ul ol li form
		input button main section dl dt dd time details summary label h1 h2 h3 table caption thead tbody tr th td select option code pre figure figcaption b strong br small
		footer textarea fieldset legend progress article g polyline abbr`) {
		out[name] = true
	}
	return out
}()

// eachForm sends every form with something hostile in every field that any form
// has, as somebody whom the register does not know and as somebody of it.
func (o *org) eachForm(f func(path string, a *answer)) {
	o.t.Helper()
	roles := []access.Role{access.Operator, access.Approver, access.Security, access.Admin, access.Auditor}
	values, p := url.Values{}, &poisoner{}
	for _, name := range fields(o.t) {
		values.Set(name, p.text())
	}
	all := addresses(o)
	for _, r := range o.dash.routes {
		for _, path := range all[r.pattern] {
			if strings.HasPrefix(r.pattern, "POST ") {
				f("POST "+path, o.post(someone("", roles...), path, values))
				f("POST "+path, o.post(someone(o.aPerson(), roles...), path, values))
			}
		}
	}
}

// fields are the names of what the templates' forms send.
func fields(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("templates/*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(` name="([a-z_]+)"`).FindAllSubmatch(text, -1) {
			if field := string(m[1]); field != access.CSRFField {
				out = append(out, field)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// eachLink follows the links of every page to pages of this server, some of each
// route.
func (o *org) eachLink(f func(path string, a *answer)) {
	o.t.Helper()
	const most = 15
	who := someone("", access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	asked, times := map[string]bool{}, map[string]int{}
	var follow func(from string, a *answer, depth int)
	follow = func(from string, a *answer, depth int) {
		for _, n := range a.elements("a") {
			href, _, _ := strings.Cut(attr(n, "href"), "#")
			if !strings.HasPrefix(href, "/") || asked[href] {
				continue
			}
			asked[href] = true
			_, pattern := o.dash.mux.Handler(o.request(href))
			if times[pattern]++; pattern == "/" || times[pattern] > most || strings.HasSuffix(pattern, ".json") {
				continue
			}
			next := o.get(who, href)
			f(href+" (linked from "+from+")", next)
			if depth > 0 {
				follow(href, next, depth-1)
			}
		}
	}
	o.eachPage(func(path string, a *answer) { follow(path, a, 2) })
}

// TestPlain: what steers or hides text is written out, and nothing else changes.
func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"<p>Ærø 😀\n\ttext</p>":    "<p>Ærø 😀\n\ttext</p>",
		"a\u202Eb":                "a⟨U+202E⟩b",
		"\u202E":                  "⟨U+202E⟩",
		"x\x00y\x1b[31m\x7f":      "x␀y␛[31m␡",
		"bad\xff":                 "bad\ufffd",
		"end\u2066":               "end⟨U+2066⟩",
		"\uFEFFstart\r":           "⟨U+FEFF⟩start␍",
		"already \ufffd replaced": "already \ufffd replaced",
	} {
		if got := string(plain([]byte(in))); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestTemplatesEscape: no template says that something needs no escaping, and no
// function that templates call returns anything but text.
func TestTemplatesEscape(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, no := range []string{"template." + "HTML", "template." + "JS", "template." + "CSS", "template." + "URL", "template." + "Srcset"} {
			if strings.Contains(string(text), no) {
				t.Errorf("%s uses %s", name, no)
			}
		}
	}
}

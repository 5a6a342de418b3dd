package dashboard

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// digests are the pieces of evidence that a page of the search lists.
func (a *answer) digests() []string {
	var out []string
	for _, n := range a.elements("a") {
		if d, ok := strings.CutPrefix(attr(n, "href"), "/evidence/"); ok && len(d) == 64 {
			out = append(out, d)
		}
	}
	return out
}

// next is where a list goes on.
func (a *answer) next() string {
	for _, n := range a.elements("a") {
		if attr(n, "rel") == "next" {
			return attr(n, "href")
		}
	}
	return ""
}

// TestSearchPages: page after page, each piece of evidence comes once, the newest
// first or the oldest.
func TestSearchPages(t *testing.T) {
	o, who := reader(t), someone("", access.Viewer)
	var want []string
	for ev, err := range o.store.Evidence(t.Context(), store.EvidenceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, ev.Digest.String())
	}
	for _, order := range []string{"", "oldest"} {
		var got []string
		pages := 0
		for path := "/evidence?order=" + order; path != ""; pages++ {
			a := o.get(who, path)
			got, path = append(got, a.digests()...), a.next()
			if pages > len(want) {
				t.Fatal("the list does not end")
			}
		}
		for i := range want {
			j := i
			if order == "" {
				j = len(want) - 1 - i
			}
			if len(got) != len(want) || got[j] != want[i] {
				t.Fatalf("order %q: %d of %d came, or in another order", order, len(got), len(want))
			}
		}
		if pages < 2 {
			t.Errorf("order %q: one page of %d", order, len(want))
		}
	}
}

// TestSearchNarrows: each field of the form narrows the list to what has it.
func TestSearchNarrows(t *testing.T) {
	o, who := reader(t), someone("", access.Viewer)
	ev := o.someEvidence("inventory.ai_system")
	for _, path := range []string{
		"/evidence?kind=inventory.ai_system&subject=" + ev.Subject.ID[:3] + "&latest=1",
		"/evidence?digest=" + strings.ToUpper(ev.Digest.String()[:10]),
		"/evidence?digest=" + ev.Digest.String(),
		"/evidence?kind=inventory.ai_system&digest=" + ev.Digest.String(),
		"/evidence?type=ai_system&subject=%3D" + ev.Subject.ID + "&kind=inventory.ai_system",
		"/evidence?source=" + ev.Source + "&key=" + ev.Key + "&kind=inventory.ai_system&collected_to=" + o.now.Format(time.DateOnly),
	} {
		if list := o.get(who, path).digests(); len(list) == 0 || !contains(list, ev.Digest.String()) {
			t.Errorf("%s: %d found, without %s", path, len(list), ev.Digest)
		}
	}
	for _, path := range []string{"/evidence?subject=%3D" + ev.Subject.ID[:3], "/evidence?kind=no.such", "/evidence?kind=no.such&digest=" + ev.Digest.String(), "/evidence?before=1&digest=" + ev.Digest.String(), "/evidence?digest=" + strings.Repeat("0", 64), "/evidence?collected_from=2027-01-01", "/evidence?as_of=2020-01-01"} {
		if list := o.get(who, path).digests(); len(list) != 0 {
			t.Errorf("%s: %d found", path, len(list))
		}
	}
	o.get(who, "/evidence?digest=xyz").want(t, http.StatusBadRequest, "not the beginning of a digest")
	o.get(who, "/evidence?collected_from=yesterday").want(t, http.StatusBadRequest, "no day")
	o.get(who, "/evidence/abc").want(t, http.StatusBadRequest, "64 hexadecimal digits")
	o.get(who, "/evidence/"+strings.Repeat("0", 64)).want(t, http.StatusNotFound)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestSteps: whoever joins the hashes of a path as the page says has the root, for
// every entry of ledgers of many sizes.
func TestSteps(t *testing.T) {
	o := reader(t)
	size := o.size()
	for _, seq := range []int64{0, 1, 2, size / 3, size / 2, size - 2, size - 1} {
		p, err := o.service.Proof(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		have := tlog.RecordHash([]byte(p.Entry))
		for _, s := range steps(p) {
			h, err := tlog.ParseHash(s.Hash)
			if err != nil {
				t.Fatal(err)
			}
			if s.Left {
				have = tlog.NodeHash(h, have)
			} else {
				have = tlog.NodeHash(have, h)
			}
		}
		if have.String() != p.Root {
			t.Errorf("entry %d of %d: joined as the page says, the root is %s, not %s", seq, p.Size, have, p.Root)
		}
		a := o.get(someone("", access.Viewer), "/proof/"+strconv.FormatInt(seq, 10))
		a.want(t, 200, p.Root, p.Entry, evidence.Sum([]byte(p.Entry)).String())
	}
	who := someone("", access.Viewer)
	o.get(who, "/proof/"+strconv.FormatInt(size, 10)).want(t, http.StatusNotFound)
	o.get(who, "/proof/first").want(t, http.StatusBadRequest)
}

// TestStepsOfEverySize does the same in small trees, each entry of each.
func TestStepsOfEverySize(t *testing.T) {
	var hashes hashList
	for size := int64(1); size <= 40; size++ {
		line := []byte("entry " + strconv.FormatInt(size-1, 10))
		h, err := tlog.StoredHashes(size-1, line, &hashes)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, h...)
		root, err := tlog.TreeHash(size, &hashes)
		if err != nil {
			t.Fatal(err)
		}
		for seq := range size {
			path, err := tlog.ProveRecord(size, seq, &hashes)
			if err != nil {
				t.Fatal(err)
			}
			have := tlog.RecordHash([]byte("entry " + strconv.FormatInt(seq, 10)))
			for i, left := range sides(seq, size, len(path)) {
				if left {
					have = tlog.NodeHash(path[i], have)
				} else {
					have = tlog.NodeHash(have, path[i])
				}
			}
			if !bytes.Equal(have[:], root[:]) {
				t.Fatalf("entry %d of %d", seq, size)
			}
		}
	}
}

type hashList []tlog.Hash

func (l *hashList) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = (*l)[x]
	}
	return out, nil
}

// TestAsOf: a page of the past says so, keeps the instant in its links, and offers
// nothing to do; one of the future or of no time is refused.
func TestAsOf(t *testing.T) {
	o, who := reader(t), someone(reader(t).aPerson(), access.Operator)
	day := o.now.AddDate(0, 0, -1).Format(time.DateOnly)
	f := o.openFinding()
	c := o.links()
	path := c.ResultLink(f.Expectation, f.Subject)
	o.get(who, path).want(t, 200, "Take note of it")
	a := o.get(who, "/?as_of="+day)
	a.want(t, 200, "This is how it stood at "+day+" 23:59")
	for _, n := range a.elements("a") {
		href := attr(n, "href")
		if strings.HasPrefix(href, "/") && href != "/login/person" && !strings.Contains(href, "as_of="+day) && !strings.Contains(href, "/proof/") && attr(n, "class") != "skip" {
			if href != "/" { // back to now
				t.Errorf("a link leaves the instant: %s", href)
			}
		}
	}
	if b := o.get(who, path+"?as_of="+o.now.Add(-time.Minute).Format(time.RFC3339)); b.StatusCode == http.StatusOK && strings.Contains(b.words(), "Take note of it") {
		t.Error("something can be done in the past")
	}
	o.get(who, "/?as_of="+o.now.AddDate(0, 0, 2).Format(time.DateOnly)).want(t, http.StatusBadRequest, "future")
	o.get(who, "/?as_of=soon").want(t, http.StatusBadRequest, "no time")
}

// TestResultAddresses: a subject can be called anything, and its page is found.
func TestResultAddresses(t *testing.T) {
	o := reader(t)
	for _, id := range []string{"a", "a/b#1", "..", ".", "a/../b", "/", "", "-", "a//b", "a/", "ü \u202E", "a?b=c&d", "a;b", "%2F", "\\", strings.Repeat("x", 3000)} {
		s := evidence.Subject{Type: "change", ID: id}
		req := o.request(o.links().ResultLink("a-slug", s))
		_, pattern := o.dash.mux.Handler(req)
		var got evidence.Subject
		mux := http.NewServeMux()
		mux.HandleFunc("GET /results/{slug}/{type}/{id...}", func(_ http.ResponseWriter, r *http.Request) { got = o.dash.newCall(r).subject() })
		mux.ServeHTTP(&discard{header: http.Header{}}, req)
		if got != s || !strings.HasPrefix(pattern, "GET /results/") {
			t.Errorf("%q is at %s (%s), where %q is found", id, req.URL, pattern, got.ID)
		}
	}
}

// TestAxis: an axis reaches its number, in few round steps.
func TestAxis(t *testing.T) {
	for top := range 3000 {
		end, marks := axis(top)
		if end < top || end < 1 || len(marks) > 6 || marks[len(marks)-1] != end || end > 2*top+5 {
			t.Fatalf("axis(%d) = %d, %v", top, end, marks)
		}
	}
}

// TestBar: the parts of a bar are all of it, and what does not apply is no part.
func TestBar(t *testing.T) {
	b := barOf(map[assess.Status]int{assess.StatusSatisfied: 3, assess.StatusFailing: 1, assess.StatusNotApplicable: 9})
	if b.Says != "3 satisfied, 1 failing" || b.Parts[0].W != "75" || b.Parts[1].X != "75" || b.Parts[1].W != "25" {
		t.Errorf("%+v", b)
	}
	if barOf(map[assess.Status]int{assess.StatusNotApplicable: 2}) != nil {
		t.Error("a bar of nothing")
	}
}

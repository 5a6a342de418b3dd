package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// vendorPaths are the addresses of vendors.
func (o *org) vendorPaths(c *call) []string {
	o.t.Helper()
	l, err := o.service.Vendors(o.t.Context(), o.view())
	if err != nil {
		o.t.Fatal(err)
	}
	if len(l.List) == 0 {
		return nil
	}
	var out []string
	for i := range l.List {
		out = append(out, c.VendorLink(l.List[i].ID), withQuery(c.VendorLink(l.List[i].ID), "from", "9999"))
	}
	return append(out, withQuery(c.VendorLink(l.List[0].ID), "kind", "lifecycle"))
}

// TestVendorPages: what a vendor changed, and when its models end, is on its
// page, and of the past only what was known then.
func TestVendorPages(t *testing.T) {
	o := actor(t)
	who := someone("", access.Viewer)
	line := func(key, kind, payload string) string {
		return fmt.Sprintf(`{"kind":%q,"key":%q,"subject":{"type":%q,"id":%q},"event_time":%q,"payload":%s}`, kind, key,
			map[string]string{"vendor.model_lifecycle": "model", "inventory.ai_system": "ai_system"}[kind], key, o.now.AddDate(0, 0, -3).Format(time.RFC3339), payload)
	}
	day := func(n int) string { return o.now.AddDate(0, 0, n).Format(time.RFC3339) }
	o.load("vendor pages", strings.Join([]string{
		line("quill-1", "vendor.model_lifecycle", `{"vendor":"acme","model_id":"quill-1","status":"deprecated","announced_at":"`+day(-3)+`","shutdown_at":"`+day(40)+`","replacement":"quill-2"}`),
		line("quill-9", "vendor.model_lifecycle", `{"vendor":"acme","model_id":"quill-9","status":"deprecated","announced_at":"`+day(-3)+`","shutdown_at":"`+day(700)+`"}`),
		line("quill-x", "vendor.model_lifecycle", `{"vendor":"acme","model_id":"quill-x","status":"deprecated","announced_at":"`+day(-3)+`","shutdown_at":"`+day(50)+`"}`),
		line("scribe", "inventory.ai_system", `{"system_id":"scribe","name":"Scribe","owner":"nobody","models":["quill-1","quill-9","lost-model"],"vendors":["acme","other"]}`),
	}, "\n"))
	o.conclude()
	a := o.get(who, "/vendors")
	a.want(t, 200, "quill-1", "in 40 days", "quill-2", "in 700 days", "lost-model", "nobody can tell when it ends", "other")
	for _, n := range a.elements("th") {
		if attr(n, "data-label") == "Model" && strings.Contains(textOf(n), "quill-x") {
			t.Error("a model that nobody uses is in the calendar")
		}
	}
	drawn := 0
	for _, n := range a.elements("circle") {
		if strings.Contains(attr(n, "class"), "dot") {
			drawn++
		}
	}
	l, err := o.service.Vendors(t.Context(), o.view())
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, v := range l.List {
		for _, m := range v.Models {
			if m.InUse() && !m.Shutdown.IsZero() && !m.Shutdown.After(o.now.AddDate(1, 0, 0)) {
				want++
			}
		}
	}
	if drawn != want || want == 0 {
		t.Errorf("%d models are drawn, want %d", drawn, want)
	}
	o.get(who, "/vendors/acme").want(t, 200, "quill-x", "deprecated, shut down", "no record", "never", "not as far as is known")
	o.get(who, "/vendors/acme?kind=incident").want(t, 200, "No change is on record that is like that")
	o.get(who, "/vendors/acne").want(t, 404, "Did you mean acme")
	if past := o.get(who, "/vendors?as_of="+o.now.AddDate(0, 0, -2).Format(time.DateOnly)); past.StatusCode != http.StatusOK || strings.Contains(past.words(), "quill-1") {
		t.Errorf("status %d; the past knows what was read later", past.StatusCode)
	}
}

// TestCalendar: what ends stands in its place, and of very much only some is drawn.
func TestCalendar(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	var used []service.VendorModel
	for i, days := range []int{365, -10, 0, 183, 366 * 2} {
		used = append(used, service.VendorModel{Name: fmt.Sprint(i), Shutdown: at.AddDate(0, 0, days)})
	}
	k := calendarOf(used, at)
	var got []string
	for i, e := range k.Ends {
		got = append(got, fmt.Sprintf("%s %d %v %v", e.Name, e.Days, e.Soon(), i < k.Drawn))
	}
	if s := strings.Join(got, ", "); s != "1 -10 true true, 2 0 true true, 3 183 false true, 0 365 false true, 4 732 false false" {
		t.Error(s)
	}
	if k.Ends[0].X != "12" || k.Ends[3].X != "988" || k.Ends[0].DaysPast() != 10 || !k.Ends[0].Past() || k.Ends[1].Past() {
		t.Errorf("%+v", k.Ends)
	}
	if len(k.Months) != 11 || k.Months[0].At.Month() != time.March {
		t.Errorf("months %+v", k.Months)
	}
	if calendarOf(nil, at) != nil {
		t.Error("a calendar of nothing")
	}
	for range 200 {
		used = append(used, service.VendorModel{Name: "x", Shutdown: at.AddDate(0, 0, 5)})
	}
	if k := calendarOf(used, at); k.Drawn != calendarRows || len(k.Ends) != 205 {
		t.Errorf("%d drawn of %d", k.Drawn, len(k.Ends))
	}
}

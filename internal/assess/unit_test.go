package assess

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

func TestBusinessDays(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-02T10:00:00Z", 0, "2026-03-02T10:00:00Z"}, // Monday
		{"2026-03-02T10:00:00Z", 1, "2026-03-03T10:00:00Z"},
		{"2026-03-02T10:00:00Z", 5, "2026-03-09T10:00:00Z"},
		{"2026-03-06T10:00:00Z", 1, "2026-03-09T10:00:00Z"}, // Friday
		{"2026-03-06T10:00:00Z", 10, "2026-03-20T10:00:00Z"},
		{"2026-03-07T10:00:00Z", 1, "2026-03-09T10:00:00Z"}, // Saturday
		{"2026-03-07T10:00:00Z", 5, "2026-03-13T10:00:00Z"},
		{"2026-03-08T10:00:00Z", 6, "2026-03-16T10:00:00Z"}, // Sunday
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := businessDays(from, c.n).Format(time.RFC3339); got != c.want {
			t.Errorf("%s + %d: %s, want %s", c.from, c.n, got, c.want)
		}
	}
	// Counting one at a time gives the same.
	for start := range 7 {
		from := time.Date(2026, 3, 2+start, 9, 0, 0, 0, time.UTC)
		step := from
		for n := range 30 {
			if n > 0 {
				step = nextWorkday(step)
			}
			if n > 0 && !businessDays(from, n).Equal(step) {
				t.Fatalf("%s + %d: %s, want %s", from, n, businessDays(from, n), step)
			}
		}
	}
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		365 * 24 * time.Hour: "365 days", 24 * time.Hour: "1 day", 47 * time.Hour: "47 hours", time.Hour: "1 hour",
		90 * time.Minute: "90 minutes", time.Second: "1 second",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := exactSpan(48*time.Hour+time.Second, 48*time.Hour); got != "2 days and 1 second" {
		t.Errorf("got %q", got)
	}
}

func TestInterner(t *testing.T) {
	in := newInterner()
	ids := map[string]text{}
	for i := range 50_000 {
		s := fmt.Sprint("text number ", i)
		ids[s] = in.of(s)
	}
	long := string(make([]byte, 3*blockSize))
	ids[long] = in.of(long)
	for s, id := range ids {
		if in.str(id) != s || in.of(s) != id || in.ofBytes([]byte(s)) != id {
			t.Fatalf("%.20q is not itself", s)
		}
	}
	if id, ok := in.lookup("never seen"); ok {
		t.Errorf("found %d", id)
	}
	if in.of("") != 0 || in.str(0) != "" {
		t.Error("the empty text is not zero")
	}
}

func TestMultimap(t *testing.T) {
	var m multimap
	m.each(1, func(uint32) { t.Error("an empty map has something") })
	want := map[uint64][]uint32{}
	for i := range uint32(20_000) {
		h := mix(hashStart, uint64(i%3000))
		m.put(h, i)
		want[h] = append(want[h], i)
	}
	for h, slots := range want {
		var got []uint32
		m.each(h, func(s uint32) { got = append(got, s) })
		slices.Sort(got)
		if !slices.Equal(got, slots) { // 3000 marks of 32 bits: none alike
			t.Fatalf("got %v, want %v", got, slots)
		}
	}
}

// extractKind has a field of every form.
func extractKind() *kindInfo {
	k := &kindInfo{byName: map[string]*fieldInfo{}}
	for i, t := range []catalog.Type{
		{Name: catalog.String}, {Name: catalog.Int}, {Name: catalog.Number}, {Name: catalog.Bool}, {Name: catalog.Time},
		{Name: catalog.List, Elem: &catalog.Type{Name: catalog.String}}, {Name: catalog.JSON},
	} {
		f := &fieldInfo{name: string(rune('a' + i)), index: i, typ: &t, form: formOf(&t)}
		k.fields, k.byName[f.name] = append(k.fields, f), f
	}
	return k
}

// FuzzExtract: whatever the bytes, extracting does not crash; and where they
// are a JSON object without repeated names, it finds what encoding/json finds,
// whatever it remembers of other payloads.
func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		`{"a":"x","b":3,"c":1.5,"d":true,"e":"2026-03-01T00:00:00Z","f":["p","q"],"g":{"h":[1,2,{"i":null}]}}`,
		`{"a":"\u00e9\n\"","z":[[[["a"]]]],"b":-1}`, `{}`, ` { "a" : null } `, `{"a":"x"}{`, `{"f":["a",1]}`, `{"e":"2026-03-01"}`, `{"c":-0}`,
	} {
		f.Add([]byte(s))
	}
	k := extractKind()
	f.Fuzz(func(t *testing.T, payload []byte) {
		cells := slices.Repeat([]uint64{absentCell}, len(k.fields))
		var lists []text
		x := extractor{texts: newInterner(), lists: &lists}
		for _, before := range []string{`{"a":"x","c":1.5,"e":"2026-03-01","f":["p","q"],"y":null}`, string(payload)} {
			_ = x.extract([]byte(before), k, slices.Repeat([]uint64{absentCell}, len(k.fields)))
		}
		err := x.extract(payload, k, cells)
		var want map[string]json.RawMessage
		if json.Unmarshal(payload, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		if countNames(payload) != len(want) {
			return
		}
		compareText(t, &x, want["a"], cells[0])
		compareInt(t, want["b"], cells[1])
		compareList(t, &x, want["f"], cells[5])
	})
}

func compareText(t *testing.T, x *extractor, raw json.RawMessage, c uint64) {
	var want *string
	if json.Unmarshal(raw, &want) != nil && raw != nil {
		if c != malformedCell {
			t.Fatalf("text %s gives %x", raw, c)
		}
		return
	}
	if want == nil {
		if c != absentCell {
			t.Fatalf("no text gives %x", c)
		}
	} else if x.texts.str(text(c)) != *want {
		t.Fatalf("text %s gives %q", raw, x.texts.str(text(c)))
	}
}

func compareInt(t *testing.T, raw json.RawMessage, c uint64) {
	var want *int64
	if raw == nil || json.Unmarshal(raw, &want) != nil || want == nil || *want > 1<<53 || *want < -1<<53 {
		return
	}
	if int64(c) != *want {
		t.Fatalf("int %s gives %d", raw, int64(c))
	}
}

func compareList(t *testing.T, x *extractor, raw json.RawMessage, c uint64) {
	var want []*string
	if raw == nil || json.Unmarshal(raw, &want) != nil || want == nil || slices.Contains(want, nil) {
		return
	}
	if c == malformedCell || c == absentCell {
		t.Fatalf("list %s gives %x", raw, c)
	}
	got := []string{}
	for _, id := range (*x.lists)[c>>listBits : c>>listBits+c&(1<<listBits-1)] {
		got = append(got, x.texts.str(id))
	}
	plain := []string{}
	for _, s := range want {
		plain = append(plain, *s)
	}
	if diff := cmp.Diff(plain, got); diff != "" {
		t.Fatal(diff)
	}
}

// countNames counts the names of the outermost object, repeated ones too.
func countNames(payload []byte) int {
	x := extractor{b: payload}
	n := 0
	x.take('{')
	for !x.take('}') {
		_, plain, ok := x.str()
		if !ok || !plain || !x.take(':') || !x.skip(0) {
			return -1
		}
		n++
		x.take(',')
	}
	return n
}

func TestNanos(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got := instant(nanos(at)); !got.Equal(at) {
			t.Errorf("%s becomes %s", at, got)
		}
	}
	if nanos(time.Time{}) != absent {
		t.Error("the zero time is something")
	}
	if far := nanos(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); far <= nanos(time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)) || far == math.MaxInt64 {
		t.Errorf("the year 9999 becomes %d", far)
	}
}

// TestRoomForResults: results are remembered for as long as they hold, so an
// evaluation of few of them keeps no room for many.
func TestRoomForResults(t *testing.T) {
	for _, n := range []int{1, 2, slabSize, 3*slabSize + 7} {
		m, room := newMaker(&planCache{finished: absent}, n), 0
		for range n {
			if len(m.slab) == 0 {
				m.next()
				room += len(m.slab) + 1
				continue
			}
			m.next()
		}
		if room != n {
			t.Errorf("room for %d results was made for %d", room, n)
		}
	}
}

// TestReasonLeavesObservationsAside: the counts of a control's reason differ
// from the control's own by its observations, and say so.
func TestReasonLeavesObservationsAside(t *testing.T) {
	res := func(s Status, severity string) *Result {
		return &Result{Expectation: "e", Status: s, Severity: severity, Reason: "r"}
	}
	for _, tt := range []struct {
		want string
		list []*Result
	}{
		{"1 of 2 failing: e,  : r", []*Result{res(StatusFailing, "major"), res(StatusSatisfied, "minor")}},
		{"1 of 2 (1 observation aside) failing: e,  : r", []*Result{res(StatusFailing, "major"), res(StatusSatisfied, "minor"), res(StatusFailing, "observation")}},
		{"1 of 1 (2 observations aside) satisfied", []*Result{res(StatusSatisfied, "major"), res(StatusSatisfied, "observation"), res(StatusSatisfied, "observation")}},
		{"1 of 1 observations satisfied; nothing else is expected", []*Result{res(StatusSatisfied, "observation")}},
	} {
		if c := rollUp(tt.list); c.Reason != tt.want || c.Total != len(tt.list) {
			t.Errorf("%q of %d, want %q", c.Reason, c.Total, tt.want)
		}
	}
}

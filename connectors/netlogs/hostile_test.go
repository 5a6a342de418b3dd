package netlogs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// utf16le writes text as Windows does.
func utf16le(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// Content that no log should hold: counted, named, never a crash, and the good
// lines beside it still count.
func TestHostileContent(t *testing.T) {
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	good := squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443")
	zipped := gzipped(t, []byte(strings.Repeat(squidLine(now, "10.0.0.1", "CONNECT", "www.example.org:443"), 2000)+strings.Repeat(good, 3)))
	var zst bytes.Buffer
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte(good + good)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw      []byte
		requests int64
		gap      string
	}{
		"CRLF":                      {[]byte(strings.ReplaceAll(good+good, "\n", "\r\n")), 2, ""},
		"no end of the last line":   {[]byte(good + strings.TrimSuffix(good, "\n")), 2, ""},
		"mark of UTF-8":             {[]byte("\xef\xbb\xbf" + good), 1, ""},
		"UTF-16":                    {utf16le(good + good), 2, ""},
		"Latin-1":                   {[]byte(strings.Replace(good, " ann ", " J\xfcrgen ", 1)), 1, ""},
		"zstd":                      {zst.Bytes(), 2, ""},
		"gzip, cut":                 {zipped[:len(zipped)-6], 3, "ends in the middle of its packing"},
		"NULs before a line":        {[]byte(good + strings.Repeat("\x00", 5000) + good), 2, ""},
		"NULs only":                 {[]byte(good + strings.Repeat("\x00", 5000) + "\n"), 1, "1 of 2 lines"},
		"a line beyond the bound":   {[]byte(good + strings.Repeat("x", 300_000) + "\n" + good), 2, "1 lines are longer than 65536 bytes"},
		"a last one beyond it":      {[]byte(good + strings.Repeat("x", 300_000)), 1, "1 lines are longer"},
		"half a line in the middle": {[]byte(good + good[:40] + "\n" + good[40:] + good), 2, "2 of 4 lines"},
		"binary":                    {append([]byte(good), bytes.Repeat([]byte{0xff, 0x00, 0x0a, 0x1b}, 50)...), 1, "lines are not of the format squid"},
		"a time to come":            {[]byte(good + squidLine(now.Add(48*time.Hour), "10.0.0.1", "CONNECT", "api.openai.com:443")), 1, "1 requests are of a time that has not come yet, or before 2015: see the clock"},
		"a clock that was not set":  {[]byte(good + squidLine(time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC), "10.0.0.1", "CONNECT", "api.openai.com:443")), 1, "or before 2015"},
		"escape codes in the user":  {[]byte(strings.Replace(good, " ann ", " \x1b[31mann\x1b[0m ", 1)), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.check(os.WriteFile(f.path("access.log"), c.raw, 0o600))
			f.old("access.log", time.Hour)
			rec, cov := collect(t, f.config(map[string]any{"max_line_bytes": 65536, "people": peopleName, "names_allowed_by": "test",
				"logs": []any{map[string]any{"name": "proxy", "paths": []string{f.path("access.log")}, "format": "squid"}}}), nil)
			var requests int64
			for _, r := range rec.Records() {
				requests += number64(connectortest.Payload(t, r)["requests"])
			}
			details := ""
			for _, g := range rec.Gaps() {
				details += g.Detail + "\n"
			}
			if requests != c.requests {
				t.Errorf("%d requests, want %d", requests, c.requests)
			}
			if c.gap == "" && details != "" || !strings.Contains(details, c.gap) || (details == "") != (cov.Status == connector.Complete) {
				t.Errorf("gaps %q, want %q; %+v", details, c.gap, cov)
			}
		})
	}
}

func number64(v any) int64 {
	f, _ := v.(float64)
	return int64(f)
}

// endless is a line of a gigabyte, in small memory.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.left)
	for i := range n {
		p[i] = 'x'
	}
	e.left -= n
	if n == 0 {
		return copy(p, "\nend\n"), nil
	}
	return int(n), nil
}

func TestEndlessLine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := newLines(&endless{left: 1 << 30}, 0, 1<<20)
	first, err := l.next()
	if err != nil || !first.long || first.text != nil {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := l.next()
	if err != nil || string(second.text) != "end" || second.at != 1<<30+1 {
		t.Errorf("%q at %d, %v", second.text, second.at, err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes for it", grown)
	}
}

// Nothing of a person leaves the connector unless it is set to.
func TestPeople(t *testing.T) {
	now := time.Now().Add(-time.Hour)
	for people, leaves := range map[string]bool{peopleCount: false, peoplePseudonym: false, peopleName: true} {
		f := newFolder(t)
		for i := range 5 {
			f.add("access.log", strings.Replace(squidLine(now, fmt.Sprintf("10.9.8.%d", i), "CONNECT", "api.openai.com:443"), " ann ", fmt.Sprintf(" Walpurga%d@example.com ", i/2), 1))
			f.add("access.log", strings.Replace(squidLine(now, fmt.Sprintf("10.9.7.%d", i), "CONNECT", "claude.ai:443"), " ann ", " - ", 1))
		}
		rec, cov := collect(t, f.config(map[string]any{"people": people, "names_allowed_by": "test", "logs": []any{f.log("proxy", "access.log")}}), nil)
		all, err := json.Marshal([]any{rec.Records(), rec.Gaps(), cov})
		f.check(err)
		var text strings.Builder
		text.Write(all)
		for _, r := range rec.Records() {
			text.Write(r.Payload)
			text.WriteString(r.Key)
		}
		for _, secret := range []string{"Walpurga", "walpurga", "10.9.8.", "10.9.7."} {
			if strings.Contains(text.String(), secret) != leaves && (!leaves || secret == "Walpurga") {
				t.Errorf("people %s: %q in what is emitted: %v", people, secret, !leaves)
			}
		}
		want := map[string]int{peopleCount: 2, peoplePseudonym: 8, peopleName: 8}[people]
		if len(rec.Records()) != want {
			t.Errorf("people %s: %d records, want %d", people, len(rec.Records()), want)
		}
		for _, r := range rec.Records() {
			p := connectortest.Payload(t, r)
			if p["provider"] == "openai" && people == peopleCount && number64(p["actors"]) != 3 {
				t.Errorf("%v people of openai", p["actors"])
			}
			if people == peoplePseudonym && len(fmt.Sprint(p["actor"])) != len("p-")+16 {
				t.Errorf("pseudonym %v", p["actor"])
			}
		}
	}
}

// Up to the bound the number of people is exact, beyond it a lower bound that
// says so.
func TestManyPeople(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Hour)
	for i := range 30 {
		f.add("access.log", squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443")[:0]+strings.Replace(squidLine(now, fmt.Sprintf("10.0.0.%d", i), "CONNECT", "api.openai.com:443"), " ann ", " - ", 1))
	}
	for bound, want := range map[int]string{30: "30 false", 29: "29 true", 1: "1 true"} {
		rec, _ := collect(t, f.config(map[string]any{"max_actors": bound, "logs": []any{f.log("proxy", "access.log")}}), nil)
		p := connectortest.Payload(t, rec.Records()[0])
		if got := fmt.Sprint(p["actors"], " ", strings.Contains(fmt.Sprint(p["signals"]), "at least")); got != want {
			t.Errorf("bound %d: %s, want %s", bound, got, want)
		}
	}
}

// Requests are put together by network, by the domain of the user, or by a
// column.
func TestGroups(t *testing.T) {
	now := time.Now().Add(-time.Hour)
	line := func(ip, user, dept, host string) string {
		return fmt.Sprintf("%s,%s,%s,%s,%s\n", now.UTC().Format(time.RFC3339), ip, user, dept, host)
	}
	f := newFolder(t)
	f.add("web.csv", "when,ip,who,dept,site\n"+line("10.1.2.3", "ann@corp.example", "Research", "api.openai.com")+
		line("10.1.2.4", `CORP\bob`, "", "api.openai.com")+line("10.1.9.9", "", "Sales|EU", "api.openai.com")+
		line("2001:db8::5", "", "", "api.openai.com")+line("192.0.2.1", "", "", "api.openai.com")+line("::ffff:10.1.2.9", "", "", "api.openai.com"))
	log := map[string]any{"name": "web", "paths": []string{f.path("web.csv")}, "format": "csv", "channel": "proxy",
		"columns": map[string]string{"time": "when", "client": "ip", "user": "who", "group": "dept", "host": "site"}}
	groups := []any{map[string]any{"name": "plant", "networks": []string{"10.1.0.0/16", "2001:db8::/32"}, "scope": "product", "environment": "production"},
		map[string]any{"name": "lab", "networks": []string{"10.1.2.0/24"}}}
	for by, want := range map[string]string{
		byNetwork: "all:1 lab:3 plant:2", byDomain: "all:1 corp:1 corp.example:1 lab:1 plant:2", byColumn: "Research:1 Sales/EU:1 all:1 lab:2 plant:1",
	} {
		rec, _ := collect(t, f.config(map[string]any{"group_by": by, "groups": groups, "logs": []any{log}}), nil)
		found := map[string]int64{}
		for _, r := range rec.Records() {
			p := connectortest.Payload(t, r)
			found[p["place"].(string)] += number64(p["requests"])
			if p["place"] == "plant" && (p["scope"] != "product" || p["environment"] != "production") {
				t.Errorf("plant: %v", p)
			}
		}
		var got []string
		for _, k := range sortedKeys(found) {
			got = append(got, fmt.Sprintf("%s:%d", k, found[k]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("by %s: %v, want %s", by, got, want)
		}
	}
}

// A quiet source is not a clean source.
func TestSilence(t *testing.T) {
	now := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		text string
		more map[string]any
		gap  string
	}{
		"empty":            {"", nil, "hold no line"},
		"long ago":         {squidLine(now.AddDate(0, 0, -5), "10.0.0.1", "GET", "http://www.example.org/"), nil, "what happened since is not in it"},
		"today":            {squidLine(now, "10.0.0.1", "GET", "http://www.example.org/"), nil, ""},
		"no queries":       {"Nov 29 00:56:56 dnsmasq[13717]: started, version 2.90\n", map[string]any{"format": "dnsmasq"}, "none of its 1 lines is a request"},
		"without times":    {`[INFO] 10.0.0.5:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr 68 0.1s` + "\n", nil, "none of its lines says when"},
		"undated requests": {`[INFO] 10.0.0.5:50759 - 29008 "A IN api.openai.com. udp 41 false 4096" NOERROR qr 68 0.1s` + "\n", nil, "have no time"},
	} {
		f := newFolder(t)
		f.add("x.log", c.text)
		log := f.log("x", "x.log")
		for k, v := range c.more {
			log[k] = v
		}
		rec, cov := collect(t, f.config(map[string]any{"logs": []any{log}}), nil)
		found := ""
		for _, g := range rec.Gaps() {
			found += g.Detail + "\n"
		}
		if !strings.Contains(found, c.gap) || (c.gap == "") != (found == "") || (found == "") != (cov.Status == connector.Complete) {
			t.Errorf("%s: %q, want %q; %+v", name, found, c.gap, cov)
		}
	}
}

func TestCanary(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	for _, n := range []int{4, 3, 2, 1, 0} {
		if n != 2 {
			f.add("x.log", squidLine(day(n), "10.0.0.1", "GET", "http://canary.example.org/"))
		}
		f.add("x.log", squidLine(day(n), "10.0.0.1", "GET", "http://www.example.org/"))
	}
	cfg := f.config(map[string]any{"canaries": []string{"canary.example.org"}, "logs": []any{f.log("x", "x.log")}})
	rec, cov := collect(t, cfg, nil)
	again, _ := collect(t, cfg, rec)
	for _, r := range []*connectortest.Recorder{rec, again} {
		if g := r.Gaps(); len(g) != 1 || g[0].Reason != connector.Hidden || g[0].Scope != "day "+day(2).UTC().Format(time.DateOnly) {
			t.Errorf("%v", g)
		}
	}
	if cov.Status != connector.Partial || len(rec.Records()) != 0 {
		t.Errorf("%+v %v", cov, rec.Records())
	}
}

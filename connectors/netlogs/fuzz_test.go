package netlogs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzParsers: whatever a line holds, no parser fails, and a hit names a host
// that the line holds and that the signatures know.
func FuzzParsers(f *testing.F) {
	for name, line := range benchLines() {
		f.Add([]byte(benchHeaders[name] + line))
		f.Add([]byte(benchHeaders[name] + string(bytes.ReplaceAll([]byte(line), []byte("HOST"), []byte("api.openai.com")))))
	}
	files, err := filepath.Glob("testdata/real/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range bytes.Split(raw, []byte{'\n'}) {
			f.Add(line)
		}
	}
	table := newTable(signatures(f).All(), []string{"canary.example.org"})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, form := range formats() {
			l := &logConfig{zone: time.UTC, Columns: benchColumns[form.name], Logformat: layoutSquid}
			for _, env := range []envelope{bareLines, syslogLines, dockerLines} {
				p, err := form.parser(l)
				if err != nil {
					t.Fatal(err)
				}
				_ = p.prime(raw) // a header that is none is an error
				c := l.clock(reference, reference)
				e := &event{table: table, clock: &c}
				for _, line := range bytes.Split(raw, []byte{'\n'}) {
					e.reset()
					body, ok := env.open(line, e)
					if !ok {
						continue
					}
					if v := p.parse(body, e); v != hit {
						continue
					}
					if again, _ := table.find(e.host, e.port); again != e.to || e.at > c.latest || e.at < earliest {
						t.Errorf("%s: hit of %q at %d in %q", form.name, e.host, e.at, line)
					}
				}
			}
		}
		_, _, _ = newProbe(raw, table, clock{zone: time.UTC, ref: reference, latest: reference.Unix()}).detect()
	})
}

// FuzzJSON: what is taken for an object by the reader of lines is one.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"query_timestamp":"2026-11-28T10:15:02Z","query_name":"api.openai.com.","srcaddr":"10.0.0.5","answers":[{"a":[1,2]}],"x":{"y":null}}`))
	f.Add([]byte(`{"query_name":"api.openai.com","query_timestamp":1795860902}`))
	f.Add([]byte(`{"query_name" : "api.openai.com", "query_timestamp":1795860902}`))
	f.Add([]byte(`{"query_name":"api\u002eopenai.com","query_timestamp":1795860902}`))
	f.Add([]byte(`{"x":"query_name","query_name":"www.example.org","query_timestamp":1795860902}`))
	table := newTable(signatures(f).All(), nil)
	form, _ := formatOf("route53_resolver")
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := &logConfig{zone: time.UTC}
		p, err := form.parser(l)
		if err != nil {
			t.Fatal(err)
		}
		c := l.clock(reference, reference)
		e := &event{table: table, clock: &c}
		e.reset()
		quick := p.parse(raw, e)
		full := *p.(*jsonl)
		full.quick = nil
		e.reset()
		if slow := full.parse(raw, e); json.Valid(raw) && (slow == hit) != (quick == hit) {
			t.Errorf("%d at a glance and %d in full: %q", quick, slow, raw)
		}
		if quick != hit {
			return
		}
		var v struct {
			Name json.RawMessage `json:"query_name"`
		}
		whole := bytes.TrimSuffix(bytes.TrimSpace(raw), []byte(","))
		if json.Valid(whole) && json.Unmarshal(whole, &v) == nil && len(v.Name) == 0 {
			t.Errorf("a hit of %q in %q", e.host, raw)
		}
	})
}

// FuzzTimes: a time that is read is one that a log may hold, and reading it
// twice gives the same.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"Nov 28 10:15:02", "28/Nov/2026:10:15:02 +0100", "2026-11-28T10:15:02.123Z", "1795860902.123", "11/28/2026 3:15:02 PM", "28.11.2026 10:15:02",
		"Sat Nov 28 10:15:02 2026", "28-Nov-2026 10:15:02.1", "Feb 29 01:02:03", "1795860902123", "Sat, 28 Nov 2026 10:15:02 GMT", "2026/11/28 10:15:02"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := clock{zone: berlin(t), ref: reference}
		at, ok := c.parse(b)
		again, ok2 := c.parse(b)
		if ok != ok2 || at != again {
			t.Errorf("%q: %d %v, then %d %v", b, at, ok, again, ok2)
		}
		if ok && !plausible(at) {
			t.Errorf("%q: %d", b, at)
		}
	})
}

// FuzzLines: lines put together again are the stream, whatever their lengths.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\nccc"), 2)
	f.Fuzz(func(t *testing.T, raw []byte, bound int) {
		if bound < 1 || bound > 1<<20 {
			return
		}
		l := newLines(bytes.NewReader(raw), 0, bound)
		var at int64
		for {
			next, err := l.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || next.at != at || !next.long && !bytes.HasPrefix(raw[at:], next.text) || next.long && next.text != nil {
				t.Fatalf("%+v, %v", next, err)
			}
			at = l.at
		}
		if at != int64(len(raw)) {
			t.Errorf("%d of %d bytes", at, len(raw))
		}
	})
}

// FuzzHosts: the table finds what comparing with every pattern finds.
func FuzzHosts(f *testing.F) {
	f.Add("https://ann:pw@api.openai.com:443/x")
	f.Add("eu-aiplatform.googleapis.com.")
	table := newTable(signatures(f).All(), nil)
	var all []pattern
	for i := range table.slots {
		all = append(all, table.slots[i].patterns...)
	}
	f.Fuzz(func(t *testing.T, address string) {
		host, _ := hostOf([]byte(address))
		to, _ := table.find(host, 0)
		name := bare(host)
		best := -1
		for i := range all {
			if len(name) > 0 && all[i].takes(name, 0) && (best < 0 || all[i].letter > all[best].letter) {
				best = i
			}
		}
		if (to == nil) != (best < 0) || to != nil && all[best].to != to && !table.match(host, 0).takes(name, 0) {
			t.Errorf("%q: %v, want %d", address, to, best)
		}
	})
}

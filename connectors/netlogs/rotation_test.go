package netlogs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// traffic is lines of a proxy over some days, in the order of a log.
func traffic(dice *rand.Rand, n int, until time.Time) []string {
	hosts := []string{"api.openai.com:443", "chatgpt.com:443", "claude.ai:443", "www.example.org:443", "files.oaiusercontent.com:443", "www.example.com:443"}
	var out []string
	for i := range n {
		at := until.Add(-time.Duration(n-i) * 53 * time.Minute)
		out = append(out, squidLine(at, fmt.Sprintf("10.0.%d.%d", dice.IntN(2), dice.IntN(30)), "CONNECT", hosts[dice.IntN(len(hosts))]))
	}
	return out
}

// Whatever way a log is split, rotated, packed and read, the same is on record
// in the end as if it had been read once.
func TestAnySplit(t *testing.T) {
	until := time.Now().Add(-time.Minute).Truncate(time.Second)
	for seed := range uint64(20) {
		dice := rand.New(rand.NewPCG(seed, 7))
		lines := traffic(dice, 150, until)
		people := []string{peopleCount, peoplePseudonym}[seed%2]
		settings := func(f *folder) connector.Config {
			return f.config(map[string]any{"people": people, "max_actors": 12, "silent_after": "0s", "logs": []any{f.log("proxy", "access.log*")},
				"groups": []any{map[string]any{"name": "lab", "networks": []string{"10.0.1.0/24"}}}})
		}
		whole := newFolder(t)
		whole.add("access.log", strings.Join(lines, ""))
		rec, _ := collect(t, settings(whole), nil)
		want := store{}
		want.take(rec)

		f := newFolder(t)
		cfg := settings(f)
		got, text := store{}, strings.Join(lines, "")
		var prev *connectortest.Recorder
		step := func(full bool) {
			next, cov := collectAs(t, connector.Request{Config: cfg, Full: full}, prev)
			if len(next.Gaps()) != 0 || cov.Status != connector.Complete {
				t.Fatalf("seed %d: gaps %v, %+v", seed, next.Gaps(), cov)
			}
			got.take(next)
			prev = next
		}
		rotated := 0
		for len(text) > 0 {
			n := min(len(text), 1+dice.IntN(len(text)/2+200))
			f.add("access.log", text[:n]) // also in the middle of a line
			text = text[n:]
			if dice.IntN(2) == 0 {
				step(dice.IntN(4) == 0)
			}
			whole := text == "" || strings.HasSuffix(readFile(t, f.path("access.log")), "\n")
			if whole && dice.IntN(3) == 0 {
				rotated = rotate(f, rotated, dice.IntN(2) == 0)
			}
		}
		step(false)
		step(false)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d: in one go (-), in parts (+):\n%s", seed, d)
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// rotate renames access.log to access.log.1, that to .2 and so on, and packs
// the older ones.
func rotate(f *folder, have int, pack bool) int {
	for i := have; i > 0; i-- {
		for _, end := range []string{"", ".gz"} {
			if _, err := os.Stat(f.path(fmt.Sprintf("access.log.%d%s", i, end))); err == nil {
				f.move(fmt.Sprintf("access.log.%d%s", i, end), fmt.Sprintf("access.log.%d%s", i+1, end))
			}
		}
	}
	f.move("access.log", "access.log.1")
	if pack {
		f.pack("access.log.1")
	}
	return have + 1
}

// What happens to files between runs, and what is said about it.
func TestFilesThatMove(t *testing.T) {
	now := time.Now().Add(-time.Minute).Truncate(time.Second)
	lines := strings.Join(traffic(rand.New(rand.NewPCG(1, 1)), 60, now), "")
	later := squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443")
	for name, c := range map[string]struct {
		between func(f *folder)
		gap     string // part of the detail; empty: none
		reason  connector.Reason
		emits   bool
	}{
		"nothing":            {func(f *folder) {}, "", "", false},
		"more lines":         {func(f *folder) { f.add("access.log", later) }, "", "", true},
		"half a line":        {func(f *folder) { f.add("access.log", later[:30]) }, "", "", false},
		"renamed and packed": {func(f *folder) { f.move("access.log", "access.log.1"); f.pack("access.log.1") }, "", "", false},
		"packed, the plain stays": {func(f *folder) {
			f.check(os.WriteFile(f.path("access.log.1.gz"), gzipped(f.t, []byte(readFile(f.t, f.path("access.log")))), 0o600))
		}, "", "", false},
		"a copy beside it": {func(f *folder) { f.add("access.log.bak", readFile(f.t, f.path("access.log"))) }, "", "", false},
		"a copy, and it grew": {func(f *folder) {
			f.add("access.log.bak", readFile(f.t, f.path("access.log")))
			f.add("access.log", later)
		}, "", "", true},
		"rotated away":          {func(f *folder) { f.check(os.Remove(f.path("access.log"))); f.add("access.log", later) }, "is in no file any more", connector.Hidden, true},
		"gone":                  {func(f *folder) { f.move("access.log", "other.log") }, "is in no file any more", connector.Hidden, false},
		"shorter":               {func(f *folder) { f.check(os.Truncate(f.path("access.log"), int64(len(lines)/2))) }, "shorter than what was read", connector.Truncated, false},
		"begins alike, goes on": {func(f *folder) { f.add("access.log.x", lines[:5000]+later) }, "cannot be told apart", connector.Malformed, false},
		"a folder of that name": {func(f *folder) { f.check(os.Mkdir(f.path("access.log.d"), 0o700)); f.add("access.log.d/a.log", later) }, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.add("access.log", lines)
			cfg := f.config(map[string]any{"logs": []any{f.log("proxy", "access.log*")}})
			first, _ := collect(t, cfg, nil)
			if len(first.Gaps()) != 0 {
				t.Fatal(first.Gaps())
			}
			c.between(f)
			second, cov := collect(t, cfg, first)
			var details []string
			for _, g := range second.Gaps() {
				details = append(details, string(g.Reason)+" "+g.Scope+" "+g.Detail)
			}
			found := strings.Join(details, "\n")
			switch {
			case c.gap == "" && (found != "" || cov.Status != connector.Complete):
				t.Errorf("gaps %s, %+v", found, cov)
			case c.gap != "" && (!strings.Contains(found, c.gap) || !strings.Contains(found, string(c.reason)) || cov.Status == connector.Complete):
				t.Errorf("gaps %q, want %q; %+v", found, c.gap, cov)
			}
			if emits := len(second.Records()) > 0; emits != c.emits {
				t.Errorf("%d records, want some: %v", len(second.Records()), c.emits)
			}
		})
	}
}

// A file that is unchanged is not read, and a run that finds nothing new writes
// nothing.
func TestUnchangedCostsNothing(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	f.add("access.log", strings.Join(traffic(rand.New(rand.NewPCG(1, 1)), 60, now), ""))
	cfg := f.config(map[string]any{"logs": []any{f.log("proxy", "access.log")}})
	first, _ := collect(t, cfg, nil)
	again, cov := collect(t, cfg, first)
	if d := cmp.Diff(first.Cursors(), again.Cursors()); d != "" {
		t.Error(d)
	}
	if len(again.Records()) != 0 || again.Counted().Bytes != 0 || cov.Status != connector.Complete {
		t.Errorf("%d records, %+v, %+v", len(again.Records()), again.Counted(), cov)
	}
}

// Files that begin with the same header and hold nothing else yet take nothing
// from the others.
func TestHeaderOnly(t *testing.T) {
	header := "when,address of the client,host that was asked for,what was done with the request\n"
	line := func(n int) string {
		return time.Now().Add(-time.Duration(n)*time.Minute).UTC().Format(time.RFC3339) + ",10.0.0.1,api.openai.com,allowed\n"
	}
	for _, empty := range []string{"a.csv", "z.csv"} {
		f := newFolder(t)
		cfg := f.config(map[string]any{"logs": []any{map[string]any{"name": "web", "paths": []string{f.path("*.csv*")}, "format": "csv", "channel": "proxy",
			"columns": map[string]string{"time": "when", "client": "address of the client", "host": "host that was asked for", "action": "what was done with the request"}}}})
		requests := func(rec *connectortest.Recorder) (n int64) {
			for _, r := range rec.Records() {
				n += number64(connectortest.Payload(t, r)["requests"])
			}
			return n
		}
		f.add(empty, header)
		first, _ := collect(t, cfg, nil)
		f.add("m.csv", header+line(9)+line(8))
		f.add("n.csv", header+line(7))
		f.pack("n.csv")
		second, cov := collect(t, cfg, first)
		if requests(second) != 3 || cov.Status != connector.Complete {
			t.Errorf("%s: %d requests, %v", empty, requests(second), second.Gaps())
		}
		f.add(empty, line(3))
		third, cov := collect(t, cfg, second)
		if requests(third) != 4 || cov.Status != connector.Complete {
			t.Errorf("%s: then %d requests, %v", empty, requests(third), third.Gaps())
		}
		full, _ := collectAs(t, connector.Request{Config: cfg, Full: true}, third)
		if requests(full) != 4 {
			t.Errorf("%s: in full %d requests, %v", empty, requests(full), full.Gaps())
		}
	}
}

// A memory that was cut off between two batches is not used: the one before it
// holds.
func TestMemoryIsWhole(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	lines := traffic(rand.New(rand.NewPCG(1, 1)), 200, now)
	f.add("access.log", strings.Join(lines[:100], ""))
	cfg := f.config(map[string]any{"people": peoplePseudonym, "logs": []any{f.log("proxy", "access.log")}})
	first, _ := collect(t, cfg, nil)
	f.add("access.log", strings.Join(lines[100:], ""))
	second, _ := collect(t, cfg, first)
	torn := connectortest.NewRecorder()
	for name, v := range first.Cursors() {
		_ = torn.Cursor(name, v)
	}
	for name, v := range second.Cursors() {
		if strings.HasPrefix(name, memoryPart) && v != "" { // parts arrived, the index did not
			_ = torn.Cursor(name, v)
		}
	}
	third, _ := collect(t, cfg, torn)
	want, got := store{}, store{}
	want.take(second)
	got.take(third)
	if d := cmp.Diff(want, got); d != "" || len(third.Gaps()) != 0 {
		t.Errorf("%s\ngaps %v", d, third.Gaps())
	}
	broken := connectortest.NewRecorder()
	for name, v := range maps.All(second.Cursors()) {
		if strings.HasPrefix(name, memoryPart) && v != "" {
			v = "AAAA" + v[4:]
		}
		_ = broken.Cursor(name, v)
	}
	fourth, cov := collect(t, cfg, broken)
	if len(fourth.Gaps()) != 1 || cov.Status != connector.Partial || len(fourth.Records()) == 0 {
		t.Errorf("gaps %v, %+v", fourth.Gaps(), cov)
	}
}

// Days that are closed take no more lines, and say so.
func TestClosedDays(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	at := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	cfg := f.config(map[string]any{"reopen_days": 3, "logs": []any{f.log("proxy", "*.log")}})
	f.add("a.log", squidLine(at(20), "10.0.0.1", "CONNECT", "api.openai.com:443")+squidLine(at(9), "10.0.0.1", "CONNECT", "api.openai.com:443")+
		squidLine(at(0), "10.0.0.1", "CONNECT", "api.openai.com:443"))
	first, _ := collect(t, cfg, nil)
	if len(first.Records()) != 3 {
		t.Fatalf("%d records", len(first.Records()))
	}
	f.add("a.log", squidLine(at(9), "10.0.0.2", "CONNECT", "api.openai.com:443"))
	second, cov := collect(t, cfg, first)
	if len(second.Records()) != 0 || len(second.Gaps()) != 1 || !strings.Contains(second.Gaps()[0].Detail, "closed already") || cov.Status != connector.Partial {
		t.Errorf("%v %v", second.Records(), second.Gaps())
	}
	f.add("b.log", squidLine(at(40), "10.0.0.2", "CONNECT", "api.openai.com:443")) // older than all that was read
	third, _ := collect(t, cfg, second)
	if len(third.Records()) != 1 {
		t.Errorf("%v %v", third.Records(), third.Gaps())
	}
	full, _ := collectAs(t, connector.Request{Config: cfg, Full: true}, third)
	for _, r := range full.Records() {
		if p := connectortest.Payload(t, r)["period"]; p != at(0).UTC().Format(time.DateOnly) {
			t.Errorf("a full run changes the closed day %v", p)
		}
	}
}

// Other settings: what is on record of files that are gone is left alone.
func TestOtherSettings(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	f.add("a.log", squidLine(now.AddDate(0, 0, -2), "10.0.0.1", "CONNECT", "api.openai.com:443"))
	f.old("a.log", 48*time.Hour)
	f.add("b.log", squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443"))
	logs := []any{f.log("proxy", "*.log")}
	first, _ := collect(t, f.config(map[string]any{"logs": logs}), nil)
	f.check(os.Remove(f.path("a.log")))
	second, _ := collect(t, f.config(map[string]any{"logs": logs, "people": peoplePseudonym}), first)
	if len(first.Records()) != 2 || len(second.Records()) != 1 || !strings.Contains(second.Records()[0].Key, now.UTC().Format(time.DateOnly)+"|") {
		t.Errorf("%v, then %v", first.Records(), second.Records())
	}
}

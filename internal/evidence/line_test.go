package evidence

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 2, 3, 12, 0, 0, 123_456_789, time.UTC)

func sample() Evidence {
	return Evidence{
		Run: "run-1", Kind: "github.pull_request", Major: 1, Subject: Subject{Type: "change", ID: "acme/x#7"}, Key: "acme/x/pull/7",
		Revision: 2, CollectedAt: Stamp(noon), PayloadSum: Sum([]byte(`{}`)), PayloadSize: 2,
	}
}

func full() Evidence {
	ev := sample()
	ev.EventTime = Stamp(noon.Add(-time.Hour))
	ev.Period = &Period{From: Stamp(noon.AddDate(0, -3, 0)), To: Stamp(noon)}
	ev.URL = "https://example.test/?a=1&b=<2>"
	ev.Imported = true
	ev.Key = "quote \" back \\ tab \t line\u2028 snow ☃ bell \a"
	return ev
}

func TestEvidenceLine(t *testing.T) {
	ev := sample()
	line, err := AppendEvidence(nil, noon.In(time.FixedZone("", 7200)), &ev)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"at":"2026-02-03T12:00:00.123456Z","body":{"collected_at":"2026-02-03T12:00:00.123456Z","key":"acme/x/pull/7",` +
		`"kind":"github.pull_request","major":1,"payload":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",` +
		`"revision":2,"run":"run-1","size":2,"subject":{"id":"acme/x#7","type":"change"}},"type":"evidence","v":1}`
	if d := cmp.Diff(want, string(line)); d != "" {
		t.Errorf("line (-want +got):\n%s", d)
	}
	for name, ev := range map[string]Evidence{"sample": sample(), "full": full()} {
		line, err := AppendEvidence(nil, noon, &ev)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Canonical(line); err != nil || !bytes.Equal(c, line) {
			t.Errorf("%s: the line is not canonical: %v\n%s\n%s", name, err, line, c)
		}
		e, err := ParseLine(9, line)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same, err := NewEntry(EntryEvidence, noon, e.Body)
		if err != nil || !bytes.Equal(same.Line, line) {
			t.Errorf("%s: NewEntry gives another line: %v\n%s", name, err, same.Line)
		}
		var p Parser
		got, err := p.Evidence(e)
		if err != nil {
			t.Fatal(err)
		}
		ev.Seq, ev.Digest = 9, Sum(line)
		if d := cmp.Diff(ev, got); d != "" {
			t.Errorf("%s: (-want +got):\n%s", name, d)
		}
	}
}

func TestStamp(t *testing.T) {
	for _, at := range []time.Time{
		noon, time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2024, 2, 29, 1, 2, 3, 4005, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 1_999_000, time.UTC),
	} {
		got := string(appendStamp(nil, at))
		if want := at.Format(stampLayout); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		back, ok := parseStamp([]byte(got))
		if !ok || !back.Equal(Stamp(at)) {
			t.Errorf("%s reads back as %s", got, back)
		}
	}
}

func TestEvidenceRefuses(t *testing.T) {
	for name, change := range map[string]func(*Evidence){
		"time missing":       func(e *Evidence) { e.CollectedAt = time.Time{} },
		"year 10000":         func(e *Evidence) { e.CollectedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year 0":             func(e *Evidence) { e.EventTime = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) },
		"half a period":      func(e *Evidence) { e.Period = &Period{From: noon} },
		"key not UTF-8":      func(e *Evidence) { e.Key = "\xff" },
		"subject not UTF-8":  func(e *Evidence) { e.Subject.ID = "a\xc3" },
		"negative size":      func(e *Evidence) { e.PayloadSize = -1 },
		"enormous size":      func(e *Evidence) { e.PayloadSize = 1 << 60 },
		"surrogate in bytes": func(e *Evidence) { e.URL = "\xed\xa0\x80" },
	} {
		ev := sample()
		change(&ev)
		if line, err := AppendEvidence(nil, noon, &ev); err == nil {
			t.Errorf("%s: %s", name, line)
		}
	}
}

func TestParseLineRefuses(t *testing.T) {
	ev := full()
	b, err := AppendEvidence(nil, noon, &ev)
	if err != nil {
		t.Fatal(err)
	}
	line := string(b)
	swap := func(from, to string) string {
		if !strings.Contains(line, from) {
			t.Fatalf("no %s in %s", from, line)
		}
		return strings.Replace(line, from, to, 1)
	}
	for name, c := range map[string]struct {
		line string
		want error
	}{
		"empty":                  {"", ErrMalformed},
		"newline":                {line + "\n", ErrMalformed},
		"another version":        {swap(`"v":1`, `"v":2`), ErrVersion},
		"no version":             {swap(`,"v":1`, ``), ErrMalformed},
		"version as text":        {swap(`"v":1`, `"v":"1"`), ErrMalformed},
		"version 01":             {swap(`"v":1`, `"v":01`), nil},
		"another type":           {swap(`"type":"evidence"`, `"type":"poem"`), ErrMalformed},
		"space":                  {swap(`"major":1`, `"major": 1`), ErrMalformed},
		"leading zero":           {swap(`"major":1`, `"major":01`), ErrNotCanonical},
		"exponent":               {swap(`"major":1`, `"major":1e0`), ErrMalformed},
		"digest in capitals":     {swap(`"payload":"44136fa3`, `"payload":"44136FA3`), ErrNotCanonical},
		"needless escape":        {swap(`"kind":"g`, `"kind":"\u0067`), ErrNotCanonical},
		"escape in capitals":     {swap(`\u0007`, `\u0007\u001F`), ErrNotCanonical},
		"escaped slash":          {swap(`https://`, `https:\/\/`), ErrNotCanonical},
		"long form of a short":   {swap(`\t`, `\u0009`), ErrNotCanonical},
		"raw control character":  {swap(`"kind":"g`, "\"kind\":\"\x01g"), ErrNotCanonical},
		"not UTF-8":              {swap(`"kind":"g`, "\"kind\":\"\xffg"), ErrNotCanonical},
		"empty optional field":   {swap(`"url":"https://example.test/?a=1&b=<2>"`, `"url":""`), ErrMalformed},
		"optional false":         {swap(`"imported":true`, `"imported":false`), ErrMalformed},
		"unknown field":          {swap(`"size":2`, `"size":2,"smell":"none"`), ErrMalformed},
		"field twice":            {swap(`"size":2`, `"size":2,"size":2`), ErrMalformed},
		"missing field":          {swap(`"size":2,`, ``), ErrMalformed},
		"order":                  {swap(`"revision":2,"run":"run-1"`, `"run":"run-1","revision":2`), ErrMalformed},
		"two bodies":             {swap(`,"type":"evidence"`, `,"body":{},"type":"evidence"`), ErrMalformed},
		"month 13":               {swap(`{"at":"2026-02`, `{"at":"2026-13`), ErrMalformed},
		"30 February":            {swap(`{"at":"2026-02-03`, `{"at":"2026-02-30`), ErrMalformed},
		"leap second":            {swap(`{"at":"2026-02-03T12:00:00`, `{"at":"2026-02-03T12:00:60`), ErrMalformed},
		"time zone":              {swap(`{"at":"2026-02-03T12:00:00.123456Z`, `{"at":"2026-02-03T12:00:00.12+01:0`), ErrMalformed},
		"29 February 2023":       {swap(`{"at":"2026-02-03`, `{"at":"2023-02-29`), ErrMalformed},
		"year 0":                 {swap(`{"at":"2026`, `{"at":"0000`), ErrMalformed},
		"opaque body unordered":  {`{"at":"2026-02-03T12:00:00.123456Z","body":{"b":1,"a":2},"type":"export","v":1}`, ErrNotCanonical},
		"opaque body an array":   {`{"at":"2026-02-03T12:00:00.123456Z","body":[],"type":"export","v":1}`, nil},
		"opaque body broken off": {`{"at":"2026-02-03T12:00:00.123456Z","body":{"a":"},"type":"export","v":1}`, nil},
		"type in the body":       {`{"at":"2026-02-03T12:00:00.123456Z","body":{},"type":"export","x":{},"type":"export","v":1}`, nil},
	} {
		_, err := ParseLine(0, []byte(c.line))
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestBodies(t *testing.T) {
	run := Run{
		ID: "r1", StartedAt: Stamp(noon), FinishedAt: Stamp(noon.Add(time.Minute)), Status: RunPartial, Error: "half of it",
		Provenance: Provenance{Agent: "a/1", Source: "github", Connector: "github", ConnectorVersion: "1.2.3", Binary: Sum(nil).String(),
			Identity: "app 7", Method: "api", Reliability: "direct_api", Imported: true},
		Kinds: map[string]KindRead{
			"k": {Coverage: "complete", Enumerated: true, Since: Stamp(noon.AddDate(-1, 0, 0)), Query: "state=all", IndependentCount: -1, Seen: 3, New: 1, Revised: 1, Unchanged: 1, Gone: 2},
			"l": {},
		},
		Gaps:  []Gap{{Kinds: []string{"l"}, Scope: "acme/<secret>", Reason: "denied", Permission: "read", Detail: "ask"}},
		Calls: CallCounts{Requests: 1, NotModified: 2, Retries: 3, RateLimited: 4, Bytes: 5},
		State: Sum([]byte("state")),
	}
	opened, err := RunOpened(run, noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRunOpened(opened)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Run{ID: run.ID, StartedAt: run.StartedAt, Provenance: run.Provenance}, got); d != "" {
		t.Errorf("run_opened (-want +got):\n%s", d)
	}
	closed, err := RunClosed(run, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = ParseRunClosed(closed); err != nil {
		t.Fatal(err)
	}
	got.Provenance, got.StartedAt = run.Provenance, run.StartedAt
	if d := cmp.Diff(run, got); d != "" {
		t.Errorf("run_closed (-want +got):\n%s", d)
	}
	gone := Gone{Run: "r1", Kind: "k", Keys: []string{"a", "b\n", "ü"}, At: Stamp(noon)}
	e, err := GoneEntry(gone, noon)
	if err != nil {
		t.Fatal(err)
	}
	gotGone, err := ParseGone(e)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(gone, gotGone); d != "" {
		t.Errorf("gone (-want +got):\n%s", d)
	}
	er := Erasure{Payload: Sum([]byte("x")), By: "b", Reason: "r"}
	e, err = ErasureEntry(er, noon)
	if err != nil {
		t.Fatal(err)
	}
	gotEr, err := ParseErasure(e)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(er, gotEr); d != "" {
		t.Errorf("erasure (-want +got):\n%s", d)
	}
	for _, e := range []Entry{opened, closed, e} {
		if _, err := ParseLine(0, e.Line); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
	}
}

// TestRunClosedState reads closing entries with a digest of the state, and
// without, as runs of a source without state have and older stores all.
func TestRunClosedState(t *testing.T) {
	line := func(state string) []byte {
		return []byte(`{"at":"2026-02-03T12:00:00.123456Z","body":{"calls":{"bytes":0,"not_modified":0,"rate_limited":0,"requests":0,"retries":0},` +
			`"finished_at":"2026-02-03T12:00:00.000000Z","gaps":[],"kinds":{},"run":"r"` + state + `,"status":"failed"},"type":"run_closed","v":1}`)
	}
	sum := Sum([]byte("x"))
	for state, want := range map[string]Digest{"": {}, `,"state":"` + sum.String() + `"`: sum} {
		e, err := ParseLine(0, line(state))
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseRunClosed(e)
		if err != nil || r.State != want {
			t.Errorf("%s: %s, %v, want %s", state, r.State, err, want)
		}
		if again, err := RunClosed(r, e.At); err != nil || !bytes.Equal(again.Line, line(state)) {
			t.Errorf("written again: %s, %v", again.Line, err)
		}
	}
	for name, state := range map[string]string{
		"empty": `,"state":""`, "zero": `,"state":"` + Digest{}.String() + `"`, "null": `,"state":null`,
		"capitals": `,"state":"` + strings.ToUpper(sum.String()) + `"`, "too short": `,"state":"` + sum.String()[2:] + `"`,
	} {
		if _, err := ParseLine(0, line(state)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBodiesRefuse(t *testing.T) {
	for name, line := range map[string]string{
		"run_opened with a field more":  `{"at":"2026-02-03T12:00:00.123456Z","body":{"id":"r","provenance":{},"started_at":"2026-02-03T12:00:00.000000Z","x":1},"type":"run_opened","v":1}`,
		"run_opened with a field less":  `{"at":"2026-02-03T12:00:00.123456Z","body":{"id":"r","started_at":"2026-02-03T12:00:00.000000Z"},"type":"run_opened","v":1}`,
		"run_closed without a status":   `{"at":"2026-02-03T12:00:00.123456Z","body":{"calls":{"bytes":0,"not_modified":0,"rate_limited":0,"requests":0,"retries":0},"finished_at":"2026-02-03T12:00:00.000000Z","gaps":[],"kinds":{},"run":"r","status":""},"type":"run_closed","v":1}`,
		"gone without keys":             `{"at":"2026-02-03T12:00:00.123456Z","body":{"at":"2026-02-03T12:00:00.000000Z","keys":[],"kind":"k","run":"r"},"type":"gone","v":1}`,
		"gone in disorder":              `{"at":"2026-02-03T12:00:00.123456Z","body":{"at":"2026-02-03T12:00:00.000000Z","keys":["b","a"],"kind":"k","run":"r"},"type":"gone","v":1}`,
		"gone twice":                    `{"at":"2026-02-03T12:00:00.123456Z","body":{"at":"2026-02-03T12:00:00.000000Z","keys":["a","a"],"kind":"k","run":"r"},"type":"gone","v":1}`,
		"erasure of no digest":          `{"at":"2026-02-03T12:00:00.123456Z","body":{"by":"b","payload":"xyz","reason":"r"},"type":"erasure","v":1}`,
		"time with another precision":   `{"at":"2026-02-03T12:00:00.123456Z","body":{"at":"2026-02-03T12:00:00Z","keys":["a"],"kind":"k","run":"r"},"type":"gone","v":1}`,
		"erasure with a name as number": `{"at":"2026-02-03T12:00:00.123456Z","body":{"by":1,"payload":"xyz","reason":"r"},"type":"erasure","v":1}`,
	} {
		if _, err := ParseLine(0, []byte(line)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	keys := make([]string, MaxGoneKeys+1)
	if _, err := GoneEntry(Gone{Run: "r", Kind: "k", Keys: keys, At: noon}, noon); err == nil {
		t.Error("a gone entry took too many keys")
	}
	if _, err := RunOpened(Run{ID: "r", StartedAt: noon}, noon); err == nil {
		t.Error("a run without a source was opened")
	}
	if _, err := NewEntry("poem", noon, []byte(`{}`)); err == nil {
		t.Error("an entry of an unknown type was made")
	}
}

// FuzzParseLine: a line that is accepted is canonical JSON, and what was read
// gives exactly the same bytes again.
func FuzzParseLine(f *testing.F) {
	for _, ev := range []Evidence{sample(), full()} {
		line, err := AppendEvidence(nil, noon, &ev)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"at":"2026-02-03T12:00:00.123456Z","body":{"a":[1.5,"x"]},"type":"export","v":1}`))
	f.Add([]byte(`{"at":"2026-02-03T12:00:00.123456Z","body":{"at":"2026-02-03T12:00:00.000000Z","keys":["a"],"kind":"k","run":"r"},"type":"gone","v":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseLine(3, line)
		if err != nil {
			return
		}
		if c, err := Canonical(line); err != nil || !bytes.Equal(c, line) {
			t.Fatalf("accepted, and its canonical form is %q (%v): %q", c, err, line)
		}
		again, err := NewEntry(e.Type, e.At, e.Body)
		if err != nil || !bytes.Equal(again.Line, line) {
			t.Fatalf("accepted, and NewEntry gives %q (%v): %q", again.Line, err, line)
		}
		if e.Type != EntryEvidence {
			return
		}
		var p Parser
		ev, err := p.Check(e)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, err := AppendEvidence(nil, e.At, &ev)
		if err != nil || !bytes.Equal(rebuilt, line) {
			t.Fatalf("accepted, and its fields give %q (%v): %q", rebuilt, err, line)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	ev := sample()
	line, err := AppendEvidence(nil, noon, &ev)
	if err != nil {
		b.Fatal(err)
	}
	e, err := SplitLine(0, line)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			if buf, err = AppendEvidence(buf[:0], noon, &ev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("check", func(b *testing.B) {
		var p Parser
		for b.Loop() {
			if _, err := p.Check(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// cross encodes in and decodes it into out, through bytes, as a process
// boundary does.
func cross[M proto.Message](t testing.TB, in, out M) M {
	t.Helper()
	raw, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
	return out
}

var at = time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.UTC)

func descriptor() connector.Descriptor {
	return connector.Descriptor{
		Name: "acme", Version: "1.0.0-rc.1", Summary: "Reads Acme.", ConfigSchema: json.RawMessage(`{"type":"object"}`),
		Secrets: []connector.SecretSpec{{Name: "token", Summary: "t", Required: true}, {Name: "other"}},
		Kinds:   []connector.KindSpec{{Kind: "acme.thing", Major: 1, Summary: "s"}, {Kind: "acme.thing", Major: 3}},
		Permissions: []connector.Permission{
			{ID: "read:thing", Kinds: []string{"acme.thing"}, Why: "w", Grant: "g"},
		},
	}
}

func record() connector.Record {
	return connector.Record{
		Kind: "acme.thing", Major: 3, Subject: connector.Subject{Type: "thing", ID: "ä/1"}, Key: "k 1", Group: "page-1",
		EventTime: at, Period: &connector.Period{From: at.Add(-time.Hour), To: at},
		URL: "https://example.test/x?y=z#1", Payload: json.RawMessage(`{"a": [1, -2.5e3, "\ud83d\ude00"], "b": null}`),
	}
}

// Every field survives the way there and back.
func TestRoundTrip(t *testing.T) {
	check := func(name string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	d, err := wire.DecodeDescriptor(cross(t, wire.EncodeDescriptor(descriptor()), &wire.Descriptor{}))
	check("descriptor", descriptor(), d, err)

	r, err := wire.DecodeRecord(cross(t, wire.EncodeRecord(record()), &wire.Record{}))
	check("record", record(), r, err)
	bare := connector.Record{Kind: "a.b", Major: 1, Key: "k"}
	r, err = wire.DecodeRecord(cross(t, wire.EncodeRecord(bare), &wire.Record{}))
	check("bare record", bare, r, err)

	v := connector.Validator{ETag: `W/"a"`, LastModified: "Mon", Link: "<x>; rel=next", Memo: []byte{0, 1, 255}}
	req := connector.Request{
		Config: connector.Config{Settings: json.RawMessage(`{"a":1}`), Secrets: map[string]string{"token": "t"}},
		Kinds:  []string{"acme.thing"}, Cursors: map[string]string{"c": "1"},
		Validators: map[string]connector.Validator{"v": v}, Full: true, Since: at,
	}
	gotReq, err := wire.DecodeRequest(cross(t, wire.EncodeRequest(req), &wire.CollectRequest{}))
	check("request", req, gotReq, err)
	gotReq, err = wire.DecodeRequest(cross(t, wire.EncodeRequest(connector.Request{}), &wire.CollectRequest{}))
	check("empty request", connector.Request{}, gotReq, err)

	report := connector.CheckReport{
		Identity: "robot", Scope: []string{"a", "b"}, Problem: "p", Remedy: "r",
		Permissions: []connector.PermissionState{
			{Permission: "a", Grant: connector.Granted}, {Permission: "b", Grant: connector.Missing, Detail: "d"}, {Permission: "c"},
		},
	}
	check("report", report, wire.DecodeCheckReport(cross(t, wire.EncodeCheckReport(report), &wire.CheckReport{})), nil)

	gap := connector.Gap{Kinds: []string{"acme.thing"}, Scope: "s", Reason: connector.Hidden, Permission: "p", Detail: "d"}
	check("gap", gap, wire.DecodeGap(cross(t, wire.EncodeGap(gap), &wire.Gap{})), nil)

	progress := connector.Progress{Message: "m", Done: 1, Total: 2}
	check("progress", progress, wire.DecodeProgress(cross(t, wire.EncodeProgress(progress), &wire.Progress{})), nil)

	calls := connector.Calls{Requests: 1, NotModified: 2, Retries: 3, RateLimited: 4, Bytes: 5}
	check("calls", calls, wire.DecodeCalls(cross(t, wire.EncodeCalls(calls), &wire.Calls{})), nil)

	coverage := connector.Coverage{
		"acme.thing": {Status: connector.Complete, Enumerated: true, Since: at, Query: "q", IndependentCount: 7},
		"acme.other": {Status: connector.Refused, IndependentCount: -1}, "acme.third": {},
	}
	done := cross(t, &wire.Done{Coverage: wire.EncodeCoverage(coverage)}, &wire.Done{})
	gotCoverage, err := wire.DecodeCoverage(done.GetCoverage())
	check("coverage", coverage, gotCoverage, err)
}

// The other direction: what was decoded encodes to the same message.
func TestMessageRoundTrip(t *testing.T) {
	m := wire.EncodeRecord(record())
	r, err := wire.DecodeRecord(m)
	if err != nil {
		t.Fatal(err)
	}
	if again := wire.EncodeRecord(r); !proto.Equal(m, again) {
		t.Errorf("record changed: %v, then %v", m, again)
	}
	d := wire.EncodeDescriptor(descriptor())
	back, err := wire.DecodeDescriptor(d)
	if err != nil {
		t.Fatal(err)
	}
	if again := wire.EncodeDescriptor(back); !proto.Equal(d, again) {
		t.Errorf("descriptor changed: %v, then %v", d, again)
	}
}

func TestUnknownGrantIsUnknown(t *testing.T) {
	m := &wire.CheckReport{Permissions: []*wire.PermissionState{{Permission: "p", Grant: "GRANTED!"}}}
	if g := wire.DecodeCheckReport(m).Permissions[0].Grant; g != connector.GrantUnknown {
		t.Errorf("grant = %q, want unknown", g)
	}
}

func TestCheckPayload(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) }
	for payload, ok := range map[string]bool{
		`{}`:                                true,
		" \n{\"a\":1} ":                     true,
		`{"a":"\\u12"}`:                     true,
		`{"a":"\"\\"}`:                      true,
		`{"a":9007199254740992}`:            true,
		`{"a":-9007199254740992}`:           true,
		`{"a":"9007199254740993000"}`:       true,
		`{"a":0.1234567890123456789}`:       true,
		`{"a":1e15}`:                        true,
		`{"9007199254740993":[true,false]}`: true,
		`{"a":"\ud83d\ude00"}`:              true,
		nest(64):                            true,
		nest(65):                            false,
		``:                                  false,
		`null`:                              false,
		`[]`:                                false,
		`"a"`:                               false,
		`{"a":1}{"b":2}`:                    false,
		`{"a":01}`:                          false,
		`{"a":9007199254740993}`:            false,
		`{"a":-9007199254740993}`:           false,
		`{"a":1e400}`:                       false,
		`{"a":1E16}`:                        false,
		`{"a":"\ud83d"}`:                    false,
		`{"a":"\ude00\ud83d"}`:              false,
		`{"a":"\ud83dx"}`:                   false,
		`{"a":"\ud83d\n"}`:                  false,
		`{"\ud83d":1}`:                      false,
		"{\"a\":\"\xff\"}":                  false,
		"\ufeff{}":                          false,
	} {
		if err := wire.CheckPayload([]byte(payload)); (err == nil) != ok {
			t.Errorf("CheckPayload(%.60q) = %v, want ok = %v", payload, err, ok)
		}
	}
}

// What passes is read by encoding/json as an object and keeps its numbers.
func FuzzCheckPayload(f *testing.F) {
	for _, seed := range []string{`{"a":1.5e3,"b":["\ud83d\ude00",{}]}`, `{"a":9007199254740993}`, `{"\u`, `{"a":"\ud800"}`, `{"a":-}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if wire.CheckPayload(p) != nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(p, &object); err != nil || object == nil {
			t.Fatalf("%q passed, but is no object: %v", p, err)
		}
		out, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), "\ufffd") != strings.Contains(string(p), "\ufffd") && !strings.Contains(strings.ToLower(string(p)), `\ufffd`) {
			t.Fatalf("%q passed, but holds half characters", p)
		}
	})
}

// No message makes decoding or the rules panic, and what passes crosses unchanged.
func FuzzRecord(f *testing.F) {
	good, err := proto.Marshal(wire.EncodeRecord(record()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m wire.Record
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		r, err := wire.DecodeRecord(&m)
		if err != nil || wire.NewRules(descriptor(), 0).Record(r) != nil {
			return
		}
		again, err := wire.DecodeRecord(cross(t, wire.EncodeRecord(r), &wire.Record{}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("record changed on the way (-sent +came):\n%s", diff)
		}
	})
}

func TestRecordRules(t *testing.T) {
	rules := wire.NewRules(descriptor(), 1000)
	if err := rules.Record(record()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*connector.Record){
		"kind":            func(r *connector.Record) { r.Kind = "acme.other" },
		"major":           func(r *connector.Record) { r.Major = 2 },
		"key":             func(r *connector.Record) { r.Key = "" },
		"key utf-8":       func(r *connector.Record) { r.Key = "\xff" },
		"key control":     func(r *connector.Record) { r.Key = "a\u0085" },
		"key separator":   func(r *connector.Record) { r.Key = "a\u2028" },
		"subject":         func(r *connector.Record) { r.Subject.Type = "Thing" },
		"subject long":    func(r *connector.Record) { r.Subject.Type = strings.Repeat("a", 65) },
		"subject id":      func(r *connector.Record) { r.Subject.ID = "a\x1b" },
		"url relative":    func(r *connector.Record) { r.URL = "/x" },
		"url file":        func(r *connector.Record) { r.URL = "file:///etc/passwd" },
		"url no host":     func(r *connector.Record) { r.URL = "https:///x" },
		"url credentials": func(r *connector.Record) { r.URL = "https://a:b@c/" },
		"payload long":    func(r *connector.Record) { r.Payload = []byte(`{"a":"` + strings.Repeat("x", 1000) + `"}`) },
	} {
		r := record()
		change(&r)
		err := rules.Record(r)
		if err == nil {
			t.Errorf("%s: allowed", name)
			continue
		}
		if len(err.Error()) > 600 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
	// A major of 0 means 1.
	r := record()
	r.Major = 0
	if err := rules.Record(r); err != nil {
		t.Error(err)
	}
}

func TestCheckTimes(t *testing.T) {
	now := at
	for name, tt := range map[string]struct {
		event  time.Time
		period *connector.Period
		ok     bool
	}{
		"now":         {event: now, ok: true},
		"none":        {ok: true},
		"later":       {event: now.Add(1)},
		"period":      {period: &connector.Period{From: now, To: now}, ok: true},
		"turned":      {period: &connector.Period{From: now, To: now.Add(-1)}},
		"without end": {period: &connector.Period{From: now}},
		"no start":    {period: &connector.Period{To: now}},
	} {
		err := wire.CheckTimes(connector.Record{Kind: "a.b", Key: "the-key", EventTime: tt.event, Period: tt.period}, now)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v, want ok = %v", name, err, tt.ok)
		}
		if err != nil && !strings.Contains(err.Error(), `"the-key"`) {
			t.Errorf("%s: the error does not name the record: %v", name, err)
		}
	}
}

func TestCheckDescriptor(t *testing.T) {
	if err := wire.CheckDescriptor(descriptor()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*connector.Descriptor){
		`name "../x"`:       func(d *connector.Descriptor) { d.Name = "../x" },
		"version":           func(d *connector.Descriptor) { d.Version = "one" },
		"summary":           func(d *connector.Descriptor) { d.Summary = "" },
		"config schema":     func(d *connector.Descriptor) { d.ConfigSchema = json.RawMessage(`[]`) },
		"no kinds":          func(d *connector.Descriptor) { d.Kinds, d.Permissions = nil, nil },
		`kind "thing"`:      func(d *connector.Descriptor) { d.Kinds[0].Kind = "thing" },
		"major version 0":   func(d *connector.Descriptor) { d.Kinds[0].Major = 0 },
		"appears twice":     func(d *connector.Descriptor) { d.Kinds[1].Major = 1 },
		`secret "A B"`:      func(d *connector.Descriptor) { d.Secrets[0].Name = "A B" },
		"permission":        func(d *connector.Descriptor) { d.Permissions[0].Kinds = []string{"acme.none"} },
		"more than 256":     func(d *connector.Descriptor) { d.Kinds = make([]connector.KindSpec, 300) },
		"control character": func(d *connector.Descriptor) { d.Permissions[0].Grant = "\x1b[2J" },
	} {
		d := descriptor()
		change(&d)
		if err := wire.CheckDescriptor(d); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error = %v, want %q in it", err, name)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä":             "plain ä",
		"a\nb\tc\r":           "a b c",
		"\x1b[31mred\x00":     "[31mred",
		"bidi \u202e end":     "bidi  end",
		"bad \xff":            "bad ",
		"0123456789abcdefghä": "0123456789abcdef…",
		"0123456789abcdeä":    "0123456789abcde…",
	} {
		if got := wire.Clean(in, 16); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

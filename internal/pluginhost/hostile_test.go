package pluginhost_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// checkError holds an error against its class and what every error must be:
// hinted, short, printable, and free of secrets.
func checkError(t *testing.T, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Fatalf("error = %v, want the class %q", err, class)
	}
	var e *pluginhost.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is not an *Error", err)
	}
	if e.Hint == "" {
		t.Errorf("%v has no hint", err)
	}
	text := err.Error() + e.Hint
	if strings.Contains(text, token) {
		t.Errorf("the error holds the secret: %s", text)
	}
	if len(text) > 6000 {
		t.Errorf("the error is %d bytes long", len(text))
	}
	if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
		t.Errorf("the error holds a control character at %d: %q", i, text)
	}
}

// Whatever a connector does, its run fails alone with the right class, and
// what it sent before is kept.
func TestMisbehaviour(t *testing.T) {
	// A busy machine makes pauses too: only who falls silent is held to a short one.
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	impatient := newHost(t, pluginhost.Options{Dir: installedDir(t, host), Limits: pluginhost.Limits{Idle: 700 * time.Millisecond}})
	tests := []struct {
		mode  string
		class error
		text  string
	}{
		{"crash", pluginhost.ErrCrashed, "signal: killed"},
		{"exit", pluginhost.ErrCrashed, "exit status 3; it said: last words with [redacted]"},
		{"panic", pluginhost.ErrCrashed, "the connector panicked: cannot go on with [redacted]"},
		{"error", pluginhost.ErrFailed, "gave up: [redacted] [31mlong long"},
		{"denied", pluginhost.ErrPermission, "GET /user: 401"},
		{"unreachable", pluginhost.ErrUnreachable, "dial"},
		{"stop", pluginhost.ErrHung, "nothing came for"},
		{"deaf", pluginhost.ErrHung, "nothing came for"},
		{"hang", pluginhost.ErrHung, "nothing came for"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			var sink memory
			host := host
			if errors.Is(tt.class, pluginhost.ErrHung) {
				host = impatient
			}
			start := time.Now()
			got, err := host.Collect(t.Context(), "fake", request(tt.mode, `,"count":50`), &sink)
			checkError(t, err, tt.class)
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error = %v, want %q in it", err, tt.text)
			}
			if n := len(sink.records()); n < 50 {
				t.Errorf("%d of the 50 records sent before were kept", n)
			}
			if got.Coverage != nil || got.Counts.Records["test.thing"] < 50 {
				t.Errorf("result claims %v and counts %v", got.Coverage, got.Counts)
			}
			if d := time.Since(start); d > time.Minute {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestBadItems(t *testing.T) {
	modes := slices.Sorted(maps.Keys(badItems()))
	names := make([]string, len(modes))
	for i, mode := range modes {
		names[i] = "raw-" + mode
	}
	host := newHost(t, pluginhost.Options{Dir: install(t, names...)})
	for i, name := range names {
		t.Run(modes[i], func(t *testing.T) {
			var sink memory
			_, err := host.Collect(t.Context(), name, request(""), &sink)
			checkError(t, err, pluginhost.ErrBadRecord)
			if n := len(sink.records()); n != 1 {
				t.Errorf("%d records were kept, want the one before the bad item and none after", n)
			}
			if modes[i] == "tomorrow" && !strings.Contains(err.Error(), `"from-the-future"`) {
				t.Errorf("error = %v, want the record's key in it", err)
			}
		})
	}
}

func TestClockSkewIsForgiven(t *testing.T) {
	host := newHost(t, pluginhost.Options{
		Dir:   install(t, "fake"),
		Clock: func() time.Time { return thing(0, 0).EventTime.Add(-4 * time.Minute) },
	})
	if _, err := host.Collect(t.Context(), "fake", request("", `,"count":1`), &memory{}); err != nil {
		t.Errorf("four minutes ahead were refused: %v", err)
	}
	late := newHost(t, pluginhost.Options{
		Dir:   installedDir(t, host),
		Clock: func() time.Time { return thing(0, 0).EventTime.Add(-6 * time.Minute) },
	})
	_, err := late.Collect(t.Context(), "fake", request("", `,"count":1`), &memory{})
	checkError(t, err, pluginhost.ErrBadRecord)
}

func TestLies(t *testing.T) {
	names := []string{"raw-goeson"}
	for mode := range lies() {
		names = append(names, "raw-"+mode)
	}
	host := newHost(t, pluginhost.Options{Dir: install(t, names...)})
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var sink memory
			got, err := host.Collect(t.Context(), name, request(""), &sink)
			checkError(t, err, pluginhost.ErrLied)
			if got.Coverage != nil {
				t.Errorf("a lie left coverage: %v", got.Coverage)
			}
			if len(sink.records()) != 1 {
				t.Errorf("%d records kept, want 1", len(sink.records()))
			}
		})
	}
}

func TestHostileProcesses(t *testing.T) {
	// Each has the limit of time that is to end it and no other: a busy machine is slow too.
	var none pluginhost.Limits
	start := pluginhost.Limits{Start: 2 * time.Second}
	tests := []struct {
		name   string
		class  error
		limits pluginhost.Limits
	}{
		{"raw-cutoff", pluginhost.ErrCrashed, none},
		{"raw-garbage", pluginhost.ErrBadRecord, none},
		{"raw-giant", pluginhost.ErrFlood, none},
		{"raw-lingers", pluginhost.ErrHung, pluginhost.Limits{Idle: 700 * time.Millisecond}},
		{"raw-flood", pluginhost.ErrFlood, pluginhost.Limits{Records: 20_000}},
		{"raw-heartbeat", pluginhost.ErrTimeout, pluginhost.Limits{Run: 2 * time.Second}},
		{"raw-impostor", pluginhost.ErrDescriptor, none},
		{"raw-schema", pluginhost.ErrDescriptor, none},
		{"raw-kinds", pluginhost.ErrDescriptor, none},
		{"silent", pluginhost.ErrStart, start},
		{"chatty", pluginhost.ErrStart, start},
		{"elsewhere", pluginhost.ErrStart, start},
	}
	var names []string
	for _, tt := range tests {
		names = append(names, tt.name)
	}
	dir := install(t, names...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host := newHost(t, pluginhost.Options{Dir: dir, Limits: tt.limits})
			_, err := host.Collect(t.Context(), tt.name, request(""), &memory{})
			checkError(t, err, tt.class)
		})
	}
}

// go-plugin's own reader of log lines panics on such fields.
func TestHostileLog(t *testing.T) {
	log, text := testLog()
	host := newHost(t, pluginhost.Options{Dir: install(t, "raw-stderr"), Logger: log, Limits: pluginhost.Limits{LogLines: 100}})
	if _, err := host.Collect(t.Context(), "raw-stderr", request(""), &memory{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), token) {
		t.Error("the log holds the secret")
	}
	if n := strings.Count(text.String(), "\n"); n > 200 {
		t.Errorf("%d lines were logged, the limit is 100", n)
	}
	if !strings.Contains(text.String(), "the connector's log is cut off here") {
		t.Error("the log does not say that it was cut off")
	}
	if n := len(text.String()); n > 100_000 {
		t.Errorf("%d bytes were logged", n)
	}
}

func TestByteLimit(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{Bytes: 100_000}})
	_, err := host.Collect(t.Context(), "fake", request("", `,"count":1000,"size":1000`), &memory{})
	checkError(t, err, pluginhost.ErrFlood)
	small := newHost(t, pluginhost.Options{Dir: installedDir(t, host), Limits: pluginhost.Limits{RecordBytes: 500}})
	_, err = small.Collect(t.Context(), "fake", request("", `,"count":1,"size":1000`), &memory{})
	checkError(t, err, pluginhost.ErrBadRecord)
	large := newHost(t, pluginhost.Options{Dir: installedDir(t, host), Limits: pluginhost.Limits{RecordBytes: 8 << 20}})
	var sink memory
	if _, err := large.Collect(t.Context(), "fake", request("", `,"count":2,"size":7000000`), &sink); err != nil {
		t.Errorf("7 MB records within a limit of 8 MiB: %v", err)
	}
}

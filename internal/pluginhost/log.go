package pluginhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

const (
	maxLine  = 64 << 10 // bytes of a log line that are looked at
	maxLog   = 4 << 10  // bytes of a log line, or of one of its values, that are kept
	maxAttrs = 32
)

// logCapture turns what a connector writes to standard error into log lines of
// the host: scrubbed, cut, and no more than a limit.
type logCapture struct {
	log   *slog.Logger
	scrub scrubber
	limit int

	mu    sync.Mutex
	lines int
	end   string // the first line by which a runtime says that it ends the process
	last  string
}

// writer returns a writer for one stream of lines.
func (c *logCapture) writer() io.Writer { return &lineWriter{capture: c} }

type lineWriter struct {
	capture *logCapture
	mu      sync.Mutex
	rest    []byte
	skip    bool // inside a line that was too long
}

// Write takes any part of the stream and never fails: a connector's log is no
// reason to stop it.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
			p = p[end+1:]
		} else {
			p = nil
		}
		if !w.skip {
			w.rest = append(w.rest, part[:min(len(part), maxLine-len(w.rest))]...)
		}
		if full := len(w.rest) >= maxLine; end >= 0 || full {
			if !w.skip {
				w.capture.line(w.rest)
			}
			w.rest = w.rest[:0]
			w.skip = end < 0
		}
	}
	return n, nil
}

// line logs one line: JSON in hclog's form with its level, anything else as it is.
func (c *logCapture) line(raw []byte) {
	raw = bytes.TrimRight(raw, "\r")
	if len(raw) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	level, message, attrs := parseLine(raw)
	message = c.scrub.text(message, maxLog)
	if c.end == "" && endsProcess(message) {
		c.end = message
	}
	c.last = message
	c.lines++
	if c.lines > c.limit {
		if c.lines == c.limit+1 {
			c.log.Warn("the connector's log is cut off here", "lines", c.limit)
		}
		return
	}
	if c.end != "" {
		level = slog.LevelError
	}
	out := make([]any, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, slog.String(c.scrub.text(a.Key, 64), c.scrub.text(a.Value.String(), maxLog)))
	}
	c.emit(level, message, out)
}

func (c *logCapture) emit(level slog.Level, message string, attrs []any) {
	switch {
	case level >= slog.LevelError:
		c.log.Error(message, attrs...)
	case level >= slog.LevelWarn:
		c.log.Warn(message, attrs...)
	case level >= slog.LevelInfo:
		c.log.Info(message, attrs...)
	default:
		c.log.Debug(message, attrs...)
	}
}

// parseLine reads a line of hclog's JSON. Its values may have any type.
func parseLine(raw []byte) (slog.Level, string, []slog.Attr) {
	var fields map[string]json.RawMessage
	var message string
	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(fields["@message"], &message) != nil {
		return slog.LevelDebug, string(raw), nil
	}
	var word string
	level := slog.LevelDebug
	if json.Unmarshal(fields["@level"], &word) == nil {
		level = slogLevel(hclog.LevelFromString(word))
	}
	var attrs []slog.Attr
	for key, value := range fields {
		if strings.HasPrefix(key, "@") {
			continue
		}
		text := string(value)
		var plain string
		if json.Unmarshal(value, &plain) == nil {
			text = plain
		}
		attrs = append(attrs, slog.String(key, text))
	}
	slices.SortFunc(attrs, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	return level, message, attrs[:min(len(attrs), maxAttrs)]
}

func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Info:
		return slog.LevelInfo
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// noThread is what cgo's part of Go's runtime says when the system gives it no
// memory for the stack of a thread.
const noThread = "runtime/cgo: pthread_create failed"

// endsProcess reports whether a line is the first of those that Go's runtime writes
// when it ends a process. The last of them is that of a register.
func endsProcess(line string) bool {
	return slices.ContainsFunc([]string{"panic: ", "fatal error: ", noThread, "SIGABRT: ", "SIGSEGV: "},
		func(start string) bool { return strings.HasPrefix(line, start) })
}

// lastWords returns what the process said at its end: the first line of its
// runtime's end, or the last line of the log.
func (c *logCapture) lastWords() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != "" {
		return c.end
	}
	return c.last
}

// libraryLog returns a logger for go-plugin itself. What matters of it reaches
// the caller as an error, so it is for debugging only.
func (c *logCapture) libraryLog() hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Trace})
	l.RegisterSink(librarySink{c})
	return l
}

type librarySink struct{ c *logCapture }

// Accept takes a line of go-plugin's log.
func (s librarySink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if level < hclog.Debug {
		return
	}
	for i := 1; i < len(args); i += 2 {
		args[i] = s.c.scrub.text(fmt.Sprint(args[i]), maxLog)
	}
	s.c.log.Debug("go-plugin: "+s.c.scrub.text(msg, maxLog), args...)
}

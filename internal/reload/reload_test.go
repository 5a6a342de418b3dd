package reload

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

const head = "version: 1\norganization: acme\n"

// fixture is a reloader of a configuration file, and what it told.
type fixture struct {
	*Reloader[*configfile.Config]
	path string
	log  bytes.Buffer
	told []error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{path: filepath.Join(t.TempDir(), "exhibit.yaml")}
	f.write(t, head)
	read := func(context.Context) (*configfile.Config, error) { return configfile.Load(f.path, configfile.Known{}) }
	first, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Reloader = New(first, Options[*configfile.Config]{Read: read,
		Use: func(_ context.Context, started, now *configfile.Config) ([]string, error) {
			if now.Organization != started.Organization {
				return nil, errors.New("another organisation needs a store of its own")
			}
			return configfile.NeedsStart(started, now), nil
		},
		Told:   func(_ time.Time, err error) { f.told = append(f.told, err) },
		Logger: slog.New(slog.NewTextHandler(&f.log, nil)), Clock: time.Now})
	return f
}

func (f *fixture) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	f := newFixture(t)
	const source = "sources: [{name: code, connector: github}]\n"
	for _, step := range []struct {
		text, log, state string
		sources          int
		ok               bool
	}{
		{head + source, "level=INFO", "read at", 1, true},
		{head + "sources: [", "level=ERROR", "refused", 1, false},
		{head + "sources: [{name: Code}]\n", "is not the name of a source", "refused", 1, false},
		{"version: 1\norganization: other\n", "a store of its own", "a store of its own", 1, false},
		{head + "store: other.db\n", "level=WARN", "at the next start: store, key", 0, true},
		{head + source, "level=INFO", "read at", 1, true},
	} {
		f.write(t, step.text)
		f.log.Reset()
		before := f.Current()
		err := f.Reload(t.Context())
		if (err == nil) != step.ok || len(f.Current().Sources) != step.sources || !step.ok && f.Current() != before {
			t.Errorf("%s: %v, %d sources", step.text, err, len(f.Current().Sources))
		}
		if !strings.Contains(f.log.String(), step.log) {
			t.Errorf("%s: the log says %s", step.text, f.log.String())
		}
		state, problem := f.State()
		if problem != nil {
			state = problem.Error()
			if !errors.Is(problem, telemetry.ErrDegraded) {
				t.Errorf("%s: the agent would not be ready: %v", step.text, problem)
			}
		}
		if !strings.Contains(state, step.state) {
			t.Errorf("%s: the state is %s", step.text, state)
		}
		if last := f.told[len(f.told)-1]; (last == nil) != step.ok {
			t.Errorf("%s: told %v", step.text, last)
		}
	}
}

// Who was stopped while reading has refused nothing.
func TestReloadStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := New(1, Options[int]{Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Read: func(ctx context.Context) (int, error) { cancel(); return 0, ctx.Err() }})
	if err := r.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := r.State(); err != nil || r.Current() != 1 {
		t.Errorf("%v, %d in use", err, r.Current())
	}
}

// Readers see the old one or the new one, whole.
func TestReloadSideBySide(t *testing.T) {
	type pair struct{ a, b int64 }
	var n atomic.Int64
	r := New(pair{}, Options[pair]{Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Read: func(context.Context) (pair, error) { v := n.Add(1); return pair{v, v}, nil }})
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 200 {
				_ = r.Reload(context.WithoutCancel(t.Context()))
			}
			done <- struct{}{}
		}()
	}
	for ended := 0; ended < 4; {
		select {
		case <-done:
			ended++
		default:
			if p := r.Current(); p.a != p.b {
				t.Fatalf("parts of two: %v", p)
			}
		}
	}
	if p := r.Current(); p.a != 800 {
		t.Errorf("not the newest is in use: %v", p)
	}
}

package pluginhost_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestListAndDescribe(t *testing.T) {
	dir := install(t, "fake", "another")
	for _, name := range []string{"exhibit-connector-UPPER", "exhibit-connector-a.b", "exhibit", "exhibit-connector-"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "exhibit-connector-new"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "exhibit-connector-data"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	host := newHost(t, pluginhost.Options{Dir: dir})
	lock, err := pluginhost.ReadLock(filepath.Join(dir, pluginhost.LockName))
	if err != nil {
		t.Fatal(err)
	}
	sum := lock.Connectors["fake"].SHA256
	path := func(name string) string { return filepath.Join(dir, "exhibit-connector-"+name) }
	want := []pluginhost.Installed{
		{Name: "another", Path: path("another"), Digest: sum, Locked: true},
		{Name: "fake", Path: path("fake"), Digest: sum, Locked: true},
		{Name: "new", Path: path("new"), Digest: evidence.Sum([]byte("x"))},
	}
	got, err := host.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	described, err := host.Describe(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	want[1].Descriptor, want[1].Confinement.Why = describeFake("fake"), "it is switched off"
	if diff := cmp.Diff(want[1], described); diff != "" {
		t.Errorf("describe (-want +got):\n%s", diff)
	}
}

func TestRefusedBeforeStart(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		ask     string
		class   error
	}{
		{"absent", func(*testing.T, string) {}, "absent", pluginhost.ErrNotInstalled},
		{"path", func(*testing.T, string) {}, "../exhibit-connector-fake", pluginhost.ErrNotInstalled},
		{"path below", func(*testing.T, string) {}, "a/b", pluginhost.ErrNotInstalled},
		{"empty", func(*testing.T, string) {}, "", pluginhost.ErrNotInstalled},
		{"no lock file", func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, pluginhost.LockName)))
		}, "canary", pluginhost.ErrNotLocked},
		{"not in the lock file", func(t *testing.T, dir string) {
			must(t, pluginhost.Lockfile{Version: 1}.Write(filepath.Join(dir, pluginhost.LockName)))
		}, "canary", pluginhost.ErrNotLocked},
		{"changed", func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "exhibit-connector-canary"), os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString("# one byte more\n")
			must(t, errors.Join(err, f.Close()))
		}, "canary", pluginhost.ErrChecksum},
		{"writable for everybody", func(t *testing.T, dir string) {
			must(t, os.Chmod(filepath.Join(dir, "exhibit-connector-canary"), 0o777))
		}, "canary", pluginhost.ErrUnsafe},
		{"directory writable for everybody", func(t *testing.T, dir string) {
			must(t, os.Chmod(dir, 0o777))
		}, "canary", pluginhost.ErrUnsafe},
	}
	for _, tt := range tests {
		for _, mode := range []pluginhost.ConfineMode{pluginhost.ConfineOff, pluginhost.ConfineBestEffort} {
			t.Run(tt.name+", confined "+string(mode), func(t *testing.T) {
				dir, touched := t.TempDir(), filepath.Join(t.TempDir(), "ran")
				script := "#!/bin/sh\necho it ran >&2\n: > " + touched + "\n"
				must(t, os.WriteFile(filepath.Join(dir, "exhibit-connector-canary"), []byte(script), 0o755))
				lock, err := pluginhost.Lock(dir)
				must(t, err)
				must(t, lock.Write(filepath.Join(dir, pluginhost.LockName)))
				tt.prepare(t, dir)
				log, text := testLog()
				host := newHost(t, pluginhost.Options{Dir: dir, Logger: log, Confine: pluginhost.Confine{Mode: mode}})
				_, err = host.Collect(t.Context(), tt.ask, request(""), &memory{})
				checkError(t, err, tt.class)
				if _, err := os.Stat(touched); !errors.Is(err, fs.ErrNotExist) || strings.Contains(text.String(), "it ran") {
					t.Errorf("the refused binary was executed: %v\n%s", err, text)
				}
			})
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	tests := []struct {
		name string
		req  connector.Request
		text []string
	}{
		{"places", connector.Request{Config: connector.Config{Settings: json.RawMessage(`{"count":-1,"colour":"red"}`)}},
			[]string{"/count: ", "colour"}},
		{"not JSON", connector.Request{Config: connector.Config{Settings: json.RawMessage(`{`)}}, []string{"not JSON"}},
		{"unknown secret", connector.Request{Config: connector.Config{Secrets: map[string]string{"pasword": token}}},
			[]string{`"pasword"`}},
		{"unknown kind", connector.Request{Kinds: []string{"test.unknown"}}, []string{`"test.unknown"`}},
		{"secret in the settings", connector.Request{Config: connector.Config{
			Settings: json.RawMessage(`{"` + token + `":1}`), Secrets: map[string]string{"token": token}}}, []string{"[redacted]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := host.Collect(t.Context(), "fake", tt.req, &memory{})
			checkError(t, err, pluginhost.ErrConfig)
			for _, text := range tt.text {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error = %v, want %q in it", err, text)
				}
			}
		})
	}
	// No settings at all are an empty object.
	if _, err := host.Collect(t.Context(), "fake", connector.Request{}, &memory{}); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{Call: time.Second}})
	got, err := host.Check(t.Context(), "fake", request("").Config)
	if err != nil {
		t.Fatal(err)
	}
	want := connector.CheckReport{
		Identity: "robot[31m with [redacted]", Scope: []string{"here", "[redacted]"},
		Permissions: []connector.PermissionState{{Permission: "things:read", Grant: connector.Granted, Detail: "[redacted]"}},
		Problem:     "[redacted]", Remedy: "renew [redacted]",
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	_, err = host.Check(t.Context(), "fake", request("error").Config)
	checkError(t, err, pluginhost.ErrFailed)
	_, err = host.Check(t.Context(), "fake", request("hang").Config)
	checkError(t, err, pluginhost.ErrTimeout)
}

func TestLockfile(t *testing.T) {
	dir := install(t, "fake", "another")
	path := filepath.Join(dir, pluginhost.LockName)
	lock, err := pluginhost.ReadLock(path)
	must(t, err)
	must(t, lock.Verify(dir))
	must(t, os.Remove(filepath.Join(dir, "exhibit-connector-fake")))
	must(t, os.Remove(filepath.Join(dir, "exhibit-connector-another")))
	must(t, os.WriteFile(filepath.Join(dir, "exhibit-connector-another"), []byte("other"), 0o755))
	err = lock.Verify(dir)
	if !errors.Is(err, pluginhost.ErrNotInstalled) || !errors.Is(err, pluginhost.ErrChecksum) {
		t.Errorf("verify = %v, want both differences", err)
	}
	if _, err := pluginhost.ReadLock(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v, want fs.ErrNotExist", err)
	}
	sum := evidence.Sum(nil).String()
	for name, text := range map[string]string{
		"not JSON":      `{`,
		"version":       `{"version":2,"connectors":{}}`,
		"path as name":  `{"version":1,"connectors":{"../x":{"sha256":"` + sum + `"}}}`,
		"short digest":  `{"version":1,"connectors":{"x":{"sha256":"abc"}}}`,
		"no digest":     `{"version":1,"connectors":{"x":{}}}`,
		"unknown field": `{"version":1,"connectors":{},"trust":"all"}`,
		"two values":    `{"version":1,"connectors":{}}{}`,
	} {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		if l, err := pluginhost.ReadLock(path); err == nil {
			t.Errorf("%s: read %v from %s", name, l, text)
		}
	}
}

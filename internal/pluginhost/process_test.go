//go:build linux

package pluginhost_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

func TestEnvironmentIsEmpty(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", token)
	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	} {
		t.Setenv(name, "passed on")
	}
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	var sink memory
	if _, err := host.Collect(t.Context(), "fake", request("env"), &sink); err != nil {
		t.Fatal(err)
	}
	var got struct{ Env, Args []string }
	sink.report(t, &got)
	var names []string
	for _, entry := range got.Env {
		name, value, _ := strings.Cut(entry, "=")
		names = append(names, name)
		if strings.Contains(value, token) {
			t.Errorf("%s holds the secret", name)
		}
	}
	slices.Sort(names)
	want := []string{
		"EXHIBIT_CONNECTOR", "EXHIBIT_HOST_PID", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PLUGIN_CLIENT_CERT",
		"PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
		"SSL_CERT_DIR", "SSL_CERT_FILE", "http_proxy", "https_proxy", "no_proxy",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if len(got.Args) != 1 {
		t.Errorf("arguments = %q, want the program's path alone", got.Args)
	}
}

type hanging struct {
	PID    int
	Socket string
}

// A secret crosses the socket only: nobody who lists processes can see it.
func TestSecretIsNotInTheProcessList(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{Idle: time.Second}})
	var sink memory
	var looked int
	sink.onBatch = func(pluginhost.Batch) {
		var h hanging
		sink.report(t, &h)
		for _, file := range []string{"cmdline", "environ", "comm"} {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", h.PID, file))
			if err != nil {
				t.Error(err)
			}
			looked += len(raw)
			if strings.Contains(string(raw), token) {
				t.Errorf("/proc/%d/%s holds the secret", h.PID, file)
			}
		}
	}
	_, err := host.Collect(t.Context(), "fake", request("hang"), &sink)
	checkError(t, err, pluginhost.ErrHung)
	if looked == 0 {
		t.Error("nothing was looked at")
	}
}

func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	return !strings.HasPrefix(rest, "Z") // a zombie waits for its parent only
}

// eventually waits until cond holds, at most half a minute: the machine may be
// busy.
func eventually(cond func() bool) bool {
	for range 600 {
		if cond() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := install(t, "fake")
	var sink memory
	_, err := newHost(t, pluginhost.Options{Dir: dir, Limits: pluginhost.Limits{Idle: 3 * time.Second}}).Collect(t.Context(), "fake", request("hang"), &sink)
	checkError(t, err, pluginhost.ErrHung)
	var h hanging
	sink.report(t, &h)
	if alive(h.PID) {
		t.Errorf("process %d is still there", h.PID)
	}
	if _, err := os.Stat(h.Socket); h.Socket == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("socket directory %q is still there", h.Socket)
	}
	// What a connector starts ends with it.
	sink = memory{}
	if _, err := newHost(t, pluginhost.Options{Dir: dir}).Collect(t.Context(), "fake", request("child"), &sink); err != nil {
		t.Fatal(err)
	}
	sink.report(t, &h)
	if !eventually(func() bool { return !alive(h.PID) }) {
		_ = kill(h.PID)
		t.Errorf("the connector's child %d lives on", h.PID)
	}
}

// A killed host cannot clean up: the connector does it.
func TestConnectorDiesWithItsHost(t *testing.T) {
	for _, mode := range []pluginhost.ConfineMode{pluginhost.ConfineOff, pluginhost.ConfineBestEffort} {
		t.Run("confined "+string(mode), func(t *testing.T) { diesWithItsHost(t, mode) })
	}
}

func diesWithItsHost(t *testing.T, mode pluginhost.ConfineMode) {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), hostDirVar+"="+install(t, "fake"), confineVar+"="+string(mode))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	must(t, err)
	var h hanging
	must(t, json.Unmarshal(line, &h))
	if !alive(h.PID) {
		t.Fatalf("connector %d is not running", h.PID)
	}
	if _, err := os.Stat(h.Socket); err != nil {
		t.Fatal(err)
	}
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Fatal("the host was not killed")
	}
	if !eventually(func() bool { return !alive(h.PID) }) {
		_ = kill(h.PID)
		t.Errorf("connector %d outlives its host", h.PID)
	}
	if !eventually(func() bool { _, err := os.Stat(h.Socket); return errors.Is(err, fs.ErrNotExist) }) {
		t.Errorf("socket directory %s outlives host and connector", h.Socket)
	}
}

func TestLogIsScrubbed(t *testing.T) {
	log, text := testLog()
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Logger: log})
	if _, err := host.Collect(t.Context(), "fake", request("log"), &memory{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`level=WARN msg="a warning about [redacted]" connector=fake n=7 token=[redacted]`,
		`msg="plain [redacted][2J" connector=fake`,
		`msg="on stdout [redacted]" connector=fake`,
		`level=INFO msg="the end" connector=fake`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(text.String(), token) {
		t.Errorf("the log holds the secret:\n%s", text)
	}
	if t.Failed() {
		t.Log(text)
	}
}

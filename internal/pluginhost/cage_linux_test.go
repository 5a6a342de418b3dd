package pluginhost_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// confined are the options of a host whose connectors cannot be started
// otherwise.
func confined(dir string) pluginhost.Options {
	return pluginhost.Options{Dir: dir, Confine: pluginhost.Confine{Mode: pluginhost.ConfineRequired, Memory: 512 << 20, CPU: 2 * time.Second}}
}

func prison(t *testing.T, set prisonerSettings) connector.Request {
	t.Helper()
	raw, err := json.Marshal(set)
	must(t, err)
	return connector.Request{Config: connector.Config{Settings: raw, Secrets: map[string]string{"token": token}}}
}

// tryAct runs one act in a cage. It returns what the prisoner says it did.
func tryAct(t *testing.T, host *pluginhost.Host, set prisonerSettings) (done string, got pluginhost.Result, err error) {
	t.Helper()
	var sink memory
	got, err = host.Collect(t.Context(), "caged", prison(t, set), &sink)
	if n := len(sink.records()); n < 10 {
		t.Errorf("%d of the 10 records sent before were kept", n)
	}
	if err == nil {
		var report struct{ Done string }
		sink.report(t, &report)
		done = report.Done
	}
	return done, got, err
}

// What no connector may do is denied, or ends its process; the run fails with
// the reason, and what was sent before is kept.
func TestCage(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "id_ed25519")
	must(t, os.WriteFile(secret, []byte("a key"), 0o600))
	const denied, notAllowed = "permission denied", "operation not permitted"
	tests := []struct {
		act, target string
		class       error
		text        string
	}{
		{"read", "/etc/passwd", pluginhost.ErrFailed, denied},
		{"read", secret, pluginhost.ErrFailed, denied},
		{"list", outside, pluginhost.ErrFailed, denied},
		{"list", "/", pluginhost.ErrFailed, denied},
		{"read of the host", "", pluginhost.ErrFailed, denied},
		{"read", "/proc/self/maps", pluginhost.ErrFailed, denied},
		{"create", filepath.Join(outside, "new"), pluginhost.ErrFailed, denied},
		{"create", filepath.Join(os.TempDir(), "exhibit-test-new"), pluginhost.ErrFailed, denied},
		{"append", secret, pluginhost.ErrFailed, notAllowed},
		{"truncate", secret, pluginhost.ErrFailed, notAllowed},
		{"open with odd flags", secret, pluginhost.ErrFailed, notAllowed},
		{"remove", secret, pluginhost.ErrFailed, denied},
		{"chmod", secret, pluginhost.ErrFailed, notAllowed},
		{"rename", secret, pluginhost.ErrFailed, notAllowed},
		{"link", secret, pluginhost.ErrFailed, notAllowed},
		{"mkdir", secret, pluginhost.ErrFailed, notAllowed},
		{"exec", "", pluginhost.ErrForbidden, "starting a program"},
		{"exec in its place", "", pluginhost.ErrForbidden, "starting a program"},
		{"exec by descriptor", "", pluginhost.ErrForbidden, "starting a program"},
		{"fork", "", pluginhost.ErrForbidden, "bad system call"},
		{"ptrace", "", pluginhost.ErrForbidden, "watching another process"},
		{"unshare", "", pluginhost.ErrForbidden, ""},
		{"setsid", "", pluginhost.ErrForbidden, ""},
		{"bpf", "", pluginhost.ErrForbidden, ""},
		{"io_uring", "", pluginhost.ErrFailed, "function not implemented"},
		{"memfd", "", pluginhost.ErrFailed, notAllowed},
		{"shared memory", "", pluginhost.ErrFailed, notAllowed},
		{"raw socket", "", pluginhost.ErrFailed, notAllowed},
		{"signal", "", pluginhost.ErrFailed, notAllowed},
		{"limits of the host", "", pluginhost.ErrFailed, notAllowed},
		{"listen", "", pluginhost.ErrFailed, denied},
		{"listen multipath", "", pluginhost.ErrFailed, notAllowed},
		{"allocate", "", pluginhost.ErrResources, "it used its memory of 512 MiB"},
		{"no memory for a thread", "", pluginhost.ErrResources, "it used its memory of 512 MiB"},
		{"spin", "", pluginhost.ErrResources, "it used its processor time of 2 s"},
	}
	host := newHost(t, confined(install(t, "caged")))
	for _, tt := range tests {
		t.Run(tt.act+" "+filepath.Base(tt.target), func(t *testing.T) {
			t.Parallel()
			done, _, err := tryAct(t, host, prisonerSettings{Act: tt.act, Target: tt.target})
			if err == nil {
				t.Fatalf("it was done: %.200q", done)
			}
			checkError(t, err, tt.class)
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error = %v, want %q in it", err, tt.text)
			}
		})
	}
	t.Cleanup(func() { // after the acts
		if raw, err := os.ReadFile(secret); err != nil || string(raw) != "a key" {
			t.Errorf("the file outside is now %q, %v", raw, err)
		}
		if _, err := os.Stat(filepath.Join(os.TempDir(), "exhibit-test-new")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file in the temporary directory: %v", err)
		}
	})
}

// Every act of TestCage succeeds, or fails otherwise, without the cage: that
// they are denied is the cage's doing.
func TestActsSucceedUncaged(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "id_ed25519")
	host := newHost(t, pluginhost.Options{Dir: install(t, "caged")})
	for _, tt := range []struct{ act, target string }{
		{"read", "/etc/passwd"}, {"list", outside}, {"read of the host", ""}, {"create", filepath.Join(outside, "new")},
		{"append", secret}, {"truncate", secret}, {"chmod", secret}, {"link", secret}, {"mkdir", secret}, {"exec", ""}, {"memfd", ""},
		{"shared memory", ""}, {"signal", ""}, {"limits of the host", ""}, {"listen", ""}, {"setsid", ""}, {"rename", secret},
	} {
		must(t, os.WriteFile(secret, []byte("a key"), 0o600))
		done, _, err := tryAct(t, host, prisonerSettings{Act: tt.act, Target: tt.target})
		if tt.act == "setsid" { // the leader of a group may not; the kernel says so, and nobody ends it
			if err == nil || errors.Is(err, pluginhost.ErrForbidden) || errors.Is(err, pluginhost.ErrCrashed) {
				t.Errorf("%s: %v", tt.act, err)
			}
			continue
		}
		if err != nil || done == "" {
			t.Errorf("%s: %q, %v", tt.act, done, err)
		}
	}
}

// What the fact says is not denied is what can be done: no more is claimed.
func TestCageClaimsNoMore(t *testing.T) {
	host := newHost(t, confined(install(t, "caged")))
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	for _, tt := range []struct{ act, target, what string }{
		{"listen", "", "listening on TCP"},
		{"listen for UDP", "", "listening on UDP"},
		{"dial a socket of this machine", socket, "sockets of other programs"},
	} {
		_, got, err := tryAct(t, host, prisonerSettings{Act: tt.act, Target: tt.target})
		claimed := strings.Contains(strings.Join(got.Confinement.Denied(), ","), tt.what)
		open := strings.Contains(strings.Join(got.Confinement.Open(), ","), tt.what)
		if claimed == open || claimed != (err != nil) {
			t.Errorf("%s: said to be denied %v, open %v, and the outcome was %v", tt.what, claimed, open, err)
		}
	}
}

// A connector reaches the network and reads what its settings name, itself or
// through a link, and nothing beside it.
func TestCageLetsRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	file, beside := write("a/one.log", "one"), write("a/two.log", "two")
	deep := write("tree/x/y/three.log", "three")
	token := write("k8s/..2026/token", "t")
	must(t, os.Symlink("..2026", filepath.Join(dir, "k8s", "..data")))
	must(t, os.Symlink("..data/token", filepath.Join(dir, "k8s", "token")))
	must(t, os.Symlink(filepath.Join(dir, "tree"), filepath.Join(dir, "current")))
	must(t, os.Symlink(beside, filepath.Join(dir, "tree", "out.log")))
	write("work/.git", "gitdir: "+filepath.Join(dir, "main/.git/worktrees/w"))
	write("main/.git/worktrees/w/HEAD", "ref: refs/heads/main")
	write("main/.git/worktrees/w/commondir", "../..")
	write("main/.git/HEAD", "ref: refs/heads/main")
	object := write("main/.git/objects/pack/p.pack", "pack")
	write("main/.git/objects/info/alternates", filepath.Join(dir, "shared.git/objects")+"\n")
	write("shared.git/HEAD", "ref: refs/heads/main")
	borrowed := write("shared.git/objects/pack/q.pack", "borrowed")
	write("trap/.git", "gitdir: "+filepath.Join(dir, "a"))
	tests := map[string]struct {
		path, target string
		want         string // empty: denied
	}{
		"a file":                   {file, file, "one"},
		"a file beside it":         {file, beside, ""},
		"a folder":                 {filepath.Join(dir, "tree"), deep, "three"},
		"a link to a folder":       {filepath.Join(dir, "current"), filepath.Join(dir, "current/x/y/three.log"), "three"},
		"a link that leaves it":    {filepath.Join(dir, "tree"), filepath.Join(dir, "tree/out.log"), ""},
		"a pattern":                {filepath.Join(dir, "a/o*.log"), file, "one"},
		"beside a pattern":         {filepath.Join(dir, "a/o*.log"), beside, ""},
		"folders in a pattern":     {filepath.Join(dir, "t*/x"), deep, "three"},
		"a token that is replaced": {filepath.Join(dir, "k8s/token"), token, "t"},
		"a further work tree":      {filepath.Join(dir, "work"), object, "pack"},
		"borrowed objects":         {filepath.Join(dir, "work"), borrowed, "borrowed"},
		"a .git that leads astray": {filepath.Join(dir, "trap"), file, ""},
		"nothing":                  {"", file, ""},
	}
	host := newHost(t, confined(install(t, "caged")))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done, _, err := tryAct(t, host, prisonerSettings{Act: "read", Target: tt.target, Path: tt.path})
			if done != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("read %q, %v; want %q", done, err, tt.want)
			}
		})
	}
	if done, _, err := tryAct(t, host, prisonerSettings{Act: "authorities, names and zones"}); done != "there" {
		t.Errorf("authorities, names and zones: %q, %v", done, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	if done, _, err := tryAct(t, host, prisonerSettings{Act: "dial", Target: l.Addr().String()}); done != "connected" {
		t.Errorf("the network: %q, %v", done, err)
	}
}

// What a connector could open and start of the account's is bounded; the kernel
// does not show that by itself before thousands are there.
func TestCageLimits(t *testing.T) {
	host := newHost(t, confined(install(t, "caged")))
	if done, _, err := tryAct(t, host, prisonerSettings{Act: "its limits"}); err != nil || done != "true true true" {
		t.Errorf("open files, threads and core file are bounded: %q, %v", done, err)
	}
}

// A kernel that lacks a part: the rest holds, the fact says so, and a host that
// requires all of it starts nothing.
func TestCageWithoutParts(t *testing.T) {
	dir, outside := install(t, "caged"), filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(outside, []byte("text"), 0o644))
	for _, tt := range []struct {
		without  string
		possible []string
		denied   []string
	}{
		{"Landlock", []string{"read"}, []string{"append", "truncate", "chmod", "rename", "exec", "ptrace"}},
		{"seccomp", []string{"chmod"}, []string{"read", "append", "truncate"}},
		{"limits", nil, []string{"read", "append", "exec"}},
	} {
		o := confined(dir)
		if _, err := pluginhost.Without(newHost(t, o), tt.without).Describe(t.Context(), "caged"); !errors.Is(err, pluginhost.ErrUnconfined) {
			t.Errorf("required without %s: %v, want ErrUnconfined", tt.without, err)
		}
		o.Confine.Mode = pluginhost.ConfineBestEffort
		host := pluginhost.Without(newHost(t, o), tt.without)
		_, got, err := tryAct(t, host, prisonerSettings{Act: "nothing"})
		must(t, err)
		if text := got.Confinement.String(); !got.Confinement.Confined || !strings.Contains(text, "no "+tt.without) {
			t.Errorf("without %s the fact is %q", tt.without, text)
		}
		for _, act := range tt.possible {
			if _, _, err := tryAct(t, host, prisonerSettings{Act: act, Target: outside}); err != nil {
				t.Errorf("without %s: %s: %v", tt.without, act, err)
			}
		}
		for _, act := range tt.denied {
			if done, _, err := tryAct(t, host, prisonerSettings{Act: act, Target: outside}); err == nil {
				t.Errorf("without %s: %s was done: %s", tt.without, act, done)
			}
		}
	}
}

// A script is started by way of its interpreter, and is as confined.
func TestScriptInCage(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "exhibit-connector-script"),
		[]byte("#!/bin/sh\nread line < /etc/passwd && echo \"it read $line\" >&2\necho 'this is the script' >&2\n"), 0o755))
	lock, err := pluginhost.Lock(dir)
	must(t, err)
	must(t, lock.Write(filepath.Join(dir, pluginhost.LockName)))
	log, text := testLog()
	o := confined(dir)
	o.Logger = log
	_, err = newHost(t, o).Describe(t.Context(), "script")
	checkError(t, err, pluginhost.ErrStart)
	if !strings.Contains(err.Error(), "this is the script") || strings.Contains(text.String(), "it read") {
		t.Errorf("error = %v, log:\n%s", err, text)
	}
}

// TestStageComesEarly: the stage does not wait for what the program is made of.
// Without a plan it ends, saying so.
func TestStageComesEarly(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{stage.Name}
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("a stage without a plan: %v\n%s", err, out)
	}
	for name, want := range map[string]bool{
		"github.com/elastic/go-seccomp-bpf/arch": true, "github.com/santhosh-tekuri/jsonschema/v6": false, "google.golang.org/grpc": false, "math/big": false, "regexp": false,
	} {
		if got := strings.Contains(string(out), "init "+name+" "); got != want {
			t.Errorf("%s was initialised: %v, want %v", name, got, want)
		}
	}
}

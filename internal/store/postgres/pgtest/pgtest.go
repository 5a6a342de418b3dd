// Package pgtest runs a private PostgreSQL server for tests: its own data
// directory, reached through a socket that only its owner can open, gone when
// the test binary ends. It imports the standard library and pgx. It promises
// that a machine without PostgreSQL fails the tests and says what to install.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running server.
type Server struct {
	dir  string
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
	n    int

	launch func() error // starts the server in its directory
}

// Run starts a server, runs the tests of m with it, stops it and returns the
// exit code. settings are name=value pairs for the server.
func Run(ctx context.Context, m *testing.M, use func(*Server), settings ...string) int {
	s, err := start(ctx, settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return 1
	}
	use(s)
	code := m.Run()
	if err := s.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return 1
	}
	return code
}

// Database makes a new database and returns its URL.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	s.n++
	name := "t" + strconv.Itoa(os.Getpid()) + "_" + strconv.Itoa(s.n)
	c, err := pgx.Connect(tb.Context(), s.url("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := c.Exec(tb.Context(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	if err := c.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s.url(name)
}

func (s *Server) url(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"exhibit"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// binDir finds the newest installed server.
func binDir() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("PostgreSQL is not installed, and these tests need it: apt-get install postgresql, or make test, which does")
}

// owner is who the server runs as; nil is who runs the tests.
type owner struct{ uid, gid int }

// account gives the user that the server runs as: PostgreSQL refuses root.
func account() (*owner, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.Atoi(u.Uid)
		gid, gerr := strconv.Atoi(u.Gid)
		if err := errors.Join(uerr, gerr); err != nil {
			return nil, err
		}
		return &owner{uid, gid}, nil
	}
	return nil, errors.New("tests run as root, PostgreSQL does not: make a user postgres")
}

func start(ctx context.Context, settings []string) (*Server, error) {
	bin, err := binDir()
	if err != nil {
		return nil, err
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "exhibit-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, done: make(chan error, 1)}
	if as != nil {
		if err := os.Chown(dir, as.uid, as.gid); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "exhibit", "--auth=trust", "-N", "--encoding=UTF8", "--locale=C")
	init.SysProcAttr = attr(as)
	init.Dir = dir
	if out, err := init.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	args := []string{"-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=60"}
	for _, set := range settings {
		args = append(args, "-c", set)
	}
	s.launch = func() error {
		s.cmd = exec.CommandContext(ctx, filepath.Join(bin, "postgres"), args...)
		s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGINT) }
		s.cmd.Dir = dir
		s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
		// Should the test binary be killed, the server ends too.
		s.cmd.SysProcAttr = serverAttr(as)
		started := make(chan error, 1)
		go func() {
			runtime.LockOSThread() // the death signal is bound to the thread
			err := s.cmd.Start()
			started <- err
			if err == nil {
				s.done <- s.cmd.Wait()
			}
		}()
		return <-started
	}
	if err := s.launch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.wait(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// ready is when a server answers at the latest. One that was killed first writes
// out every file of every database, which takes a busy disk half a minute.
const ready = 2 * time.Minute

// wait waits until the server answers.
func (s *Server) wait(ctx context.Context) error {
	deadline := time.Now().Add(ready)
	for {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			err = c.Close(ctx)
			cancel()
			return err
		}
		cancel()
		if time.Now().After(deadline) {
			return fmt.Errorf("server does not answer: %w: %s", err, s.out.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) stop() error {
	err := s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		err = errors.Join(err, s.cmd.Process.Kill())
		<-s.done
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

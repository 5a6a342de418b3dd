package pluginhost

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

const (
	stopGrace   = time.Second      // for a connector to end by itself
	stopTimeout = 10 * time.Second // for a killed one to be gone
)

// session is one connector process and the connection to it.
type session struct {
	name   string
	digest evidence.Digest
	limits Limits
	log    *logCapture
	scrub  scrubber
	client *plugin.Client
	proc   atomic.Pointer[process]
	cage   *cage         // nil: nothing confines it
	over   chan struct{} // closed when connect begins nothing more
	host   *Host
	rpc    wire.ConnectorClient
}

// start verifies and starts a connector, which may read the paths named by its
// settings if it is confined. The caller stops the session.
func (h *Host) start(ctx context.Context, name string, secrets map[string]string, reads []string) (*session, error) {
	b, err := h.open(ctx, name)
	if err != nil {
		h.observe(name, ProcessRefused)
		return nil, err
	}
	own, err := wire.NewCertificate()
	if err != nil {
		b.close()
		return nil, fail(name, ErrStart, err.Error())
	}
	cage, err := h.newCage(name, reads)
	if err != nil {
		b.close()
		h.observe(name, ProcessRefused)
		return nil, err
	}
	scrub := newScrubber(secrets)
	s := &session{
		name: name, digest: b.want, limits: h.limits, scrub: scrub, cage: cage, host: h, over: make(chan struct{}),
		log: &logCapture{log: h.log.With("connector", name), scrub: scrub, limit: h.limits.LogLines},
	}
	s.client = s.newClient(ctx, b, own)
	if err := s.connect(ctx, b); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// newClient prepares to start b, unless ctx ends before, and to talk to it, with a
// certificate of the host's.
func (s *session) newClient(ctx context.Context, b *binary, own tls.Certificate) *plugin.Client {
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		Plugins:          wire.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig:        wire.HostTLS(own),
		SkipHostEnv:      true,
		StartTimeout:     s.limits.Start,
		Logger:           s.log.libraryLog(),
		SyncStdout:       s.log.writer(),
		SyncStderr:       s.log.writer(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: s.cage.socketBase()},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			env := append(connectorEnv(s.host.environ()), cmd.Env...)
			env = append(env, wire.HostCertKey+"="+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})))
			if s.cage != nil {
				s.cage.plan.Socket = dir
			}
			p, err := newProcess(binaryPath(s.host.dir, s.name), b.file, env, s.log.writer(), s.cage)
			if err != nil {
				return nil, errors.Join(err, os.Remove(dir))
			}
			p.socketDir, p.permit = dir, func() error { return s.permit(ctx, b) }
			s.proc.Store(p)
			return p, nil
		},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(s.limits.MessageBytes)),
			grpc.WithInitialWindowSize(1 << 20),
			grpc.WithInitialConnWindowSize(1 << 20),
			grpc.WithMaxHeaderListSize(64 << 10),
		},
	})
}

// permit says whether b may be executed, and tells who observes. Once ctx has
// ended it may not.
func (s *session) permit(ctx context.Context, b *binary) error {
	if err := b.verified(ctx); err != nil {
		if contextCause(err) == nil {
			s.host.observe(s.name, ProcessRefused)
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.host.observe(s.name, ProcessStarted)
	return nil
}

// socketBase is where sockets are made: the temporary directory, unless its
// path leaves no room for a socket's name.
func socketBase() string {
	if dir := os.TempDir(); len(dir) <= 40 {
		return dir
	}
	return "/tmp"
}

// connect starts b, waits for the process to answer, and closes b.
func (s *session) connect(ctx context.Context, b *binary) error {
	type dispensed struct {
		rpc wire.ConnectorClient
		err error
	}
	done := make(chan dispensed, 1)
	go func() {
		defer b.close() // not before: what starts uses its descriptor
		defer close(s.over)
		protocol, err := s.client.Client()
		if err != nil {
			done <- dispensed{err: err}
			return
		}
		raw, err := protocol.Dispense(wire.PluginName)
		if err != nil {
			done <- dispensed{err: err}
			return
		}
		rpc, ok := raw.(wire.ConnectorClient)
		if !ok {
			err = fmt.Errorf("no connector in the process")
		}
		done <- dispensed{rpc, err}
	}()
	select {
	case d := <-done:
		if cause := contextCause(d.err); cause != nil && ctx.Err() != nil {
			return s.ended("start", cause)
		}
		if d.err != nil {
			return s.startError(d.err)
		}
		s.rpc = d.rpc
		return nil
	case <-ctx.Done():
		return s.ended("start", ctx.Err())
	}
}

// startError explains why a process did not come up, with its own last words:
// go-plugin has ended it, and what it said is read to its end. One that was not
// permitted has said nothing.
func (s *session) startError(err error) error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	detail := err.Error()
	if p := s.proc.Load(); p != nil {
		p.end(stopGrace)
	}
	if words := s.log.lastWords(); words != "" {
		detail += "; it said: " + words
	}
	if errors.Is(err, ErrUnconfined) {
		return s.fail(ErrUnconfined, detail, nil)
	}
	return s.fail(ErrStart, detail, err)
}

// stop ends the process and removes its socket. It asks first, then kills. One
// that is about to start is not missed: go-plugin would not wait for it.
func (s *session) stop() {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		<-s.over
		s.client.Kill()
	}()
	if !within(gone, stopGrace) {
		s.host.observe(s.name, ProcessKilled)
		s.kill()
		if !within(gone, stopTimeout) {
			s.log.log.Warn("the connector's process could not be ended", "pid", s.client.ID())
		}
	}
	if p := s.proc.Load(); p != nil {
		s.kill() // whatever it started
		if err := os.RemoveAll(p.socketDir); err != nil {
			s.log.log.Warn("remove the connector's socket", "error", err)
		}
	}
	if err := s.cage.remove(); err != nil {
		s.log.log.Warn("remove the connector's folder", "error", err)
	}
}

// confinement is what holds the process.
func (s *session) confinement() Confinement {
	switch {
	case s.cage != nil:
		return s.cage.fact
	case s.host.confine.Mode == ConfineOff:
		return Confinement{Why: "it is switched off"}
	}
	return Confinement{Why: "this system has no means that Exhibit uses"}
}

// kill ends the process at once.
func (s *session) kill() {
	p := s.proc.Load()
	if p == nil {
		return
	}
	if err := p.kill(); err != nil {
		s.log.log.Warn("end the connector's process", "error", err)
	}
}

func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// fail returns an error about this connector, without secrets.
func (s *session) fail(class error, detail string, cause error) *Error {
	return &Error{
		Connector: s.name, Class: class, Detail: s.scrub.text(detail, wire.MaxText),
		Hint: hint(class, s.name), cause: contextCause(cause),
	}
}

// ended describes a call that its context ended.
func (s *session) ended(call string, cause error) *Error {
	class := ErrTimeout
	if errors.Is(cause, context.Canceled) {
		class = context.Canceled
	}
	return s.fail(class, "during "+call, cause)
}

// contextCause keeps only causes that a caller tests for and that hold no text
// of the connector's.
func contextCause(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// describe asks for the descriptor and checks it.
func (s *session) describe(ctx context.Context) (connector.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.Call)
	defer cancel()
	m, err := s.rpc.Describe(ctx, &wire.DescribeRequest{})
	if err != nil {
		return connector.Descriptor{}, s.callError(ctx, "describe", err)
	}
	d, err := wire.DecodeDescriptor(m)
	if err == nil {
		err = wire.CheckDescriptor(d)
	}
	if err == nil && d.Name != s.name {
		err = fmt.Errorf("it calls itself %s", wire.Quote(d.Name))
	}
	if err != nil {
		return connector.Descriptor{}, s.fail(ErrDescriptor, err.Error(), nil)
	}
	if before, ok := s.host.schemas.get(s.digest); ok && !bytes.Equal(before, d.ConfigSchema) {
		return connector.Descriptor{}, s.fail(ErrDescriptor, "it describes its settings otherwise than before", nil)
	}
	s.host.schemas.put(s.digest, d.ConfigSchema)
	return d, nil
}

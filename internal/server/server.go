package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// Handlers are what is served. One that is nil is answered 404.
type Handlers struct {
	Dashboard http.Handler // every page; behind a session
	API       http.Handler // /v1/; behind a token, or a session
	MCP       http.Handler // /mcp; likewise
	Metrics   http.Handler // /metrics; needs the permission, except on this machine
	Health    http.Handler // /healthz; open
	Ready     http.Handler // /readyz; open
}

// Options are what a server is made of.
type Options struct {
	Config   configfile.Server
	DB       *opsdb.DB
	Append   access.AppendFunc // to the ledger
	Register func() *register.Register
	Account  string                          // user@host of this process
	Client   *http.Client                    // to the OpenID provider; nil: the default
	Around   func(http.Handler) http.Handler // measures; nil for nobody
	Logger   *slog.Logger
	Now      func() time.Time
	Notice   string // on the page to log in: why no token, link or session of before is known; empty where they are

	HeaderTime time.Duration // in which the headers of a request have to come; 0: 10 s
	Grace      time.Duration // in which answers may end by themselves at a stop; 0: 3 s
}

// Server listens, and proves who asks.
type Server struct {
	o        Options
	local    bool // this machine's account is who acts
	listener net.Listener
	certs    *certificates
	grants   atomic.Pointer[access.Grants]

	gate    *access.Gate
	login   *access.Login // nil where no provider is configured
	journal *access.Journal
}

// ErrUnproved: others could reach the server, and nobody could be proved.
var ErrUnproved = errors.New("nobody could log in")

// New opens the listener. Nothing is answered before Run.
func New(ctx context.Context, o Options) (*Server, error) {
	if err := access.Migrate(ctx, o.DB); err != nil {
		return nil, err
	}
	c := o.Config
	o.Register = lastRead(o.Register)
	s := &Server{o: o, local: c.OIDC == nil && c.Loopback() && !c.BehindProxy}
	s.Reload(c)
	s.assemble()
	if err := s.provable(ctx); err != nil {
		return nil, err
	}
	if c.TLS.Cert != "" {
		s.certs = &certificates{cert: c.TLS.Cert, key: c.TLS.Key, now: o.Now, logger: o.Logger}
		if err := s.certs.load(); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s.listener = l
	return s, nil
}

// lastRead gives the register as it could be read last: a file that is being
// written ends nobody's session.
func lastRead(read func() *register.Register) func() *register.Register {
	var last atomic.Pointer[register.Register]
	return func() *register.Register {
		if now := read(); now != nil {
			last.Store(now)
			return now
		}
		return last.Load()
	}
}

func (s *Server) assemble() {
	o, c := s.o, s.o.Config
	tokens := &access.Tokens{DB: o.DB, Now: o.Now, Append: o.Append, Register: o.Register, LoginsProve: c.OIDC != nil}
	sessions := &access.Sessions{DB: o.DB, Now: o.Now, Age: c.SessionAge, Idle: c.SessionIdle, Register: o.Register,
		Grants: func() access.Grants { return *s.grants.Load() }, Tokens: tokens, Local: s.local}
	s.gate = &access.Gate{Tokens: tokens, Sessions: sessions, Links: &access.Links{DB: o.DB, Now: o.Now},
		Limits: &access.Limits{DB: o.DB, Now: o.Now}, Logger: o.Logger, Address: s.address, Secure: s.secure()}
	s.journal = access.NewJournal(o.Append, o.Now)
	if c.OIDC == nil {
		return
	}
	client := o.Client
	if client == nil {
		client = &http.Client{}
	}
	s.login = &access.Login{Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, Scopes: c.OIDC.Scopes, GroupsClaim: c.OIDC.GroupsClaim,
		Require: c.OIDC.Require, TrustEmail: c.OIDC.TrustEmail, Redirect: c.PublicURL + callbackPath, Home: c.PublicURL + loginPath,
		Client: access.Bounded(client), DB: o.DB, Now: o.Now}
	if secret := c.OIDC.ClientSecret; secret != nil {
		s.login.Secret = secret.Resolve
	}
}

// secure reports whether browsers come by HTTPS.
func (s *Server) secure() bool {
	c := s.o.Config
	return c.TLS.Cert != "" || c.BehindProxy && !strings.HasPrefix(c.PublicURL, "http:")
}

// provable refuses to serve others where nobody could be proved.
func (s *Server) provable(ctx context.Context) error {
	c := s.o.Config
	switch {
	case c.Listen == "":
		return errors.New("server: server.listen is off")
	case s.local:
		return nil
	case !c.Loopback() && c.TLS.Cert == "" && !c.BehindProxy:
		return fmt.Errorf("server: %s can be reached from elsewhere, and there is no TLS", c.Listen)
	case c.OIDC != nil:
		return nil
	}
	any, err := s.gate.Tokens.Any(ctx)
	if err != nil {
		return err
	}
	if !any {
		return fmt.Errorf("server: %s can be reached from elsewhere, and %w: there is neither server.oidc nor an API token", c.Listen, ErrUnproved)
	}
	return nil
}

// Reload takes who holds which role from a configuration that was read anew.
// Sessions follow at once; where the server listens stays as it is.
func (s *Server) Reload(c configfile.Server) {
	g := GrantsOf(c)
	s.grants.Store(&g)
}

// GrantsOf is what a configuration says about roles.
func GrantsOf(c configfile.Server) access.Grants {
	g := access.Grants{Roles: map[access.Role]access.Grant{}}
	for role, who := range c.Roles {
		g.Roles[access.Role(role)] = access.Grant(who)
	}
	if c.OIDC != nil {
		g.People = c.OIDC.People
	}
	return g
}

// Gate proves who asks; its Tokens and Sessions can be listed and ended.
func (s *Server) Gate() *access.Gate { return s.gate }

// Journal puts on record who sees payloads.
func (s *Server) Journal() *access.Journal { return s.journal }

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is where people find it.
func (s *Server) URL() string {
	c := s.o.Config
	c.Listen = s.Addr()
	return c.URL()
}

// Link makes an address by which this machine's account logs in, once, as a
// person of the register if one is named. It is empty where people log in at a
// provider, or with tokens.
func (s *Server) Link(ctx context.Context, person string) (string, error) {
	if !s.local {
		return "", nil
	}
	secret, err := s.gate.Links.New(ctx, s.o.Account, person)
	if err != nil {
		return "", err
	}
	return LinkURL(s.URL(), secret), nil
}

// LinkURL is the address of a login link.
func LinkURL(base, secret string) string { return base + loginPath + "?token=" + secret }

// Close closes the listener of a server that was not run; after Run it is
// closed already.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// Bounds of what a client may take. What streams an answer sets its own
// deadline for writing, by http.ResponseController.
const (
	headerTime  = 10 * time.Second
	readTime    = 5 * time.Minute
	writeTime   = 2 * time.Minute
	idleTime    = 2 * time.Minute
	headerBytes = 32 << 10
	defaultBody = 64 << 20
	connections = 2048

	graceTime = 3 * time.Second
	stopTime  = 10 * time.Second // in which all answers have to end at a stop
)

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Run serves h until ctx is done, then lets what is being answered come to an
// end, for a while.
func (s *Server) Run(ctx context.Context, h Handlers) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: s.handler(h), BaseContext: func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: or(s.o.HeaderTime, headerTime), ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
	}
	l := netutil.LimitListener(s.listener, connections)
	if s.certs != nil {
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certs.get}
	}
	done := make(chan error, 1)
	go func() {
		if s.certs != nil {
			done <- srv.ServeTLS(l, "", "")
			return
		}
		done <- srv.Serve(l)
	}()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(requests)
	}()
	defer func() { cancel(); <-swept }()
	select {
	case err := <-done:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	defer time.AfterFunc(or(s.o.Grace, graceTime), cancel).Stop()
	return s.shutdown(requests, srv)
}

// shutdown waits for answers to end. Those that wait for something to stream
// end when their context does, which Run sees to.
func (s *Server) shutdown(ctx context.Context, srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("server: some answers were cut off: %w", err), srv.Close())
	}
	return nil
}

// sweepEvery is how often what has ended is removed.
const sweepEvery = time.Minute

func (s *Server) sweep(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := access.Sweep(ctx, s.o.DB, s.o.Now()); err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "sweeping sessions", "error", err)
		}
	}
}

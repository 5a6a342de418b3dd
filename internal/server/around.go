package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// policy is what a page may load: what this server serves, and nothing inline.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// headers sets what every answer carries.
func (s *Server) headers(next http.Handler) http.Handler {
	secure := s.secure()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// known refuses requests by a name that is not ours, so that no other site's
// name can be pointed here to read what is served without a login. Checks of
// health come by the address of a container.
func (s *Server) known(next http.Handler) http.Handler {
	names := s.names()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := r.URL.Path == healthPath || r.URL.Path == readyPath
		if !open && len(names) > 0 && !slices.Contains(names, hostOf(r.Host)) {
			refused(w, r, http.StatusMisdirectedRequest, "This server is not known by that name. Add it to server.hosts if it is its own.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// names are the names by which the server is reached; none if nobody said.
func (s *Server) names() []string {
	c := s.o.Config
	var names []string
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		names = append(names, hostOf(u.Host))
	}
	for _, h := range c.Hosts {
		names = append(names, hostOf(h))
	}
	if c.Loopback() && !c.BehindProxy || len(names) > 0 {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && c.Loopback() && len(names) > 0 {
		names = append(names, hostOf(host))
	}
	return names
}

// hostOf is a host without its port, in lower case.
func hostOf(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(s, "[]"), "."))
}

// address is where a request comes from: the last hop that is no proxy of ours.
func (s *Server) address(r *http.Request) netip.Addr {
	from := peer(r)
	if !s.o.Config.BehindProxy {
		return from
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(from); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		from = a.Unmap()
	}
	return from
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.o.Config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// peer is the other end of the connection.
func peer(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

type requestKey struct{}

// request is what is known of a request for its line in the log.
type request struct {
	id      string
	account string
	person  string
}

// RequestID is the id of the request that ctx belongs to: it is in the log and
// in the header X-Request-Id of the answer.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

var givenID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// logged gives a request its id, writes its line in the log and catches a panic.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		req := &request{id: rand.Text()}
		if id := r.Header.Get("X-Request-Id"); givenID.MatchString(id) && s.o.Config.BehindProxy && s.trusted(peer(r)) {
			req.id = id
		}
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", req.id)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
		defer func() { //nolint:contextcheck // that of the request is in r
			failed := recover()
			if failed != nil && failed != any(http.ErrAbortHandler) {
				s.o.Logger.ErrorContext(r.Context(), "a handler panicked", "request", req.id, "panic", fmt.Sprint(failed), "stack", string(debug.Stack()))
				if rec.code == 0 {
					refused(rec, r, http.StatusInternalServerError, "Something went wrong here. The log says what, under "+req.id+".")
					failed = nil
				}
			}
			s.line(r, req, rec, time.Since(began))
			if failed != nil {
				panic(http.ErrAbortHandler) // the answer is broken off, which the client has to see
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// line writes the log's line of a request. A query can hold a secret, as can any
// header: neither is written.
func (s *Server) line(r *http.Request, req *request, rec *recorder, took time.Duration) {
	level := slog.LevelInfo
	if r.URL.Path == healthPath || r.URL.Path == readyPath || r.URL.Path == metricsPath {
		level = slog.LevelDebug
	}
	if rec.status() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("request", req.id), slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()),
		slog.Int("status", rec.status()), slog.Int64("bytes", rec.bytes), slog.Duration("took", took), slog.Any("address", s.address(r))}
	if req.account != "" {
		attrs = append(attrs, slog.String("account", req.account))
	}
	if req.person != "" {
		attrs = append(attrs, slog.String("person", req.person))
	}
	s.o.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// named notes who acts, behind the gate, for the log.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := access.From(r.Context())
		if req, has := r.Context().Value(requestKey{}).(*request); ok && has {
			req.account, req.person = p.Account, p.Person
			if p.Token != "" {
				req.account = "token:" + p.Token
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bounded limits what a request may send. No page takes files: a form that could
// bring some is not read, since what is large of it would be kept on the disk.
func (s *Server) bounded(next http.Handler) http.Handler {
	most := int64(s.o.Config.MaxBody)
	if most <= 0 {
		most = defaultBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > most {
			refused(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than the %d bytes that are taken.", most))
			return
		}
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(t, "multipart/") {
			refused(w, r, http.StatusUnsupportedMediaType, "Forms are taken as application/x-www-form-urlencoded, files by the API as JSON.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code  int
	bytes int64
}

// WriteHeader is of http.ResponseWriter.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 && (code >= 200 || code == http.StatusSwitchingProtocols) {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write is of http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Flush is of http.Flusher, for streams.
func (r *recorder) Flush() {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush() // an answer that cannot be flushed arrives later
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

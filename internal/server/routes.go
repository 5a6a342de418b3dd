package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// Paths of the server's own.
const (
	loginPath    = "/login"
	startPath    = "/login/oidc"
	personPath   = "/login/person"
	stylePath    = "/login/style.css"
	logoutPath   = "/logout"
	callbackPath = "/oidc/callback"
	healthPath   = "/healthz"
	readyPath    = "/readyz"
	metricsPath  = "/metrics"
)

// handler puts everything behind the one listener.
func (s *Server) handler(h Handlers) http.Handler {
	mux := http.NewServeMux()
	mount := func(pattern string, h http.Handler) {
		if h != nil {
			mux.Handle(pattern, h)
		}
	}
	mount("GET "+healthPath, h.Health)
	mount("GET "+readyPath, h.Ready)
	if h.Metrics != nil {
		mount("GET "+metricsPath, s.metrics(h.Metrics))
	}
	if h.API != nil {
		mount("/v1/", s.forPrograms(h.API))
	}
	if h.MCP != nil {
		mcp := s.forPrograms(access.Require(access.Read, h.MCP))
		mount("/mcp", mcp)
		mount("/mcp/", mcp)
	}
	s.mountLogin(mux)
	dashboard := h.Dashboard
	if dashboard == nil {
		dashboard = http.NotFoundHandler()
	}
	mount("/", s.forPeople(s.gate.Pages(named(dashboard))))
	all := s.known(s.bounded(s.headers(mux)))
	if s.o.Around != nil {
		all = s.o.Around(all)
	}
	return s.logged(all)
}

func (s *Server) mountLogin(mux *http.ServeMux) {
	own := func(pattern string, f http.HandlerFunc) { mux.Handle(pattern, s.forPeople(s.gate.Known(f))) }
	own("GET "+loginPath, s.showLogin)
	own("POST "+loginPath, s.loginByToken)
	own("GET "+stylePath, showStyle)
	mux.Handle("POST "+logoutPath, s.forPeople(s.gate.Pages(named(http.HandlerFunc(s.logout)))))
	if s.login != nil {
		own("GET "+startPath, s.startLogin)
		own("GET "+callbackPath, s.finishLogin)
	}
	if s.local {
		person := s.forPeople(s.gate.Pages(named(http.HandlerFunc(s.person))))
		mux.Handle("GET "+personPath, person)
		mux.Handle("POST "+personPath, person)
	}
}

// metrics are free to this machine where nobody else is served, and need the
// permission otherwise.
func (s *Server) metrics(h http.Handler) http.Handler {
	proved := s.forPrograms(access.Require(access.Metrics, h))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.local && peer(r).IsLoopback() {
			h.ServeHTTP(w, r)
			return
		}
		proved.ServeHTTP(w, r)
	})
}

// forPrograms puts h behind the gate for programs: refusals are problems (RFC 9457).
func (s *Server) forPrograms(h http.Handler) http.Handler {
	gate := s.gate.API(named(h))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.ServeHTTP(w, r.WithContext(access.WithRefuse(r.Context(), problem)))
	})
}

// problem answers a program that may not.
func problem(w http.ResponseWriter, r *http.Request, err error) {
	status := access.StatusOf(err)
	refusalHeaders(w, err, status)
	writeProblem(w, r, status, said(err))
}

// refused answers what no handler answers: programs get a problem, people a
// sentence.
func refused(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		writeProblem(w, r, status, detail)
		return
	}
	http.Error(w, detail, status)
}

func writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}
	if id := RequestID(r.Context()); id != "" {
		body["request_id"] = id
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if it does not arrive
}

func refusalHeaders(w http.ResponseWriter, err error, status int) {
	var locked *access.LockedOut
	if errors.As(err, &locked) {
		w.Header().Set("Retry-After", locked.Until.UTC().Format(http.TimeFormat))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="exhibit"`)
	}
}

// said is what whoever asked may know of an error.
func said(err error) string {
	var denied *access.Denied
	var locked *access.LockedOut
	switch {
	case errors.As(err, &denied):
		return denied.Error() + " (" + denied.Hint() + ")"
	case errors.As(err, &locked):
		return locked.Error()
	case errors.Is(err, access.ErrCrossOrigin):
		return access.ErrCrossOrigin.Error()
	case errors.Is(err, access.ErrUnauthenticated):
		// Why exactly is for the log: it helps whoever guesses.
		return "no valid token or session came with the request"
	case errors.Is(err, access.ErrForbidden):
		return access.ErrForbidden.Error()
	}
	return "something went wrong here; the log says what"
}

// forPeople gives h refusals that are pages: who is not logged in is sent to
// log in, and comes back.
func (s *Server) forPeople(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(access.WithRefuse(r.Context(), s.refusePage)))
	})
}

func (s *Server) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	status := access.StatusOf(err)
	if status == http.StatusUnauthorized && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		q := url.Values{}
		if to := access.ReturnTo(r.URL.RequestURI()); to != "/" {
			q.Set("return_to", to)
		}
		http.Redirect(w, r, strings.TrimSuffix(loginPath+"?"+q.Encode(), "?"), http.StatusSeeOther)
		return
	}
	refusalHeaders(w, err, status)
	if status == http.StatusInternalServerError {
		s.o.Logger.ErrorContext(r.Context(), "request failed", "request", RequestID(r.Context()), "error", err)
	}
	s.show(w, r, status, page{Title: http.StatusText(status), Alert: sentence(said(err)), Back: true})
}

package server

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
)

//go:embed pages
var pages embed.FS

// page is what a page of the login shows. Its parts are left out where they are
// empty.
type page struct {
	Title    string
	Alert    string // what went wrong
	Text     string
	ReturnTo string
	Provider string // host of the provider: a link to log in there
	Tokens   bool   // a form for an API token
	Local    bool   // how to get a link
	People   []register.Person
	Choose   bool // the form to choose a person
	Person   string
	CSRF     string
	Link     string // to go on
	LinkText string
	Back     bool
}

// show writes a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, p page) {
	t, err := template.ParseFS(pages, "pages/page.html")
	if err != nil { // it is in the binary, and a test reads it
		http.Error(w, p.Title, status)
		return
	}
	p.CSRF = access.CSRF(r.Context())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := t.Execute(w, p); err != nil {
		s.o.Logger.DebugContext(r.Context(), "a page did not arrive", "error", err)
	}
}

func showStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, pages, "pages/style.css")
}

// sentence makes a sentence of a message.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (s *Server) loginPage(r *http.Request) page {
	p := page{Title: "Log in", ReturnTo: access.ReturnTo(r.FormValue("return_to")), Tokens: true, Local: s.local}
	if p.Text = s.o.Notice; p.Text != "" {
		p.Tokens, p.Local = false, false
	}
	if s.login != nil {
		p.Provider = s.o.Config.OIDC.Issuer
		if u, err := url.Parse(s.login.Issuer); err == nil {
			p.Provider = u.Host
		}
	}
	return p
}

// showLogin shows how to log in, or takes a link that was printed.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	secret := r.URL.Query().Get("token")
	if secret == "" || !s.local || r.Method != http.MethodGet {
		s.show(w, r, http.StatusOK, s.loginPage(r))
		return
	}
	in, err := s.gate.ByLink(w, r, secret)
	if err != nil {
		s.loginFailed(w, r, err, "That link was used already, or is too old.")
		return
	}
	to := "/"
	if in.Person == "" && len(s.actors()) > 0 {
		to = personPath
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Server) loginByToken(w http.ResponseWriter, r *http.Request) {
	if _, err := s.gate.ByToken(w, r, r.PostFormValue("token")); err != nil {
		s.loginFailed(w, r, err, "That is no API token, or it has ended.")
		return
	}
	http.Redirect(w, r, access.ReturnTo(r.PostFormValue("return_to")), http.StatusSeeOther)
}

func (s *Server) loginFailed(w http.ResponseWriter, r *http.Request, err error, otherwise string) {
	p, status := s.loginPage(r), access.StatusOf(err)
	var locked *access.LockedOut
	switch {
	case errors.As(err, &locked):
		refusalHeaders(w, err, status)
		p.Alert = "Too many attempts failed. The next one is looked at from " + locked.Until.UTC().Format(time.TimeOnly) + " UTC."
	case errors.Is(err, access.ErrProvider):
		status, p.Alert = http.StatusBadGateway, "The OpenID provider does not answer as it should. Try again; whoever runs this server finds more in its log."
	case errors.Is(err, access.ErrNoRole):
		status, p.Alert = http.StatusForbidden, "You are logged in at the provider, but nobody gave you a role here. Ask whoever runs this server."
	case errors.Is(err, access.ErrUnauthenticated):
		p.Alert = otherwise
	default:
		s.o.Logger.ErrorContext(r.Context(), "login failed", "request", RequestID(r.Context()), "error", err)
		s.show(w, r, status, page{Title: "Log in", Alert: "Something went wrong here. The log says what.", Back: true})
		return
	}
	s.o.Logger.WarnContext(r.Context(), "login refused", "request", RequestID(r.Context()), "address", s.address(r), "why", err)
	s.show(w, r, status, p)
}

// startLogin sends the browser to the provider.
func (s *Server) startLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	to, err := s.gate.BeginLogin(w, r, s.login, r.URL.Query().Get("return_to"))
	if err != nil {
		s.loginFailed(w, r, err, "")
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// finishLogin takes the provider's answer.
func (s *Server) finishLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	in, to, err := s.gate.FinishLogin(w, r, s.login)
	if err != nil {
		s.loginFailed(w, r, err, "That login could not be finished. Begin it anew.")
		return
	}
	s.o.Logger.InfoContext(r.Context(), "logged in", "request", RequestID(r.Context()), "account", in.Account, "session", in.ID)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// logout ends the session, and says where the provider's own can be ended: a
// form may not lead there.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	in, _ := access.SessionOf(r.Context())
	if err := s.gate.End(w, r); err != nil {
		s.refusePage(w, r, err)
		return
	}
	p := page{Title: "Logged out", Text: "You are logged out of Exhibit.", Link: loginPath, LinkText: "Log in again"}
	if s.login != nil && in.Via == access.ViaOIDC {
		if to, ok := s.login.LogoutURL(r.Context(), in.IDToken); ok {
			p.Text += " You are still logged in at the provider."
			p.Link, p.LinkText = to, "Log out there too"
		}
	}
	s.show(w, r, http.StatusOK, p)
}

// actors are the people that this machine's account can act as.
func (s *Server) actors() []register.Person {
	reg := s.o.Register()
	if reg == nil {
		return nil
	}
	var out []register.Person
	for _, p := range reg.People {
		if p.IsActive() {
			out = append(out, p)
		}
	}
	return out
}

// person lets this machine's account say as whom it acts.
func (s *Server) person(w http.ResponseWriter, r *http.Request) {
	in, _ := access.SessionOf(r.Context())
	p := page{Title: "Who are you?", Choose: true, People: s.actors(), Person: in.Person, ReturnTo: access.ReturnTo(r.FormValue("return_to"))}
	if in.Via != access.ViaLocal {
		s.refusePage(w, r, access.ErrForbidden)
		return
	}
	if r.Method != http.MethodPost {
		s.show(w, r, http.StatusOK, p)
		return
	}
	err := s.gate.ChoosePerson(r, r.PostFormValue("person"))
	var refused *people.Refusal
	switch {
	case errors.As(err, &refused):
		p.Alert = sentence(refused.Why)
		s.show(w, r, http.StatusBadRequest, p)
	case err != nil:
		s.refusePage(w, r, err)
	default:
		http.Redirect(w, r, p.ReturnTo, http.StatusSeeOther)
	}
}

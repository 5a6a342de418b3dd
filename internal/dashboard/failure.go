package dashboard

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Mistakes of whoever asks.
var (
	errTooLarge = errors.New("the form is too large")
	errNoForm   = errors.New("the form cannot be read")
	errNoTime   = errors.New("as_of is no time")
	errPast     = errors.New("nothing can be done on a page of the past")

	errNoSize     = errors.New("that is no number of items")
	errNoSource   = errors.New("there is no source of that name")
	errNoSchedule = errors.New("no agent keeps a schedule here")
	errNoPeriod   = errors.New("that is no period")
	errNoPage     = errors.New("there is no such page")
	errNoDigest   = errors.New("that is no digest: it has 64 hexadecimal digits")
	errNoNumber   = errors.New("that is no position of the ledger: it is a number")
)

// failure is what a page of an error shows.
type failure struct {
	Status    int
	Why, Hint string
	ID        string // of the request, where nobody but the operator can help

	Near, NearPath string // what is called nearly as what was asked for
}

// hintOf is what to do about an error.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return sentence(spoken(h.Hint()))
	}
	return ""
}

// isAnswerable reports whether an error tells whoever asked what to do better.
func isAnswerable(err error) bool {
	var refusal *people.Refusal
	return service.IsMistake(err) || errors.As(err, &refusal) || errors.Is(err, store.ErrLocked)
}

// statusOf is the one table of errors and statuses.
func statusOf(err error) int {
	var missing service.NotFound
	var refusal *people.Refusal
	var busy *service.Busy
	switch {
	case errors.As(err, &busy) && busy.Often:
		return http.StatusTooManyRequests
	case errors.As(err, &busy):
		return http.StatusServiceUnavailable
	case errors.As(err, &missing), errors.Is(err, errNoPage), errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, store.ErrErased):
		return http.StatusGone
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case service.IsMistake(err):
		return http.StatusBadRequest
	case errors.As(err, &refusal):
		return http.StatusForbidden
	case errors.Is(err, store.ErrNoStore), errors.Is(err, store.ErrLocked), errors.Is(err, service.ErrReadOnly):
		return http.StatusServiceUnavailable
	}
	return access.StatusOf(err)
}

// titles are the headings of pages of errors.
var titles = map[int]string{
	http.StatusBadRequest:            "That cannot be answered",
	http.StatusUnauthorized:          "Nobody is logged in",
	http.StatusForbidden:             "That is not allowed",
	http.StatusNotFound:              "Nothing is there",
	http.StatusMethodNotAllowed:      "That is not how it is asked for",
	http.StatusGone:                  "It was erased",
	http.StatusRequestEntityTooLarge: "That is too large",
	http.StatusTooManyRequests:       "Too many attempts",
	http.StatusServiceUnavailable:    "Not just now",
}

// fail answers with the page of an error.
func (d *Dashboard) fail(c *call, w http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) && c.ctx().Err() != nil {
		return // whoever asked has left
	}
	f := failure{Status: statusOf(err), Why: sentence(spoken(err.Error())), Hint: hintOf(err)}
	switch {
	case f.Status == http.StatusNotFound && f.Hint == "":
		f.Hint = "The navigation leads to everything there is."
	case errors.Is(err, store.ErrNoStore):
		f.Why, f.Hint = "The ledger holds nothing yet.", "Once a source was read there is something to show."
	case f.Status >= http.StatusInternalServerError && f.Status != http.StatusServiceUnavailable:
		f.ID = d.requestID(c)
		d.Logger.Error("a page could not be made", "request", f.ID, "method", c.req.Method, "path", c.req.URL.Path, "error", err)
		f.Why, f.Hint = "Something went wrong on this side. It is in the log of the agent under "+f.ID+".", "Try again; if it stays so, tell whoever runs the agent."
	}
	f.Near, f.NearPath = nearest(c.req, f)
	title := titles[f.Status]
	var busy *service.Busy
	if errors.As(err, &busy) {
		title = titles[http.StatusServiceUnavailable]
		f.Hint = fmt.Sprintf("This page asks again in %d s.", busy.Seconds())
		if busy.Making == "" {
			f.Hint += " An instant that was shown lately is there at once."
		}
		w.Header().Set("Retry-After", strconv.Itoa(busy.Seconds()))
		if c.req.Method == http.MethodGet {
			w.Header().Set("Refresh", strconv.Itoa(busy.Seconds()))
		}
	}
	if title == "" {
		title = "Something went wrong"
	}
	d.show(c, w, &page{title: title, template: "failure", data: f, status: f.Status})
}

// requestID names a request.
func (d *Dashboard) requestID(c *call) string {
	if d.RequestID != nil {
		if id := d.RequestID(c.ctx()); id != "" {
			return id
		}
	}
	return strings.ToLower(rand.Text()[:12])
}

// nearest is the page that was probably meant, if a hint says what it is called.
func nearest(r *http.Request, f failure) (name, to string) {
	name, meant := strings.CutPrefix(strings.TrimSuffix(f.Hint, "?"), "Did you mean ")
	switch {
	case f.Status != http.StatusNotFound || !meant:
		return "", ""
	case strings.HasPrefix(name, "/"):
		return name, name
	case strings.HasSuffix(r.Pattern, "}") && strings.Count(r.Pattern, "{") == 1:
		return name, path.Dir(r.URL.Path) + "/" + url.PathEscape(name)
	}
	return "", ""
}

// Refuse answers a request that may not be served, as a page.
func (d *Dashboard) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	setPolicy(w.Header())
	d.fail(d.newCall(r), w, err)
}

// nothing answers where no page is.
func (d *Dashboard) nothing(w http.ResponseWriter, r *http.Request) {
	c := d.newCall(r)
	if err := access.Check(r.Context(), access.Read); err != nil {
		d.fail(c, w, err) //nolint:contextcheck // that of the request is in the call
		return
	}
	var known []string
	for _, s := range d.nav {
		for _, i := range s.Items {
			known = append(known, i.Href)
		}
	}
	hint := "the navigation leads to everything there is"
	if near := yamlfile.Nearest(r.URL.Path, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.fail(c, w, service.NotFound{Mistake: service.Mistake{Err: errNoPage, Remedy: hint}}) //nolint:contextcheck // that of the request is in the call
}

// sentence makes a text begin with a capital letter and end with a stop. The name
// of a command stays as it is typed.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(s)
	if word, _, _ := strings.Cut(s, " "); word != "exhibit" && !strings.ContainsAny(word, "./_-:") || n == len(word) {
		s = string(unicode.ToUpper(first)) + s[n:]
	}
	return ended(s)
}

// ended ends a sentence.
func ended(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

package dashboard

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// route is a page, or an act that a form asks for.
type route struct {
	pattern string // of http.ServeMux, with its method
	needs   access.Permission
	page    func(*call) (*page, error)
	// act does what a form asks for and says where to go on. If it is refused, or
	// was a mistake, page shows the form again, with what was wrong.
	act func(*call) (done, error)
	// send answers without a page: a file. It is called in place of page.
	send func(*call, http.ResponseWriter) error
}

// page is what a handler makes.
type page struct {
	title    string // of the document, and its first heading
	template string // a file of templates, without .tmpl
	data     any
	crumbs   []crumb // the way to it, from above
	nav      string  // path of the item of the navigation that it belongs to
	status   int     // 0: 200
}

// crumb is a page above another one.
type crumb struct{ Title, Href string }

// done says where to go on after an act, and what was done, for people.
type done struct {
	to   string // path
	said string // one of the sentences of saids
}

// maxForm is how large a form may be, a file aside.
const maxForm = 1 << 20

// serve makes the handler of a route.
func (d *Dashboard) serve(r route) http.Handler {
	return access.Require(r.needs, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := d.newCall(req)
		if r.act != nil {
			req.Body = http.MaxBytesReader(w, req.Body, maxForm)
			d.perform(c, w, r) //nolint:contextcheck // that of the request is in the call
			return
		}
		if err := c.open(); err != nil { //nolint:contextcheck // that of the request is in the call
			d.fail(c, w, err) //nolint:contextcheck // that of the request is in the call
			return
		}
		if r.send != nil {
			if err := r.send(c, w); err != nil {
				d.fail(c, w, err) //nolint:contextcheck // that of the request is in the call
			}
			return
		}
		p, err := r.page(c)
		if err != nil {
			d.fail(c, w, err) //nolint:contextcheck // that of the request is in the call
			return
		}
		d.show(c, w, p) //nolint:contextcheck // that of the request is in the call
	}))
}

// perform does what a form asks for.
func (d *Dashboard) perform(c *call, w http.ResponseWriter, r route) {
	err := c.checkForm()
	if err == nil && c.Query("as_of") != "" {
		err = service.Mistake{Err: errPast, Remedy: "load the page of now"}
	}
	if err != nil {
		d.fail(c, w, err)
		return
	}
	to, err := r.act(c)
	if err == nil {
		target := to.to
		if to.said != "" {
			target = withQuery(target, "done", to.said)
		}
		http.Redirect(w, c.req, target, http.StatusSeeOther)
		return
	}
	if r.page == nil || !isAnswerable(err) {
		d.fail(c, w, err)
		return
	}
	c.problem = err
	if err := c.open(); err != nil {
		d.fail(c, w, err)
		return
	}
	p, perr := r.page(c)
	if perr != nil {
		d.fail(c, w, err)
		return
	}
	p.status = http.StatusUnprocessableEntity
	d.show(c, w, p)
}

// checkForm reads a form and refuses one that does not come from a page of the
// session. The gate has looked at it before: this holds without one.
func (c *call) checkForm() error {
	if err := c.req.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return service.Mistake{Err: errTooLarge, Remedy: "send less"}
		}
		return service.Mistake{Err: errNoForm, Remedy: "load the page again"}
	}
	want, got := access.CSRF(c.req.Context()), c.req.PostFormValue(access.CSRFField)
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
		return access.ErrCrossOrigin
	}
	return nil
}

// withQuery adds a parameter to a path.
func withQuery(path, key, value string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// afterAct is how long one waits, after something was put on record, for the
// page to show it.
const afterAct = 5 * time.Second

package access

import (
	"context"
	"net/http"
)

// CSRFField is the name of the hidden field of a form that changes something;
// its value is CSRF of the request's context.
const CSRFField = "csrf"

type csrfKey struct{}

// CSRF is what the hidden field CSRFField of each form holds: it belongs to the
// session and to nothing else. It is empty where nobody is logged in.
func CSRF(ctx context.Context) string {
	s, _ := ctx.Value(csrfKey{}).(string)
	return s
}

// WithCSRF returns a context whose forms hold token.
func WithCSRF(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, csrfKey{}, token)
}

// Refuse answers a request that may not be served; err is of this package.
type Refuse func(w http.ResponseWriter, r *http.Request, err error)

type refuseKey struct{}

// WithRefuse returns a context in which Require answers by f: a page in the
// dashboard, a problem in the API.
func WithRefuse(ctx context.Context, f Refuse) context.Context {
	return context.WithValue(ctx, refuseKey{}, f)
}

// Require serves h only if whoever acts in the request is allowed perm.
func Require(perm Permission, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := Check(r.Context(), perm); err != nil {
			RefuseWith(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// RefuseWith answers a request as the surface that it came to answers.
func RefuseWith(w http.ResponseWriter, r *http.Request, err error) {
	if f, ok := r.Context().Value(refuseKey{}).(Refuse); ok {
		f(w, r, err)
		return
	}
	http.Error(w, err.Error(), StatusOf(err))
}

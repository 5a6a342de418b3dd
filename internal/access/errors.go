package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Errors a caller acts on.
var (
	// ErrUnauthenticated: nobody is proved. Log in, or send a token.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrForbidden: who acts is not allowed to. See Denied.
	ErrForbidden = errors.New("not allowed")
	// ErrCrossOrigin: a form was sent from elsewhere, or from a page that is too old.
	ErrCrossOrigin = errors.New("the form was not sent from a page of this session")
)

// Denied says what a principal lacks.
type Denied struct{ Needs Permission }

func (d *Denied) Error() string { return fmt.Sprintf("this needs the permission %s", d.Needs) }

// Unwrap is ErrForbidden.
func (d *Denied) Unwrap() error { return ErrForbidden }

// Hint says which roles would do.
func (d *Denied) Hint() string {
	s := ""
	for _, i := range Roles() {
		if i.Role.Allows(d.Needs) {
			if s != "" {
				s += ", "
			}
			s += string(i.Role)
		}
	}
	return "held by the roles " + s + "; a token needs it in its scope as well"
}

// LockedOut: too many failures came from an address or for an account.
type LockedOut struct{ Until time.Time }

func (e *LockedOut) Error() string {
	return "too many attempts failed; the next one is looked at from " + e.Until.UTC().Format(time.RFC3339)
}

// Check returns nil if whoever acts in ctx is allowed perm, else
// ErrUnauthenticated or a Denied.
func Check(ctx context.Context, perm Permission) error {
	p, ok := From(ctx)
	switch {
	case !ok:
		return ErrUnauthenticated
	case !p.May(perm):
		return &Denied{Needs: perm}
	}
	return nil
}

// StatusOf gives the HTTP status of an error of this package, 500 for others.
func StatusOf(err error) int {
	var locked *LockedOut
	switch {
	case errors.As(err, &locked):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrUnauthenticated):
		return http.StatusUnauthorized
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrCrossOrigin):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

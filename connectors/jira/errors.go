package jira

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
)

// apiError is an answer that is not a success.
type apiError struct {
	op      string
	status  int
	message string
}

func (e *apiError) Error() string {
	s := fmt.Sprintf("jira: %s: status %d", e.op, e.status)
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// Is makes a refused token end the run.
func (e *apiError) Is(target error) bool {
	return target == connector.ErrRefused && e.status == http.StatusUnauthorized
}

// Reason says what the status means. Jira answers 404 also for what the
// account may not see.
func (e *apiError) Reason() connector.Reason {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return connector.Denied
	case http.StatusNotFound:
		return connector.NotFound
	case http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return connector.Unsupported
	}
	if e.status >= 400 && e.status < 500 {
		return connector.Malformed
	}
	return connector.Unavailable
}

// formatError is an answer that could not be understood.
type formatError struct {
	op  string
	err error
}

func (e *formatError) Error() string          { return "jira: " + e.op + ": " + e.err.Error() }
func (e *formatError) Unwrap() error          { return e.err }
func (*formatError) Reason() connector.Reason { return connector.Malformed }

// scopeError is a part of the scope that gave less than it should, and why.
type scopeError struct {
	reason connector.Reason
	text   string
}

func (e *scopeError) Error() string            { return e.text }
func (e *scopeError) Reason() connector.Reason { return e.reason }

// badIssue is an issue of which something was left out because of what it holds.
func badIssue(err error) error {
	return &scopeError{connector.Malformed, err.Error()}
}

var (
	_ coverage.Reasoner = (*apiError)(nil)
	_ coverage.Reasoner = (*formatError)(nil)
	_ coverage.Reasoner = (*scopeError)(nil)
)

// errLoginFailed: Jira took us for anonymous and answered all the same.
var errLoginFailed = fmt.Errorf("jira: the credentials were not accepted; Jira answered as to a stranger: %w", connector.ErrRefused)

// errLoop means that a listing gave a page for a second time.
var errLoop = errors.New("the pages go round in a circle or never end")

func statusOf(err error) int {
	var api *apiError
	if errors.As(err, &api) {
		return api.status
	}
	return 0
}

// stops reports whether an error concerns more than the issue it was met at.
// Jira answers 500 for an issue that it cannot show.
func stops(err error) bool {
	if statusOf(err) == http.StatusInternalServerError {
		return false
	}
	switch coverage.ReasonOf(err) {
	case connector.RateLimited, connector.Unavailable:
		return true
	}
	return errors.Is(err, connector.ErrRefused)
}

// explainLogin adds what to do about refused credentials.
func explainLogin(err error) error {
	if errors.Is(err, connector.ErrRefused) || statusOf(err) == http.StatusForbidden {
		return fmt.Errorf("%w; create a new token for the account and put it into the source's secret token "+
			"(Cloud: settings.email must be the token's account)", err)
	}
	return err
}

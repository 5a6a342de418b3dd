package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// StatusError is an answer that is no success.
type StatusError struct {
	Path    string
	Status  int
	Message string // the source's, made fit to print
	Code    string // {"error": {"code": "…"}}, if it is a word; made fit to print
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: %d %s", e.Path, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Reason says what the status means. Sources that answer 404 to an identity
// without the right are told apart by the connector.
func (e *StatusError) Reason() connector.Reason {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return connector.Denied
	case http.StatusNotFound:
		return connector.NotFound
	case http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return connector.Unsupported
	case http.StatusTooManyRequests:
		return connector.RateLimited
	}
	if e.Status >= 500 {
		return connector.Unavailable
	}
	return connector.Malformed
}

// MalformedError is an answer that cannot be understood.
type MalformedError struct {
	Path string
	Why  string
}

func (e *MalformedError) Error() string { return e.Path + ": " + e.Why }

// Reason is Malformed.
func (*MalformedError) Reason() connector.Reason { return connector.Malformed }

var (
	_ coverage.Reasoner = (*StatusError)(nil)
	_ coverage.Reasoner = (*MalformedError)(nil)
)

// StatusOf returns the status of a StatusError in err's chain, else 0.
func StatusOf(err error) int {
	var se *StatusError
	if errors.As(err, &se) {
		return se.Status
	}
	return 0
}

// message takes what a source says of a failure out of the forms that are
// usual, as it is: {"message"}, {"error": "…"}, {"error": {"message"}}, {"detail"}.
func message(body []byte) string {
	var said struct {
		Message string          `json:"message"`
		Detail  string          `json:"detail"`
		Error   json.RawMessage `json:"error"`
	}
	if len(body) > 64<<10 || json.Unmarshal(body, &said) != nil {
		return ""
	}
	var inner struct {
		Message string `json:"message"`
	}
	var text string
	switch {
	case said.Message != "":
		text = said.Message
	case json.Unmarshal(said.Error, &inner) == nil && inner.Message != "":
		text = inner.Message
	case json.Unmarshal(said.Error, &text) == nil && text != "":
	default:
		text = said.Detail
	}
	return text
}

// code is the source's word for a failure, as it is; empty if it has none.
func code(body []byte) string {
	var said struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if len(body) > 64<<10 || json.Unmarshal(body, &said) != nil {
		return ""
	}
	return said.Error.Code
}

// decodeProblem says what is wrong without repeating the answer.
func decodeProblem(err error) string {
	var (
		syntax *json.SyntaxError
		typ    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it breaks off or is no JSON at byte %d", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("field %s holds another type", records.Line(typ.Field, 60))
	}
	return "a value is of no known form"
}

// silent reports whether err says that the host could not be reached, rather
// than that its answer was refused here.
func silent(err error) bool {
	var (
		ue       *url.Error
		limit    *transport.RateLimitError
		large    *transport.TooLargeError
		redirect *transport.RedirectError
		torn     *transport.TornError
	)
	return errors.As(err, &ue) && !errors.As(err, &limit) && !errors.As(err, &large) && !errors.As(err, &redirect) &&
		!errors.As(err, &torn) && !errors.Is(err, transport.ErrUnaskedNotModified)
}

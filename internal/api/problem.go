package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

const problemType = "application/problem+json"

// Problem is why something was not done (RFC 9457), and what to do about it.
type Problem struct {
	Type      string  `json:"type" doc:"Always about:blank: the status says the kind."`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty" doc:"What is wrong, in plain words."`
	Hint      string  `json:"hint,omitempty" doc:"What to do."`
	RequestID string  `json:"request_id,omitempty" doc:"Under which the log of the agent has the request."`
	Errors    []Fault `json:"errors,omitempty" doc:"Each thing that is wrong, where there are several."`
	headers   http.Header
}

// Fault is one of several things that are wrong.
type Fault struct {
	Where   string `json:"where,omitempty" doc:"The part of the request."`
	Line    int    `json:"line,omitempty" doc:"The line of the body, from 1."`
	Message string `json:"message"`
}

// Error is of error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is of huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders is of huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is of huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

var errNoOperation = service.NotFound{Mistake: service.Mistake{Err: errors.New("there is no such operation"),
	Remedy: "GET " + documentPath + " describes what there is"}}

// errNoPerson refuses an act of somebody who is nobody of the register.
type errNoPerson struct{ error }

func (e errNoPerson) Unwrap() error { return e.error }

// statusOf is the one table of errors and statuses.
func statusOf(err error) int {
	var missing service.NotFound
	var refusal *people.Refusal
	var config yamlfile.Problems
	var busy *service.Busy
	switch {
	case errors.As(err, &busy) && busy.Often:
		return http.StatusTooManyRequests
	case errors.As(err, &busy):
		return http.StatusServiceUnavailable
	case errors.As(err, &missing), errors.Is(err, store.ErrNotFound), errors.Is(err, agent.ErrUnknownSource):
		return http.StatusNotFound
	case errors.Is(err, store.ErrErased):
		return http.StatusGone
	case errors.As(err, &errNoPerson{}):
		return http.StatusForbidden
	case errors.As(err, &refusal) && !refusal.Unfit, errors.Is(err, agent.ErrPaused), errors.Is(err, agent.ErrNotPaused):
		return http.StatusConflict
	case service.IsMistake(err), refusal != nil, errors.Is(err, agent.ErrReason):
		return http.StatusUnprocessableEntity
	case errors.Is(err, store.ErrLocked):
		return http.StatusLocked
	case errors.Is(err, store.ErrNoStore), errors.Is(err, store.ErrTampered), errors.As(err, &config),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return access.StatusOf(err)
}

// problem says of an error what whoever asked may know.
func (a *API) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		mine := *p
		mine.Type, mine.Title, mine.RequestID = "about:blank", titleOf(p.Status), requestID(ctx)
		return &mine
	}
	p = &Problem{Type: "about:blank", Status: statusOf(err), RequestID: requestID(ctx), headers: http.Header{}}
	p.Title, p.Detail, p.Hint = titleOf(p.Status), err.Error(), hintOf(err)
	var locked *access.LockedOut
	var busy *service.Busy
	var refusal *people.Refusal
	switch {
	case p.Status == http.StatusNotModified:
	case errors.As(err, &refusal):
		p.Detail, p.Hint = asFields(p.Detail), asFields(p.Hint)
	case errors.As(err, &busy):
		p.retryAfter(busy.After)
	case errors.As(err, &locked):
		p.headers.Set("Retry-After", locked.Until.UTC().Format(http.TimeFormat))
	case errors.Is(err, store.ErrNoStore):
		p.Detail, p.Hint = "the ledger holds nothing yet", "once a source was read there is something to ask about"
	case errors.Is(err, store.ErrLocked):
		p.retryAfter(time.Second)
	case p.Status == http.StatusUnauthorized:
		p.headers.Set("WWW-Authenticate", `Bearer realm="exhibit"`)
		p.Detail, p.Hint = "no valid token or session came with the request", "send Authorization: Bearer and an API token"
	case p.Status >= http.StatusInternalServerError:
		if ctx.Err() == nil {
			a.Logger.ErrorContext(ctx, "a request could not be answered", "request", p.RequestID, "error", err)
		}
		p.Detail, p.Hint = "something went wrong on this side; the log of the agent says what", "try again; if it stays so, tell whoever runs the agent"
	}
	return p
}

func (p *Problem) retryAfter(d time.Duration) {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set("Retry-After", strconv.Itoa(max(1, int(d.Seconds()))))
}

func titleOf(status int) string { return http.StatusText(status) }

func hintOf(err error) string {
	var h interface{ Hint() string }
	switch {
	case errors.As(err, &h) && h.Hint() != "":
		return h.Hint()
	case errors.Is(err, store.ErrLocked):
		return "try again in a moment"
	case errors.Is(err, store.ErrErased):
		return "its digest and proof remain"
	case errors.Is(err, agent.ErrPaused), errors.Is(err, agent.ErrNotPaused), errors.Is(err, agent.ErrUnknownSource):
		return "GET /v1/sources says which there are, and who paused them"
	case errors.Is(err, agent.ErrReason):
		return "say why it pauses"
	}
	return ""
}

// mendError gives what the framework found wrong the form of a Problem. What was
// sent is not sent back.
func (a *API) mendError(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Type: "about:blank", Title: titleOf(e.Status), Status: e.Status, Detail: e.Detail, RequestID: requestID(ctx.Context())}
	p.Hint = "GET " + documentPath + " describes what is taken"
	for _, d := range e.Errors {
		if d != nil {
			p.Errors = append(p.Errors, Fault{Where: d.Location, Message: strings.TrimSpace(d.Message)})
		}
	}
	if p.Status >= http.StatusInternalServerError {
		a.Logger.ErrorContext(ctx.Context(), "a request could not be answered", "request", p.RequestID, "error", e.Detail)
	}
	return p, nil
}

// wrong refuses what was asked for.
func wrong(remedy string, err error) error { return service.Mistake{Err: err, Remedy: remedy} }

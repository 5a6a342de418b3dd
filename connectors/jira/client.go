package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	gojira "github.com/andygrunwald/go-jira"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
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

// formatError is an answer that could not be understood.
type formatError struct {
	op  string
	err error
}

func (e *formatError) Error() string { return "jira: " + e.op + ": " + e.err.Error() }
func (e *formatError) Unwrap() error { return e.err }

// errLoginFailed: Jira took us for anonymous and answered all the same.
var errLoginFailed = errors.New("jira: the credentials were not accepted; Jira answered as to a stranger")

// client speaks to one Jira.
type client struct {
	api     *gojira.Client
	version string // "2" or "3"
}

// newClient puts go-jira on a transport that keeps the credentials at home:
// go-jira's own would send them along with every redirect.
func newClient(c *config, count func(connector.Calls)) (*client, error) {
	t, err := transport.New(transport.Options{
		BaseURL:           c.BaseURL,
		Authorize:         authorize(c),
		UserAgent:         "exhibit-connector-jira/" + Version,
		RequestsPerSecond: c.RequestsPerSecond,
		Burst:             5,
		Counted:           count,
	})
	if err != nil {
		return nil, fmt.Errorf("jira: base_url: %w", err)
	}
	api, err := gojira.NewClient(t.HTTPClient(), c.BaseURL+"/")
	if err != nil {
		return nil, errors.New("jira: base_url: not an address")
	}
	version := "3"
	if c.Deployment == dataCenter {
		version = "2"
	}
	return &client{api: api, version: version}, nil
}

func authorize(c *config) func(*http.Request) {
	if c.Deployment == cloud && c.Email != "" {
		return func(r *http.Request) { r.SetBasicAuth(c.Email, c.token) }
	}
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.token) }
}

// get reads op, a path under rest/.
func (c *client) get(ctx context.Context, op string, query url.Values, into any) error {
	if len(query) > 0 {
		return c.do(ctx, http.MethodGet, op+"?"+query.Encode(), nil, into)
	}
	return c.do(ctx, http.MethodGet, op, nil, into)
}

// post sends a question that changes nothing, so that it may be sent again.
func (c *client) post(ctx context.Context, op string, body, into any) error {
	return c.do(transport.Replayable(ctx), http.MethodPost, op, body, into)
}

func (c *client) do(ctx context.Context, method, op string, body, into any) error {
	name, _, _ := strings.Cut(op, "?")
	req, err := c.api.NewRequestWithContext(ctx, method, "rest/"+op, body)
	if err != nil {
		return fmt.Errorf("jira: %s: %w", name, err)
	}
	if body != nil {
		if err := repeatable(req); err != nil {
			return fmt.Errorf("jira: %s: %w", name, err)
		}
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.api.Do(req, nil)
	if resp == nil || resp.Response == nil {
		return fmt.Errorf("jira: %s: %w", name, transport.RedactError(err))
	}
	defer resp.Body.Close()
	b, rerr := io.ReadAll(resp.Body) // the transport has read and bounded it
	if rerr != nil {
		return fmt.Errorf("jira: %s: %w", name, rerr)
	}
	if err != nil {
		return &apiError{op: name, status: resp.StatusCode, message: messageOf(b)}
	}
	if reason := resp.Header.Get("X-Seraph-LoginReason"); reason == "AUTHENTICATED_FAILED" || reason == "AUTHENTICATION_DENIED" {
		return errLoginFailed
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		if t := resp.Header.Get("Content-Type"); !strings.Contains(t, "json") {
			err = fmt.Errorf("the answer is %s, not JSON; is base_url the address of Jira itself, without a login page before it?", printable(t, 60))
		}
		return &formatError{op: name, err: err}
	}
	return nil
}

// repeatable lets a body be sent more than once.
func repeatable(req *http.Request) error {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	req.ContentLength = int64(len(b))
	req.Body, err = req.GetBody()
	return err
}

// messageOf takes the messages out of Jira's error body, short and printable.
func messageOf(b []byte) string {
	var e struct {
		ErrorMessages []string          `json:"errorMessages"`
		Errors        map[string]string `json:"errors"`
		Message       string            `json:"message"`
	}
	if json.Unmarshal(b, &e) != nil {
		return ""
	}
	parts := e.ErrorMessages
	for k, v := range e.Errors {
		parts = append(parts, k+": "+v)
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	return printable(strings.Join(parts, "; "), 300)
}

// account is who the source says we are.
type account struct {
	AccountID   string `json:"accountId"`
	Name        string `json:"name"` // Data Center
	DisplayName string `json:"displayName"`
	Email       string `json:"emailAddress"`
	TimeZone    string `json:"timeZone"`
}

// String is the identity that records carry: the mail address if it may be
// seen, else the account's id or name.
func (a *account) String() string {
	if a == nil {
		return ""
	}
	for _, s := range []string{a.Email, a.AccountID, a.Name, a.DisplayName} {
		if s != "" {
			return printable(s, 200)
		}
	}
	return ""
}

func (c *client) myself(ctx context.Context) (*account, error) {
	var a account
	if err := c.get(ctx, "api/"+c.version+"/myself", nil, &a); err != nil {
		return nil, err
	}
	if a.String() == "" {
		return nil, errLoginFailed
	}
	return &a, nil
}

// projectExists asks for a project by its key.
func (c *client) projectExists(ctx context.Context, key string) error {
	var p struct {
		Key string `json:"key"`
	}
	return c.get(ctx, "api/"+c.version+"/project/"+url.PathEscape(key), nil, &p)
}

// location is the time zone in which the account's searches are read; false
// if it is not known here.
func (a *account) location() (*time.Location, bool) {
	if a.TimeZone == "" {
		return time.UTC, false
	}
	loc, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		return time.UTC, false
	}
	return loc, true
}

// count asks for the number of issues that match, in another way than by
// listing them; -1 if this Jira does not offer it.
func (c *client) count(ctx context.Context, jql string) (int64, error) {
	if c.version == "2" {
		return -1, nil
	}
	var out struct {
		Count json.Number `json:"count"`
	}
	err := c.post(ctx, "api/3/search/approximate-count", map[string]string{"jql": jql}, &out)
	var api *apiError
	if errors.As(err, &api) && (api.status == http.StatusNotFound || api.status == http.StatusForbidden ||
		api.status == http.StatusMethodNotAllowed || api.status == http.StatusGone || api.status == http.StatusNotImplemented) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	n, err := strconv.ParseInt(out.Count.String(), 10, 64)
	if err != nil || n < 0 {
		return -1, &formatError{op: "api/3/search/approximate-count", err: errors.New("the count is no number")}
	}
	return n, nil
}

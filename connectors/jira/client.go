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
	"slices"
	"strconv"
	"strings"
	"time"

	gojira "github.com/andygrunwald/go-jira"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// client speaks to one Jira, in one run.
type client struct {
	api     *gojira.Client
	wire    *wire
	version string // "2" or "3"
	noBulk  bool   // this Jira does not give many histories at once
}

// newClient puts go-jira on a transport that keeps the credentials at home:
// go-jira's own would send them along with every redirect.
func newClient(c *config, tune func(*transport.Options), count func(connector.Calls)) (*client, error) {
	o := transport.Options{
		BaseURL:           c.BaseURL,
		Authorize:         authorize(c),
		UserAgent:         "exhibit-connector-jira/" + Version,
		RequestsPerSecond: c.RequestsPerSecond,
		Burst:             5,
		Counted:           count,
	}
	if c.Attachments.SHA256 {
		o.AttemptTimeout = 3 * time.Minute // one attempt may carry a whole file
	}
	if tune != nil {
		tune(&o)
	}
	w := newWire(o.Base, count)
	o.Base = w
	t, err := transport.New(o)
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
	return &client{api: api, wire: w, version: version}, nil
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
		op += "?" + query.Encode()
	}
	req, err := c.request(ctx, http.MethodGet, "rest/"+op, nil)
	if err != nil {
		return err
	}
	return c.decode(op, req, into)
}

// post sends a question that changes nothing, so that it may be sent again.
func (c *client) post(ctx context.Context, op string, body, into any) error {
	req, err := c.request(transport.Replayable(ctx), http.MethodPost, "rest/"+op, body)
	if err != nil {
		return err
	}
	return c.decode(op, req, into)
}

func (c *client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	req, err := c.api.NewRequestWithContext(ctx, method, path, body)
	if err == nil && body != nil {
		err = repeatable(req)
	}
	if err != nil {
		return nil, fmt.Errorf("jira: %s: %w", opName(path), err)
	}
	req.Header.Set("Accept", "application/json")
	if strings.HasPrefix(path, "rest/servicedeskapi/") && c.version == "2" {
		req.Header.Set("X-ExperimentalApi", "opt-in") // older servers of Data Center ask for it
	}
	return req, nil
}

// send sends req and returns the body of a success.
func (c *client) send(op string, req *http.Request) (*gojira.Response, []byte, error) {
	resp, err := c.api.Do(req, nil)
	if resp == nil || resp.Response == nil {
		err = transport.RedactError(err)
		var limit *transport.RateLimitError
		if why := c.wire.limitReason(); why != "" && errors.As(err, &limit) {
			err = fmt.Errorf("%w (%s)", err, why)
		}
		return nil, nil, fmt.Errorf("jira: %s: %w", op, err)
	}
	defer resp.Body.Close()
	b, rerr := io.ReadAll(resp.Body) // the transport has read and bounded it
	if rerr != nil {
		return nil, nil, fmt.Errorf("jira: %s: %w", op, rerr)
	}
	if err != nil {
		return nil, nil, &apiError{op: op, status: resp.StatusCode, message: messageOf(b)}
	}
	if reason := resp.Header.Get("X-Seraph-LoginReason"); reason == "AUTHENTICATED_FAILED" || reason == "AUTHENTICATION_DENIED" {
		return nil, nil, errLoginFailed
	}
	return resp, b, nil
}

func (c *client) decode(op string, req *http.Request, into any) error {
	op = opName(op)
	resp, b, err := c.send(op, req)
	if err != nil {
		return err
	}
	if r := resp.Request; r != nil && r.URL != nil && r.URL.Host != req.URL.Host { // a file may be elsewhere, an answer may not
		return &formatError{op: op, err: fmt.Errorf("it was sent on to %s; if that is Jira now, make it the base_url", records.Line(r.URL.Host, 100))}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		why := errors.New("it is no JSON of the form that is documented")
		if t := resp.Header.Get("Content-Type"); !strings.Contains(t, "json") {
			why = fmt.Errorf("the answer is %s, not JSON; is base_url the address of Jira itself, without a login page before it?", records.Line(t, 60))
		}
		return &formatError{op: op, err: why}
	}
	return nil
}

// opName is an operation as errors name it: without its query.
func opName(op string) string {
	name, _, _ := strings.Cut(op, "?")
	return strings.TrimPrefix(name, "rest/")
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
		ErrorMessage  string            `json:"errorMessage"` // service management
	}
	if json.Unmarshal(b, &e) != nil {
		return ""
	}
	parts := e.ErrorMessages
	for k, v := range e.Errors {
		parts = append(parts, k+": "+v)
	}
	slices.Sort(parts)
	for _, s := range []string{e.Message, e.ErrorMessage} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return records.Line(strings.Join(parts, "; "), 300)
}

// projectInfo is what Jira says of a project.
type projectInfo struct {
	Key      string `json:"key"`
	Archived bool   `json:"archived"`
	Deleted  bool   `json:"deleted"`
}

// project asks for a project by its key and says why its issues cannot be
// listed, if they cannot.
func (c *client) project(ctx context.Context, key string) error {
	var p projectInfo
	op := "api/" + c.version + "/project/" + url.PathEscape(key)
	if err := c.get(ctx, op, nil, &p); err != nil {
		return err
	}
	switch {
	case p.Key == "":
		return &formatError{op: op, err: errors.New("the project has no key")}
	case p.Key != key:
		return &scopeError{connector.NotFound, fmt.Sprintf("the project's key is %s now; write that in the settings", records.Line(p.Key, 60))}
	case p.Deleted:
		return &scopeError{connector.NotFound, "the project is in the trash"}
	case p.Archived:
		return &scopeError{connector.Hidden, "the project is archived, and a search leaves its issues out; restore it for the run, or take it out of the settings"}
	}
	return nil
}

// count asks for the number of issues that match, in another way than by
// listing them; -1 if this Jira does not offer it.
func (c *client) count(ctx context.Context, jql string) (int64, error) {
	var out struct {
		Count json.Number `json:"count"`
		Total json.Number `json:"total"` // Data Center
	}
	op := "api/3/search/approximate-count"
	body := map[string]any{"jql": jql}
	if c.version == "2" {
		op = "api/2/search"
		body["maxResults"], body["fields"] = 0, []string{"created"}
	}
	err := c.post(ctx, op, body, &out)
	if err != nil && (coverage.ReasonOf(err) == connector.Unsupported || statusOf(err) == http.StatusNotFound || statusOf(err) == http.StatusForbidden) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	if c.version == "2" {
		out.Count = out.Total
	}
	n, err := strconv.ParseInt(out.Count.String(), 10, 64)
	if err != nil || n < 0 {
		return -1, &formatError{op: op, err: errors.New("the count is no number")}
	}
	return n, nil
}

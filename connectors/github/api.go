package github

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const (
	pageSize = 100
	maxPages = 5000
	// unreachableAfter failures to connect in a row end the run.
	unreachableAfter = 5
)

// api asks GitHub. It is safe for concurrent use.
type api struct {
	client *transport.Client
	build  *gh.Client  // builds requests; they are sent by client
	cred   *credential // nil if the client proves itself otherwise
	silent atomic.Int32
}

// newAPI returns what asks with the credential of the configuration.
func newAPI(c *config, validators map[string]connector.Validator, counted func(connector.Calls)) (*api, error) {
	var owner *app
	if c.key != nil {
		owner = &app{id: c.AppID, key: c.key, where: c.installationPath()}
		var err error
		if owner.api, err = clientAPI(c, transport.Options{Authorize: owner.authorize, Counted: counted}); err != nil {
			return nil, err
		}
	}
	cred := newCredential(c, owner)
	a, err := clientAPI(c, transport.Options{Authorize: cred.authorize, Validators: validators, Counted: counted,
		RequestsPerSecond: c.Budget, Burst: c.Concurrency})
	if err != nil {
		return nil, err
	}
	a.cred = cred
	return a, nil
}

// clientAPI completes the options of a client with what the configuration says.
func clientAPI(c *config, o transport.Options) (*api, error) {
	o.BaseURL, o.UserAgent, o.MaxInFlight = c.BaseURL, "exhibit-connector-github/"+Version, c.Concurrency
	o.MaxWait = time.Duration(c.MaxWait) * time.Second
	o.MaxElapsed = 3 * o.MaxWait
	client, err := transport.New(o)
	if err != nil {
		return nil, fmt.Errorf("github: base_url: %w", err)
	}
	build := gh.NewClient(nil)
	build.BaseURL = client.BaseURL()
	build.BaseURL.Path = strings.TrimSuffix(build.BaseURL.Path, "/") + "/"
	return &api{client: client, build: build}, nil
}

// statusError is an answer that is not what was asked for.
type statusError struct {
	Status  int
	Path    string
	Message string // GitHub's, made fit to print
	SSO     bool   // the token is not authorised for single sign-on
	// Accepted are the permissions that GitHub asks for here, if it says so.
	Accepted string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.Path, e.Status, http.StatusText(e.Status), e.Message)
}

// malformedError is an answer that cannot be understood.
type malformedError struct {
	Path string
	Why  string
}

func (e *malformedError) Error() string { return e.Path + ": " + e.Why }

// statusOf is the status that an answer had. What went wrong in proving who
// asks says nothing about the question.
func statusOf(err error) int {
	var (
		se  *statusError
		own *appError
	)
	if !errors.As(err, &own) && errors.As(err, &se) {
		return se.Status
	}
	return 0
}

// call is one request. Path is relative to the API's root, escaped.
type call struct {
	method string // GET if empty; another one must be safe to send twice
	path   string
	query  url.Values
	body   any // JSON, with POST
	// as is the key to keep the validator under, if it is not the address:
	// several addresses give the same answer.
	as string
	// elsewhere: GitHub hands the answer out at another host.
	elsewhere bool
	// usable says whether the note kept with an earlier answer is enough to go
	// on with if nothing changed; only then is the request conditional.
	usable func(memo []byte) bool
}

// noteFits makes a call conditional if its note is a T that fits.
func noteFits[T any](fits func(T) bool) func([]byte) bool {
	return func(memo []byte) bool {
		var note T
		return json.Unmarshal(memo, &note) == nil && fits(note)
	}
}

// answer is what one request gave besides its body.
type answer struct {
	key         string // to keep a validator under
	notModified bool
	memo        []byte              // of the last run, with notModified
	validator   connector.Validator // to keep, without memo; zero if there is none
	next        int                 // page after this one; 0 if none
	nextless    error               // there is one, which has no number
	sum         [sha256.Size]byte   // of the body
	header      http.Header
}

// date is the server's time of the answer; zero if it did not say.
func (a answer) date() time.Time {
	t, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}

func (a *api) request(c call) (*http.Request, error) {
	p := c.path
	if len(c.query) > 0 {
		p += "?" + c.query.Encode()
	}
	method := http.MethodGet
	if c.method != "" {
		method = c.method
	}
	req, err := a.build.NewRequest(method, p, c.body)
	if err != nil {
		return nil, &malformedError{Path: c.path, Why: "no address can be made of this name"}
	}
	return req, nil
}

// get asks once and decodes the body into out, unless it did not change.
func (a *api) get(ctx context.Context, c call, out any) (answer, error) {
	req, err := a.request(c)
	if err != nil {
		return answer{}, err
	}
	ans := answer{key: c.as}
	if c.as == "" {
		ans.key = transport.Key(req.URL)
	}
	if memo := a.client.Memo(ans.key); c.usable != nil && memo != nil && c.usable(memo) {
		ctx = transport.Conditional(ctx, ans.key)
	}
	if c.method != "" {
		ctx = transport.Replayable(ctx)
	}
	resp, err := a.send(ctx, req)
	if err != nil {
		return answer{}, a.failed(ctx, c, err)
	}
	defer resp.Body.Close()
	a.silent.Store(0)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", c.path, err)
	}
	ans.header = resp.Header
	if !c.elsewhere && resp.Request != nil && resp.Request.URL.Host != req.URL.Host {
		return answer{}, &malformedError{Path: c.path, Why: "GitHub sends us to another host, " + line(resp.Request.URL.Host, 100) + ", which was not asked for it"}
	}
	if transport.NotModified(resp) {
		ans.notModified, ans.memo = true, a.client.Memo(ans.key)
	} else if resp.StatusCode != http.StatusOK && (c.method == "" || resp.StatusCode != http.StatusCreated) {
		return ans, newStatusError(c.path, resp, body)
	} else if string(bytes.TrimSpace(body)) == "null" {
		return answer{}, &malformedError{Path: c.path, Why: "the answer is null"} // which would look like an empty list
	} else if err := json.Unmarshal(body, out); err != nil {
		return answer{}, &malformedError{Path: c.path, Why: "the answer is not the JSON that is documented: " + decodeProblem(err)}
	}
	ans.sum = sha256.Sum256(body)
	ans.validator = transport.ValidatorOf(resp)
	ans.next, ans.nextless = nextPage(strings.Join(resp.Header.Values("Link"), ", "))
	return ans, nil
}

// send proves who asks. A token that was lent and is refused is replaced once:
// it may have been withdrawn before its time.
func (a *api) send(ctx context.Context, req *http.Request) (*http.Response, error) {
	if a.cred == nil {
		return a.client.Do(req.WithContext(ctx))
	}
	used, err := a.cred.ready(ctx, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req.WithContext(ctx))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || a.cred.app == nil {
		return resp, err
	}
	resp.Body.Close()
	if _, err := a.cred.ready(ctx, used); err != nil {
		return nil, err
	}
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.client.Do(req.WithContext(ctx))
}

// failed names the place, and gives up on a host that never answers.
func (a *api) failed(ctx context.Context, c call, err error) error {
	var (
		ue  *url.Error
		own *appError
	)
	if errors.As(err, &own) {
		return err // it names its own place
	}
	if ctx.Err() == nil && errors.As(err, &ue) && passing(ue.Err) && a.silent.Add(1) >= unreachableAfter {
		return fmt.Errorf("%s: %w: %w", c.path, err, connector.ErrUnreachable)
	}
	return fmt.Errorf("%s: %w", c.path, err)
}

// passing reports whether err says that the host could not be reached, rather
// than that its answer was refused here.
func passing(err error) bool {
	var (
		limit    *transport.RateLimitError
		big      *transport.TooLargeError
		redirect *transport.RedirectError
		torn     *transport.TornError
	)
	return !errors.As(err, &limit) && !errors.As(err, &big) && !errors.As(err, &redirect) && !errors.As(err, &torn) &&
		!errors.Is(err, transport.ErrUnaskedNotModified)
}

func newStatusError(path string, resp *http.Response, body []byte) *statusError {
	e := &statusError{Status: resp.StatusCode, Path: path, SSO: strings.HasPrefix(resp.Header.Get("X-GitHub-SSO"), "required"),
		Accepted: line(resp.Header.Get("X-Accepted-Github-Permissions"), 200)}
	var said gh.ErrorResponse
	if json.Unmarshal(body, &said) == nil {
		e.Message = line(said.Message, 200)
	}
	return e
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
		return fmt.Sprintf("field %s holds another type", line(typ.Field, 60))
	}
	return "a value is of no known form"
}

// nextPage reads the number of the next page from a Link header. The address
// itself is not followed: its host and its names are GitHub's, not ours.
func nextPage(link string) (int, error) {
	for part := range strings.SplitSeq(link, ",") {
		target, params, ok := strings.Cut(part, ">")
		if !ok || !strings.Contains(params, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.TrimLeft(target, " <"))
		if err != nil {
			return 0, errors.New("the link to the next page cannot be read")
		}
		n, err := strconv.Atoi(u.Query().Get("page"))
		if err != nil || n < 2 {
			return 0, errors.New("the link to the next page names no page")
		}
		return n, nil
	}
	return 0, nil
}

// page is one page of a listing; Body is zero when it did not change.
type page[T any] struct {
	answer
	number int
	body   T
}

// pages reads a listing until its end or until each says that it has enough.
// A listing that repeats a page or never ends is an error.
func pages[T any](ctx context.Context, a *api, c call, each func(page[T]) (more bool, err error)) error {
	last := [sha256.Size]byte{}
	for n := 1; ; {
		q := url.Values{"per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(n)}}
		for k, v := range c.query {
			q[k] = v
		}
		p := page[T]{number: n}
		var err error
		if p.answer, err = a.get(ctx, call{path: c.path, query: q, usable: c.usable}, &p.body); err != nil {
			return err
		}
		if n > 1 && !p.notModified && p.sum == last {
			return &malformedError{Path: c.path, Why: fmt.Sprintf("page %d is the same as the page before", n)}
		}
		if p.nextless != nil {
			return &malformedError{Path: c.path, Why: p.nextless.Error()}
		}
		last = p.sum
		more, err := each(p)
		if err != nil || !more || p.next == 0 {
			return err
		}
		if p.next <= n || n >= maxPages {
			return &malformedError{Path: c.path, Why: fmt.Sprintf("the listing does not end: page %d leads to page %d", n, p.next)}
		}
		n = p.next
	}
}

package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// unreachableAfter failures to reach the host in a row end the run.
const unreachableAfter = 5

// redacted is what transport.Key writes for what may be a secret.
const redacted = "REDACTED"

// Client asks one API. It is safe for concurrent use.
type Client struct {
	http    *transport.Client
	silent  atomic.Int32
	conceal *strings.Replacer // what a source's own words may repeat
}

// New returns a client for the API at o.BaseURL. It does no I/O.
func New(o transport.Options) (*Client, error) {
	c, err := transport.New(o)
	if err != nil {
		return nil, err
	}
	return &Client{http: c}, nil
}

// Conceal has secrets taken out of what a source says of a failure: some repeat
// the credential that they refuse. It is called before the first question.
func (c *Client) Conceal(secrets ...string) {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, redacted)
		}
	}
	c.conceal = strings.NewReplacer(pairs...)
}

// FitsHeader reports whether a secret can stand in a header as it is.
func FitsHeader(secret string) bool {
	return !strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Call is one question. Path is relative to the API's root and escaped; a
// segment that somebody else chose goes through url.PathEscape.
type Call struct {
	Method string // empty means GET
	Path   string
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON, with POST as a question that changes nothing and may be repeated
	// Usable makes the request conditional: it says whether the note kept with
	// the last answer is enough to go on with if nothing changed.
	Usable func(memo []byte) bool
}

// NoteFits is a Usable for notes that are a T as JSON.
func NoteFits[T any](fits func(T) bool) func([]byte) bool {
	return func(memo []byte) bool {
		var note T
		return json.Unmarshal(memo, &note) == nil && fits(note)
	}
}

// Answer is what a question gave.
type Answer struct {
	Key         string // to keep a validator under
	NotModified bool   // nothing changed: Body is empty, Memo is the last run's note
	Memo        []byte
	Validator   connector.Validator // to keep, with a note; zero if the source gave none
	Header      http.Header
	Body        []byte
	Sum         [sha256.Size]byte // of Body
}

// Get asks and decodes the answer into out, unless it did not change.
func (c *Client) Get(ctx context.Context, call Call, out any) (Answer, error) {
	call.header("Accept", "application/json")
	a, err := c.Raw(ctx, call)
	if err != nil || a.NotModified {
		return a, err
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		why := "the answer is not the JSON that is documented: " + decodeProblem(err)
		if t, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); t != "" && !strings.Contains(t, "json") {
			why = fmt.Sprintf("the answer is %s, not JSON; is the address that of the API itself, without a login page before it?", records.Line(t, 60))
		}
		return Answer{}, &MalformedError{Path: call.Path, Why: why}
	}
	return a, nil
}

func (c *Call) header(name, value string) {
	h := c.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if h.Get(name) == "" {
		h.Set(name, value)
	}
	c.Header = h
}

// Raw asks and returns the body as it came, with a status of 200 to 299 or as
// unchanged; any other is a *StatusError.
func (c *Client) Raw(ctx context.Context, call Call) (Answer, error) {
	req, err := c.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Key: transport.Key(req.URL)}
	// A key with a part left out may stand for two addresses.
	exact := !strings.Contains(a.Key, redacted)
	if memo := c.http.Memo(a.Key); exact && call.Usable != nil && memo != nil && call.Usable(memo) {
		req = req.WithContext(transport.Conditional(req.Context(), a.Key)) //nolint:contextcheck // it is ctx, and may say that the body can be sent again
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.failed(ctx, call.Path, err)
	}
	defer resp.Body.Close()
	c.silent.Store(0)
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return Answer{}, fmt.Errorf("%s: %w", call.Path, err)
	}
	a.Header = resp.Header
	switch {
	case transport.NotModified(resp):
		a.NotModified, a.Memo, a.Body = true, c.http.Memo(a.Key), nil
	case resp.StatusCode/100 != 2:
		return Answer{}, &StatusError{Path: call.Path, Status: resp.StatusCode, Message: c.fit(message(a.Body), 200), Code: c.fit(code(a.Body), 100)}
	}
	a.Sum = sha256.Sum256(a.Body)
	if exact {
		a.Validator = transport.ValidatorOf(resp)
	}
	return a, nil
}

// fit makes what a source says of a failure fit to print, without secrets.
func (c *Client) fit(text string, limit int) string {
	if c.conceal != nil {
		text = c.conceal.Replace(text)
	}
	return records.Line(text, limit)
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	u, err := c.address(call)
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	if call.Body != nil {
		raw, err := json.Marshal(call.Body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.Path, err)
		}
		body = bytes.NewReader(raw)
		ctx = transport.Replayable(ctx)
	}
	method := call.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, &MalformedError{Path: call.Path, Why: "no address can be made of this name"}
	}
	for name, values := range call.Header {
		req.Header[name] = values
	}
	if call.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// address puts path and query behind the API's root, which they cannot leave.
func (c *Client) address(call Call) (*url.URL, error) {
	bad := &MalformedError{Path: records.Line(call.Path, 200), Why: "no address can be made of this name"}
	path, err := url.PathUnescape(call.Path)
	if err != nil {
		return nil, bad
	}
	for seg := range strings.SplitSeq(call.Path, "/") {
		if plain, err := url.PathUnescape(seg); err != nil || plain == "." || plain == ".." {
			return nil, bad
		}
	}
	u := c.http.BaseURL()
	root, rawRoot := strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.EscapedPath(), "/")
	u.Path, u.RawPath = root+"/"+strings.TrimPrefix(path, "/"), rawRoot+"/"+strings.TrimPrefix(call.Path, "/")
	u.RawQuery = call.Query.Encode()
	return u, nil
}

// failed names the place, and gives up on a host that never answers.
func (c *Client) failed(ctx context.Context, path string, err error) error {
	if ctx.Err() == nil && silent(err) && c.silent.Add(1) >= unreachableAfter {
		return fmt.Errorf("%s: %w: %w", path, err, connector.ErrUnreachable)
	}
	return fmt.Errorf("%s: %w", path, err)
}

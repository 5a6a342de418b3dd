package http

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"
	"golang.org/x/oauth2"

	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// note is what is kept of a page, to go on with if it did not change.
type note struct {
	Records int       `json:"records"` // that its items became
	Items   int       `json:"items"`
	Next    string    `json:"next,omitempty"`
	Canary  bool      `json:"canary,omitempty"`
	Count   int64     `json:"count,omitempty"` // as the source counts, on the first page
	Latest  time.Time `json:"latest,omitzero"`
	// Settings is the digest of the request's settings: under others the page
	// would have become something else.
	Settings string `json:"settings"`
}

// page is one page of a listing. Items is nil where nothing changed.
type page struct {
	rest.Answer
	note
	items []ref.Val
	keys  map[string]bool // of the records that its items became
}

// call is the question for the page at a token.
func (r *request) call(ctx context.Context, v vars, from time.Time, token string) (rest.Call, error) {
	c := rest.Call{Query: url.Values{}}
	var err error
	if c.Path, err = r.path.fill(ctx, v, true); err != nil {
		return c, fmt.Errorf("path: %w", err)
	}
	for name, t := range r.query {
		value, err := t.fill(ctx, v, false)
		if err != nil {
			return c, fmt.Errorf("query.%s: %w", name, err)
		}
		c.Query.Set(name, value)
	}
	if r.Paging.SizeParam != "" {
		c.Query.Set(r.Paging.SizeParam, strconv.Itoa(r.Paging.Size))
	}
	if r.Body != nil {
		c.Method, c.Body = http.MethodPost, maps.Clone(r.Body)
	}
	if r.Since != nil && !from.IsZero() {
		r.Since.put(&c, from)
	}
	return c, r.turnTo(&c, token)
}

// turnTo asks for the page at a token; page and offset begin with a number.
func (r *request) turnTo(c *rest.Call, token string) error {
	switch {
	case r.Paging.Type == "page" && token == "":
		token = "1"
	case r.Paging.Type == "offset" && token == "":
		token = "0"
	case token == "":
		return nil
	case r.Paging.Type == "link":
		q, err := url.ParseQuery(token)
		if err != nil {
			return fmt.Errorf("paging: %w", err)
		}
		c.Query = q
		return nil
	}
	if body, ok := c.Body.(map[string]any); ok {
		body[r.Paging.Param] = token
		if n, err := strconv.Atoi(token); err == nil && r.Paging.Type != "token" {
			body[r.Paging.Param] = n
		}
		return nil
	}
	c.Query.Set(r.Paging.Param, token)
	return nil
}

// put asks for what changed since a time: in the body if there is one.
func (s *since) put(c *rest.Call, from time.Time) {
	text := s.write(from)
	body, ok := c.Body.(map[string]any)
	switch {
	case !ok:
		c.Query.Set(s.Param, text)
	case s.Format == "unix":
		body[s.Param] = from.Unix()
	default:
		body[s.Param] = text
	}
}

func (s *since) write(t time.Time) string {
	switch s.Format {
	case "unix":
		return strconv.FormatInt(t.Unix(), 10)
	case "date":
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339)
}

// understand takes items and the way on out of an answer that changed.
func (r *request) understand(ctx context.Context, a rest.Answer, v vars, token string) (page, error) {
	p := page{Answer: a}
	decoded, err := decode(a.Body)
	if err != nil {
		return p, errors.New("the answer breaks off or is no JSON")
	}
	v = with(v, "body", native(decoded))
	if p.items, err = r.items.list(ctx, v); err != nil {
		return p, fmt.Errorf("items: %w", err)
	}
	p.Items = len(p.items)
	if r.count != nil && token == "" {
		if p.Count, err = r.count.number(ctx, v); err != nil {
			return p, fmt.Errorf("count: %w", err)
		}
	}
	p.Next, err = r.next(ctx, p, v, token)
	return p, err
}

// next is the token of the page after p; empty if p is the last.
func (r *request) next(ctx context.Context, p page, v vars, token string) (string, error) {
	switch r.Paging.Type {
	case "link":
		q, err := rest.NextLink(strings.Join(p.Header.Values("Link"), ","))
		return q.Encode(), err
	case "token":
		next, err := r.Paging.next.text(ctx, v)
		if err != nil {
			return "", fmt.Errorf("paging.next: %w", err)
		}
		return next, nil
	case "page", "offset":
		if p.Items < r.Paging.Size {
			return "", nil
		}
		n, _ := strconv.Atoi(token) // ours; empty at first
		if r.Paging.Type == "page" {
			return strconv.Itoa(max(n, 1) + 1), nil
		}
		return strconv.Itoa(n + p.Items), nil
	}
	return "", nil
}

// with returns v and one name more.
func with(v vars, name string, value any) vars {
	out := maps.Clone(v)
	if out == nil {
		out = vars{}
	}
	out[name] = value
	return out
}

// issuerProblem says what an issuer of tokens answered, without its words: they
// may repeat the secret.
func issuerProblem(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.Status
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	if i := strings.Index(text, "Response:"); i >= 0 {
		text = text[:i]
	}
	return text
}

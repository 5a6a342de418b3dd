package transport

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// ErrUnaskedNotModified: the source answered 304 to a request that was not
// conditional. It, or a proxy before it, is broken; the answer means nothing.
var ErrUnaskedNotModified = errors.New("answered 304 Not Modified to a request without validators")

type conditionalKey struct{}

type replayableKey struct{}

// Conditional returns a context whose requests carry the validators kept under
// key. Use [Key] of the request's URL unless there is reason for another.
func Conditional(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, conditionalKey{}, key)
}

// Replayable returns a context whose requests may be sent more than once
// whatever their method, because the source does the same for one as for two.
// A request with a body needs GetBody, which http.NewRequest sets for buffers.
func Replayable(ctx context.Context) context.Context {
	return context.WithValue(ctx, replayableKey{}, true)
}

// Key returns the canonical text of u to keep validators under: sorted query,
// no user information, no fragment, secrets redacted.
func Key(u *url.URL) string {
	c := *u
	c.User = nil
	if q, err := url.ParseQuery(c.RawQuery); err == nil {
		c.RawQuery = q.Encode()
	}
	return RedactURL(&c)
}

// NotModified reports whether resp says that nothing changed.
func NotModified(resp *http.Response) bool {
	return resp != nil && resp.StatusCode == http.StatusNotModified
}

// Longest headers that a host keeps, in bytes.
const (
	maxTag  = 1024
	maxLink = 16 << 10
)

// ValidatorOf returns what to store for resp, zero when the source gave
// nothing to ask with next time, or something that no host would keep. The
// caller adds its Memo.
func ValidatorOf(resp *http.Response) connector.Validator {
	if resp == nil || resp.StatusCode != http.StatusOK {
		return connector.Validator{}
	}
	v := connector.Validator{ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}
	if v.ETag == "" && tooFresh(resp) {
		return connector.Validator{}
	}
	link := strings.Join(resp.Header.Values("Link"), ", ") // one list, however many headers it stands in
	if v.IsZero() || !keepable(v.ETag, maxTag) || !keepable(v.LastModified, maxTag) || !keepable(link, maxLink) {
		return connector.Validator{}
	}
	v.Link = link
	return v
}

// tooFresh reports whether an answer was changed so shortly before it was sent
// that it may change once more within the second that its date names (RFC 9110,
// 8.8.2.2). Asking with such a date could miss the second change.
func tooFresh(resp *http.Response) bool {
	changed, err := http.ParseTime(resp.Header.Get("Last-Modified"))
	if err != nil {
		return false // no date, or none that is one: the source compares it as text
	}
	sent, err := http.ParseTime(resp.Header.Get("Date"))
	return err != nil || sent.Sub(changed) < time.Minute
}

// keepable reports whether a header is text of printable ASCII of at most
// limit bytes. Others are legal, rare, and not worth a refused run.
func keepable(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Memo returns the note stored with the validators under key.
func (c *Client) Memo(key string) []byte { return c.opts.Validators[key].Memo }

// validator returns the validators that req is to carry.
func (c *Client) validator(req *http.Request) (connector.Validator, bool) {
	key, ok := req.Context().Value(conditionalKey{}).(string)
	if !ok {
		return connector.Validator{}, false
	}
	v, ok := c.opts.Validators[key]
	return v, ok && (v.ETag != "" || v.LastModified != "")
}

func setValidators(h http.Header, v connector.Validator) {
	h.Del("If-None-Match")
	h.Del("If-Modified-Since")
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
}

// restore gives a 304 the headers that its caller needs to go on.
func restore(resp *http.Response, v connector.Validator) {
	if resp.Header.Get("Link") == "" && v.Link != "" {
		resp.Header.Set("Link", v.Link)
	}
	if resp.Header.Get("ETag") == "" && v.ETag != "" {
		resp.Header.Set("ETag", v.ETag)
	}
}

package attest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a webhook's answer: what is read, and what of it is recorded as text.
const (
	maxHookAnswer = 64 << 10
	maxHookText   = 2 << 10
)

// SignatureHeader carries, where a secret is configured, t=<seconds>,v1=<hex
// HMAC-SHA-256 of "<seconds>.<body>">.
const SignatureHeader = "Exhibit-Signature"

// Webhook is a URL that checkpoints are posted to.
type Webhook struct {
	URL    string
	Secret []byte // of the HMAC; empty: not signed
}

// announcement is what is posted.
type announcement struct {
	Checkpoint string `json:"checkpoint"` // the signed note
	Origin     string `json:"origin"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
}

// PublishWebhook posts the log's checkpoint. before is what was published there
// last, as the ledger has it; the log must continue it. Posting the same again is
// allowed: the other side may have lost it.
func (c *Client) PublishWebhook(ctx context.Context, h Webhook, l Log, before []Attestation) (*Publication, error) {
	if err := checkURL(h.URL); err != nil {
		return nil, err
	}
	where := hookName(h.URL)
	previous, err := l.published(before, ToWebhook, where)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(announcement{Checkpoint: string(l.Note), Origin: l.Content.Origin, Size: l.Content.Size, Root: l.Content.Root.String()})
	if err != nil {
		return nil, err
	}
	m := message{url: h.URL, kind: "application/json", body: body, max: maxHookAnswer, retry: true}
	if len(h.Secret) > 0 {
		m.header = map[string]string{SignatureHeader: SignWebhook(h.Secret, c.now().Unix(), body)}
	}
	ans, err := c.post(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("webhook %s: %w", where, err)
	}
	if ans.status < 200 || ans.status > 299 {
		return nil, fmt.Errorf("webhook %s: %w: %s", where, ErrPeer, statusText(ans.status, ans.body))
	}
	digest := sha256.Sum256(ans.body)
	p := &Publication{To: ToWebhook, Where: where, Status: ans.status, Signed: len(h.Secret) > 0,
		Digest: hex.EncodeToString(digest[:]), Previous: previous.Size}
	if len(ans.body) <= maxHookText && isText(ans.body) {
		p.Answer = string(ans.body)
	}
	return p, nil
}

// hookName tells a webhook from others without its path and parameters, which may
// be all that keeps strangers from posting there: the host, and the beginning of
// the digest of the whole URL.
func hookName(raw string) string {
	host := "[URL]"
	if u, err := url.Parse(raw); err == nil {
		host = u.Scheme + "://" + u.Host
	}
	digest := sha256.Sum256([]byte(raw))
	return host + "#" + hex.EncodeToString(digest[:6])
}

// isText reports whether b can be recorded as it is and be shown to people.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// statusText says what a status means, and what the body says about it.
func statusText(status int, body []byte) string {
	if status >= 300 && status < 400 {
		return strconv.Itoa(status) + ", a redirect, is not followed"
	}
	text := strings.TrimSpace("status " + strconv.Itoa(status) + " " + http.StatusText(status))
	if said := excerpt(body); said != "" {
		text += ": " + said
	}
	return text
}

// SignWebhook gives the value of SignatureHeader.
func SignWebhook(secret []byte, seconds int64, body []byte) string {
	t := strconv.FormatInt(seconds, 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

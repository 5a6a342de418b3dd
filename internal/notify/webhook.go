package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Webhook sends signed JSON to an address, as Standard Webhooks describes.
type Webhook struct {
	URL       Secret
	Key       Secret // whsec_…
	Transport http.RoundTripper
	Clock     func() time.Time // of the timestamp; nil: time.Now
}

// WebhookBody is the JSON of a webhook.
type WebhookBody struct {
	Type      string      `json:"type"`      // exhibit.changes, exhibit.first or exhibit.test
	Timestamp time.Time   `json:"timestamp"` // when the message was put together
	Data      WebhookData `json:"data"`
}

// WebhookData is what the body is about.
type WebhookData struct {
	ID           string   `json:"id"` // as the header webhook-id; the same in each repetition
	Organization string   `json:"organization"`
	Text         string   `json:"text"` // in one line, for people
	Total        int      `json:"total"`
	Changes      []Change `json:"changes"`
	Link         string   `json:"link,omitempty"`
}

var _ Sender = (*Webhook)(nil)

// Send posts a message. The same message has the same id and the same body each
// time; its timestamp is that of the sending.
func (w *Webhook) Send(ctx context.Context, m *Message) error {
	address, err := w.URL(ctx)
	if err != nil {
		return err
	}
	u, err := endpoint(address)
	if err != nil {
		return err
	}
	secret, err := w.Key(ctx)
	if err != nil {
		return err
	}
	key, err := SigningKey(secret)
	if err != nil {
		return err
	}
	body, err := json.Marshal(webhookBody(m))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	now := time.Now
	if w.Clock != nil {
		now = w.Clock
	}
	at := now()
	h := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"exhibit"},
		http.CanonicalHeaderKey(HeaderID): {m.ID}, http.CanonicalHeaderKey(HeaderTimestamp): {strconv.FormatInt(at.Unix(), 10)},
		http.CanonicalHeaderKey(HeaderSignature): {Sign(key, m.ID, at, body)},
	}
	err = post(ctx, client(w.Transport), u, h, body)
	return err
}

func webhookBody(m *Message) WebhookBody {
	d := WebhookData{ID: m.ID, Organization: m.Organization, Text: m.Title(), Total: m.Total, Changes: []Change{}, Link: m.Link("/")}
	for _, g := range m.Groups {
		for _, c := range g.Changes {
			c.Item.Link = m.Link(c.Item.Link)
			d.Changes = append(d.Changes, c)
		}
	}
	return WebhookBody{Type: "exhibit." + m.Kind, Timestamp: m.At, Data: d}
}

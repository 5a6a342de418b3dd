package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// PagerDuty sends events: one for each change of a message, with a key of the
// item, so that a repetition opens nothing, and what is over resolves the
// incident that it opened. Where a message lists more than Limit changes, they
// come as one event.
type PagerDuty struct {
	Key       Secret // integration key of an Events API v2 service
	Host      string // events.pagerduty.com if empty
	Limit     int    // 10 if zero
	Transport http.RoundTripper
}

var _ Sender = (*PagerDuty)(nil)

// Send sends the events of a message. One that fails leaves those after it for
// the next time; those before it are sent again then, and change nothing.
func (s *PagerDuty) Send(ctx context.Context, m *Message) error {
	key, err := s.Key(ctx)
	if err != nil {
		return err
	}
	watch := &watched{next: s.Transport}
	service := &pagerduty.Service{}
	service.SetHTTPClient(client(watch))
	u := &url.URL{Scheme: pagerduty.Scheme, Host: cmp.Or(s.Host, "events.pagerduty.com"), Path: "/" + key}
	if err := service.Initialize(u, log.New(discard{}, "", 0)); err != nil { //nolint:misspell // so the library calls it
		return hiding(fmt.Errorf("pagerduty: %w", err), key)
	}
	for _, e := range s.events(m) {
		if err := service.SendWithContext(ctx, e.summary, e.params); err != nil {
			if watch.refused != nil {
				return watch.refused
			}
			return hiding(bare(err), key)
		}
	}
	return nil
}

type pagerEvent struct {
	summary string
	params  *types.Params
}

func (s *PagerDuty) events(m *Message) []pagerEvent {
	listed := 0
	for _, g := range m.Groups {
		listed += len(g.Changes)
	}
	if listed > cmp.Or(s.Limit, 10) || m.More > 0 || m.Kind != KindChanges {
		severity := "info"
		if m.Kind == KindChanges {
			severity = "error"
		}
		return []pagerEvent{s.event(m, nil, m.Title(), types.Params{"dedup_key": m.ID, "action": "trigger", "severity": severity})}
	}
	var out []pagerEvent
	for _, g := range m.Groups {
		for i := range g.Changes {
			c := &g.Changes[i]
			p := types.Params{"dedup_key": "exhibit/" + string(c.Item.Topic) + "/" + c.Item.ID, "action": "trigger", "severity": pagerSeverity(c)}
			if c.Type == Resolved || c.Type == Recovered || c.Item.Topic == TopicFinding && !c.Item.open() {
				p["action"] = "resolve"
			}
			out = append(out, s.event(m, c, c.Heading()+": "+c.Item.Title, p))
		}
	}
	return out
}

func (s *PagerDuty) event(m *Message, c *Change, summary string, p types.Params) pagerEvent {
	details := map[string]any{"text": m.Text(), "message": m.ID}
	link := m.Link("/")
	if c != nil {
		details = map[string]any{"owner": c.Item.Owner, "detail": c.Item.Detail, "facts": c.Facts(), "message": m.ID}
		link = cmp.Or(m.Link(c.Item.Link), link)
	}
	if b, err := json.Marshal(details); err == nil {
		p["details"] = string(b)
	}
	p["source"], p["client"] = cmp.Or(m.Organization, "exhibit"), "Exhibit"
	if link != "" {
		p["client_url"] = link
	}
	return pagerEvent{summary, &p}
}

func pagerSeverity(c *Change) string {
	switch c.Item.Severity {
	case "major":
		return "error"
	case "minor", "":
		return "warning"
	}
	return "info"
}

// watched notes what an endpoint answered: the library tells it in words only.
type watched struct {
	next    http.RoundTripper
	refused *Refusal
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		w.refused = refusal(resp)
		return nil, errors.Join(errRefused, resp.Body.Close())
	}
	return resp, nil
}

var errRefused = errors.New("the endpoint refused")

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

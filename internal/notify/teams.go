package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Teams posts an adaptive card to the address of a Teams workflow ("when a
// webhook request is received"), which is the secret. All text stands in text
// runs, in which nothing is markup.
type Teams struct {
	URL       Secret
	Transport http.RoundTripper
}

var _ Sender = (*Teams)(nil)

// maxCard is what Teams takes, with room for the workflow's own.
const maxCard = 24 << 10

// Send posts a message.
func (s *Teams) Send(ctx context.Context, m *Message) error {
	address, err := s.URL(ctx)
	if err != nil {
		return err
	}
	u, err := endpoint(address)
	if err != nil {
		return err
	}
	body, err := teamsBody(m)
	if err != nil {
		return fmt.Errorf("teams: %w", err)
	}
	err = post(ctx, client(s.Transport), u, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

// teamsBody is the card; of a message that is too long for Teams less is listed.
func teamsBody(m *Message) ([]byte, error) {
	for short := *m; ; short = short.halved() {
		body, err := json.Marshal(teamsMessage(&short))
		if err != nil || len(body) <= maxCard || len(short.Groups) == 0 {
			return body, err
		}
	}
}

// halved lists half of the changes, the rest counts as more.
func (m Message) halved() Message {
	listed := 0
	for _, g := range m.Groups {
		listed += len(g.Changes)
	}
	keep := listed / 2
	m.More += listed - keep
	var groups []Group
	for _, g := range m.Groups {
		g.Changes = g.Changes[:min(keep, len(g.Changes))]
		if keep -= len(g.Changes); len(g.Changes) > 0 {
			groups = append(groups, g)
		}
	}
	m.Groups = groups
	return m
}

type teamsRun struct {
	Type     string       `json:"type"`
	Text     string       `json:"text"`
	Weight   string       `json:"weight,omitempty"`
	IsSubtle bool         `json:"isSubtle,omitempty"`
	Action   *teamsAction `json:"selectAction,omitempty"`
}

type teamsBlock struct {
	Type    string     `json:"type"`
	Inlines []teamsRun `json:"inlines"`
	Spacing string     `json:"spacing,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title,omitempty"`
	URL   string `json:"url"`
}

type teamsCard struct {
	Schema  string        `json:"$schema"`
	Type    string        `json:"type"`
	Version string        `json:"version"`
	Body    []teamsBlock  `json:"body"`
	Actions []teamsAction `json:"actions,omitempty"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsEnvelope struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

func teamsMessage(m *Message) teamsEnvelope {
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	line := func(spacing string, runs ...teamsRun) {
		card.Body = append(card.Body, teamsBlock{Type: "RichTextBlock", Inlines: runs, Spacing: spacing})
	}
	run := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text} }
	strong := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text, Weight: "bolder"} }
	line("", strong(m.Title()))
	for i := range m.Groups {
		g := &m.Groups[i]
		line("medium", strong(g.OwnerLine()))
		for k := range g.Changes {
			c := &g.Changes[k]
			title := strong(c.Item.Title)
			if link := m.Link(c.Item.Link); link != "" {
				title.Action = &teamsAction{Type: "Action.OpenUrl", URL: link}
			}
			line("small", run(c.Heading()+": "), title)
			for _, small := range []string{c.Item.Detail, strings.Join(c.Facts(), " · ")} {
				if small != "" {
					r := run(small)
					r.IsSubtle = true
					line("none", r)
				}
			}
		}
	}
	if more := m.MoreLine(); more != "" {
		line("medium", run("… "+more))
	}
	if link := m.Link("/"); link != "" {
		card.Actions = []teamsAction{{Type: "Action.OpenUrl", Title: "Open Exhibit", URL: link}}
	}
	return teamsEnvelope{Type: "message", Attachments: []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}}
}

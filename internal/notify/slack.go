package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/slack-go/slack"
)

// Slack posts to an incoming webhook. Its address is the secret.
//
// The message is made of rich text, in which nothing is markup: a title with
// <!channel> or *stars* is shown as it is written. The plain text beside it, for
// notifications and for services that read nothing else, is escaped as Slack
// asks.
type Slack struct {
	URL       Secret
	Transport http.RoundTripper
}

var _ Sender = (*Slack)(nil)

// Send posts a message. Slack knows no key by which a repetition could be told:
// the id stands at the end of the message.
func (s *Slack) Send(ctx context.Context, m *Message) error {
	address, err := s.URL(ctx)
	if err != nil {
		return err
	}
	u, err := endpoint(address)
	if err != nil {
		return err
	}
	body, err := json.Marshal(slackMessage(m))
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	err = post(ctx, client(s.Transport), u, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

func slackMessage(m *Message) *slack.WebhookMessage {
	bold := &slack.RichTextSectionTextStyle{Bold: true}
	section := func(parts ...slack.RichTextSectionElement) slack.RichTextElement {
		return slack.NewRichTextSection(parts...)
	}
	text := func(s string, style *slack.RichTextSectionTextStyle) slack.RichTextSectionElement {
		return slack.NewRichTextSectionTextElement(s, style)
	}
	blocks := []slack.RichTextElement{section(text(m.Title(), bold))}
	for i := range m.Groups {
		g := &m.Groups[i]
		blocks = append(blocks, section(text("\n"+g.OwnerLine(), bold)))
		var lines []slack.RichTextElement
		for k := range g.Changes {
			c := &g.Changes[k]
			parts := []slack.RichTextSectionElement{text(c.Heading()+": ", nil)}
			if link := m.Link(c.Item.Link); link != "" {
				parts = append(parts, slack.NewRichTextSectionLinkElement(link, c.Item.Title, nil))
			} else {
				parts = append(parts, text(c.Item.Title, nil))
			}
			if c.Item.Detail != "" {
				parts = append(parts, text("\n"+c.Item.Detail, nil))
			}
			if facts := c.Facts(); len(facts) > 0 {
				parts = append(parts, text("\n"+strings.Join(facts, " · "), nil))
			}
			lines = append(lines, section(parts...))
		}
		blocks = append(blocks, slack.NewRichTextList(slack.RTEListBullet, 0, lines...))
	}
	foot := []slack.RichTextSectionElement{}
	if more := m.MoreLine(); more != "" {
		foot = append(foot, text("\n… "+more, nil))
	}
	if link := m.Link("/"); link != "" {
		foot = append(foot, text("\n", nil), slack.NewRichTextSectionLinkElement(link, "Open Exhibit", nil))
	}
	blocks = append(blocks, section(append(foot, text("\n"+m.ID, nil))...))
	no := false
	return &slack.WebhookMessage{Text: slackEscape(m.Text()), UnfurlLinks: &no, UnfurlMedia: &no,
		Blocks: &slack.Blocks{BlockSet: []slack.Block{slack.NewRichTextBlock("exhibit", blocks...)}}}
}

// slackEscape is what Slack asks of plain text: without < nothing is a mention
// or a link. A zero-width space keeps the marks of emphasis apart from words.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "*\u200b", "_", "_\u200b", "~", "~\u200b", "`", "`\u200b").Replace(s)
}

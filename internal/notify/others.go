package notify

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Shoutrrr sends plain text to one of the other services that the shoutrrr
// library knows (discord, matrix, mattermost, ntfy, gotify, telegram, zulip,
// …). The service's address, with its token, is the secret.
//
// The library takes no deadline and most services no key: what it says is that
// a message was sent or was not. The Notifier waits no longer than for others,
// and sends nothing further over the channel while one is under way.
type Shoutrrr struct {
	URL Secret
}

var _ Sender = (*Shoutrrr)(nil)

// made are the services that have a channel of their own, which does what the
// library's does not.
var made = []string{"slack", "teams", "smtp", "pagerduty", "generic", "generic+http", "generic+https", "logger"}

// Send sends a message as plain text.
func (s *Shoutrrr) Send(ctx context.Context, m *Message) error {
	address, err := s.URL(ctx)
	if err != nil {
		return err
	}
	scheme, _, ok := strings.Cut(address, "://")
	if !ok {
		return errors.New("shoutrrr: the address is no shoutrrr URL")
	}
	if slices.Contains(made, strings.ToLower(scheme)) {
		return fmt.Errorf("shoutrrr: %s has a channel of its own; use that", strings.ToLower(scheme))
	}
	r, err := router.New(log.New(discard{}, "", 0), address)
	if err != nil {
		return errors.New("shoutrrr: the address does not suit its service") // the library's words repeat it
	}
	errs := r.Send(unmarked(m.Text()), &types.Params{"title": unmarked(m.Title())})
	if err := errors.Join(errs...); err != nil {
		return errors.New("shoutrrr: " + scheme + " did not take the message") // nor does this say more: it may hold the token
	}
	return nil
}

// unmarked keeps text from being a mention, a link or an image where a service
// reads markup, whatever its own is: an invisible space parts the signs.
func unmarked(s string) string {
	return strings.NewReplacer("@", "@\u200b", "<", "<\u200b", "](", "]\u200b(", "![", "!\u200b[", "#", "#\u200b").Replace(s)
}

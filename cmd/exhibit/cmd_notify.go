package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

func newNotifyCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "notify",
		Short: "Telling people what changed: channels, what waits, what was sent",
		Long: `Tells people on change only, grouped, by owner: findings that open, reopen, are overdue or
resolved; duties; evidence and waivers that will expire in 30, 7 and 1 days; AI that nobody
registered; sources that fail or are silent; controls whose status changes. The agent does it
after each assessment; exhibit notify send does it once, for those who run no agent. Channels,
routes, digest and quiet hours stand under notify in exhibit.yaml.

The first look is told as one message, not as everything that is open at once.`,
		Example: `  exhibit notify test ops-slack
  exhibit notify preview
  exhibit notify status`,
	})
	c.AddCommand(newNotifyTestCommand(g), newNotifyPreviewCommand(g), newNotifySendCommand(g), newNotifyStatusCommand(g))
	return c
}

// withNotifier opens the notifier of the configuration.
func (g *globals) withNotifier(ctx context.Context, f func(*telling, *notify.Notifier) error) error {
	return g.withTelling(ctx, func(t *telling) error {
		if len(t.cfg.Notify.Channels) == 0 {
			return usageError{errors.New("no channel is configured"), "add notify.channels to exhibit.yaml; exhibit init writes an example"}
		}
		n, err := t.opts.Notifier(ctx)
		if err != nil {
			return err
		}
		return f(t, n)
	})
}

func newNotifyTestCommand(g *globals) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "test CHANNEL",
		Short: "Send a test message over a channel, now",
		Long: `Sends a message that says it is a test, past digest, quiet hours and the outbox, and waits for
the answer. PagerDuty opens an incident of the severity info by it. With --to a mail goes to a
person of the register, or to an address, instead of to the channel's own recipients.`,
		Example: `  exhibit notify test ops-slack
  exhibit notify test mail --to maria.keller`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return g.withNotifier(c.Context(), func(t *telling, n *notify.Notifier) error { return runNotifyTest(c.Context(), t, n, args[0], to) })
		},
	}
	c.Flags().StringVar(&to, "to", "", "for mail: the `person` of the register, or the address")
	return c
}

func runNotifyTest(ctx context.Context, t *telling, n *notify.Notifier, channel, to string) error {
	err := n.Test(ctx, channel, to)
	switch {
	case errors.Is(err, notify.ErrNoChannel):
		var names []string
		for _, c := range t.cfg.Notify.Channels {
			names = append(names, c.Name)
		}
		return usageError{fmt.Errorf("there is no channel %q", channel), "configured: " + strings.Join(names, ", ")}
	case err != nil:
		return hinted{fmt.Errorf("channel %s: %w", channel, err), "exhibit doctor says whether its secret is there and has the form that it needs; internal/notify/README.md says what each channel needs"}
	}
	fmt.Fprintf(t.g.std.out, "A test message went over %s.\n", clean(channel))
	return nil
}

func newNotifyPreviewCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "preview",
		Short: "What would be told now, to whom and over which channel",
		Long: `Assesses as of now, holds it against what was told before, and shows the messages that would
be sent. Nothing is sent, and nothing is noted as told. Digest and quiet hours, which only put
off when a message is sent, are not applied.

With -o json: {first, changes[], messages[]}. A change is {type, at, was, days, item{id, topic,
state, status, severity, title, detail, owner, systems, control, due_at, expires_at, link}}.`,
		Example: "  exhibit notify preview\n  exhibit notify preview -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.withNotifier(c.Context(), func(t *telling, n *notify.Notifier) error { return runNotifyPreview(c.Context(), t, n) })
		},
	}
}

// notifyPreview is what notify preview prints as JSON.
type notifyPreview struct {
	First    bool               `json:"first"`
	Changes  []notify.Change    `json:"changes"`
	Messages []notify.Previewed `json:"messages"`
}

func runNotifyPreview(ctx context.Context, t *telling, n *notify.Notifier) error {
	v, seen, err := t.view(ctx)
	if err != nil {
		return err
	}
	out, messages, err := n.Preview(ctx, tell.Observe(v, seen))
	if err != nil {
		return err
	}
	p := notifyPreview{First: out.First, Changes: out.Changes, Messages: append([]notify.Previewed{}, messages...)}
	if p.Changes == nil {
		p.Changes = []notify.Change{}
	}
	if t.g.output != "table" {
		return printJSON(t.g.std.out, t.g.output, p)
	}
	if len(p.Messages) == 0 {
		t.g.note("Nothing would be told: %d changes, none of which a route leads to a channel.", len(p.Changes))
		return nil
	}
	for _, m := range p.Messages {
		to := ""
		if m.Recipient != "" {
			to = " to " + clean(m.Recipient)
		}
		fmt.Fprintf(t.g.std.out, "== over %s%s\n", clean(m.Channel), to)
		for line := range strings.Lines(m.Text()) {
			fmt.Fprintln(t.g.std.out, clean(strings.TrimRight(line, "\n")))
		}
		fmt.Fprintln(t.g.std.out)
	}
	return nil
}

func newNotifySendCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "send",
		Short: "Tell what changed since the last time, and send what waits",
		Long: `Assesses as of now, puts what changed into the outbox, and sends what is ready: what the agent
does after each assessment, for those who run exhibit from a timer of their own. What could not
be sent stays in the outbox; the exit code is then 1.`,
		Example: "  exhibit collect && exhibit assess && exhibit notify send",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.withNotifier(c.Context(), func(t *telling, n *notify.Notifier) error { return runNotifySend(c.Context(), t, n) })
		},
	}
}

func runNotifySend(ctx context.Context, t *telling, n *notify.Notifier) error {
	v, seen, err := t.view(ctx)
	if err != nil {
		return err
	}
	out, err := n.Observe(ctx, tell.Observe(v, seen))
	if err != nil {
		return err
	}
	if err := n.Deliver(ctx); err != nil {
		return err
	}
	s, err := n.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.g.std.out, "%s.\n", counted(len(out.Changes), "change", "changes"))
	var failed []string
	for _, c := range s.Channels {
		if c.Waiting > 0 && c.Error != "" {
			failed = append(failed, c.Name+": "+c.Error)
		}
	}
	if len(failed) > 0 {
		return hinted{fmt.Errorf("not everything could be sent: %s", strings.Join(failed, "; ")), "it stays in the outbox; exhibit notify status shows it"}
	}
	return nil
}

func newNotifyStatusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "How each channel does: what waits, what was sent, what was given up",
		Long: `Shows of each channel how many changes wait for a digest, for the end of quiet hours or for the
channel, how many messages wait to be sent again, when the last one was sent, and the last
error; messages that were given up after three days, or that an endpoint refused; and the
twenty that were sent last: when, over which channel, to whom, what they said in one line, and
at which try. With -o json it is the last hundred.`,
		Example: "  exhibit notify status\n  exhibit notify status -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.withNotifier(c.Context(), func(t *telling, n *notify.Notifier) error { return runNotifyStatus(c.Context(), t, n) })
		},
	}
}

func runNotifyStatus(ctx context.Context, t *telling, n *notify.Notifier) error {
	s, err := n.Status(ctx)
	if err != nil {
		return err
	}
	g := t.g
	if g.output != "table" {
		return printJSON(g.std.out, g.output, s)
	}
	when := func(at *time.Time) string {
		if at == nil {
			return "–"
		}
		return at.Format(time.RFC3339)
	}
	tab := table{head: []string{"CHANNEL", "KIND", "PLACE", "PENDING", "WAITING", "SENT", "GIVEN UP", "LAST SENT", "NEXT TRY", "LAST ERROR"}}
	for _, c := range s.Channels {
		kind := c.Kind
		if c.Removed {
			kind = "(not configured any more)"
		}
		tab.add(c.Name, kind, short(c.Place, 40), fmt.Sprint(c.Pending), fmt.Sprint(c.Waiting), fmt.Sprint(c.Sent), fmt.Sprint(c.Dead), when(c.SentAt), when(c.NotBefore), short(c.Error, 60))
	}
	tab.print(g.std.out)
	if len(s.Dead) > 0 {
		fmt.Fprintln(g.std.out, "\nGiven up")
		dead := table{head: []string{"MESSAGE", "CHANNEL", "TO", "MADE", "TRIES", "CHANGES", "ERROR"}}
		for _, d := range s.Dead {
			dead.add(d.ID, d.Channel, orDash(d.Recipient), d.Created.Format(time.RFC3339), fmt.Sprint(d.Attempts), fmt.Sprint(d.Changes), short(d.Error, 80))
		}
		dead.print(g.std.out)
	}
	printTold(g, &s)
	line := "\nNothing was observed yet: exhibit agent does it after each assessment, exhibit notify send once."
	if s.Observed != nil {
		line = "\nLast observed as of " + s.Observed.Format(time.RFC3339) + "."
	}
	fmt.Fprintln(g.std.out, line)
	if len(t.cfg.Notify.Routes) == 0 {
		g.note("No route leads to a channel: nothing is told. Add notify.routes.")
	}
	return nil
}

// toldShown is how many messages that were sent are listed for people.
const toldShown = 20

// printTold lists what was sent last.
func printTold(g *globals, s *notify.Status) {
	if len(s.Told) == 0 {
		return
	}
	sent := 0
	for _, c := range s.Channels {
		sent += c.Sent
	}
	shown := s.Told[:min(len(s.Told), toldShown)]
	fmt.Fprintln(g.std.out, "\nSent in the last 30 days, the newest first")
	tab := table{head: []string{"SENT", "CHANNEL", "TO", "MESSAGE", "SAID", "CHANGES", "TRIES"}}
	for _, m := range shown {
		tab.add(m.SentAt.Format(time.RFC3339), m.Channel, orDash(m.Recipient), m.ID, short(m.Title, 80), fmt.Sprint(m.Changes), fmt.Sprint(m.Attempts))
	}
	tab.print(g.std.out)
	if older := sent - len(shown); older > 0 {
		fmt.Fprintf(g.std.out, "%s not listed; -o json lists a hundred.\n", counted(older, "older message is", "older messages are"))
	}
}

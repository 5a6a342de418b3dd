package tell

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/outbound"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// Options is what telling people needs.
type Options struct {
	Config *configfile.Config
	DB     *opsdb.DB
	Way    *outbound.Way // to the world outside
	Secret func(ctx context.Context, s configfile.Secret) (string, error)
	Logger *slog.Logger
	Node   string // name of this process, for people
	// Sent is told of each message that was handed to a channel, Did of each act
	// on a ticket; nil: nobody is told.
	Sent func(channel string, err error)
	Did  func(tracker, action string)
}

// LinkBase is the address of the dashboard that links lead to; empty if none is
// known.
func (o *Options) LinkBase() string {
	return cmp.Or(o.Config.Notify.LinkBase, o.Config.Server.PublicURL)
}

// Notifier makes the notifier of the configuration, also where that names no
// channel.
func (o *Options) Notifier(ctx context.Context) (*notify.Notifier, error) {
	c := &o.Config.Notify
	n := notify.Options{DB: o.DB, LinkBase: o.LinkBase(), Organization: o.Config.Organization, Node: o.Node, Logger: o.Logger, Address: addresses(o.Config.Register), Sent: o.Sent}
	for i := range c.Channels {
		n.Channels = append(n.Channels, o.channel(&c.Channels[i], n.Address))
	}
	for _, r := range c.Routes {
		route := notify.Route{Severities: r.Severities, Controls: r.Controls, Systems: r.Systems, Owners: r.Owners, To: r.To, Digest: r.Digest}
		for _, t := range r.Topics {
			route.Topics = append(route.Topics, notify.Topic(t))
		}
		for _, t := range r.Changes {
			route.Changes = append(route.Changes, notify.ChangeType(t))
		}
		n.Routes = append(n.Routes, route)
	}
	if d := c.Digest; d != nil {
		n.Digest = &notify.Digest{At: notify.Clock(d.At), Zone: d.Zone, Weekly: d.Weekly, Day: d.Day}
	}
	if q := c.Quiet; q != nil {
		n.Quiet = &notify.Quiet{From: notify.Clock(q.From), To: notify.Clock(q.To), Hours: q.Hours, Days: q.Days, Zone: q.Zone, Through: q.Through}
	}
	return notify.New(ctx, n)
}

func (o *Options) channel(c *configfile.NotifyChannel, address func(string) string) notify.Channel {
	out := notify.Channel{Name: c.Name, Kind: c.Kind, Place: c.Secret.Place()}
	switch c.Kind {
	case configfile.ChannelSlack:
		out.Sender = &notify.Slack{URL: o.secret(c.Secret), Transport: o.Way.Transport()}
	case configfile.ChannelTeams:
		out.Sender = &notify.Teams{URL: o.secret(c.Secret), Transport: o.Way.Transport()}
	case configfile.ChannelPagerDuty:
		out.Sender, out.Awake = &notify.PagerDuty{Key: o.secret(c.Secret), Transport: o.Way.Transport()}, true
	case configfile.ChannelShoutrrr:
		out.Sender = &notify.Shoutrrr{URL: o.secret(c.Secret)}
	case configfile.ChannelWebhook:
		w := &notify.Webhook{Key: o.secret(c.Secret), Transport: o.Way.Transport()}
		out.Place = c.URL
		if c.Hidden != nil {
			w.URL, out.Place = o.secret(*c.Hidden), c.Hidden.Place()
		} else {
			w.URL = func(context.Context) (string, error) { return c.URL, nil }
		}
		out.Sender, out.Whole, out.Limit = w, true, 200
	case configfile.ChannelSMTP:
		s := &c.SMTP
		m := &notify.Mail{Host: s.Host, Port: s.Port, TLS: s.TLS, From: s.From, To: s.To, Address: address, Config: o.Way.TLS()}
		if s.Username != "" {
			m.Username, m.Password = s.Username, o.secret(c.Secret)
		}
		out.Sender, out.Personal, out.Place = m, s.Owners, net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	}
	return out
}

func (o *Options) secret(s configfile.Secret) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return o.Secret(ctx, s) }
}

// addresses gives the mail addresses of the register's active people. The file
// is read anew when it has changed; while it is broken, what it said last
// counts.
func addresses(path string) func(person string) string {
	if path == "" {
		return func(string) string { return "" }
	}
	var mu sync.Mutex
	var last *register.Register
	var seen stamp
	return func(person string) string {
		mu.Lock()
		defer mu.Unlock()
		if now := stampOf(path); now != seen || last == nil {
			if reg, err := register.Load(path, register.Known{}); err == nil {
				last, seen = reg, now
			}
		}
		if last == nil || person == "" {
			return ""
		}
		p, ok := last.Person(person)
		if !ok || !p.IsActive() {
			return ""
		}
		return p.Email
	}
}

// ErrNoTracker: the configuration names no tracker.
var ErrNoTracker = errors.New("no tracker is configured")

// Tickets makes the syncer of the configuration.
func (o *Options) Tickets(ctx context.Context) (*ticket.Syncer, error) {
	c := &o.Config.Tickets
	t := ticket.Options{DB: o.DB, For: ticket.Filter(c.For), Reopen: c.Reopen, PerHour: c.PerHour, Node: o.Node, Logger: o.Logger}
	if j := c.Jira; j != nil {
		tracker, err := ticket.NewJira(ticket.JiraOptions{URL: j.URL, Server: j.Server, Email: j.Email, Token: o.secret(j.Token), Project: j.Project, Type: j.Type,
			Fields: j.Fields, Done: j.DoneName, Restart: j.StartName, Transport: o.Way.Transport()})
		if err != nil {
			return nil, err
		}
		t.Trackers = append(t.Trackers, tracker)
	}
	if g := c.GitHub; g != nil {
		tracker, err := ticket.NewGitHub(ticket.GitHubOptions{BaseURL: g.BaseURL, Owner: g.Owner, Repo: g.Repo, Labels: g.Labels, Token: o.secret(g.Token), Transport: o.Way.Transport()})
		if err != nil {
			return nil, err
		}
		t.Trackers = append(t.Trackers, tracker)
	}
	if len(t.Trackers) == 0 {
		return nil, ErrNoTracker
	}
	return ticket.New(ctx, t)
}

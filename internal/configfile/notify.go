package configfile

import (
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Notify says who is told of what changed, over which channels, and when.
type Notify struct {
	Channels []NotifyChannel // by name
	Routes   []NotifyRoute
	Digest   *NotifyDigest
	Quiet    *NotifyQuiet
	LinkBase string // address of the dashboard, without a / at its end; empty: server.public_url
}

// Channel kinds, as the keys in the file are called.
const (
	ChannelSlack     = "slack"
	ChannelTeams     = "teams"
	ChannelPagerDuty = "pagerduty"
	ChannelWebhook   = "webhook"
	ChannelSMTP      = "smtp"
	ChannelShoutrrr  = "shoutrrr"
)

// NotifyChannel is a way to tell people. Which fields are set depends on Kind.
type NotifyChannel struct {
	Name   string
	Kind   string
	Secret Secret // address of the webhook, integration key, signing secret, shoutrrr URL; of smtp the password
	URL    string // of a signed webhook, unless it is a secret
	Hidden *Secret
	SMTP   NotifySMTP
}

// NotifySMTP is a mail server.
type NotifySMTP struct {
	Host     string
	Port     int
	TLS      string // starttls, tls or none
	Username string // empty: no login
	From     string
	To       []string
	Owners   bool // each owner gets his own
}

// NotifyRoute says which changes go where. An empty list means all.
type NotifyRoute struct {
	Topics, Severities, Changes, Controls, Systems, Owners []string
	To                                                     []string
	Digest                                                 bool
}

// NotifyDigest says when what can wait is told.
type NotifyDigest struct {
	At     time.Duration // since midnight
	Zone   *time.Location
	Weekly bool
	Day    time.Weekday
}

// NotifyQuiet says when nobody is disturbed.
type NotifyQuiet struct {
	From, To time.Duration // since midnight
	Hours    bool          // From and To are set
	Days     []time.Weekday
	Zone     *time.Location
	Through  []string // severities
}

type notifyYAML struct {
	Channels map[string]channelYAML `yaml:"channels"`
	Routes   []routeYAML            `yaml:"routes"`
	Digest   *digestYAML            `yaml:"digest"`
	Quiet    *quietYAML             `yaml:"quiet_hours"`
	LinkBase string                 `yaml:"link_base"`
}

type channelYAML struct {
	Slack     *hookYAML    `yaml:"slack"`
	Teams     *hookYAML    `yaml:"teams"`
	PagerDuty *pagerYAML   `yaml:"pagerduty"`
	Webhook   *signedYAML  `yaml:"webhook"`
	SMTP      *smtpYAML    `yaml:"smtp"`
	Shoutrrr  *serviceYAML `yaml:"shoutrrr"`
}

type hookYAML struct {
	Webhook Secret `yaml:"webhook,required"`
}

type pagerYAML struct {
	IntegrationKey Secret `yaml:"integration_key,required"`
}

type signedYAML struct {
	URL       string  `yaml:"url"`
	URLSecret *Secret `yaml:"url_secret"`
	Secret    Secret  `yaml:"secret,required"`
}

type serviceYAML struct {
	URL Secret `yaml:"url,required"`
}

type smtpYAML struct {
	Host     string   `yaml:"host,required"`
	Port     int      `yaml:"port"`
	TLS      string   `yaml:"tls"`
	Username string   `yaml:"username"`
	Password *Secret  `yaml:"password"`
	From     string   `yaml:"from,required"`
	To       []string `yaml:"to"`
	Owners   bool     `yaml:"owners"`
}

type routeYAML struct {
	Topics     []string `yaml:"topics"`
	Severities []string `yaml:"severities"`
	Changes    []string `yaml:"changes"`
	Controls   []string `yaml:"controls"`
	Systems    []string `yaml:"systems"`
	Owners     []string `yaml:"owners"`
	To         []string `yaml:"to,required"`
	When       string   `yaml:"when"`
}

type digestYAML struct {
	At       string `yaml:"at,required"`
	Timezone string `yaml:"timezone"`
	Every    string `yaml:"every"`
	Day      string `yaml:"day"`
}

type quietYAML struct {
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
	Days     []string `yaml:"days"`
	Timezone string   `yaml:"timezone"`
	Through  []string `yaml:"break_through"`
}

// NotifyTopics, NotifySeverities and NotifyChanges are what a route can speak of.
func NotifyTopics() []string {
	return []string{"finding", "duty", "waiver", "shadow", "run", "expiring", "control"}
}

// NotifySeverities are the severities of expectations.
func NotifySeverities() []string { return []string{"major", "minor", "observation"} }

// NotifyChanges are the types of changes.
func NotifyChanges() []string {
	return []string{"reopened", "opened", "overdue", "run_failed", "source_silent", "expiring", "due_soon", "assigned", "status_changed", "run_recovered", "resolved"}
}

func (r reader) notify(y notifyYAML) Notify {
	at := yamlfile.At("notify")
	n := Notify{LinkBase: strings.TrimSuffix(y.LinkBase, "/")}
	if u, err := url.Parse(y.LinkBase); y.LinkBase != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		r.f.Problemf(at.Then("link_base"), "%q is no address of the dashboard", y.LinkBase).Hint("for example https://exhibit.example.com")
	}
	for _, name := range slices.Sorted(maps.Keys(y.Channels)) {
		here := at.Then("channels", name)
		if !namePattern.MatchString(name) {
			r.f.KeyProblemf(here, "%q is not the name of a channel", name).Hint("lower case letters, digits and -, beginning with a letter")
		}
		n.Channels = append(n.Channels, r.channel(here, name, y.Channels[name]))
	}
	for i, route := range y.Routes {
		n.Routes = append(n.Routes, r.route(at.Then("routes", i), route, y))
	}
	n.Digest = r.digest(at.Then("digest"), y.Digest)
	n.Quiet = r.quiet(at.Then("quiet_hours"), y.Quiet)
	return n
}

func (r reader) channel(at yamlfile.Path, name string, y channelYAML) NotifyChannel {
	c := NotifyChannel{Name: name}
	var kinds []string
	take := func(kind string, there bool, f func()) {
		if there {
			kinds, c.Kind = append(kinds, kind), kind
			f()
		}
	}
	take(ChannelSlack, y.Slack != nil, func() { c.Secret = y.Slack.Webhook })
	take(ChannelTeams, y.Teams != nil, func() { c.Secret = y.Teams.Webhook })
	take(ChannelPagerDuty, y.PagerDuty != nil, func() { c.Secret = y.PagerDuty.IntegrationKey })
	take(ChannelShoutrrr, y.Shoutrrr != nil, func() { c.Secret = y.Shoutrrr.URL })
	take(ChannelWebhook, y.Webhook != nil, func() {
		c.Secret, c.URL, c.Hidden = y.Webhook.Secret, y.Webhook.URL, y.Webhook.URLSecret
		r.signed(at.Then(ChannelWebhook), y.Webhook)
	})
	take(ChannelSMTP, y.SMTP != nil, func() { c.SMTP, c.Secret = r.smtp(at.Then(ChannelSMTP), y.SMTP) })
	if len(kinds) != 1 && !r.f.Faulty(at) {
		r.f.KeyProblemf(at, "a channel is one of slack, teams, pagerduty, webhook, smtp and shoutrrr").Hint("{slack: {webhook: {env: NAME}}}")
	}
	return c
}

func (r reader) signed(at yamlfile.Path, y *signedYAML) {
	r.f.Redact(at)
	switch plain, hidden := r.f.Has(at.Then("url")), r.f.Has(at.Then("url_secret")); {
	case plain == hidden:
		r.f.KeyProblemf(at, "want one of url and url_secret").Hint("url: https://…, or url_secret: {env: NAME} where the address itself is a secret")
	case plain:
		u, err := url.Parse(y.URL)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())) {
			r.f.Problemf(at.Then("url"), "not an https address").Hint("http is for a service on this machine; a password does not belong into it")
		}
	}
}

func (r reader) smtp(at yamlfile.Path, y *smtpYAML) (NotifySMTP, Secret) {
	s := NotifySMTP{Host: y.Host, Port: y.Port, TLS: y.TLS, Username: y.Username, From: y.From, To: y.To, Owners: y.Owners}
	var password Secret
	if y.TLS == "" {
		s.TLS = "starttls"
	}
	if port, known := map[string]int{"starttls": 587, "tls": 465, "none": 25}[s.TLS]; !known {
		r.f.Problemf(at.Then("tls"), "%q is not known", y.TLS).Hint("starttls (the default), tls, or none within a trusted network")
	} else if !r.f.Has(at.Then("port")) {
		s.Port = port
	}
	if port := at.Then("port"); r.f.Has(port) && !r.f.Faulty(port) && (y.Port < 1 || y.Port > 65535) {
		r.f.Problemf(port, "%d is no port", y.Port)
	}
	if strings.ContainsAny(y.Host, ":/@ ") {
		r.f.Problemf(at.Then("host"), "%q is no name of a host", y.Host).Hint("the port goes under port")
	}
	if (y.Username == "") != (y.Password == nil) {
		r.f.KeyProblemf(at, "a login needs username and password").Hint("leave out both for a server that wants none")
	}
	if y.Password != nil {
		password = *y.Password
		if s.TLS == "none" {
			r.f.KeyProblemf(at.Then("password"), "no password is sent in the clear").Hint("use tls: starttls")
		}
	}
	if _, err := mail.ParseAddress(y.From); err != nil && y.From != "" {
		r.f.Problemf(at.Then("from"), "%q is no mail address", y.From)
	}
	for i, to := range y.To {
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
			r.f.Problemf(at.Then("to", i), "%q is no mail address", to)
		}
	}
	if len(y.To) == 0 && !y.Owners {
		r.f.KeyProblemf(at, "nobody gets this mail").Hint("to: [aims@example.com], or owners: true")
	}
	return s, password
}

func (r reader) route(at yamlfile.Path, y routeYAML, all notifyYAML) NotifyRoute {
	r.words(at.Then("topics"), y.Topics, NotifyTopics())
	r.words(at.Then("severities"), y.Severities, NotifySeverities())
	r.words(at.Then("changes"), y.Changes, NotifyChanges())
	r.words(at.Then("to"), y.To, slices.Sorted(maps.Keys(all.Channels)))
	if to := at.Then("to"); r.f.Has(to) && !r.f.Faulty(to) && len(y.To) == 0 {
		r.f.Problemf(to, "a route leads to a channel")
	}
	switch when := at.Then("when"); {
	case y.When == "digest" && all.Digest == nil:
		r.f.Problemf(when, "no digest is configured").Hint("notify.digest: {at: \"08:00\"}")
	case y.When != "" && y.When != "now" && y.When != "digest":
		r.f.Problemf(when, "%q is not known", y.When).Hint("now (the default) or digest")
	}
	return NotifyRoute{Topics: y.Topics, Severities: y.Severities, Changes: y.Changes, Controls: y.Controls, Systems: y.Systems, Owners: y.Owners,
		To: y.To, Digest: y.When == "digest"}
}

// words refuses what is not among those known.
func (r reader) words(at yamlfile.Path, given, known []string) {
	for i, word := range given {
		if slices.Contains(known, word) || word == "" && r.f.Faulty(at.Then(i)) {
			continue
		}
		p := r.f.Problemf(at.Then(i), "%q is not known", word)
		if near := yamlfile.Nearest(word, known); near != "" {
			p.Hint("did you mean %s?", near)
		} else if len(known) > 0 {
			p.Hint("one of %s", strings.Join(known, ", "))
		}
	}
}

func (r reader) digest(at yamlfile.Path, y *digestYAML) *NotifyDigest {
	if y == nil {
		return nil
	}
	d := &NotifyDigest{At: r.clock(at.Then("at"), y.At), Zone: r.zone(at.Then("timezone"), y.Timezone), Weekly: y.Every == "week"}
	switch {
	case y.Every != "" && y.Every != "day" && y.Every != "week":
		r.f.Problemf(at.Then("every"), "%q is not known", y.Every).Hint("day (the default) or week")
	case y.Day != "" && !d.Weekly:
		r.f.KeyProblemf(at.Then("day"), "has no meaning unless every is week")
	case d.Weekly:
		d.Day = time.Monday
		if y.Day != "" {
			d.Day = r.weekday(at.Then("day"), y.Day)
		}
	}
	return d
}

func (r reader) quiet(at yamlfile.Path, y *quietYAML) *NotifyQuiet {
	if y == nil {
		return nil
	}
	q := &NotifyQuiet{Zone: r.zone(at.Then("timezone"), y.Timezone), Through: y.Through, Hours: y.From != "" && y.To != ""}
	r.words(at.Then("break_through"), y.Through, NotifySeverities())
	switch {
	case (y.From == "") != (y.To == ""):
		r.f.KeyProblemf(at, "hours have a from and a to").Hint("from: \"20:00\", to: \"07:00\"")
	case q.Hours:
		q.From, q.To = r.clock(at.Then("from"), y.From), r.clock(at.Then("to"), y.To)
		if y.From == y.To {
			r.f.Problemf(at.Then("to"), "a day that is quiet from %s to %s has no other time", y.From, y.To).Hint("to keep a whole day quiet name it under days")
		}
	case len(y.Days) == 0 && !r.f.Faulty(at):
		r.f.KeyProblemf(at, "nothing is quiet").Hint("from: \"20:00\", to: \"07:00\", or days: [saturday, sunday]")
	}
	for i, d := range y.Days {
		q.Days = append(q.Days, r.weekday(at.Then("days", i), d))
	}
	if slices.Sort(q.Days); len(slices.Compact(slices.Clone(q.Days))) == 7 {
		r.f.Problemf(at.Then("days"), "a week that is all quiet has no time to tell anything")
	}
	return q
}

func (r reader) zone(at yamlfile.Path, name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.f.Problemf(at, "unknown time zone %q", name).Hint("for example Europe/Berlin or UTC")
		return time.UTC
	}
	return z
}

// clock reads a time of day.
func (r reader) clock(at yamlfile.Path, text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		if !r.f.Faulty(at) && text != "" {
			r.f.Problemf(at, "%q is no time of day", text).Hint("hours and minutes in quotes, for example \"08:00\"")
		}
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func (r reader) weekday(at yamlfile.Path, name string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), name) && name == strings.ToLower(name) {
			return d
		}
	}
	if name != "" {
		r.f.Problemf(at, "%q is no day of the week", name).Hint("monday to sunday, in full")
	}
	return time.Sunday
}

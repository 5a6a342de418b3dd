package shadow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// Channels by which AI is looked for.
const (
	ChannelCode      = "code"
	ChannelCloud     = "cloud"
	ChannelVendor    = "vendor"
	ChannelApps      = "apps"
	ChannelSSO       = "sso"
	ChannelNetwork   = "dns/proxy"
	ChannelWorkloads = "workloads"
	ChannelExpenses  = "expenses"
)

// Channels are all of them.
var Channels = []string{ChannelCode, ChannelCloud, ChannelVendor, ChannelApps, ChannelSSO, ChannelNetwork, ChannelWorkloads, ChannelExpenses}

// channelOf brings the channel of a sighting into those that are looked for.
func channelOf(channel string) string {
	switch channel {
	case "oauth", "sso":
		return ChannelSSO
	case "dns", "proxy", "firewall", "api":
		return ChannelNetwork
	case "workload":
		return ChannelWorkloads
	case "expense":
		return ChannelExpenses
	case "app", "extension":
		return ChannelApps
	}
	return ""
}

// seenUse is the payload of a sighting and of an activity.
type seenUse struct {
	Channel    string   `json:"channel"`
	Provider   string   `json:"provider"`
	Vendor     string   `json:"vendor"`
	Category   string   `json:"category"`
	Place      string   `json:"place"`
	PlaceName  string   `json:"place_name"`
	Account    string   `json:"account"`
	Signals    []string `json:"signals"`
	Rules      []string `json:"rules"`
	Models     []string `json:"models"`
	Actor      string   `json:"actor"`
	Actors     int64    `json:"actors"`
	Requests   *int64   `json:"requests"`
	Blocked    *int64   `json:"blocked"`
	First      moment   `json:"first_seen"`
	Last       moment   `json:"last_seen"`
	Hint       string   `json:"owner_hint"`
	HintFrom   string   `json:"owner_hint_from"`
	Status     string   `json:"status"`
	Confidence string   `json:"confidence"`
	Scope      string   `json:"scope"`
}

func (r *reader) sighting(ev *evidence.Evidence) error { return r.seenUse(ev, true) }
func (r *reader) activity(ev *evidence.Evidence) error { return r.seenUse(ev, false) }

func (r *reader) seenUse(ev *evidence.Evidence, standing bool) error {
	v, err := decode[seenUse](ev)
	if err != nil || v.Provider == "" || v.Channel == "" {
		return err
	}
	r.seen.channel(ev.Source, channelOf(v.Channel))
	if v.Scope == "supporting" {
		return nil
	}
	p := r.product(v.Provider, v.Vendor)
	s := sign{place: v.where(p), product: p, scope: v.Scope, confidence: v.confidence(), since: v.First.Time, last: v.Last.Time, standing: standing,
		weak: p.weak(), models: v.Models, people: v.Actors, actor: v.Actor, hints: []hint{{who: v.Hint, from: origin(v.HintFrom)}}}
	if v.Hint == "" {
		s.hints = nil
	}
	if s.last.IsZero() && !standing {
		s.last = or(v.First.Time, ev.CollectedAt)
	}
	s.says, s.name = v.says(p, s.place), or(v.PlaceName, v.Place)
	switch s.place.typ {
	case Workload, Network:
		s.refs = []string{v.Place, v.PlaceName}
	}
	for _, signal := range v.Signals {
		if !strings.ContainsAny(signal, " /=") && strings.Contains(signal, ".") {
			s.domains = append(s.domains, signal)
		}
	}
	switch {
	case slices.Contains([]string{"revoked", "blocked", "suspended", "deleted"}, v.Status):
		s.ended = "it is " + v.Status
	case v.Requests != nil && v.Blocked != nil && *v.Requests > 0 && *v.Blocked >= *v.Requests:
		s.ended = "every request was refused"
	}
	r.put(ev, s)
	return nil
}

// where is the place that a sighting counts for.
func (v *seenUse) where(p product) place {
	people := place{typ: People, vendor: plain(p.vendor), ref: p.id}
	switch {
	case v.Scope == "development" || p.is(aisign.CodingAgent) || v.Category == string(aisign.CodingAgent):
		return developmentPlace(p)
	case v.Channel == "workload":
		return place{typ: Workload, key: v.Account + "|" + v.Place, ref: v.Place}
	case slices.Contains([]string{"dns", "proxy", "firewall", "api"}, v.Channel) && !v.pages():
		return place{typ: Network, key: v.Account + "|" + v.Place, vendor: plain(p.vendor), ref: v.Place}
	}
	return people
}

// pages reports whether only pages of the vendor were asked for, which people
// do, and not its API.
func (v *seenUse) pages() bool {
	web, api := false, false
	for _, rule := range v.Rules {
		_, field, _ := strings.Cut(rule, "/")
		if field == "user_agents" { // names the program, not what was asked for
			continue
		}
		web, api = web || field == "web", api || field != "web"
	}
	if !web && !api {
		return v.Category == string(aisign.AssistantSaaS)
	}
	return web && !api
}

// confidence is what the source says, or what its channel allows to say: who
// asks for a name has not used what it stands for.
func (v *seenUse) confidence() string {
	switch {
	case v.Confidence != "":
		return v.Confidence
	case v.Channel == "dns":
		return Unresolved
	case slices.Contains([]string{"proxy", "firewall", "expense", "api"}, v.Channel):
		return Inferred
	}
	return Declared
}

func (v *seenUse) says(p product, where place) string {
	what := map[string]string{"oauth": "grants of access to ", "sso": "sign-ins to ", "app": "an application of ", "workload": "a workload of ",
		"extension": "an extension of ", "dns": "names looked up of ", "proxy": "requests to ", "firewall": "connections to ", "expense": "payments to ",
		"api": "requests to "}[v.Channel]
	s := or(what, v.Channel+" of ") + p.title()
	if where.typ == Workload && len(v.Signals) > 0 {
		shown := min(2, len(v.Signals))
		s = p.title() + " by " + strings.Join(v.Signals[:shown], ", ")
		if more := len(v.Signals) - shown; more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
		return s
	}
	if where.typ == Workload || where.typ == Network {
		s += " by " + or(v.PlaceName, v.Place)
	}
	return s
}

package netlogs

import (
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// How sure a day's requests make it that AI was used.
const (
	inferred   = "inferred"   // requests went to a vendor
	unresolved = "unresolved" // a name was looked up, or the host serves other products too
)

// record is what a day says about a vendor and a group.
func (r *run) record(k key, channel string, to *target, s *sum, logs []string) (connector.Record, records.Seen) {
	place := k.group
	if to.web() {
		place = "people/" + k.group
	}
	seen := records.Seen{
		Channel: channel, Provider: to.sign.ID, Vendor: to.sign.Vendor, Category: string(to.sign.Category),
		Place: place, PlaceName: k.group, Actor: k.actor, Period: day(k.day),
		Signals: slices.Clone(s.Hosts), Rules: append([]string{to.rule()}, s.Agents...),
		FirstSeen: stamp(s.First), LastSeen: stamp(s.Last), Confidence: unresolved,
	}
	slices.Sort(seen.Rules)
	seen.Rules = slices.Compact(seen.Rules)
	if s.More {
		seen.Signals = append(seen.Signals, "and further hosts")
	}
	requests, blocked := s.requests(), s.blocked()
	seen.Requests, seen.Blocked = &requests, &blocked
	if s.Sized {
		seen.BytesOut = &s.Out
	}
	if n := int64(len(s.Actors)); n > int64(r.cfg.MaxActors) {
		n = int64(r.cfg.MaxActors)
		seen.Actors = &n
		seen.Signals = append(seen.Signals, fmt.Sprintf("at least %d different people or machines", n))
	} else if n > 0 {
		seen.Actors = &n
	}
	if channel != "dns" && s.Firm {
		seen.Confidence = inferred
	}
	for i := range r.cfg.Groups {
		if g := &r.cfg.Groups[i]; g.Name == k.group {
			seen.Scope, seen.Environment = g.Scope, g.Environment
		}
	}
	if to.sign.Category == aisign.CodingAgent {
		seen.Scope = "development"
	}
	for _, l := range logs {
		seen.Signals = append(seen.Signals, "log "+l)
	}
	name := channel + "|" + to.sign.ID + "|" + place + "|" + seen.Period
	if k.actor != "" {
		name += "|" + k.actor
	}
	from := time.Unix(int64(k.day)*86400, 0).UTC()
	return connector.Record{
		Kind: records.KindActivity, Major: 1, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: name,
		EventTime: time.Unix(s.First, 0).UTC(), Period: &connector.Period{From: from, To: time.Unix(s.Last, 0).UTC()},
	}, seen
}

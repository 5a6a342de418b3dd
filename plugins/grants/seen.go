package grants

import (
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Channels.
const (
	OAuth = "oauth" // let into data
	SSO   = "sso"   // signed in to
	Own   = "app"   // part of the provider's own suite
)

// Known is a match that needs none: the provider's own assistant.
func Known(s *aisign.Signature, signal, field string) Found {
	return Found{Signature: s, Confidence: Declared, Signals: []string{signal}, Rules: []string{s.ID + "/" + field}}
}

// Seen begins a record of an application.
func (f Found) Seen(channel, place, name, account string) records.Seen {
	return records.Seen{
		Channel: channel, Provider: f.ID, Vendor: f.Vendor, Category: string(f.Category), Place: place, PlaceName: records.Line(name, 200),
		Account: records.Line(account, 200), Signals: f.Signals, Rules: f.Rules, Confidence: f.Confidence, Scope: scope(f.Category),
	}
}

// scope is what an application is used for, as far as its category tells.
func scope(c aisign.Category) string {
	if c == aisign.CodingAgent {
		return "development"
	}
	return ""
}

// Key is the key of a record.
func Key(s records.Seen) string {
	key := s.Channel + "|" + s.Provider + "|" + s.Place
	if s.Period != "" {
		key += "|" + s.Period
	}
	if s.Actor != "" {
		key += "|" + s.Actor
	}
	return key
}

func record(kind string, s records.Seen, at time.Time, link string) connector.Record {
	return connector.Record{
		Kind: kind, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: Key(s), EventTime: at, URL: link,
	}
}

// Sighting emits what stands until it is taken away.
func Sighting(b *coverage.Book, s records.Seen, link string) error {
	return b.Record(record(records.KindSighting, s, time.Time{}, link), s)
}

// Activity emits the sum of a day.
func Activity(b *coverage.Book, s records.Seen, sum *Sum, link string) error {
	s.Period, s.FirstSeen, s.LastSeen = sum.Day, records.Stamp(sum.First), records.Stamp(sum.Last)
	s.Requests, s.ScopesGranted = Count(sum.Requests), Scopes(sum.Scopes)
	if len(sum.people) > 0 {
		s.Actors = Count(sum.People())
	}
	if sum.Bytes > 0 {
		s.BytesOut = Count(sum.Bytes)
	}
	if sum.Blocked > 0 {
		s.Blocked = Count(sum.Blocked)
	}
	return b.Record(record(records.KindActivity, s, sum.First, link), s)
}

// Count is a number that is known.
func Count(n int64) *int64 { return &n }

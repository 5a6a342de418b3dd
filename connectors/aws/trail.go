package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const (
	lookupEvents = "cloudtrail:LookupEvents"
	horizon      = 90*day - time.Minute // how far back the event history goes
	settle       = 30 * time.Minute     // by when an event has surely arrived
)

// trailEvent is a call as CloudTrail's event history tells it.
type trailEvent struct {
	id, name, source string
	at               time.Time
	by               string
	readOnly, failed bool
	params           map[string]json.RawMessage
	response         map[string]json.RawMessage
	resources        []string
}

// stretch is the part of the event history that a run asks for.
type stretch struct {
	name     string
	from, to time.Time
	since    time.Time // how far back the whole of what was ever read reaches
	hole     time.Time // when not zero: nobody read from here to from
}

// reach is what is remembered of a part of the history: since when it was read
// without a break, and until when.
type reach struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// stretch settles what to ask for: what came since the last run, at most what the
// history keeps.
func (r *regionRun) stretch(what string) stretch {
	s := stretch{name: "trail/" + what + "/" + r.id.account + "/" + r.region, from: r.now.Add(-horizon), to: r.now}
	var before reach
	if json.Unmarshal([]byte(r.req.Cursors[connector.MemoryPrefix+s.name]), &before) != nil || before.Until.After(r.now) {
		before = reach{}
	}
	oldest := s.from
	if at, err := time.Parse(time.RFC3339Nano, r.req.Cursors[s.name]); err == nil && at.After(s.from) && !at.After(r.now) {
		s.from = at
	}
	if r.req.Since.After(s.from) {
		s.from = r.req.Since
	}
	switch {
	case before.Until.IsZero():
		s.since = s.from
	case before.Until.Before(oldest):
		s.since, s.hole = s.from, before.Until
	default:
		s.since = before.Since
	}
	return s
}

// done keeps how far the history was read. Late events are asked for again.
func (r *regionRun) done(s stretch, kinds ...string) error {
	for _, k := range kinds {
		if s.since.After(r.since[k]) {
			r.since[k] = s.since.UTC()
		}
	}
	until := s.to.Add(-settle).UTC()
	raw, err := json.Marshal(reach{Since: s.since.UTC(), Until: until})
	if err != nil {
		return err
	}
	if err := r.emit.Cursor(connector.MemoryPrefix+s.name, string(raw)); err != nil {
		return &emitError{err}
	}
	if err := r.emit.Cursor(s.name, until.Format(time.RFC3339Nano)); err != nil {
		return &emitError{err}
	}
	return nil
}

// unread reports a hole between two runs.
func (r *regionRun) unread(ctx context.Context, s stretch, kinds []string) error {
	if s.hole.IsZero() {
		return nil
	}
	return r.failed(ctx, kinds, "event history", fmt.Errorf("%w: the history keeps 90 days and was last read at %s, so what happened from then to %s was never seen",
		errTruncated, s.hole.UTC().Format(time.RFC3339), s.from.UTC().Format(time.RFC3339)))
}

// question is one look into the event history.
type question struct {
	key      types.LookupAttributeKey
	value    string
	from, to time.Time
}

// lookup reads events, the newest first, for as many pages as a run may spend.
// rest is the time of the oldest event read if there were more, else zero.
func (r *regionRun) lookup(ctx context.Context, q question, each func(trailEvent) error) (rest time.Time, err error) {
	pages, broken := 0, 0
	err = eachPage(ctx, lookupEvents, func(token *string) (*string, error) {
		out, err := r.trail.LookupEvents(ctx, &cloudtrail.LookupEventsInput{
			LookupAttributes: []types.LookupAttribute{{AttributeKey: q.key, AttributeValue: &q.value}},
			StartTime:        &q.from, EndTime: &q.to, MaxResults: aws.Int32(50), NextToken: token,
		})
		if err == nil && out.Events == nil {
			err = errNoAnswer
		}
		if err != nil {
			return nil, &callError{lookupEvents, err}
		}
		oldest := q.to
		for _, e := range out.Events {
			event, ok := readEvent(e)
			if !ok {
				broken++
				continue
			}
			if event.at.Before(oldest) {
				oldest = event.at
			}
			if err := each(event); err != nil {
				return nil, err
			}
		}
		if pages++; pages >= r.cfg.LookupPages && aws.ToString(out.NextToken) != "" {
			rest = oldest
			return nil, nil
		}
		return out.NextToken, nil
	})
	if err == nil && broken > 0 {
		err = &callError{lookupEvents, fmt.Errorf("%w: %d events of %s without an id, a time or a body", errValue, broken, q.value)}
	}
	return rest, err
}

// readEvent takes an event apart; false if it is none.
func readEvent(e types.Event) (trailEvent, bool) {
	var body struct {
		Identity  trailIdentity   `json:"userIdentity"`
		Error     string          `json:"errorCode"`
		Params    json.RawMessage `json:"requestParameters"`
		Response  json.RawMessage `json:"responseElements"`
		Resources []struct {
			ARN string `json:"ARN"`
		} `json:"resources"`
	}
	t := trailEvent{id: text(e.EventId, 100), name: text(e.EventName, 100), source: text(e.EventSource, 100), at: utc(e.EventTime), readOnly: aws.ToString(e.ReadOnly) == "true"}
	if t.id == "" || t.at.IsZero() || json.Unmarshal([]byte(aws.ToString(e.CloudTrailEvent)), &body) != nil {
		return trailEvent{}, false
	}
	t.by, t.failed = body.Identity.who(aws.ToString(e.Username)), body.Error != ""
	t.params, t.response = fields(body.Params), fields(body.Response)
	for _, b := range body.Resources {
		t.resources = append(t.resources, printable(b.ARN, 300))
	}
	for _, named := range e.Resources {
		t.resources = append(t.resources, text(named.ResourceName, 300))
	}
	return t, true
}

// fields reads an object; nil if it is none.
func fields(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// trailIdentity is who made a call.
type trailIdentity struct {
	Type      string `json:"type"`
	ARN       string `json:"arn"`
	Principal string `json:"principalId"`
	InvokedBy string `json:"invokedBy"`
	Session   struct {
		Source string `json:"sourceIdentity"`
	} `json:"sessionContext"`
}

// who names the caller: the identity that the identity provider vouches for,
// else the role with its session, or user; else the service that called.
func (i trailIdentity) who(username string) string {
	for _, name := range []string{i.Session.Source, i.ARN, i.InvokedBy, i.Principal, username} {
		if name = strings.TrimSpace(name); name != "" {
			return printable(name, 300)
		}
	}
	return ""
}

// str returns a field that is a text.
func str(m map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// How long Azure keeps the activity log, and how much of the last run's time is
// read again: entries can arrive late.
const (
	activityRetention = 89 * 24 * time.Hour
	activityOverlap   = time.Hour
)

// providers are those whose acts are about AI.
func providers() []string {
	return []string{"Microsoft.CognitiveServices", "Microsoft.MachineLearningServices"}
}

// activity reads administrative acts.
func (s *subscription) activity(ctx context.Context) error {
	from := s.now.Add(-activityRetention)
	if s.req.Since.After(from) {
		from = s.req.Since
	}
	name := "activity:" + s.id
	var last struct {
		From  time.Time `json:"from"`
		Until time.Time `json:"until"`
	}
	if !s.book.Position(name, &last) {
		last.From, last.Until = from, from
	} else if begin := last.Until.Add(-activityOverlap); begin.After(from) {
		from = begin
	} else {
		last.From = from // a run came so late that the log had forgotten what lies between
	}
	s.book.Query("activity log, "+strings.Join(providers(), " and ")+"; calls of models are not in it", records.KindCloudAuditEvent)
	s.book.Since(last.From, records.KindCloudAuditEvent)
	for _, provider := range providers() {
		newest, err := s.acts(ctx, provider, from)
		if err != nil {
			return err
		}
		if newest.After(last.Until) {
			last.Until = newest
		}
	}
	return s.book.Cursor(name, last)
}

func (s *subscription) acts(ctx context.Context, provider string, from time.Time) (newest time.Time, err error) {
	path := "subscriptions/" + s.id + "/providers/Microsoft.Insights/eventtypes/management/values"
	first := url.Values{
		"api-version": {"2015-04-01"},
		"$filter":     {fmt.Sprintf("eventTimestamp ge '%s' and eventTimestamp le '%s' and resourceProvider eq '%s'", from.Format(time.RFC3339), s.now.Format(time.RFC3339), provider)},
	}
	err = rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		q := first
		if token != "" {
			if q, err = url.ParseQuery(token); err != nil {
				return "", rest.Answer{}, &rest.MalformedError{Path: path, Why: "the link to the next page cannot be read"}
			}
		}
		var out struct {
			Value []act  `json:"value"`
			Next  string `json:"nextLink"`
		}
		a, err := s.s.rest.Get(ctx, rest.Call{Path: path, Query: q}, &out)
		if err != nil {
			return "", a, err
		}
		if out.Value == nil {
			return "", a, &rest.MalformedError{Path: path, Why: "the answer holds no list"}
		}
		for _, e := range out.Value {
			if e.Time.After(newest) && !e.Time.After(s.now.Add(time.Minute)) {
				newest = e.Time
			}
			if err := s.act(e); err != nil {
				return "", a, err
			}
		}
		_, query, _ := strings.Cut(out.Next, "?") // the host of the link is not ours to choose
		return query, a, nil
	})
	return newest, err
}

type act struct {
	ID       string    `json:"eventDataId"`
	Time     time.Time `json:"eventTimestamp"`
	Caller   string    `json:"caller"`
	Resource string    `json:"resourceId"`
	Name     struct {
		Value string `json:"value"`
	} `json:"operationName"`
	Provider struct {
		Value string `json:"value"`
	} `json:"resourceProviderName"`
	Status struct {
		Value string `json:"value"`
	} `json:"status"`
}

// act emits an act. Its request is left out: it may hold anything.
func (s *subscription) act(e act) error {
	if e.ID == "" || e.Time.IsZero() {
		return s.book.Gap(connector.Gap{Kinds: []string{records.KindCloudAuditEvent}, Scope: s.scope("activity log, entry " + e.ID), Reason: connector.Malformed, Detail: "it has no id or no time"})
	}
	status, err := json.Marshal(records.Line(e.Status.Value, 60))
	if err != nil {
		return err
	}
	return s.book.Record(connector.Record{
		Kind: records.KindCloudAuditEvent, Subject: connector.Subject{Type: "deployment", ID: "azure/" + s.id}, Key: e.ID, EventTime: e.Time, URL: s.portal(e.Resource),
	}, records.CloudAuditEvent{
		Provider: "azure", EventID: records.Line(e.ID, 200), EventName: records.Line(e.Name.Value, 200), EventSource: records.Line(e.Provider.Value, 100),
		Principal: records.Line(e.Caller, 300), Resource: records.Line(e.Resource, 500), Account: s.id, EventTime: records.Stamp(e.Time),
		RequestParams: map[string]json.RawMessage{"status": status},
	})
}

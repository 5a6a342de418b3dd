package tell

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// Seen is what is observed beside a view.
type Seen struct {
	Sources []agent.SourceStatus   // what agents did; nil if no agent ever ran
	Waivers []service.EndingWaiver // that end in the next 30 days
}

// WaiversAhead is how far ahead Seen.Waivers has to look.
const WaiversAhead = 31 * 24 * time.Hour

// Observe makes of a view what people may have to know of.
func Observe(v *service.View, seen Seen) notify.Observation {
	a := v.Assessment
	o := notify.Observation{At: a.AsOf, Checkpoint: notify.Checkpoint{Size: a.Checkpoint.Size, Root: a.Checkpoint.Root}}
	titles := map[string]string{}
	for i := range a.Expectations {
		titles[a.Expectations[i].Slug] = a.Expectations[i].Title
	}
	for i := range v.Findings {
		o.Items = append(o.Items, findingItem(&v.Findings[i], titles))
	}
	o.Items = append(o.Items, expiring(v, titles)...)
	for i := range v.Shadow.Cases {
		o.Items = append(o.Items, caseItem(&v.Shadow.Cases[i]))
	}
	for _, w := range seen.Waivers {
		o.Items = append(o.Items, waiverItem(w, titles))
	}
	for _, r := range a.Runs {
		o.Items = append(o.Items, runItem(r, seen.Sources))
	}
	for i := range a.Controls {
		c := &a.Controls[i]
		o.Items = append(o.Items, notify.Item{ID: c.ID, Topic: notify.TopicControl, State: string(c.Status), Status: string(c.Status), Control: c.ID,
			Title: c.ID + " " + c.Title, Detail: c.Reason, Link: "/controls/" + url.PathEscape(c.ID)})
	}
	return o
}

func findingItem(r *service.FindingRow, titles map[string]string) notify.Item {
	it := notify.Item{ID: r.ID, Topic: notify.TopicFinding, State: string(r.State), Status: string(r.Status), Severity: r.Severity,
		Title: titled(r.Expectation, r.Subject, titles), Detail: r.Reason, Owner: r.Owner, Systems: r.Systems, Control: r.Control, DueAt: r.DueAt,
		Link: "/findings/" + url.PathEscape(r.ID)}
	if r.State == service.StateDuty {
		it.Topic, it.State = notify.TopicDuty, notify.StateDue
	}
	return it
}

// titled is what is expected, and of what.
func titled(slug string, subject evidence.Subject, titles map[string]string) string {
	return cmp.Or(titles[slug], slug) + ": " + subject.Type + " " + subject.ID
}

func expiring(v *service.View, titles map[string]string) []notify.Item {
	if len(v.Expiring) == 0 {
		return nil
	}
	results := map[string]*assess.Result{}
	for _, r := range v.Assessment.Results {
		results[assess.FindingID(r.Expectation, r.Subject)] = r
	}
	var out []notify.Item
	for i := range v.Expiring {
		e := &v.Expiring[i]
		id := assess.FindingID(e.Expectation, e.Subject)
		it := notify.Item{ID: id, Topic: notify.TopicExpiring, State: "valid", Status: string(assess.StatusSatisfied), Control: e.Control,
			Title: titled(e.Expectation, e.Subject, titles), ExpiresAt: &e.At, Detail: "Then it will be " + string(e.Then) + ".",
			Link: "/results/" + url.PathEscape(e.Expectation) + "/" + url.PathEscape(e.Subject.Type) + "/" + escaped(e.Subject.ID)}
		if r := results[id]; r != nil {
			it.Severity, it.Systems = r.Severity, r.Systems
			it.Owner, _ = v.Owner(r)
			if it.ValidFrom = r.EventTime; it.ValidFrom == nil {
				it.ValidFrom = r.CollectedAt
			}
		}
		out = append(out, it)
	}
	return out
}

// escaped keeps the slashes of an id that is the rest of a path.
func escaped(id string) string {
	parts := strings.Split(id, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func caseItem(c *shadow.Case) notify.Item {
	it := notify.Item{ID: c.ID, Topic: notify.TopicShadow, State: c.Status, Title: c.Title, Detail: c.Why, Owner: c.Owner, Systems: c.Systems,
		Link: "/shadow/" + url.PathEscape(c.ID)}
	if c.Hint != "" && c.Owner == "" {
		it.Detail = strings.TrimSpace(it.Detail + " Ask " + c.Hint + ".")
	}
	due := c.TriageDue.Time
	if c.Status == shadow.Due {
		due = c.DueAt.Time
	}
	if !due.IsZero() {
		it.DueAt = &due
	}
	return it
}

func waiverItem(w service.EndingWaiver, titles map[string]string) notify.Item {
	it := notify.Item{ID: w.ID, Topic: notify.TopicWaiver, State: "valid", Title: "waiver " + w.ID + " of " + titled(w.Expectation, w.Subject, titles),
		Detail: "What it covers is open again after it.", Owner: w.RequestedBy, ExpiresAt: &w.Ends, Link: "/waivers"}
	if from := w.ApprovedAt.Time; !from.IsZero() {
		it.ValidFrom = &from
	}
	return it
}

// runItem is how the reading of a source does. One is silent whose last times
// passed without a run since.
func runItem(r assess.RunSummary, sources []agent.SourceStatus) notify.Item {
	it := notify.Item{ID: r.Source, Topic: notify.TopicRun, State: r.Status, Title: r.Source, Link: "/sources/" + url.PathEscape(r.Source)}
	switch n := len(r.Gaps); {
	case n == 1:
		it.Detail = "One part of its scope was not seen: " + r.Gaps[0].Reason + "."
	case n > 1:
		it.Detail = "Parts of its scope were not seen, the first because: " + r.Gaps[0].Reason + "."
	}
	at := slices.IndexFunc(sources, func(s agent.SourceStatus) bool { return s.Source == r.Source })
	if at < 0 || sources[at].Paused != nil || len(sources[at].Missed) == 0 {
		return it
	}
	s := &sources[at]
	missed := s.Missed[len(s.Missed)-1]
	if s.Running == nil && r.Finished.Before(missed.Last) && (s.Last == nil || s.Last.Started.Before(missed.Last)) {
		it.State = notify.StateSilent
		it.Detail = "It was last read on " + r.Finished.UTC().Format(time.RFC3339) + "; the times of its schedule since then were missed."
	}
	return it
}

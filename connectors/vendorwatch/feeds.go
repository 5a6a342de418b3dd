package vendorwatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// ending is what a feed says of one model.
type ending struct {
	model       string
	announced   time.Time
	shutdown    time.Time
	released    time.Time
	replacement string
	link        string
	moved       time.Time // when another date than before was first seen; zero if there was none
}

// maxFeed bounds the entries of one vendor in one feed.
const maxFeed = 5000

// feedNote is for what a feed was read that did not change: several vendors,
// and several names of one, may share it.
type feedNote struct{ Vendor, Format, Provider string }

// feed reads the endings of a vendor's models from a feed.
func (r *run) feed(ctx context.Context, v *vendor, f feed) error {
	note := feedNote{v.ID, f.Format, f.Provider}
	known := coverage.OpenTable[seen](r.book, "feed", v.ID, f.URL, f.Format, f.Provider)
	a, err := r.web.get(ctx, f.URL, "application/json", rest.NoteFits(func(n feedNote) bool { return n == note }))
	if err != nil {
		return err
	}
	if a.NotModified {
		return r.retireAll(v, f, known)
	}
	list, bad, err := parseFeed(f, a.Body)
	if err != nil {
		return &rest.MalformedError{Path: f.URL, Why: err.Error()}
	}
	if len(list) > maxFeed {
		return &rest.MalformedError{Path: f.URL, Why: fmt.Sprintf("it has %d entries of %s; at most %d are read", len(list), f.Provider, maxFeed)}
	}
	if err := r.endings(v, f, list, known); err != nil {
		return err
	}
	if bad > 0 {
		return &rest.MalformedError{Path: f.URL, Why: fmt.Sprintf("%d entries of %s have no name or a date that is none; the others were taken", bad, f.Provider)}
	}
	return r.keep(a, note)
}

// seen is when an ending with this date was first read. Moved: there was
// another date before. Gone: the feed no longer has it.
type seen struct {
	First    time.Time `json:"f"`
	Shutdown string    `json:"s,omitempty"`
	Moved    bool      `json:"m,omitempty"`
	Gone     bool      `json:"g,omitempty"`
}

// endings emits what a feed lists and remembers it.
func (r *run) endings(v *vendor, f feed, list []ending, known *coverage.Table[seen]) error {
	listed := map[string]bool{}
	for _, e := range list {
		listed[e.model] = true
		s, ok := known.Get(e.model)
		if !ok || s.Shutdown != records.Stamp(e.shutdown) {
			s = seen{First: r.now, Shutdown: records.Stamp(e.shutdown), Moved: ok}
		}
		s.Gone = false
		known.Set(e.model, s)
		if err := r.ending(v, f, e, s); err != nil {
			return err
		}
	}
	for _, model := range known.Names() {
		if s, _ := known.Get(model); !listed[model] && !s.Gone {
			s.Gone = true
			known.Set(model, s)
		}
	}
	return known.Save()
}

// retireAll emits the retirements that have come since a feed was read that
// did not change.
func (r *run) retireAll(v *vendor, f feed, known *coverage.Table[seen]) error {
	for _, model := range known.Names() {
		s, _ := known.Get(model)
		at, err := first(s.Shutdown)
		if err != nil || at.IsZero() || at.After(r.now) || s.Gone {
			continue
		}
		if err := r.lifecycle(v, f, ending{model: model, shutdown: at}, records.ModelRetired, at); err != nil {
			return err
		}
	}
	return nil
}

// ending emits the announcement of an end, and the end if it has come. Another
// date than before is an announcement of its own, made when it was first seen.
func (r *run) ending(v *vendor, f feed, e ending, s seen) error {
	at := e.announced
	if s.Moved {
		e.moved = s.First
	}
	if at.IsZero() || s.Moved {
		at = s.First
	}
	if err := r.lifecycle(v, f, e, records.ModelDeprecated, at); err != nil {
		return err
	}
	if e.shutdown.IsZero() || e.shutdown.After(r.now) {
		return nil
	}
	return r.lifecycle(v, f, ending{model: e.model, shutdown: e.shutdown}, records.ModelRetired, e.shutdown)
}

func (r *run) lifecycle(v *vendor, f feed, e ending, status string, at time.Time) error {
	p := records.ModelLifecycle{
		Vendor: v.ID, ModelID: e.model, Status: status, AnnouncedAt: records.Stamp(at), AnnouncedBasis: records.AnnouncedPublished,
		ReleasedAt: records.Stamp(e.released), ShutdownAt: records.Stamp(e.shutdown), Replacement: e.replacement, SourceURL: records.Link(e.link),
	}
	if status == records.ModelDeprecated && (e.announced.IsZero() || !e.moved.IsZero()) {
		p.AnnouncedBasis = records.AnnouncedFirstSeen
	}
	if p.SourceURL == "" {
		p.SourceURL = f.URL
	}
	key := []string{v.ID, e.model, status, p.ShutdownAt, f.Provider, f.URL}
	if !e.moved.IsZero() {
		key = append(key, records.Stamp(e.moved))
	}
	return r.book.Record(connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: e.model},
		Key: strings.Join(key, "|"), EventTime: at, URL: p.SourceURL,
	}, p)
}

// parseFeed reads the entries of a provider, and counts those that cannot be
// taken. A feed in which nobody is called so is an error: names change, and
// nothing found would look like no ending. Of several entries for one model
// the one announced last counts, then the one that ends first.
func parseFeed(f feed, body []byte) (list []ending, bad int, err error) {
	var providers int
	switch f.Format {
	case "litellm":
		list, providers, bad, err = parseLitellm(f.Provider, body)
	case "models_dev":
		list, providers, err = parseModelsDev(f.Provider, body)
	default:
		list, providers, bad, err = parseDeprecations(f.Provider, body)
	}
	if err != nil {
		return nil, 0, err
	}
	if providers == 0 {
		return nil, 0, fmt.Errorf("it knows nobody called %q; look up the vendor's name in the feed", f.Provider)
	}
	all := len(list)
	list = slices.DeleteFunc(list, func(e ending) bool { return !records.Fit(e.model) || len(e.model) > 200 })
	bad += all - len(list)
	slices.SortFunc(list, func(a, b ending) int {
		return cmp.Or(strings.Compare(a.model, b.model), b.announced.Compare(a.announced), soonest(a.shutdown, b.shutdown),
			strings.Compare(a.replacement, b.replacement), strings.Compare(a.link, b.link), a.released.Compare(b.released))
	})
	return slices.CompactFunc(list, func(a, b ending) bool { return a.model == b.model }), bad, nil
}

// soonest orders times with none at the end.
func soonest(a, b time.Time) int {
	switch {
	case a.IsZero() && !b.IsZero():
		return 1
	case b.IsZero() && !a.IsZero():
		return -1
	}
	return a.Compare(b)
}

func sameName(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	return fold(a) == fold(b)
}

// parseDeprecations reads a list of announcements. Where the day of the end is
// the day of the announcement, the feed took one for the other: it is left out.
func parseDeprecations(provider string, body []byte) (list []ending, known, bad int, err error) {
	var entries []struct {
		Provider    string `json:"provider"`
		ModelID     string `json:"model_id"`
		Announced   string `json:"announcement_date"`
		Shutdown    string `json:"shutdown_date"`
		Replacement string `json:"replacement_model"`
		URL         string `json:"url"`
	}
	if err := json.Unmarshal(body, &entries); err != nil {
		return nil, 0, 0, fmt.Errorf("it is no list of {provider, model_id, shutdown_date}: the form of the feed has changed")
	}
	for _, e := range entries {
		if !sameName(e.Provider, provider) {
			continue
		}
		known++
		announced, aerr := first(e.Announced)
		shutdown, serr := first(e.Shutdown)
		if aerr != nil || serr != nil {
			bad++
			continue
		}
		if shutdown.Equal(announced) {
			shutdown = time.Time{}
		}
		list = append(list, ending{model: e.ModelID, announced: announced, shutdown: shutdown, replacement: records.Line(e.Replacement, 200), link: e.URL})
	}
	return list, known, bad, nil
}

// parseLitellm reads litellm's table of models. Its entry sample_spec holds
// prose.
func parseLitellm(provider string, body []byte) (list []ending, known, bad int, err error) {
	var table map[string]struct {
		Provider string          `json:"litellm_provider"`
		Ends     json.RawMessage `json:"deprecation_date"`
	}
	if err := json.Unmarshal(body, &table); err != nil {
		return nil, 0, 0, fmt.Errorf("it is no table of models with litellm_provider: the form of the feed has changed")
	}
	for model, e := range table {
		if !sameName(e.Provider, provider) || model == "sample_spec" {
			continue
		}
		known++
		if len(e.Ends) == 0 || string(e.Ends) == "null" {
			continue
		}
		var text string
		at, err := time.Time{}, json.Unmarshal(e.Ends, &text)
		if err == nil {
			at, err = first(text)
		}
		if err != nil {
			bad++
			continue
		}
		if at.IsZero() {
			continue
		}
		if _, name, ok := strings.Cut(model, "/"); ok {
			model = name
		}
		list = append(list, ending{model: model, shutdown: at})
	}
	return list, known, bad, nil
}

// parseModelsDev reads models.dev's table: it says deprecated, without dates.
func parseModelsDev(provider string, body []byte) (list []ending, known int, err error) {
	var table map[string]struct {
		Name   string `json:"name"`
		Models map[string]struct {
			Status   string `json:"status"`
			Released string `json:"release_date"`
		} `json:"models"`
	}
	if err := json.Unmarshal(body, &table); err != nil {
		return nil, 0, fmt.Errorf("it is no table of providers with models: the form of the feed has changed")
	}
	for id, p := range table {
		if !sameName(id, provider) && !sameName(p.Name, provider) {
			continue
		}
		known += len(p.Models)
		for model, m := range p.Models {
			if m.Status != "deprecated" {
				continue
			}
			released, err := first(m.Released)
			if err != nil {
				released = time.Time{} // a month without a day
			}
			list = append(list, ending{model: model, released: released})
		}
	}
	return list, known, nil
}

package vendorwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
}

// maxFeed bounds the entries of one vendor in one feed.
const maxFeed = 5000

// feed reads the endings of a vendor's models from a feed.
func (r *run) feed(ctx context.Context, v *vendor, f feed) error {
	key := struct{ Vendor, Provider string }{v.ID, f.Provider}
	a, err := r.web.get(ctx, f.URL, "application/json", rest.NoteFits(func(n map[string]string) bool { return n[key.Vendor] == key.Provider }))
	if err != nil {
		return err
	}
	if a.NotModified {
		return r.retireAll(v, f)
	}
	list, err := parseFeed(f, a.Body)
	if err != nil {
		return &rest.MalformedError{Path: f.URL, Why: err.Error()}
	}
	if len(list) > maxFeed {
		return &rest.MalformedError{Path: f.URL, Why: fmt.Sprintf("it has %d entries of %s; at most %d are read", len(list), f.Provider, maxFeed)}
	}
	known := map[string]seen{}
	r.book.Position(coverage.Memory("feed", v.ID, f.URL), &known)
	for _, e := range list {
		s, ok := known[e.model]
		if !ok || s.Shutdown != records.Stamp(e.shutdown) {
			s = seen{First: r.now, Shutdown: records.Stamp(e.shutdown)}
		}
		known[e.model] = s
		if err := r.ending(v, f, e, s.First); err != nil {
			return err
		}
	}
	if err := r.remember(v, f, known); err != nil {
		return err
	}
	if err := r.keepEndings(v, f, list); err != nil {
		return err
	}
	return r.keep(a, map[string]string{v.ID: f.Provider})
}

// seen is when an ending with these dates was first read.
type seen struct {
	First    time.Time `json:"first"`
	Shutdown string    `json:"shutdown,omitempty"`
}

// remember keeps when endings were first seen; the oldest are dropped where it
// would be more than a host keeps.
func (r *run) remember(v *vendor, f feed, known map[string]seen) error {
	for {
		raw, err := json.Marshal(known)
		if err != nil {
			return err
		}
		if len(raw) < 60<<10 {
			return r.book.Cursor(coverage.Memory("feed", v.ID, f.URL), known)
		}
		oldest := slices.MinFunc(slices.Collect(maps.Keys(known)), func(a, b string) int {
			return strings.Compare(known[a].Shutdown+a, known[b].Shutdown+b)
		})
		delete(known, oldest)
	}
}

// keepEndings keeps the shutdowns to come, so that they become retirements on
// their day although the feed does not change.
func (r *run) keepEndings(v *vendor, f feed, list []ending) error {
	ahead := map[string]string{}
	for _, e := range list {
		if e.shutdown.After(r.now) && len(ahead) < 500 {
			ahead[e.model] = records.Stamp(e.shutdown)
		}
	}
	return r.book.Cursor(coverage.Memory("ahead", v.ID, f.URL), ahead)
}

// retireAll emits the retirements that have come since the feed was read.
func (r *run) retireAll(v *vendor, f feed) error {
	ahead := map[string]string{}
	r.book.Position(coverage.Memory("ahead", v.ID, f.URL), &ahead)
	for _, model := range slices.Sorted(maps.Keys(ahead)) {
		at, err := first(ahead[model])
		if err != nil || at.After(r.now) {
			continue
		}
		if err := r.lifecycle(v, f, ending{model: model, shutdown: at}, records.ModelRetired, at); err != nil {
			return err
		}
	}
	return nil
}

// ending emits the announcement of an end, and the end if it has come.
func (r *run) ending(v *vendor, f feed, e ending, firstSeen time.Time) error {
	at := e.announced
	if at.IsZero() {
		at = firstSeen
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
	if status == records.ModelDeprecated && e.announced.IsZero() {
		p.AnnouncedBasis = records.AnnouncedFirstSeen
	}
	if p.SourceURL == "" {
		p.SourceURL = f.URL
	}
	return r.book.Record(connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: e.model},
		Key:       strings.Join([]string{v.ID, e.model, status, p.ShutdownAt}, "|"),
		EventTime: at, URL: p.SourceURL,
	}, p)
}

// parseFeed reads the entries of a provider. A feed in which nobody is called
// so is an error: names change, and nothing found would look like no ending.
func parseFeed(f feed, body []byte) ([]ending, error) {
	var list []ending
	var providers int
	var err error
	switch f.Format {
	case "litellm":
		list, providers, err = parseLitellm(f.Provider, body)
	case "models_dev":
		list, providers, err = parseModelsDev(f.Provider, body)
	default:
		list, providers, err = parseDeprecations(f.Provider, body)
	}
	if err != nil {
		return nil, err
	}
	if providers == 0 {
		return nil, fmt.Errorf("it knows nobody called %q; look up the vendor's name in the feed", f.Provider)
	}
	list = slices.DeleteFunc(list, func(e ending) bool { return !records.Fit(e.model) || len(e.model) > 200 })
	slices.SortStableFunc(list, func(a, b ending) int { return strings.Compare(a.model, b.model) })
	return slices.CompactFunc(list, func(a, b ending) bool { return a.model == b.model }), nil
}

func sameName(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	return fold(a) == fold(b)
}

// parseDeprecations reads a list of announcements. Where the day of the end is
// the day of the announcement, the feed took one for the other: it is left out.
func parseDeprecations(provider string, body []byte) (list []ending, known int, err error) {
	var entries []struct {
		Provider    string `json:"provider"`
		ModelID     string `json:"model_id"`
		Announced   string `json:"announcement_date"`
		Shutdown    string `json:"shutdown_date"`
		Replacement string `json:"replacement_model"`
		URL         string `json:"url"`
	}
	if err := json.Unmarshal(body, &entries); err != nil {
		return nil, 0, fmt.Errorf("it is no list of {provider, model_id, shutdown_date}: the form of the feed has changed")
	}
	for _, e := range entries {
		if !sameName(e.Provider, provider) {
			continue
		}
		known++
		announced, aerr := first(e.Announced)
		shutdown, serr := first(e.Shutdown)
		if aerr != nil || serr != nil {
			return nil, 0, fmt.Errorf("entry %q: a date is none", records.Line(e.ModelID, 80))
		}
		if shutdown.Equal(announced) {
			shutdown = time.Time{}
		}
		list = append(list, ending{model: e.ModelID, announced: announced, shutdown: shutdown, replacement: records.Line(e.Replacement, 200), link: e.URL})
	}
	return list, known, nil
}

// parseLitellm reads litellm's table of models. Its entry sample_spec holds
// prose, and is skipped as any date that is none.
func parseLitellm(provider string, body []byte) (list []ending, known int, err error) {
	var table map[string]struct {
		Provider string          `json:"litellm_provider"`
		Ends     json.RawMessage `json:"deprecation_date"`
	}
	if err := json.Unmarshal(body, &table); err != nil {
		return nil, 0, fmt.Errorf("it is no table of models with litellm_provider: the form of the feed has changed")
	}
	for model, e := range table {
		if !sameName(e.Provider, provider) {
			continue
		}
		known++
		var text string
		if json.Unmarshal(e.Ends, &text) != nil || text == "" {
			continue
		}
		at, err := first(text)
		if err != nil {
			continue
		}
		if _, name, ok := strings.Cut(model, "/"); ok {
			model = name
		}
		list = append(list, ending{model: model, shutdown: at})
	}
	return list, known, nil
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

package azure

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	cs "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// state is a state of a model and when it was first seen.
type state struct {
	Text  string    `json:"t"` // status and date of retirement
	First time.Time `json:"f"`
}

// region is what is told of a region's models, whichever subscription it was
// read for: a model of it is told once.
type region struct {
	known *coverage.Table[state]
	told  map[string]bool
}

// models reads the models of a region with their retirement dates.
func (s *subscription) models(ctx context.Context, clients *cs.ClientFactory, name string) error {
	r := s.regions[name]
	if r == nil {
		r = &region{known: coverage.OpenTable[state](s.book, "models", name), told: map[string]bool{}}
		s.regions[name] = r
	}
	found := map[string]*cs.AccountModel{} // a model is listed once for each kind of account and SKU
	listed := each(ctx, "models of "+name, clients.NewModelsClient().NewListPager(name, nil),
		func(p cs.ModelsClientListResponse) []*cs.Model { return p.Value },
		func(m *cs.Model) error {
			if m.Model == nil || str(m.Model.Name) == "" {
				return s.book.Gap(connector.Gap{Kinds: []string{records.KindModelLifecycle}, Scope: s.scope("models of " + name), Reason: connector.Malformed, Detail: "a model has no name"})
			}
			id := strings.TrimSuffix(str(m.Model.Name)+"-"+str(m.Model.Version), "-")
			if other := found[id]; other == nil || earlier(m.Model, other) {
				found[id] = m.Model
			}
			return nil
		})
	if fatal := coverage.Fatal(ctx, listed); fatal != nil {
		return listed
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if r.told[id] {
			continue
		}
		r.told[id] = true
		if err := s.lifecycle(name, id, found[id], r.known); err != nil {
			return err
		}
	}
	if err := r.known.Save(); err != nil { // of what was read, even if the rest was not
		return err
	}
	return listed
}

// earlier reports whether a says of a model that it ends before b does, or is
// further on its way. The order of a listing must not decide.
func earlier(a, b *cs.AccountModel) bool {
	of := func(m *cs.AccountModel) (end, status string) {
		if m.Deprecation != nil {
			end = str(m.Deprecation.Inference)
		}
		return end, strings.ToLower(str(m.LifecycleStatus))
	}
	endA, statusA := of(a)
	endB, statusB := of(b)
	if endA != endB {
		return endB == "" || endA != "" && endA < endB
	}
	deprecatedA, deprecatedB := strings.HasPrefix(statusA, "deprecat"), strings.HasPrefix(statusB, "deprecat")
	return deprecatedA && !deprecatedB
}

// lifecycle emits the state of a model. Azure gives the date of retirement with
// a model from the start, so that alone is no announcement of an end.
func (s *subscription) lifecycle(region, id string, m *cs.AccountModel, known *coverage.Table[state]) error {
	var end time.Time
	if m.Deprecation != nil {
		if text := str(m.Deprecation.Inference); text != "" {
			at, _, err := records.ParseTime(text)
			if err != nil {
				return s.book.Gap(connector.Gap{Kinds: []string{records.KindModelLifecycle}, Scope: s.scope("models of " + region + ", " + id), Reason: connector.Malformed, Detail: err.Error()})
			}
			end = at
		}
	}
	p := records.ModelLifecycle{
		Vendor: s.cfg.Vendor, ModelID: records.Line(id, 200), Status: records.ModelActive, ShutdownAt: records.Stamp(end), Region: region,
		AnnouncedBasis: records.AnnouncedFirstSeen, SourceURL: "https://learn.microsoft.com/azure/ai-services/openai/concepts/model-retirements",
	}
	switch {
	case !end.IsZero() && !end.After(s.now):
		p.Status = records.ModelRetired
	case strings.HasPrefix(strings.ToLower(str(m.LifecycleStatus)), "deprecat"):
		p.Status = records.ModelDeprecated
	}
	text := p.Status + " " + p.ShutdownAt
	was, ok := known.Get(id)
	if !ok || was.Text != text {
		was = state{Text: text, First: s.now}
		known.Set(id, was)
	}
	at := was.First
	if p.Status == records.ModelRetired {
		at, p.AnnouncedBasis = end, records.AnnouncedPublished
	}
	p.AnnouncedAt = records.Stamp(at)
	return s.book.Record(connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: id}, EventTime: at, URL: p.SourceURL,
		Key: strings.Join([]string{s.cfg.Vendor, region, id, p.Status, p.ShutdownAt, p.AnnouncedAt}, "|"),
	}, p)
}

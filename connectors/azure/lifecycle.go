package azure

import (
	"context"
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

// shards is over how many cursors the states of a region are spread: one holds
// 64 KiB, about 500 models.
const shards = 16

// models reads the models of a region with their retirement dates.
func (s *subscription) models(ctx context.Context, clients *cs.ClientFactory, region string) error {
	known := make([]map[string]state, shards)
	for i := range known {
		known[i] = map[string]state{}
		s.book.Position(coverage.Memory("models", region, string(rune('a'+i))), &known[i])
	}
	seen := map[string]bool{} // a model is listed once for each kind of account and SKU
	err := each(ctx, "models of "+region, clients.NewModelsClient().NewListPager(region, nil),
		func(p cs.ModelsClientListResponse) []*cs.Model { return p.Value },
		func(m *cs.Model) error {
			if m.Model == nil || str(m.Model.Name) == "" {
				return s.book.Gap(connector.Gap{Kinds: []string{records.KindModelLifecycle}, Scope: s.scope("models of " + region), Reason: connector.Malformed, Detail: "a model has no name"})
			}
			id := strings.TrimSuffix(str(m.Model.Name)+"-"+str(m.Model.Version), "-")
			if seen[id] {
				return nil
			}
			seen[id] = true
			return s.lifecycle(region, id, m.Model, known[shard(id)])
		})
	if err != nil {
		return err
	}
	for i, k := range known {
		if err := s.book.Cursor(coverage.Memory("models", region, string(rune('a'+i))), k); err != nil {
			return err
		}
	}
	return nil
}

func shard(id string) int {
	n := 0
	for _, b := range []byte(id) {
		n = (n*31 + int(b)) % shards
	}
	return n
}

// lifecycle emits the state of a model. Azure gives the date of retirement with
// a model from the start, so that alone is no announcement of an end.
func (s *subscription) lifecycle(region, id string, m *cs.AccountModel, known map[string]state) error {
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
	was, ok := known[id]
	if !ok || was.Text != text {
		was = state{Text: text, First: s.now}
		known[id] = was
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

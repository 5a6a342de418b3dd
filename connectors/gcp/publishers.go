package gcp

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// publishers reads the models that are offered to everybody. Google tells their
// launch stage and no date of an end: the dates stand on a page, which the
// connector vendorwatch can watch.
func (r *run) publishers(ctx context.Context) error {
	for _, publisher := range r.cfg.Publishers {
		r.book.Query("models of the publisher "+publisher+"; the interface gives no retirement date", records.KindModelLifecycle)
		part := coverage.Part{Kinds: []string{records.KindModelLifecycle}, Scope: "publisher " + publisher, Permission: permPublishers}
		if err := r.book.Part(ctx, part, func() error { return r.publisher(ctx, publisher) }); err != nil {
			return err
		}
	}
	return nil
}

// stage is since when a model has been seen at a launch stage.
type stage struct {
	Stage string    `json:"stage"`
	Since time.Time `json:"since"`
}

func (r *run) publisher(ctx context.Context, publisher string) error {
	api, err := r.s.vertex("")
	if err != nil {
		return err
	}
	known := coverage.OpenTable[stage](r.book, "publisher", publisher)
	listed := list(ctx, api, "v1beta1/publishers/"+publisher+"/models", "publisherModels", func(m struct {
		Name    string `json:"name"`
		Version string `json:"versionId"`
		Stage   string `json:"launchStage"`
	}) error {
		id := last(m.Name)
		if !records.Fit(id) {
			return r.book.Gap(connector.Gap{Kinds: []string{records.KindModelLifecycle}, Scope: "publisher " + publisher, Reason: connector.Malformed, Detail: "a model has no name that can be one"})
		}
		if v := m.Version; v != "" && v != "default" && !strings.Contains(id, "@") {
			id += "@" + v
		}
		launch := records.Line(m.Stage, 60)
		s, seen := known.Get(id)
		if !seen || s.Stage != launch {
			s = stage{Stage: launch, Since: r.now.Truncate(time.Millisecond)}
			known.Set(id, s)
		}
		return r.book.Record(connector.Record{
			Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: id},
			Key: strings.Join([]string{r.cfg.Vendor, publisher, id, launch, records.Stamp(s.Since)}, "|"), EventTime: s.Since,
			URL: "https://console.cloud.google.com/vertex-ai/publishers/" + publisher + "/model-garden/" + last(m.Name),
		}, records.ModelLifecycle{
			Vendor: r.cfg.Vendor, ModelID: records.Line(id, 200), Status: records.ModelActive, AnnouncedAt: records.Stamp(s.Since),
			AnnouncedBasis: records.AnnouncedFirstSeen, SourceURL: fmt.Sprintf("https://aiplatform.googleapis.com/v1beta1/publishers/%s/models", publisher),
		})
	})
	if err := known.Save(); err != nil { // of what was read, even if the rest was not
		return err
	}
	return listed
}

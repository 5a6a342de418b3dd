package main

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// recordExport puts on record what was handed out: what says what it is, its
// file, digest and size. The snapshot's id is there so that a copy which comes
// back can be told from any other.
func (w *workplace) recordExport(ctx context.Context, s *export.Snapshot, what map[string]any) error {
	d, err := s.Digests()
	if err != nil {
		return err
	}
	all := maps.Clone(what)
	maps.Copy(all, map[string]any{"as_of": s.AsOf, "by": s.GeneratedBy, "assessed_size": s.Assessment.Checkpoint.Size, "snapshot": d.Snapshot, "tool": s.ToolVersion})
	if s.Period != nil {
		all["period"] = s.PeriodText()
	}
	if s.Since != nil {
		all["since"] = s.Since.From
	}
	if s.Redaction != nil {
		all["redaction"] = s.Redaction.Profile
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = w.store.Append(ctx, store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, At: time.Now().UTC(), Body: body}}})
	return err
}

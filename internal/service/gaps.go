package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// GapRow is one thing that the newest run of a source could not see.
type GapRow struct {
	Source string    `json:"source"`
	Run    string    `json:"run"`
	Status string    `json:"status"`
	At     time.Time `json:"finished_at"`
	evidence.Gap
}

// Gaps lists what the newest run of each source did not see.
func (s *Service) Gaps(ctx context.Context) ([]GapRow, error) {
	newest := map[string]evidence.Run{}
	var order []string
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		source := run.Provenance.Source
		if _, known := newest[source]; !known {
			order = append(order, source)
		}
		newest[source] = run
	}
	var rows []GapRow
	for _, source := range order {
		run := newest[source]
		for _, gap := range GapsOf(run) {
			rows = append(rows, GapRow{source, run.ID, string(run.Status), run.FinishedAt, gap})
		}
	}
	return rows, nil
}

// GapsOf returns what a run did not see: its gaps, why it failed or that it has
// not ended, and kinds that it does not claim to have seen whole.
func GapsOf(run evidence.Run) []evidence.Gap {
	var out []evidence.Gap
	switch {
	case run.Error != "":
		out = append(out, evidence.Gap{Kinds: []string{}, Scope: "run", Reason: "failed", Detail: run.Error})
	case run.Status == evidence.RunOpen:
		out = append(out, evidence.Gap{Kinds: []string{}, Scope: "run", Reason: "open", Detail: "the run has not ended, or its process died: it claims nothing"})
	}
	out = append(out, run.Gaps...)
	for _, kind := range slices.Sorted(maps.Keys(run.Kinds)) {
		k := run.Kinds[kind]
		named := slices.ContainsFunc(out, func(g evidence.Gap) bool { return slices.Contains(g.Kinds, kind) })
		if k.Coverage != "complete" && !named && run.Error == "" {
			out = append(out, evidence.Gap{Kinds: []string{kind}, Scope: "kind", Reason: cmp.Or(k.Coverage, "not read"), Detail: k.Query})
		}
	}
	return out
}

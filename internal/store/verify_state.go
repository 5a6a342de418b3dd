package store

import (
	"fmt"
	"maps"
	"slices"
)

// checkStates compares the cursors and validators of every source with the
// digest that its newest closing entry carries. State changes belong to a run:
// if all runs of a source are closed, nothing can have changed since.
func (v *verifier) checkStates() error {
	open := make(map[int64]bool)
	for _, r := range v.runs {
		open[r.row.Source] = true
	}
	rows := make(map[int64][]StateRow)
	for _, r := range v.tables.State {
		rows[r.Source] = append(rows[r.Source], r)
	}
	v.out.StatesOpen = int64(len(open))
	for _, source := range slices.Sorted(maps.Keys(v.closings)) {
		if open[source] {
			continue
		}
		if err := v.checkState(source, rows[source]); err != nil {
			return err
		}
		v.out.States++
	}
	for _, source := range slices.Sorted(maps.Keys(rows)) {
		if _, closed := v.closings[source]; !closed && !open[source] {
			return differs(v.statePlace(source), "none, as no run was opened for it", fmt.Sprintf("%d", len(rows[source])))
		}
	}
	return nil
}

func (v *verifier) checkState(source int64, rows []StateRow) error {
	got, err := StateDigest(rows)
	if err != nil {
		return fmt.Errorf("%s: %w", v.statePlace(source), err)
	}
	c := v.closings[source]
	if got == c.state {
		return nil
	}
	want, found := "digest "+c.state.String(), "digest "+got.String()
	if c.state.IsZero() {
		want = "none"
	}
	if got.IsZero() {
		found = "none"
	}
	return differs(v.statePlace(source), fmt.Sprintf("%s, as entry %d says that closed run %.80q", want, c.entry, c.run),
		fmt.Sprintf("%s over %d", found, len(rows)))
}

func (v *verifier) statePlace(source int64) string {
	return fmt.Sprintf("cursors and validators of source %.80q", v.tables.Names[source])
}

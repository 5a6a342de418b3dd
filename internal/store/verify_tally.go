package store

import "fmt"

// checkTallies compares what is kept of open runs with what their entries have
// it, as the closing of a run seals it. How many records were unchanged left no
// entry: of that number only its sign is known.
func (v *verifier) checkTallies() error {
	open := make(map[int64]*runState, len(v.runs))
	left := 0 // kinds that open runs did something to
	for _, r := range v.runs {
		open[r.row.Opened] = r
		for _, n := range r.kinds {
			if *n != (runCounts{}) {
				left++
			}
		}
	}
	type place struct {
		run  int64
		kind string
	}
	seen := make(map[place]bool, len(v.tables.Tally))
	for _, row := range v.tables.Tally {
		r, at := open[row.Run], place{row.Run, row.Kind}
		if r == nil {
			return differs(fmt.Sprintf("counts of the run opened at entry %d", row.Run), "none, as no such run is open", row)
		}
		if seen[at] || row.Unchanged < 0 {
			return differs(fmt.Sprintf("counts of %.80q in run %.80q", row.Kind, r.row.ID), "one row of them, none below zero", row)
		}
		seen[at] = true
		var want runCounts
		if n := r.kinds[row.Kind]; n != nil {
			want = *n
		}
		if row.New != want.new || row.Revised != want.revised {
			return differs(fmt.Sprintf("counts of %.80q in run %.80q", row.Kind, r.row.ID),
				fmt.Sprintf("%d new, %d revised, as its entries have it", want.new, want.revised),
				fmt.Sprintf("%d, %d", row.New, row.Revised))
		}
		if want != (runCounts{}) {
			left--
		}
	}
	if left != 0 {
		return differs("counts of open runs", "a row for every kind that has evidence", fmt.Sprintf("%d without", left))
	}
	return nil
}

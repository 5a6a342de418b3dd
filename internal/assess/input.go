package assess

import (
	"fmt"
	"iter"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Input is everything an assessment is made from.
type Input struct {
	AsOf       time.Time
	Checkpoint Checkpoint
	Runs       iter.Seq2[evidence.Run, error]      // in ledger order of their opening
	Evidence   iter.Seq2[evidence.Evidence, error] // in ledger order, with payloads; at least of Engine.Kinds
}

// Assess builds a State from the input and assesses it once. Memory grows with
// the number of records that rules refer to, not with the size of payloads.
func (eng *Engine) Assess(in Input) (*Assessment, error) {
	s := eng.NewState()
	if err := s.Load(in.Runs, in.Evidence); err != nil {
		return nil, err
	}
	return s.At(in.AsOf, in.Checkpoint)
}

// MemoryFor is how much memory a process should allow itself that holds a State
// of so many entries and assesses them: less makes the garbage collector work
// all the time, without a limit the heap doubles.
func MemoryFor(entries int64) int64 { return max(480<<20, 480*entries) }

// Load applies all runs, then all evidence. Both stop at the first error.
func (s *State) Load(runs iter.Seq2[evidence.Run, error], items iter.Seq2[evidence.Evidence, error]) error {
	for r, err := range runs {
		if err != nil {
			return fmt.Errorf("assess: read runs: %w", err)
		}
		s.ApplyRun(r)
	}
	return s.ApplyAll(func(yield func(Change, error) bool) {
		for e, err := range items {
			if err != nil {
				err = fmt.Errorf("assess: read evidence: %w", err)
			}
			if !yield(Change{Evidence: e}, err) {
				return
			}
		}
	})
}

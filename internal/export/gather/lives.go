package gather

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// lives returns the lives of findings as they stood at the assessment.
func lives(ctx context.Context, st Source, a *assess.Assessment, d evaluate.Duties) ([]*finding.Life, error) {
	book, err := evaluate.LivesAt(ctx, st, a, d)
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	return book.Lives(), nil
}

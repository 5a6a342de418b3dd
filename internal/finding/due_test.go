package finding_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// TestDueWhenReadWhole: what was read whole while a duty was due resolves
// nothing that a partial run shows to be in order, or gone, afterwards.
func TestDueWhenReadWhole(t *testing.T) {
	for name, after := range map[string][]*assess.Result{
		"in order": {result("m", satisfied, "reviewed")}, "does not apply": {result("m", assess.StatusNotApplicable, "retired")}, "gone": nil,
	} {
		b := &finding.Book{}
		take(t, b, assessed(1, 1, result("m", failing, "not reviewed")), policy)
		take(t, b, assessed(3, 2, result("m", assess.StatusDue, "until day 9")), policy)
		take(t, b, assessed(4, 2, after...), policy)
		if l := lifeOf(t, b, "m"); l.State != finding.Open {
			t.Errorf("%s after a partial run: %s: %+v", name, l.State, l.History[len(l.History)-1])
		}
		take(t, b, assessed(6, 5, after...), policy)
		if l := lifeOf(t, b, "m"); l.State != finding.Concluded {
			t.Errorf("%s after a whole reading: %s", name, l.State)
		}
	}
}

package dashboard

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// TestCasesAreDue: an open case says until when it is to be decided, in the list
// and on its page, and is overdue from then on, as the command line has it.
func TestCasesAreDue(t *testing.T) {
	o, who := reader(t), someone("", access.Viewer)
	for _, k := range o.view().Shadow.Cases {
		if !k.Open() {
			continue
		}
		words := "Decide by " + k.Until().Format(time.DateOnly)
		if k.Until().IsZero() {
			t.Fatalf("%s is open without end", k.ID)
		}
		o.get(who, "/shadow/"+k.ID).want(t, 200, words)
		o.get(who, "/shadow?q="+k.ID).want(t, 200, k.Until().Format(time.DateOnly))
		return
	}
	t.Skip("no case is open")
}

package sheets

import (
	"strconv"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// lightness is the grey that a colour prints as, 0 to 255.
func lightness(t *testing.T, rgb string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(rgb, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return 0.299*float64(n>>16) + 0.587*float64(n>>8&255) + 0.114*float64(n&255)
}

// In a grey print nothing looks like satisfied that is not, and bars that lie
// side by side can be told apart.
func TestBarsInGrey(t *testing.T) {
	good := lightness(t, statusColor(assess.StatusSatisfied))
	last := 1000.0
	for _, l := range Looks() {
		grey := lightness(t, statusColor(l.Status))
		if d := grey - good; l.Status != assess.StatusSatisfied && d < 20 && d > -20 {
			t.Errorf("%s prints as satisfied does: %.0f and %.0f", l.Status, grey, good)
		}
		if d := grey - last; d < 20 && d > -20 {
			t.Errorf("%s prints as the status before it: %.0f and %.0f", l.Status, grey, last)
		}
		last = grey
	}
}

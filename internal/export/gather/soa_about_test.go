package gather

import (
	"strings"
	"testing"
)

func TestAbout(t *testing.T) {
	const first = "version 2 of 2026-02-01 excludes what happens here: A.7.2 (1 of inventory.dataset, 2 of cloud.ai_resource_inventory (data)); " +
		"A.8.5 (1 of external.report); the last report: R-5 to the authority"
	const second = "version 2 of 2026-02-01 excludes A.10.2, A.10.3, and registered systems name vendors or data sets: triage (lumen)"
	for _, c := range [][3]string{
		{first, "A.7.2", "1 of inventory.dataset, 2 of cloud.ai_resource_inventory (data)"}, {first, "A.8.5", "1 of external.report"},
		{first, "A.8", ""}, {first, "A.8.50", ""}, {first, "A.7", ""}, {first, ".7.2", ""}, {first, "A.4.2", ""},
		{second, "A.10.3", second}, {second, "A.10", ""}, {"excludes A.10.3.", "A.10.3", "excludes A.10.3."}, {"A.8.5 (open", "A.8.5", "A.8.5 (open"}, {"", "A.8.5", ""}, {"A", "", ""},
	} {
		if got := about(c[0], c[1]); got != c[2] {
			t.Errorf("of %s in %q: %q, want %q", c[1], c[0], got, c[2])
		}
	}
}

func FuzzAbout(f *testing.F) {
	f.Add("excludes: A.8.5 (1 of x); A.8.50 (2)", "A.8.5")
	f.Fuzz(func(t *testing.T, reason, id string) {
		got := about(reason, id)
		if id != "" && got != "" && !strings.Contains(reason, id) || !strings.Contains(reason, got) {
			t.Errorf("%q of %q is %q", id, reason, got)
		}
	})
}

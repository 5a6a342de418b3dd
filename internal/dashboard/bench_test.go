package dashboard

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// BenchmarkPages measures what a page costs, sandbox and all.
func BenchmarkPages(b *testing.B) {
	o := reader(b)
	who := someone(o.view().Owners[0].Person, access.Operator, access.Auditor)
	for _, path := range []string{"/", "/controls", "/controls/A.6.2.5", "/evidence"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				o.timed(who, path)
			}
		})
	}
}

package shadow_test

import (
	"fmt"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// BenchmarkReconcile: 100,000 records of calls, requests and code.
func BenchmarkReconcile(b *testing.B) {
	set := signs(b)
	list := []evidence.Evidence{registered("s", `,"repos":["o/r1"],"vendors":["openai"]`)}
	for i := range 100_000 {
		day := now.AddDate(0, 0, -i%300).Format("2006-01-02")
		switch i % 3 {
		case 0:
			list = append(list, rec("v", "vendor.usage", fmt.Sprint("u", i), fmt.Sprintf(`{"vendor":"openai","project_or_workspace":"p%d","model":"gpt-4o","day":%q,"requests":%d}`, i%50, day, i+1)))
		case 1:
			list = append(list, rec("px", "shadow_ai.activity", fmt.Sprint("a", i), fmt.Sprintf(`{"channel":"proxy","provider":"anthropic","place":"net%d","rules":["anthropic/hosts"],"requests":%d,"first_seen":"%sT00:00:00Z"}`, i%40, i+1, day)))
		default:
			list = append(list, usage(fmt.Sprintf("o/r%d", i%500), fmt.Sprintf("src/f%d.py", i), "openai", "product"))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		in := shadow.Input{Evidence: of(list), Signs: set, Now: now}
		if res, err := shadow.Reconcile(in); err != nil || len(res.Cases) < 500 {
			b.Fatal(len(res.Cases), err)
		}
	}
}

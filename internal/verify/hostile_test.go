package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

// What a bundle holds is compiled, parsed and evaluated: somebody with a key of
// his own can put anything into it. It ends soon, and says where.
func TestHostileContents(t *testing.T) {
	l := lab(t)
	const own = "rules/own/0000-exhibit.yaml"
	loop := "change.labels.all(a, change.labels.all(b, change.labels.all(c, change.labels.all(d, change.labels.all(e, change.labels.all(f, change.labels.all(g, " +
		"change.labels.all(h, change.labels.all(i, change.labels.all(j, a != b || c != d || e != f || g != h || i != j))))))))))"
	bomb := strings.Replace(verifytest.Rule, `approvals.filter(r, r.state == "APPROVED" && r.submitted_at <= change.merged_at).size() >= params.approvals`, loop, 1)
	for name, c := range map[string]struct{ file, text, found string }{
		"condition that loops":     {"rules/expectations/A.6.2.5.yaml", bomb, "rules/"},
		"YAML that refers":         {own, "a: &a [x,x]\nb: &b [*a,*a]\noverrides: *b\n", "rules/"},
		"YAML nested deeply":       {own, strings.Repeat("[", 100_000), "rules/"},
		"rules of many bytes":      {own, "# " + strings.Repeat("x", 5<<20) + "\n", "rules/"},
		"pattern that backtracks":  {"rules/expectations/A.6.2.5.yaml", strings.Replace(verifytest.Rule, `'"approved before the merge"'`, "'(a+)+$'", 1), ""},
		"request nested deeply":    {"request.json", `{"inputs":` + strings.Repeat("[", 200_000), "request.json"},
		"assessment nested deeply": {"assessment.json", strings.Repeat(`{"results":[`, 200_000), "assessment.json"},
		"line without end":         {"ledger/entries.jsonl", string(payload(1, 17<<20)), "ledger/entries.jsonl"},
		"cover without end":        {"ledger/cover.txt", "exhibit cover v1\nsize 9\nassessed 9\n" + strings.Repeat("entries 0 1\n", 10), "ledger/cover.txt"},
		"list of what is hidden":   {"redacted.jsonl", strings.Repeat("{}\n", 1000), "redacted.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			b := l.With(c.file, []byte(c.text))
			began := time.Now()
			o := verifytest.Options(t, l.Own)
			o.Recompute.Shipped = verifytest.Rules(t).Shipped // those of the bundle are trusted only if they are the same
			r := verified(t, b, o)
			if r.OK() || !strings.HasPrefix(r.First.File, c.found) {
				t.Errorf("%v", r.First)
			}
			if d := time.Since(began); d > time.Minute {
				t.Errorf("it took %s", d)
			}
			if r.First != nil && len(r.First.Found)+len(r.First.Expected) > 4000 {
				t.Errorf("the report is %d bytes long", len(r.First.Found)+len(r.First.Expected))
			}
		})
	}
}

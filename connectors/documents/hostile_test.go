package documents

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A heading that no reader sees is no section.
func TestHeadingsThatNobodySees(t *testing.T) {
	text := strings.Join([]string{
		"# Policy", "<!--", "## Scope", "-->", "<!-- x --> text <!-- ", "Purpose", "---", "--> ## Not one", "    # Indented", "\t# Tabbed",
		"````", "```", "# In code", "````", "## Real <!-- aside -->", "Also", "====", "```go <!--", "# code", "```", "## End",
	}, "\n")
	if d := cmp.Diff([]string{"Policy", "Not one", "Real", "Also", "End"}, headings([]byte(text))); d != "" {
		t.Error(d)
	}
}

// Whoever dates an approval back, and the commit with it, cannot date back what
// was there before: the record says so, also behind another such commit.
func TestRecordDatedBack(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(3, 1, 9), map[string]string{"records/honest.yaml": goodAssessmentOf("2026-03-01")})
	r.commit(at(1, 1, 9), map[string]string{"notes.txt": "so that the next one follows a commit of its own date"})
	r.commit(at(1, 2, 9), map[string]string{"records/late.yaml": strings.Replace(goodAssessmentOf("2026-01-02"), "RA-1", "RA-2", 1)})
	rec, _ := run(t, recordSettings(r), nil)
	if len(rec.Records()) != 2 {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	for _, x := range rec.Records() {
		if said := connectortest.Payload(t, x)["source_out_of_order"] == true; said != (x.Key == "RA-2") {
			t.Errorf("%s: out of order %v", x.Key, said)
		}
	}
}

// One commit dated back does not end the history that was asked for.
func TestCommitDatedBackHidesNothing(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "too old\n"})
	r.commit(at(3, 1, 9), map[string]string{"policies/a.md": "one\n"})
	r.commit(at(1, 2, 9), map[string]string{"policies/a.md": "back-dated\n"})
	r.commit(at(1, 3, 9), map[string]string{"policies/a.md": "two\n"})
	s := documentSettings(r)
	s["since"] = "2026-02-01"
	rec, _ := run(t, s, nil)
	got := map[string]bool{}
	for _, x := range rec.Records(records.KindDocumentRevision) {
		m := connectortest.Payload(t, x)
		got[fmt.Sprint(m["sha256"])] = m["out_of_order"] == true
	}
	if d := cmp.Diff(map[string]bool{sum("one\n"): false, sum("back-dated\n"): true, sum("two\n"): true}, got); d != "" {
		t.Error(d)
	}
}

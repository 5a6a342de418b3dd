package documents

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A document that lists nothing, and one that says nothing about what it
// refers to, are told apart.
func TestReferences(t *testing.T) {
	for name, c := range map[string]struct {
		matter string
		want   []string
		json   string
	}{
		"listed":             {"references: [information-security@3.1, privacy]", []string{"information-security@3.1", "privacy"}, `["information-security@3.1","privacy"]`},
		"a number is a name": {"references: [2024, [x]]", []string{"2024"}, `["2024"]`},
		"none":               {"references: []", []string{}, `[]`},
		"not said":           {"owner: ann", nil, ""},
		"no list":            {"references: privacy", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := parseDocument(t.Context(), "p.md", []byte("---\n"+c.matter+"\n---\n# Policy\n"))
			if err != nil || doc.err != nil {
				t.Fatal(err, doc.err)
			}
			if diff := cmp.Diff(c.want, doc.references); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			b, err := json.Marshal(records.DocumentRevision{References: doc.references})
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]json.RawMessage
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			if got := string(m["references"]); got != c.json {
				t.Errorf("the payload says %q, want %q", got, c.json)
			}
		})
	}
}

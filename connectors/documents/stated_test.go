package documents

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// A document says from when it holds and when it is looked at again; what is
// no time is not taken for one. Where it lies is known by the source's name.
func TestWhatADocumentSaysOfItself(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(2, 1, 9), map[string]string{
		"policies/a.md": "---\nid: A\neffective_at: 2026-02-12\nnext_review: 2027-02-12T08:00:00+01:00\n---\n# A\n",
		"policies/b.md": "---\nid: B\neffective_at: soon\n---\n# B\n",
	})
	rec, _ := run(t, map[string]any{"repository": r.dir, "name": "acme/gov", "documents": []any{map[string]any{"glob": "policies/*.md"}}}, nil)
	got := map[string]map[string]any{}
	for _, x := range rec.Records() {
		m := connectortest.Payload(t, x)
		got[m["doc_id"].(string)] = m
	}
	if m := got["A"]; m["effective_at"] != "2026-02-12T00:00:00Z" || m["next_review_at"] != "2027-02-12T07:00:00Z" || m["store"] != "acme/gov" {
		t.Errorf("A: effective %v, next review %v, in %v", m["effective_at"], m["next_review_at"], m["store"])
	}
	if m := got["B"]; m["effective_at"] != nil || m["next_review_at"] != nil {
		t.Errorf("B: effective %v, next review %v", m["effective_at"], m["next_review_at"])
	}
}

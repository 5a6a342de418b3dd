package github

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Whatever a document holds, the record is in order, bounded and printable,
// and its digest does not depend on when the document was made.
func FuzzSBOM(f *testing.F) {
	f.Add(`{"sbom":{"spdxVersion":"SPDX-2.3","creationInfo":{"created":"x","creators":["b","a"]},"packages":[{"name":"a\u0000","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}]}}`)
	f.Add(`{"spdxVersion":"SPDX-2.3","packages":[{},{"SPDXID":"r"}],"relationships":[{"relationshipType":"DESCRIBES","relatedSpdxElement":"r"}]}`)
	f.Add(`{"spdxVersion":"1","packages":[],"creationInfo":{"created":7}}`)
	f.Fuzz(func(t *testing.T, text string) {
		pay, err := readSBOM([]byte(text))
		if err != nil {
			return
		}
		b, err := json.Marshal(pay)
		if err != nil || len(b) > 1<<20 || strings.ContainsFunc(string(b), unfitRune) {
			t.Errorf("%q: %d bytes, %v", text, len(b), err)
		}
		if !slices.IsSorted(pay.Ecosystems) || pay.Packages == nil || len(pay.Packages) > pay.PackagesTotal {
			t.Errorf("%q: %+v", text, pay)
		}
		var doc map[string]any
		if json.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		inner := doc
		if d, ok := doc["sbom"].(map[string]any); ok {
			inner = d
		}
		inner["documentNamespace"] = "another"
		if made, ok := inner["creationInfo"].(map[string]any); ok {
			made["created"] = "later"
		}
		b, err = json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readSBOM(b)
		if err != nil || again.DocumentSHA256 != pay.DocumentSHA256 && !strings.ContainsAny(text, ".eE") {
			t.Errorf("%q: digest %s, then %s, %v", text, pay.DocumentSHA256, again.DocumentSHA256, err)
		}
	})
}

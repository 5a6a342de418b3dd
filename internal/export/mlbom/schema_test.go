package mlbom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are those of CycloneDX 1.7, which the library's module carries. It
// lacks the one for cryptography, of which a bill of ours holds nothing.
func schemas(t testing.TB) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const base = "http://cyclonedx.org/schema/"
	for name, file := range map[string]string{"bom-1.7.schema.json": "bom-1.7.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource(base+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	none := map[string]any{"definitions": map[string]any{"algorithmFamiliesEnum": false, "ellipticCurvesEnum": false}}
	if err := c.AddResource(base+"cryptography-defs.schema.json", none); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(base + "bom-1.7.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds a bill against the schema.
func validate(t testing.TB, bill []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bill))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas(t).Validate(doc); err != nil {
		t.Fatalf("%.2000v", err)
	}
}

func TestSchema(t *testing.T) {
	b := written(t, snapshot(t), company())
	validate(t, b)
	// It can say no.
	bad := bytes.Replace(b, []byte(`"type": "machine-learning-model"`), []byte(`"type": "oracle"`), 1)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bad))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(bad, b) || schemas(t).Validate(doc) == nil {
		t.Error("a component of no type is valid")
	}
}

// TestEveryFieldIsKnown: the library knows each field that was written.
func TestEveryFieldIsKnown(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(written(t, snapshot(t), company())))
	d.DisallowUnknownFields()
	if err := d.Decode(&cdx.BOM{}); err != nil {
		t.Fatal(err)
	}
	checkRefs(t, bill(t, snapshot(t), company()))
}

// checkRefs: each ref is there once, and each dependency leads to one.
func checkRefs(t *testing.T, bom *cdx.BOM) {
	t.Helper()
	refs := map[string]int{bom.Metadata.Component.BOMRef: 1}
	for _, c := range *bom.Components {
		refs[c.BOMRef]++
	}
	for _, s := range *bom.Services {
		refs[s.BOMRef]++
	}
	for r, n := range refs {
		if n != 1 || strings.HasPrefix(r, "urn:cdx:") {
			t.Errorf("%q is the ref of %d parts", r, n)
		}
	}
	for _, d := range *bom.Dependencies {
		for _, need := range append([]string{d.Ref}, *d.Dependencies...) {
			if refs[need] != 1 {
				t.Errorf("%q depends on %q, which is no part", d.Ref, need)
			}
		}
	}
	for _, c := range *bom.Components {
		if c.ModelCard == nil || c.ModelCard.ModelParameters == nil {
			continue
		}
		for _, d := range *c.ModelCard.ModelParameters.Datasets {
			if refs[d.Ref] != 1 {
				t.Errorf("%q was trained on %q, which is no part", c.BOMRef, d.Ref)
			}
		}
	}
}

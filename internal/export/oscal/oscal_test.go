package oscal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/defenseunicorns/go-oscal/src/pkg/validation"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// documents writes all models of a snapshot.
func documents(t testing.TB, s *export.Snapshot) map[oscal.Model][]byte {
	t.Helper()
	m, err := oscal.New(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	out := map[oscal.Model][]byte{}
	for _, model := range oscal.Models() {
		var b bytes.Buffer
		if err := m.Write(t.Context(), &b, model); errors.Is(err, oscal.ErrNothing) && !m.Has(model) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		out[model] = b.Bytes()
	}
	return out
}

// schema compiles NIST's schema, as go-oscal carries it, once.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	v, err := validation.NewValidatorDesiredVersion([]byte(`{"catalog":{}}`), oscal.Version)
	if err != nil {
		return nil, err
	}
	params, err := v.GetValidationParams()
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(params.SchemaPath, params.SchemaData); err != nil {
		return nil, err
	}
	return c.Compile(params.SchemaPath)
})

// valid holds a document against NIST's schema.
func valid(t testing.TB, name string, doc []byte) {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %.2000v", name, err)
	}
}

func TestValid(t *testing.T) {
	docs := documents(t, sample(t).Snapshot)
	if len(docs) != 5 {
		t.Fatalf("%d documents", len(docs))
	}
	for model, doc := range docs {
		valid(t, string(model), doc)
		v, err := validation.NewValidator(doc) // go-oscal's own, by the version that the document names
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Validate(); err != nil {
			t.Errorf("%s: %v", model, err)
		}
	}
}

// TestValidatorBites shows that the validation can fail.
func TestValidatorBites(t *testing.T) {
	doc := documents(t, sample(t).Snapshot)[oscal.AssessmentResults]
	doc = bytes.Replace(doc, []byte(`"state":"not-satisfied"`), []byte(`"state":"not-assessed"`), 1)
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(tree(t, doc)); err == nil {
		t.Error("a state that OSCAL does not know passes")
	}
}

func TestSameBytes(t *testing.T) {
	one, two := documents(t, sample(t).Snapshot), documents(t, sample(t).Snapshot)
	for model := range one {
		if !bytes.Equal(one[model], two[model]) {
			t.Errorf("%s: other bytes", model)
		}
	}
}

// tree is a document as JSON values.
func tree(t testing.TB, doc []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

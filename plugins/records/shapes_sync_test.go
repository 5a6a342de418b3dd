package records

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

type kindFile struct {
	Kinds []struct {
		ID        string `yaml:"id"`
		Subject   string `yaml:"subject"`
		EventTime string `yaml:"event_time"`
		Fields    []struct {
			Name   string   `yaml:"name"`
			Type   string   `yaml:"type"`
			Values []string `yaml:"values"`
		} `yaml:"fields"`
	} `yaml:"kinds"`
}

// The shapes and the typed kinds that conditions are checked against are two
// views of one thing: what is written here must be readable there.
func TestShapesAgreeWithTheKinds(t *testing.T) {
	files, err := filepath.Glob("../../config/kinds/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of kinds, %v", len(files), err)
	}
	known := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f kindFile
		if err := yaml.Unmarshal(b, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, k := range f.Kinds {
			known[k.ID] = true
			s, ok := ShapeOf(k.ID)
			if !ok {
				continue
			}
			if s.SubjectType != k.Subject || s.EventField != k.EventTime {
				t.Errorf("%s: subject %s, event %s; the kind says %s, %s", k.ID, s.SubjectType, s.EventField, k.Subject, k.EventTime)
			}
			want := map[string]Field{}
			for _, field := range k.Fields {
				want[field.Name] = Field{Name: field.Name, Type: typeOf(field.Type), Values: field.Values}
			}
			got := map[string]Field{}
			for _, field := range s.Fields {
				got[field.Name] = field
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: fields (-kind +shape):\n%s", k.ID, diff)
			}
		}
	}
	for _, s := range Shapes() {
		if !known[s.Kind] {
			t.Errorf("%s has a shape but is no kind", s.Kind)
		}
	}
}

// typeOf is the field type that writes what a kind's type reads.
func typeOf(t string) FieldType {
	switch {
	case t == "time" || t == "date":
		return Time
	case t == "number" || t == "int":
		return Number
	case t == "bool":
		return Bool
	case t == "list of string":
		return Texts
	case t == "list of object":
		return Objects
	case t == "object" || strings.HasPrefix(t, "map of"):
		return Object
	}
	return Text
}

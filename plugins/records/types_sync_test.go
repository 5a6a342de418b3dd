package records

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A payload's Go type and its kind name the same fields, and the type always
// writes those that the kind requires.
func TestTypesAgreeWithTheKinds(t *testing.T) {
	files, err := filepath.Glob("../../config/kinds/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	left := Typed()
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Kinds []struct {
				ID     string `yaml:"id"`
				Fields []struct {
					Name     string `yaml:"name"`
					Required bool   `yaml:"required"`
				} `yaml:"fields"`
			} `yaml:"kinds"`
		}
		if err := yaml.Unmarshal(b, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, k := range f.Kinds {
			v, ok := left[k.ID]
			if !ok {
				continue
			}
			delete(left, k.ID)
			always, all := jsonFields(reflect.TypeOf(v))
			var want []string
			for _, field := range k.Fields {
				want = append(want, field.Name)
				if field.Required && !slices.Contains(always, field.Name) {
					t.Errorf("%s: field %s is required, but %T may leave it out", k.ID, field.Name, v)
				}
			}
			slices.Sort(want)
			slices.Sort(all)
			if !slices.Equal(want, all) {
				t.Errorf("%s: the kind has fields %v,\n%T has %v", k.ID, want, v, all)
			}
		}
	}
	for kind := range left {
		t.Errorf("%s has a type but is no kind", kind)
	}
}

func jsonFields(t reflect.Type) (always, all []string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if options == "" {
			always = append(always, name)
		}
	}
	return always, all
}

package configschema_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

const schema = `{"type":"object","additionalProperties":false,"required":["org"],
	"properties":{"org":{"type":"string","minLength":1},"repos":{"type":"array","items":{"type":"string"}},
	"base_url":{"type":"string","format":"uri"}}}`

func TestValidate(t *testing.T) {
	s, err := configschema.Compile(json.RawMessage(schema))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, settings string
		paths          []string
	}{
		{"fits", `{"org":"acme","repos":["a"]}`, nil},
		{"missing", `{}`, []string{""}},
		{"nothing is an empty object", ``, []string{""}},
		{"several at once, in order", `{"org":"","repos":["a",1],"x":true}`, []string{"", "/org", "/repos/1"}},
		{"format", `{"org":"a","base_url":"no address"}`, []string{"/base_url"}},
		{"not an object", `[]`, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var invalid *configschema.Error
			var paths []string
			if err := s.Validate(json.RawMessage(tt.settings)); errors.As(err, &invalid) {
				for _, p := range invalid.Problems {
					paths = append(paths, p.Path)
					if p.Text == "" || !strings.Contains(err.Error(), p.Text) {
						t.Errorf("problem at %q is not in the error %q", p.Path, err)
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.paths, paths); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
	if err := s.Validate(json.RawMessage(`{`)); err == nil {
		t.Error("broken JSON was accepted")
	}
}

func TestCompileRefuses(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"type":"object"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"file":        `{"$ref":"file://` + secret + `"}`,
		"address":     `{"$ref":"http://127.0.0.1:1/schema.json"}`,
		"relative":    `{"$ref":"other.json"}`,
		"not a type":  `{"type":"nonsense"}`,
		"not JSON":    `{`,
		"not object":  `true`,
		"bad pattern": `{"properties":{"a":{"pattern":"("}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := configschema.Compile(json.RawMessage(raw)); err == nil {
				t.Errorf("compiled %s", raw)
			}
		})
	}
}

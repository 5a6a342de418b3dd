package pluginhost

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The paths of settings are found wherever a schema marks them, and only where
// the settings name them.
func TestSettingPaths(t *testing.T) {
	const mark = `{"type":"string","x-exhibit-path":true}`
	tests := map[string]struct {
		schema, settings string
		want             []string
	}{
		"property":        {`{"properties":{"a":` + mark + `,"b":{"type":"string"}}}`, `{"a":"/x","b":"/y"}`, []string{"/x"}},
		"not there":       {`{"properties":{"a":{"x-exhibit-path":true,"default":"/etc"}}}`, `{}`, nil},
		"items":           {`{"properties":{"a":{"items":` + mark + `}}}`, `{"a":["/y","/x","/x"]}`, []string{"/x", "/y"}},
		"deep":            {`{"properties":{"a":{"items":{"properties":{"p":{"items":` + mark + `}}}}}}`, `{"a":[{"p":["/x"]},{"p":["/y"]}]}`, []string{"/x", "/y"}},
		"first items":     {`{"properties":{"a":{"prefixItems":[` + mark + `],"items":{}}}}`, `{"a":["/x","/y"]}`, []string{"/x"}},
		"any property":    {`{"additionalProperties":` + mark + `,"properties":{"b":{}}}`, `{"a":"/x","b":"/y"}`, []string{"/x"}},
		"reference":       {`{"properties":{"a":{"$ref":"#/$defs/p"}},"$defs":{"p":` + mark + `}}`, `{"a":"/x"}`, []string{"/x"}},
		"alternatives":    {`{"oneOf":[{"properties":{"a":` + mark + `}},{"properties":{"b":` + mark + `}}]}`, `{"b":"/x"}`, []string{"/x"}},
		"no string":       {`{"properties":{"a":` + mark + `}}`, `{"a":["/x"]}`, nil},
		"not true":        {`{"properties":{"a":{"x-exhibit-path":"yes"}}}`, `{"a":"/x"}`, nil},
		"itself for ever": {`{"$ref":"#","properties":{"a":` + mark + `}}`, `{"a":"/x"}`, []string{"/x"}},
		"another schema":  {`{"properties":{"a":{"$ref":"https://example.test/x-exhibit-path"}}}`, `{"a":"/x"}`, nil},
		"no JSON":         {`{"x-exhibit-path"`, `{"a":"/x"}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, settingPaths(json.RawMessage(tt.schema), json.RawMessage(tt.settings))); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
		})
	}
	// A schema that branches at every step is given up, not followed for ever.
	bomb := `{"x-exhibit-path":true,"allOf":[` + strings.TrimSuffix(strings.Repeat(`{"$ref":"#"},`, 20), ",") + `]}`
	settingPaths(json.RawMessage(bomb), json.RawMessage(`{"a":"/x"}`))
}

// The fact in words says what holds and what does not, and nothing of a host
// that says nothing.
func TestConfinementInWords(t *testing.T) {
	full := Confinement{Confined: true, Landlock: 10, Seccomp: true, NoNewPrivs: true, Memory: 512 << 20, CPU: 90 * 60e9, Reads: []string{"/var/log/a"}}
	if open := full.Open(); len(open) != 0 {
		t.Errorf("a full confinement leaves %q", open)
	}
	old := Confinement{Confined: true, Landlock: 2, Seccomp: true, NoNewPrivs: true}
	for text, c := range map[string]Confinement{
		"":                                       {},
		"not confined: it is switched off":       {Why: "it is switched off"},
		"memory 512 MiB, processor time 90 min;": full,
		"reads /var/log/a":                       full,
		"not denied: listening on TCP":           old,
		"no Landlock: not there":                 {Confined: true, Seccomp: true, Why: "no Landlock: not there"},
		"not denied: reading other files, making and removing files": {Confined: true, Seccomp: true},
	} {
		if got := c.String(); !strings.Contains(got, text) || (text == "") != (got == "") {
			t.Errorf("%q, want %q in it", got, text)
		}
	}
}

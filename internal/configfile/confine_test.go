package configfile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// What connectors are held to: read, defaulted, refused with its place.
func TestConfine(t *testing.T) {
	tests := map[string]struct {
		src, problem string
		want         configfile.Connectors
	}{
		"nothing":       {"connectors: {}\n", "", configfile.Connectors{Confine: "best-effort"}},
		"all":           {"connectors: {confine: required, memory: 512MiB, cpu: 30m}\n", "", configfile.Connectors{Confine: "required", Memory: 512 << 20, CPU: 30 * time.Minute}},
		"off":           {"connectors: {confine: off}\n", "", configfile.Connectors{Confine: "off"}},
		"another word":  {"connectors: {confine: strict}\n", "is not a way to confine connectors", configfile.Connectors{}},
		"too little":    {"connectors: {memory: 64MiB}\n", "less than 128MiB", configfile.Connectors{}},
		"no time":       {"connectors: {cpu: 0s}\n", "between 1s and 30d", configfile.Connectors{}},
		"time for ever": {"connectors: {cpu: 400d}\n", "between 1s and 30d", configfile.Connectors{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := configfile.Parse("/x/exhibit.yaml", []byte(head+tt.src), known(t))
			if tt.problem != "" {
				wantProblem(t, err, tt.problem)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Connectors); diff != "" {
				t.Errorf("connectors (-want +got):\n%s", diff)
			}
		})
	}
}

func wantProblem(t *testing.T, err error, text string) {
	t.Helper()
	var ps yamlfile.Problems
	if !errors.As(err, &ps) || len(ps) != 1 || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want one problem with %q", err, text)
	}
}

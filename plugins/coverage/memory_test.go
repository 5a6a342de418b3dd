package coverage

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// A name that changed would forget what is remembered.
func TestMemory(t *testing.T) {
	const want = "memory:d52270a03159f35591bbf7bfddfa27c9"
	if got := Memory("publisher", "google"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	names := map[string]bool{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"2:ab", "c"}, {strings.Repeat("x", 1<<20)}} {
		name := Memory(parts...)
		if names[name] || len(connector.Memory(map[string]string{name: ""})) != 1 || len(name) != len(want) {
			t.Errorf("%.40q is named %s", parts, name)
		}
		names[name] = true
	}
}

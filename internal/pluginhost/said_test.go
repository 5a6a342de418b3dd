package pluginhost_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// TestWhatWasSaidIsRemembered: a connector is started again when its binary is
// another one, and not before.
func TestWhatWasSaidIsRemembered(t *testing.T) {
	dir := install(t, "fake", "another")
	var starts atomic.Int64
	host := newHost(t, pluginhost.Options{Dir: dir, Observe: func(_ string, e pluginhost.ProcessEvent) {
		if e == pluginhost.ProcessStarted {
			starts.Add(1)
		}
	}})
	said := host.Remember()
	ask := func(want ...string) (refused []string) {
		t.Helper()
		list, err := said.All(t.Context(), func(name string, _ error) { refused = append(refused, name) })
		if err != nil || len(list) != len(want) {
			t.Fatalf("%v, %v", list, err)
		}
		for i, w := range want {
			if list[i].Name != w || list[i].Descriptor.Name == "" {
				t.Errorf("%d: %+v", i, list[i])
			}
		}
		return refused
	}
	ask("another", "fake")
	ask("another", "fake")
	if n := starts.Load(); n != 2 {
		t.Fatalf("%d starts for two connectors", n)
	}

	// One is replaced by something that nobody locked: it is not believed any more.
	path := filepath.Join(dir, "exhibit-connector-another")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if refused := ask("fake"); len(refused) != 1 || refused[0] != "another" {
		t.Fatalf("refused: %v", refused)
	}
	if n := starts.Load(); n != 2 {
		t.Fatalf("%d starts", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, path); err != nil {
		t.Fatal(err)
	}
	ask("another", "fake")
	if n := starts.Load(); n != 3 {
		t.Fatalf("%d starts once it is back", n)
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := said.All(gone, func(string, error) {}); err == nil {
		t.Error("who has left is answered")
	}
}

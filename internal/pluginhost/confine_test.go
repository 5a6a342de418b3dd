package pluginhost_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// TestConfinedCollect: the usual way, in a cage.
func TestConfinedCollect(t *testing.T) {
	log, text := testLog()
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Logger: log, Confine: pluginhost.Confine{Mode: pluginhost.ConfineRequired}})
	var sink memory
	got, err := host.Collect(t.Context(), "fake", request("", `,"count":2500,"size":100`), &sink)
	if err != nil {
		t.Fatal(err, text)
	}
	t.Log(got.Confinement)
	if len(sink.records()) != 2500 {
		t.Errorf("%d records", len(sink.records()))
	}
}

package documents

import (
	"encoding/json"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// run collects once, with the positions of prev if there was one.
func run(t testing.TB, settings any, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	return runWith(t, connector.Request{}, settings, prev)
}

func runWith(t testing.TB, req connector.Request, settings any, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	req.Config.Settings = b
	rec, cov, err := connectortest.Collect(t, New(), req, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

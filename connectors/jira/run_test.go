package jira

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// run collects once, with the positions of prev if there was one.
func run(t *testing.T, settings map[string]any, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage, error) {
	t.Helper()
	return connectortest.Collect(t, New(), connector.Request{Config: config0(t, settings)}, prev)
}

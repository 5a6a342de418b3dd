package github_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, github.New()) }

func TestConformance(t *testing.T) {
	f := newFake(t)
	organisation(f)
	f.set("/repos/acme/app", repoJSON(11, "app"))
	connectortest.Run(t, github.New(), connectortest.Case{Config: configOf(t, f, everything())})
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	f := newFake(t)
	organisation(f)
	f.set("/repos/acme/app", repoJSON(11, "app"))
	f.on("/repos/acme/app/pulls/2/files", status(403, "Resource not accessible by personal access token"))
	f.on("/repos/acme/app/rules/branches/main", status(404, "Not Found"))
	f.on("/repos/acme/app/actions/runs", status(403, "no"))
	connectortest.Run(t, github.New(), connectortest.Case{Config: configOf(t, f, everything())})
}

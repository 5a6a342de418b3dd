package huggingface

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	f := newFake(t)
	f.fill()
	connectortest.Run(t, New(), connectortest.Case{Config: f.config(obj{"page_size": 1, "canary": "acme/triage", "repositories": []string{"meta/base@" + shaD}})})
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.owners["acme"]["numModels"] = 7
	f.handlers["/acme/triage/resolve/"+shaA+"/"+readme] = failing(403, `{"error":"Access to model acme/triage is restricted"}`)
	f.repos["models/acme/bad"] = &fakeRepo{row: obj{"id": "acme/b\nad", "private": false}}
	f.repos["models/acme/worse"] = &fakeRepo{row: obj{"id": 7, "private": false}}
	connectortest.Run(t, New(), connectortest.Case{Config: f.config(obj{"canary": "acme/ghost", "repositories": []string{"meta/ghost", "meta/base@nowhere"}})})
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{"token": "an-example"}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

package kubernetes

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	connectortest.Run(t, New(), connectortest.Case{Config: newServer(t).config(nil)})
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{secretToken: testToken}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

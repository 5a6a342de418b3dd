package googleworkspace

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	connectortest.Run(t, New(), connectortest.Case{Config: newFake(t).config(`"people":"pseudonyms","api_calls":true,"licences":true,"customer_id":"C01"`)})
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{secretToken: "example", grants.SecretSalt: "an example of a salt"}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

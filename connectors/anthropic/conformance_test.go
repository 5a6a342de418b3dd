package anthropic

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	connectortest.Run(t, New(), connectortest.Case{Config: newFake(t).config(`"requests":[{"workspace":"wrkspc_a","model":"claude-sonnet-4-5","system":"chat"}]`)})
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{secretAdmin: "sk-ant-admin01-example"}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

package vendorwatch

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	for name, tags := range map[string]bool{"with ETag": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t)
			w.tags = tags
			connectortest.Run(t, New(), connectortest.Case{Config: w.config()})
		})
	}
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), nil, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

package documents

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), nil, func(c connector.Config) error {
		_, err := parseConfig(c.Settings)
		return err
	})
}

package aws

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), configOf(nil).Secrets, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

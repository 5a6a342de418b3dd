package jira

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// The generated part of the README says what Describe says, and each example
// is a configuration that the connector takes.
func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{"token": fakeToken}, func(cc connector.Config) error {
		_, err := parseConfig(cc)
		return err
	})
}

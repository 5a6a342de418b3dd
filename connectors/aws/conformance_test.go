package aws

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func configOf(settings []byte) connector.Config {
	return connector.Config{Settings: settings, Secrets: map[string]string{"access_key_id": "AKIATEST", "secret_access_key": fakeSecret}}
}

func TestConformance(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	connectortest.Run(t, New(), connectortest.Case{Config: f.config("eu-west-1", "us-east-1")})
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["DescribeModelPackage"] = failWith("AccessDeniedException")
	f.ops["DescribeEndpointConfig"] = failWith("ValidationException")
	f.ops["ListTags"] = failWith("UnknownOperationException")
	connectortest.Run(t, New(), connectortest.Case{Config: f.config()})
}

package mlflow

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	f := newFake(t)
	f.fill()
	connectortest.Run(t, New(), connectortest.Case{Config: f.config(obj{"canary": "triage", "page_size": 1,
		"approval": obj{"stage": "Production"}, "evaluation": obj{"experiments": []string{"tests"}}})})
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	f := newFake(t)
	f.fill()
	delete(f.runs, "r1")
	f.models = append(f.models, obj{"name": "line\nbreak"}, obj{"name": 7})
	connectortest.Run(t, New(), connectortest.Case{Config: f.config(obj{"canary": "not there", "evaluation": obj{"experiments": []string{"none\x00"}}})})
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{"token": "an-example"}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

package expenses

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	for _, people := range []string{"count", pseudonym} {
		t.Run(people, func(t *testing.T) {
			f := newFolder(t)
			f.put("a.csv", header+"2026-03-01,OPENAI *CHATGPT SUBSCR,20.00,USD,ann@acme.example,R&D,\n2026-03-02,ANTHROPIC,100.00,USD,bob@acme.example,R&D,\n"+
				"2026-04-02,MIDJOURNEY INC.,30.00,USD,ann@acme.example,Design,\n2026-04-03,GROCER,5.00,USD,ann@acme.example,Design,\n")
			connectortest.Run(t, New(), connectortest.Case{Config: f.config(map[string]any{"people": people})})
		})
	}
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{secretSalt: testSalt}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

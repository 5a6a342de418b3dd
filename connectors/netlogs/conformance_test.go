package netlogs

import (
	"fmt"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const testSalt = "a-salt-of-the-tests-0123456789"

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	for _, people := range []string{peopleCount, peoplePseudonym} {
		t.Run(people, func(t *testing.T) {
			f := newFolder(t)
			now := time.Now()
			for i := range 40 {
				at := now.Add(-time.Duration(40-i) * time.Hour)
				f.add("squid/access.log", squidLine(at, fmt.Sprintf("10.0.0.%d", i%3), "CONNECT", "api.openai.com:443"))
				f.add("dns/queries.log", dnsmasqLine(at, "10.0.0.7", "claude.ai"))
			}
			connectortest.Run(t, New(), connectortest.Case{Config: f.config(map[string]any{
				"people": people, "logs": []any{f.log("proxy", "squid"), f.log("dns", "dns")},
			})})
		})
	}
}

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), map[string]string{secretSalt: testSalt}, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

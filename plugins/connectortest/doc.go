// Package connectortest is the conformance suite for authors of connectors: it
// runs a connector in process and across a real process boundary and reports
// every promise of the contract that it breaks.
//
//	func TestMain(m *testing.M) { connectortest.Main(m, acme.New()) }
//
//	func TestConformance(t *testing.T) {
//		source := fakeAcme(t) // an httptest server whose answers do not change
//		connectortest.Run(t, acme.New(), connectortest.Case{
//			Config: connector.Config{
//				Settings: json.RawMessage(`{"base_url":"` + source.URL + `"}`),
//				Secrets:  map[string]string{"token": "a-long-and-odd-token"},
//			},
//		})
//	}
//
// It imports packages under plugins only. It promises that a connector which
// passes is accepted by the host as long as the source answers as it did.
package connectortest

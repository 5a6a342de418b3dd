// Command exhibit-connector-okta reads which AI people sign in to through Okta
// for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/okta"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(okta.New()) }

// Command exhibit-connector-http reads any REST API by a declared mapping for
// Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/http"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(http.New()) }

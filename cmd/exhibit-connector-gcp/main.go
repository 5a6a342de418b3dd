// Command exhibit-connector-gcp reads Vertex AI for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/gcp"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(gcp.New()) }

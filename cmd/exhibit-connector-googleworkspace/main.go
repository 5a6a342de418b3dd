// Command exhibit-connector-googleworkspace reads which AI people let into
// Google Workspace for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/googleworkspace"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(googleworkspace.New()) }

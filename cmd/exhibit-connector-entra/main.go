// Command exhibit-connector-entra reads which AI was let into Microsoft Entra
// ID for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/entra"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(entra.New()) }

// Command exhibit-connector-anthropic reads an organisation at Anthropic for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/anthropic"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(anthropic.New()) }

// Command exhibit-connector-openai reads an organisation at OpenAI for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/openai"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(openai.New()) }

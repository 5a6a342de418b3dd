// Command exhibit-connector-azure reads Azure OpenAI and Azure Machine Learning
// for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/azure"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(azure.New()) }

// Command exhibit-connector-huggingface reads the Hugging Face Hub for Exhibit,
// which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/huggingface"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(huggingface.New()) }

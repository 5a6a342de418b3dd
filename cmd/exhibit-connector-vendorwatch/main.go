// Command exhibit-connector-vendorwatch reads what vendors of AI publish for
// Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/vendorwatch"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(vendorwatch.New()) }

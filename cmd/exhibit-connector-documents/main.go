// Command exhibit-connector-documents reads policies and record files from a
// git repository for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/documents"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(documents.New()) }

// Command exhibit-connector-github reads a GitHub organisation for Exhibit,
// which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(github.New()) }

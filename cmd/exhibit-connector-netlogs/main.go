// Command exhibit-connector-netlogs reads logs of name servers, proxies and
// firewalls for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/netlogs"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(netlogs.New()) }

// Command exhibit-connector-jira reads Jira for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/jira"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(jira.New()) }

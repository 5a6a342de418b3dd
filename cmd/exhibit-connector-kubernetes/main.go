// Command exhibit-connector-kubernetes reads the workloads of a cluster for
// Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/kubernetes"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(kubernetes.New()) }

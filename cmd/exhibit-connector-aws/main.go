// Command exhibit-connector-aws reads Amazon SageMaker for Exhibit, which
// starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/aws"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(aws.New()) }

// Command exhibit-connector-mlflow reads an MLflow model registry for Exhibit,
// which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/mlflow"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(mlflow.New()) }

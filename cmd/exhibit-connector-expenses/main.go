// Command exhibit-connector-expenses reads exports of cards, expense reports and
// invoices for Exhibit, which starts it.
package main

import (
	"github.com/exhibit-aims/exhibit/connectors/expenses"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

func main() { serve.Connector(expenses.New()) }

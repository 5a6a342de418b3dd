package usage

import (
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Costs are sums of US dollars by day and project.
type Costs map[charge]*big.Rat

type charge struct{ day, project string }

// Add adds what a project cost on a day.
func (c Costs) Add(at time.Time, project string, dollars *big.Rat) {
	k := charge{at.Format(time.DateOnly), project}
	if c[k] == nil {
		c[k] = new(big.Rat)
	}
	c[k].Add(c[k], dollars)
}

// Tell emits the sums: rows of their own, without model, calls and tokens.
// page is where a person sees them. What comes to nothing is left out.
func (c Costs) Tell(b *coverage.Book, vendor, page string) error {
	order := func(a, b charge) int { return strings.Compare(a.day+a.project, b.day+b.project) }
	for _, k := range slices.SortedFunc(maps.Keys(c), order) {
		dollars, err := strconv.ParseFloat(c[k].FloatString(6), 64)
		if err != nil {
			return err
		}
		if dollars == 0 {
			continue
		}
		at, err := time.Parse(time.DateOnly, k.day)
		if err != nil {
			return err
		}
		p := records.VendorUsage{Vendor: vendor, Project: k.project, Day: k.day, Cost: &dollars}
		err = b.Record(connector.Record{
			Kind: records.KindVendorUsage, Subject: connector.Subject{Type: "vendor", ID: p.Vendor},
			Key: strings.Join([]string{p.Vendor, p.Project, "", "", p.Day, "cost"}, "|"), EventTime: at, URL: page,
		}, p)
		if err != nil {
			return err
		}
	}
	return nil
}

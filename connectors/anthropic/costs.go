package anthropic

import (
	"context"
	"math/big"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// cost is what a workspace cost on a day.
type cost struct {
	Workspace string `json:"workspace_id"`
	Amount    string `json:"amount"` // cents, with a fraction
	Currency  string `json:"currency"`
}

// costs reads what each workspace cost on each day: rows of their own.
func (r *run) costs(ctx context.Context) error {
	const kind = records.KindVendorUsage
	d := r.days("costs")
	part := coverage.Part{Kinds: []string{kind}, Scope: "costs", Permission: permAdmin}
	return r.book.Part(ctx, part, func() error {
		r.book.Query("costs by workspace", kind)
		r.book.Since(d.First, kind)
		sums := usage.Costs{}
		err := usage.Read[bucket](ctx, r.admin.Client, report(pathCost, d, "workspace_id"), func(at time.Time, c cost) error {
			dollars, ok := amount(c.Amount)
			if !ok || !strings.EqualFold(c.Currency, "usd") {
				return &rest.MalformedError{Path: pathCost, Why: "an amount of " + at.Format(time.DateOnly) + " is none, or not in US dollars"}
			}
			sums.Add(at, r.place(c.Workspace), dollars)
			return nil
		})
		if err != nil {
			return err
		}
		if err := sums.Tell(r.book, r.cfg.Vendor, pageCost); err != nil {
			return err
		}
		return r.book.Cursor("costs", d)
	})
}

// amount reads cents as they are written, without the error of a float, and
// gives dollars. One beyond a billion is none.
func amount(cents string) (*big.Rat, bool) {
	if cents == "" || len(cents) > 40 || strings.Trim(strings.TrimPrefix(cents, "-"), "0123456789.") != "" {
		return nil, false
	}
	v, ok := new(big.Rat).SetString(cents)
	if !ok {
		return nil, false
	}
	v.Quo(v, big.NewRat(100, 1))
	return v, new(big.Rat).Abs(v).Cmp(big.NewRat(1e9, 1)) <= 0
}

// hidden holds the workspaces that were used against those that are listed: one
// that is missing there was hidden from us.
func (r *run) hidden(context.Context) error {
	if !r.listed {
		return nil
	}
	listed := map[string]bool{"": true, r.defaultID: true}
	for _, w := range r.workspaces {
		listed[w.ID] = true
	}
	if err := usage.Hidden(r.book, "workspace", r.used, listed, records.KindVendorProject, records.KindDataControls); err != nil {
		return err
	}
	return r.answered().Undeclared(listed)
}

// hiddenKeys does the same for keys: Anthropic lists them in every state.
func (r *run) hiddenKeys(listed map[string]bool) error {
	return usage.Hidden(r.book, "key", r.usedKeys, listed, records.KindAPIKey)
}

package openai

import (
	"context"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// cost is what a project cost on a day.
type cost struct {
	Project string `json:"project_id"`
	Amount  struct {
		Value    json.Number `json:"value"`
		Currency string      `json:"currency"`
	} `json:"amount"`
}

// costs reads what each project cost on each day. OpenAI does not tell costs by
// model, so they are rows of their own, without calls and tokens.
func (r *run) costs(ctx context.Context) error {
	const kind = records.KindVendorUsage
	d := r.days("costs")
	part := coverage.Part{Kinds: []string{kind}, Scope: "costs", Permission: permUsage}
	return r.book.Part(ctx, part, func() error {
		r.book.Query("costs by project", kind)
		r.book.Since(d.First, kind)
		sums := usage.Costs{}
		const path = "organization/costs"
		err := usage.Read[bucket](ctx, r.admin.Client, report(path, d, "project_id"), func(at time.Time, c cost) error {
			value, ok := amount(c.Amount.Value)
			if !ok || !strings.EqualFold(c.Amount.Currency, "usd") {
				return &rest.MalformedError{Path: path, Why: "an amount of " + at.Format(time.DateOnly) + " is none, or not in US dollars"}
			}
			sums.Add(at, records.Line(c.Project, 100), value)
			return nil
		})
		if err != nil {
			return err
		}
		if err := sums.Tell(r.book, r.cfg.Vendor, pageUse); err != nil {
			return err
		}
		return r.book.Cursor("costs", d)
	})
}

// amount reads a number as it is written, without the error of a float. One
// beyond a billion is none.
func amount(n json.Number) (*big.Rat, bool) {
	s := n.String()
	if s == "" || len(s) > 40 {
		return nil, false
	}
	if _, exp, ok := strings.Cut(strings.ToLower(s), "e"); ok { // 1e999999999 would take all memory
		if e, err := strconv.Atoi(exp); err != nil || e > 20 || e < -40 {
			return nil, false
		}
	}
	v, ok := new(big.Rat).SetString(s)
	return v, ok && new(big.Rat).Abs(v).Cmp(big.NewRat(1e9, 1)) <= 0
}

// hidden holds the projects that were used against those that are listed: one
// that is missing there was hidden from us.
func (r *run) hidden(context.Context) error {
	if !r.listed {
		return nil
	}
	listed := map[string]bool{"": true}
	for _, p := range r.projects {
		listed[p.ID] = true
	}
	if err := usage.Hidden(r.book, "project", r.used, listed, records.KindVendorProject, records.KindAPIKey, records.KindDataControls); err != nil {
		return err
	}
	return r.answered().Undeclared(listed)
}

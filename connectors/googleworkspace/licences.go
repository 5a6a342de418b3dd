package googleworkspace

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// products are those with Gemini in them that are bought beside the edition.
func products() []string { return []string{"101047", "101068"} }

func licencePath(product string) string {
	return "apps/licensing/v1/product/" + product + "/users"
}

// licence is one that a person has. Whose it is is not kept.
type licence struct {
	SKU  string `json:"skuId"`
	Name string `json:"skuName"`
}

// readLicences counts licences of Gemini.
func (r *run) readLicences(ctx context.Context) error {
	if !r.cfg.Licences || len(r.book.Wants(records.KindSighting)) == 0 {
		return nil
	}
	c, err := r.session.with(ctx, permLicences)
	if err != nil {
		return r.book.Missed(ctx, r.part("licences", permLicences), err)
	}
	r.book.Query("licences of Gemini", records.KindSighting)
	for _, product := range products() {
		counts, names := map[string]int64{}, map[string]string{}
		q := url.Values{"customerId": {r.cfg.Customer}, "maxResults": {"1000"}}
		err := pages(ctx, c, rest.Call{Path: licencePath(product), Query: q}, listing[licence]{field: "items", each: func(l licence) error {
			if l.SKU == "" || !records.Fit(l.SKU) {
				return &rest.MalformedError{Path: licencePath(product), Why: "a licence has no skuId"}
			}
			counts[l.SKU]++
			names[l.SKU] = l.Name
			return nil
		}})
		if err != nil {
			if err := r.book.Missed(ctx, r.part("licences of product "+product, permLicences), refused(err)); err != nil {
				return err
			}
			continue
		}
		for _, sku := range slices.Sorted(maps.Keys(counts)) {
			if err := r.tellLicence(product+"/"+sku, names[sku], counts[sku]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) tellLicence(id, name string, n int64) error {
	sig := r.matcher.Find("google-gemini")
	if sig == nil {
		return nil
	}
	s := grants.Known(sig, "licence "+records.Line(name, 100), "licence").Seen(grants.Own, "licence "+id, name, r.accountName())
	s.Status, s.Actors = "active", grants.Count(n)
	return grants.Sighting(r.book, s, "")
}

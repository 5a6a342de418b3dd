package entra

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// copilotReport tells how many people used Microsoft 365 Copilot on each of the
// last days; never who.
const copilotReport = "v1.0/copilot/reports/getMicrosoft365CopilotUserCountTrend(period='D30')"

// paidPlan is in every licence that holds Microsoft 365 Copilot.
const paidPlan = "M365_COPILOT_APPS"

// sku is a product that the tenant subscribed to.
type sku struct {
	ID       string `json:"skuId"`
	Part     string `json:"skuPartNumber"`
	State    string `json:"capabilityStatus"`
	Consumed int64  `json:"consumedUnits"`
	Prepaid  struct {
		Enabled int64 `json:"enabled"`
	} `json:"prepaidUnits"`
	Plans []struct {
		Name string `json:"servicePlanName"`
	} `json:"servicePlans"`
}

// copilot reports whether a product holds Microsoft 365 Copilot, and whether it
// is an assistant of Microsoft's at all.
func (s sku) copilot() (paid, any bool) {
	for _, p := range s.Plans {
		paid = paid || strings.EqualFold(p.Name, paidPlan)
	}
	return paid, paid || slices.Contains(strings.FieldsFunc(strings.ToLower(s.Part), func(r rune) bool { return r == '_' || r == '-' || r == ' ' }), "copilot")
}

func (s sku) status() string {
	switch s.State {
	case "Enabled", "Warning":
		return "active"
	case "Suspended", "LockedOut":
		return "suspended"
	case "Deleted":
		return "deleted"
	}
	return ""
}

// licences reads how many licences of Microsoft's assistants there are.
func (r *run) licences(ctx context.Context) error {
	kinds := r.book.Wants(records.KindSighting, records.KindActivity)
	part := coverage.Part{Kinds: []string{records.KindSighting}, Scope: "licences", Permission: permLicences}
	r.book.Query("licences of Copilot", records.KindSighting)
	bad := func(n int) error {
		return r.book.Malformed(rest.Entry("licences", n), "it has no name or counts, or is not of the form that is documented", kinds...)
	}
	n := 0
	err := pages(ctx, r.graph, rest.Call{Path: "v1.0/subscribedSkus"}, listing[sku]{bad: bad, each: func(s sku) error {
		n++
		paid, ours := s.copilot()
		if !ours || s.Consumed == 0 && s.Prepaid.Enabled == 0 {
			return nil
		}
		if !records.Fit(s.Part) || s.Consumed < 0 {
			return bad(n)
		}
		r.licensed = r.licensed || paid
		return r.tellLicence(s)
	}})
	return r.book.Missed(ctx, part, refused(err))
}

func (r *run) tellLicence(s sku) error {
	sig := r.matcher.Find("ms-copilot")
	if sig == nil {
		return nil
	}
	out := grants.Known(sig, "licence "+records.Line(s.Part, 100), "licence").Seen(grants.Own, s.Part, strings.ReplaceAll(s.Part, "_", " "), r.cfg.Tenant)
	out.Status, out.Actors = s.status(), grants.Count(s.Consumed)
	return grants.Sighting(r.book, out, "")
}

// copilotUse reads how many people used Copilot, day by day. It is asked only
// where there are licences.
func (r *run) copilotUse(ctx context.Context) error {
	if !r.licensed {
		return nil
	}
	part := coverage.Part{Kinds: []string{records.KindActivity}, Scope: "use of Microsoft 365 Copilot", Permission: permReports}
	return r.book.Part(ctx, part, func() error {
		r.book.Query("people who used Microsoft 365 Copilot by day", records.KindActivity)
		var report trend
		if _, err := r.graph.Get(ctx, rest.Call{Path: copilotReport, Query: url.Values{"$format": {"application/json"}}}, &report); err != nil {
			return refused(err)
		}
		if report.Value == nil {
			return &rest.MalformedError{Path: copilotReport, Why: "it holds no list under value"}
		}
		return r.tellTrend(report)
	})
}

// trend is Graph's report of people by day.
type trend struct {
	Value []struct {
		Days []struct {
			Date   string `json:"reportDate"`
			Active *int64 `json:"anyAppActiveUsers"`
		} `json:"adoptionByDate"`
	} `json:"value"`
}

func (r *run) tellTrend(report trend) error {
	sig := r.matcher.Find("ms-copilot")
	for _, v := range report.Value {
		for _, d := range v.Days {
			day, err := time.Parse(time.DateOnly, d.Date)
			if err != nil || d.Active == nil || *d.Active < 0 || day.After(r.now) {
				if err := r.book.Malformed("use of Microsoft 365 Copilot, a day", "it has no date that has passed, or no number of people", records.KindActivity); err != nil {
					return err
				}
				continue
			}
			if *d.Active == 0 || sig == nil {
				continue
			}
			s := grants.Known(sig, "Microsoft's report of use", "licence").Seen(grants.Own, "Microsoft 365 Copilot", "Microsoft 365 Copilot", r.cfg.Tenant)
			s.Period, s.FirstSeen, s.LastSeen, s.Actors = d.Date, records.Stamp(day), records.Stamp(day), d.Active
			if err := r.book.Record(connector.Record{
				Kind: records.KindActivity, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: grants.Key(s), EventTime: day,
			}, s); err != nil {
				return err
			}
		}
	}
	return nil
}

package sheets

import (
	"context"
	"slices"
	"strings"
	"time"
)

// endpoint is what the sheet shows of a model_registry.deployment.
type endpoint struct {
	ID          string `json:"endpoint_id"`
	URI         string `json:"arn_or_uri"`
	Environment string `json:"environment"`
	Config      string `json:"config_ref"`
	Updated     when   `json:"updated_at"`
	Variants    []struct {
		Name    string   `json:"name"`
		Ref     string   `json:"model_ref"`
		Package string   `json:"model_package_arn"`
		Model   string   `json:"model"`
		Version string   `json:"version"`
		Weight  *float64 `json:"weight"`
		Shadow  bool     `json:"shadow"`
	} `json:"variants"`
}

// registryApproval is what the sheet shows of a model_registry.approval.
type registryApproval struct {
	URI     string `json:"arn_or_uri"`
	Status  string `json:"approval_status"`
	By      string `json:"changed_by"`
	Changed when   `json:"changed_at"`
	Basis   string `json:"basis"`
}

// endpoints writes what the endpoints in production are set to serve, also
// those that belong to no registered system.
func (c *changeBook) endpoints(ctx context.Context) error {
	approvals := map[string][]registryApproval{}
	err := eachRecord(ctx, c.Book, func(r *record[registryApproval]) error {
		if !r.v.Changed.IsZero() && r.v.Status != "" {
			approvals[r.v.URI] = append(approvals[r.v.URI], r.v)
		}
		return nil
	}, "model_registry.approval")
	if err != nil {
		return err
	}
	return eachRecord(ctx, c.Book, func(r *record[endpoint]) error {
		v := &r.v
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		if !isProduction(firstOf(v.Environment, "production")) {
			return nil
		}
		systems, in := c.bind.ofCloud(v.ID, v.URI)
		if len(systems) > 0 && !in {
			return nil
		}
		x := prodChange{item: r.item, id: r.subject.ID, by: byUs, systems: systems, types: []string{"model"}, at: v.Updated.Time, asked: true,
			requests: c.requests.before(v.Updated.Time, v.ID, v.Config)}
		var served []string
		for _, variant := range v.Variants {
			if variant.Shadow || variant.Weight != nil && *variant.Weight <= 0 {
				continue
			}
			name := variant.Ref
			if variant.Version != "" {
				name = variant.Model + "/" + variant.Version
			}
			served = append(served, firstOf(name, variant.Name))
			x.refs = append(x.refs, name)
			x.consent.add(approvals[variant.Package], v.Updated.Time)
		}
		x.consent.by = distinct(x.consent.by)
		if x.consent.unknown {
			x.consent.final = nil
		}
		x.what = joined(" ", v.ID, "serves", firstOf(strings.Join(served, ", "), "nothing"))
		if len(x.requests) > 0 {
			x.consent.before = ptr(true)
			x.consent.request(x.requests)
		}
		return c.row(&x)
	}, "model_registry.deployment")
}

// add counts the decision about a served version that held when it began to
// serve. Every version needs one; what was approved is what is served, because
// the registry's id says so.
func (x *consent) add(list []registryApproval, at time.Time) {
	var last *registryApproval
	for i := range list {
		if a := &list[i]; !a.Changed.After(at) && (last == nil || !a.Changed.Before(last.Changed.Time)) {
			last = a
		}
	}
	ok := last != nil && last.Status == "Approved"
	if last == nil && len(list) > 0 && !slices.ContainsFunc(list, func(a registryApproval) bool { return a.Basis == "audit_log" }) {
		x.before, x.unknown = ptr(false), true // the registry tells its last decision only, and that came later
		return
	}
	if ok {
		x.by = append(x.by, last.By)
		if last.Changed.After(x.at) {
			x.at = last.Changed.Time
		}
	}
	x.before, x.final = ptr(ok && (x.before == nil || *x.before)), ptr(ok && (x.final == nil || *x.final))
}

// request names who approved a change request, where nobody else is named.
func (x *consent) request(list []*changeRequest) {
	if len(x.by) > 0 {
		return
	}
	for _, r := range list {
		x.by = append(x.by, r.By)
		if r.Approved.After(x.at) {
			x.at = r.Approved.Time
		}
	}
	x.by = distinct(x.by)
}

// guardrail is what the sheet shows of a cloud.guardrail.
type guardrail struct {
	ID      string `json:"guardrail_id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Updated when   `json:"updated_at"`
}

// guardrails writes the versions of guardrails that systems use.
func (c *changeBook) guardrails(ctx context.Context) error {
	return eachRecord(ctx, c.Book, func(r *record[guardrail]) error {
		v := &r.v
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		systems, in := c.bind.ofCloud(v.ID, v.Name)
		if !in || v.Updated.IsZero() || strings.EqualFold(v.Version, "draft") {
			return nil
		}
		requests := c.requests.before(v.Updated.Time, v.ID, v.Name)
		x := prodChange{item: r.item, id: joined("/", v.ID, v.Version), by: byUs, systems: systems, types: []string{"guardrail"}, at: v.Updated.Time, asked: true,
			what: "version " + firstOf(v.Version, "unnumbered") + " of " + firstOf(v.Name, v.ID), requests: requests,
			refs: []string{v.ID + "/" + v.Version, v.ID + ":" + v.Version}}
		x.consent.before = ptr(len(requests) > 0)
		x.consent.request(requests)
		return c.row(&x)
	}, "cloud.guardrail")
}

// vendorSwaps writes the models that vendors served instead of those that were
// asked for, and those that we asked for instead of others.
func (c *changeBook) vendorSwaps(ctx context.Context) error {
	s, err := c.swaps(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.broken {
		if err := c.brokenChange(r); err != nil {
			return err
		}
	}
	for _, s := range s.changes() {
		x := prodChange{item: s.item, id: s.subject.ID, by: byVendor, author: s.vendor, types: []string{"model"}, at: s.at, what: s.text(),
			refs: []string{s.served, s.vendor + "/" + s.served}}
		if s.system != "" {
			x.systems = []string{s.system}
		}
		if s.requested == s.served {
			x.by, x.author, x.asked = byUs, "", true
		} else {
			x.types = []string{"vendor"}
		}
		if err := c.row(&x); err != nil {
			return err
		}
	}
	return nil
}

// announcements writes what vendors announced about models in use.
func (c *changeBook) announcements(ctx context.Context) error {
	return eachRecord(ctx, c.Book, func(r *record[lifecycle]) error {
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		systems := c.bind.ofModel(r.v.Model)
		if len(systems) == 0 || r.v.Status == "" || r.v.Status == "active" {
			return nil
		}
		return c.row(&prodChange{item: r.item, id: r.subject.ID, by: byVendor, author: r.v.Vendor, systems: systems, types: []string{"vendor"},
			at: r.v.Announced.Time, what: "announced: " + lifecycleText(&r.v)})
	}, "vendor.model_lifecycle")
}

// terms writes the changes of public terms of vendors in use.
func (c *changeBook) terms(ctx context.Context) error {
	return eachRecord(ctx, c.Book, func(r *record[termsRevision]) error {
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		systems := c.bind.ofVendor(r.v.Vendor)
		if len(systems) == 0 || r.v.Previous == "" {
			return nil
		}
		at := r.v.Effective.Time
		if at.IsZero() {
			at = r.v.Fetched.Time
		}
		return c.row(&prodChange{item: r.item, id: joined(" ", r.v.Vendor, firstOf(r.v.Page, "page"), onDay(at)), by: byVendor, author: r.v.Vendor, systems: slices.Clone(systems),
			types: []string{"vendor"}, at: at, what: joined(": ", revisionText(&r.v), r.v.Diff)})
	}, "vendor.terms_revision")
}

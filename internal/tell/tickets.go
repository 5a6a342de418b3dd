package tell

import (
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// Findings makes of a view what tickets follow. base is the address of the
// dashboard, or empty.
func Findings(v *service.View, base string) []ticket.Finding {
	titles := map[string]string{}
	for i := range v.Assessment.Expectations {
		titles[v.Assessment.Expectations[i].Slug] = v.Assessment.Expectations[i].Title
	}
	var out []ticket.Finding
	for i := range v.Findings {
		r := &v.Findings[i]
		if r.State == service.StateDuty || r.OpenedAt == nil {
			continue
		}
		f := ticket.Finding{ID: r.ID, State: string(r.State), Status: string(r.Status), Severity: r.Severity, Grade: r.Grade, Control: r.Control,
			Title: titled(r.Expectation, r.Subject, titles), Detail: r.Reason, NextStep: r.NextStep, Owner: r.Owner, Systems: r.Systems, DueAt: r.DueAt,
			Since: *r.OpenedAt, ResolvedAt: r.ResolvedAt}
		if r.Judged != nil {
			f.Grade = r.Judged.Grade
		}
		if n := len(r.ReopenedAt); n > 0 {
			f.Since = r.ReopenedAt[n-1]
		}
		if base != "" {
			f.Link = strings.TrimRight(base, "/") + "/findings/" + url.PathEscape(r.ID)
		}
		out = append(out, f)
	}
	return out
}

package sheets

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var sinceLayout = Layout{Name: "Since last audit",
	About: "What is different from an earlier instant: statuses, applicability, scope, systems, vendors, waivers, rules, sources.",
	Tab:   "6B5B95", Large: true, Frozen: 2, Columns: []Column{
		{"area", 20}, {"subject", 34}, {"what", 22}, {"before", 40}, {"after", 40}, {"reason", 46}, {"between (UTC)", 18}, {"and (UTC)", 18},
	}}

// change is one row: something that is different.
type change struct{ area, subject, what, before, after, reason string }

// since writes one row per difference. A row says so if there is nothing to
// compare with, or nothing different.
func (b *Book) since(_ context.Context, w Writer) error {
	var from time.Time
	rows := []change{{area: "none", what: "no earlier instant was given",
		reason: "exhibit export workbook --since TIME compares with an earlier instant, such as that of the last audit"}}
	if s := b.snap.Since; s != nil && s.Delta != nil {
		from = s.From
		if rows = changes(s); len(rows) == 0 {
			rows = []change{{area: "none", what: "nothing is different"}}
		}
	}
	for _, c := range rows {
		w.Text(c.area)
		w.Text(c.subject)
		w.Text(c.what)
		side(w, c.area, c.before)
		side(w, c.area, c.after)
		w.Text(c.reason)
		w.Date(from)
		w.Date(b.snap.AsOf)
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

// Areas whose sides are statuses.
const (
	areaControl = "status of a control"
	areaResult  = "result"
)

func side(w Writer, area, v string) {
	if v != "" && (area == areaControl || area == areaResult) {
		w.Mark(v, assess.Status(v))
		return
	}
	w.Text(v)
}

func changes(s *export.Since) []change {
	d := s.Delta
	var out []change
	for _, c := range d.Controls {
		out = append(out, change{areaControl, c.ID + " " + c.Title, "status", string(c.Before.Status), string(c.After.Status), c.After.Reason})
	}
	if d.SoA.Before != d.SoA.After {
		out = append(out, change{"SoA", "statement of applicability", "version", firstOf(d.SoA.Before, "none"), firstOf(d.SoA.After, "none"), ""})
	}
	for _, c := range d.Applicability {
		out = append(out, change{"SoA", c.ID + " " + c.Title, "applicability", applies(c.Before), applies(c.After), c.After.Reason})
	}
	for _, r := range d.Records {
		out = append(out, recordChanges(r)...)
	}
	for _, v := range d.Waivers {
		out = append(out, waiverChange(v))
	}
	for _, e := range d.Expectations {
		out = append(out, change{"rules", e.Slug, "expectation", firstOf(e.Before, "none"), firstOf(e.After, "none"), ""})
	}
	if r := s.Rules; r != nil {
		out = append(out, change{"rules", "rules in force", "digest", rulesWords(r.Before), rulesWords(r.After),
			"Both instants are judged here by the rules in force now."})
	}
	for _, p := range d.Populations {
		out = append(out, change{"population", p.Expectation, "items", fmt.Sprint(p.Before), fmt.Sprint(p.After), fmt.Sprintf("%d came, %d left", p.Came, p.Left)})
	}
	for _, r := range d.Runs {
		out = append(out, change{"sources", r.Source, "runs that ended between", "",
			fmt.Sprintf("%d complete, %d partial, %d failed", r.Complete, r.Partial, r.Failed), ""})
	}
	for _, r := range d.Results {
		out = append(out, resultChange(r))
	}
	return out
}

func resultChange(r assess.ResultChange) change {
	what := "status"
	switch {
	case r.Came():
		what = "came"
	case r.Left():
		what = "left"
	}
	return change{areaResult, r.Expectation + ": " + r.Subject.Type + " " + r.Subject.ID, what, string(r.Before.Status), string(r.After.Status),
		firstOf(r.After.Reason, r.Before.Reason)}
}

func applies(s assess.Side) string {
	if s.Status == "" {
		return "applies"
	}
	return "excluded"
}

// recordArea says what a declaration is about.
func recordArea(kind string) string {
	switch kind {
	case "scope.statement":
		return "scope"
	case "inventory.ai_system":
		return "systems"
	case "vendor.record":
		return "vendors"
	case "waiver.record":
		return "waivers"
	}
	return kind
}

// recordChanges gives a row for each field that is different, or one for a
// declaration that came or went.
func recordChanges(r assess.RecordChange) []change {
	area, subject := recordArea(r.Kind), r.Subject.ID
	if r.Kind == "waiver.record" {
		subject = r.Key
	}
	switch {
	case r.Before == nil:
		return []change{{area, subject, "came", "", digestWords(r.After), ""}}
	case r.After == nil:
		return []change{{area, subject, "gone", digestWords(r.Before), "", ""}}
	}
	if len(r.Fields) == 0 {
		return []change{{area, subject, "another revision", digestWords(r.Before), digestWords(r.After), ""}}
	}
	var out []change
	for _, f := range r.Fields {
		out = append(out, change{area, subject, f.Name, jsonWords(f.Before), jsonWords(f.After), ""})
	}
	return out
}

func digestWords(d *evidence.Digest) string { return "evidence " + d.String()[:16] }

// jsonWords is a value as people read it: a text without its quotes.
func jsonWords(raw []byte) string {
	v := string(raw)
	if v == "" || v == "null" {
		return "none"
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return v
}

func waiverChange(v assess.WaiverChange) change {
	c := change{area: "waivers", subject: v.ID, what: "validity", before: "not valid", after: "not valid"}
	words := func(w *assess.ValidWaiver) string {
		return strings.TrimSpace("valid until " + w.Expires.UTC().Format(time.DateOnly) + " for " + w.Expectation + " " + w.Subject.ID)
	}
	if v.Before != nil {
		c.before = words(v.Before)
	}
	if v.After != nil {
		c.after = words(v.After)
	}
	return c
}

func rulesWords(r export.RulesOf) string {
	return fmt.Sprintf("%s %s, sha256 %s", r.Catalog.ID, r.Catalog.Version, r.Catalog.Digest.String()[:16])
}

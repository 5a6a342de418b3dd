package mlbom

import (
	"encoding/json"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// addTests shows the newest test with what it tested.
func (v *inventory) addTests() {
	runs := newest(list[evaluation](v.rec, "evaluation.run"), v.asOf,
		func(e evaluation) string { return ref("", e.System, e.Subject) }, func(e evaluation) time.Time { return e.FinishedAt })
	tested := map[string]of[evaluation]{} // by ref: the newest
	for _, name := range sortedKeys(runs) {
		r := runs[name]
		var found []*part
		for _, as := range []string{asModel, asGuardrail, asAsset} {
			found = append(found, v.find(as, r.Payload.Subject)...)
		}
		if p := v.parts[ref("system", r.Payload.System)]; len(found) == 0 && p != nil {
			found = []*part{p}
		}
		for _, p := range found {
			if old, ok := tested[p.BOMRef]; !ok || old.Payload.FinishedAt.Before(r.Payload.FinishedAt) {
				tested[p.BOMRef] = r
			}
		}
	}
	for _, name := range sortedKeys(tested) {
		p, r := v.parts[name], tested[name]
		if p.model != nil {
			p.model.test = &r
			continue
		}
		p.rest(r.Digest)
		r.Payload.tell(&p.facts)
		for _, m := range sortedKeys(r.Payload.Metrics) {
			p.add("evaluation-metric", m+" = "+scalar(r.Payload.Metrics[m]))
		}
	}
}

// tell states which test it is and how it ended.
func (e evaluation) tell(f *facts) {
	f.add("evaluation", e.ID)
	f.add("evaluation-subject", e.Subject)
	f.add("evaluation-dataset-version", e.Dataset)
	f.flag("evaluation-passed", e.Passed)
	f.time("evaluation-finished-at", e.FinishedAt)
	f.miss(e.Passed == nil, "evaluation-passed")
}

// metrics are the values that were measured, by name.
func (e evaluation) metrics() *cdx.MLQuantitativeAnalysis {
	var out []cdx.MLPerformanceMetric
	for _, name := range sortedKeys(e.Metrics) {
		out = append(out, cdx.MLPerformanceMetric{Type: name, Value: scalar(e.Metrics[name])})
	}
	if out == nil {
		return nil
	}
	return &cdx.MLQuantitativeAnalysis{PerformanceMetrics: &out}
}

// scalar is a JSON value as text: a string without its quotes.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// section takes from a section of a model card what it says of use and limits,
// by the section's name. The texts of other sections stay where they are: only
// that there is one is said.
func (p *part) section(name string, raw json.RawMessage) {
	text := strings.TrimSpace(scalar(raw))
	if text == "" || text == "null" {
		return
	}
	n := strings.ToLower(name)
	switch {
	case strings.Contains(n, "limit"):
		p.model.limits.add(text)
	case strings.Contains(n, "intended") && strings.Contains(n, "use"):
		p.model.useCases.add(text)
	default:
		p.add("card-section", name)
	}
}

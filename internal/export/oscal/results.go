package oscal

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// assessmentResults writes the one result that a snapshot is.
func (m *Maker) assessmentResults(ctx context.Context, d *document) {
	d.open("")
	d.open("assessment-results")
	d.field("uuid", m.once("assessment-results"))
	d.field("metadata", m.withPeople(m.metadata("Assessment results: what the evidence shows", m.version())))
	d.field("import-ap", types.ImportAp{Href: AssessmentPlan.File()})
	d.name("results")
	d.text("[")
	d.comma = false
	d.next()
	d.open("")
	d.field("uuid", m.once("result"))
	d.field("title", "Assessment as of "+export.Time(m.snap.AsOf))
	d.field("description", fmt.Sprintf("%d controls, %d expectations, %d results, made from %d ledger entries.",
		len(m.snap.Assessment.Controls), len(m.rules), len(m.snap.Assessment.Results), m.snap.Assessment.Checkpoint.Size))
	start, end := m.span()
	d.field("start", start)
	if end != nil {
		d.field("end", end)
	}
	d.open("local-definitions")
	d.field("components", append(m.subjectComponents(), m.toolComponents()...))
	list(d, "inventory-items", m.items(ctx, d, func(*assess.Result) bool { return true }))
	d.close()
	d.field("reviewed-controls", m.reviewed())
	if log := m.log(); log != nil {
		d.field("assessment-log", log)
	}
	list(d, "observations", m.observations(ctx, d, func(*assess.Result) bool { return true }))
	list(d, "risks", m.risks(ctx, d))
	list(d, "findings", m.findings())
	d.close()
	d.text("]")
	d.close()
	d.close()
	d.text("\n")
}

// span is the period under audit up to the as-of, or else the as-of.
func (m *Maker) span() (time.Time, *time.Time) {
	at := m.snap.AsOf.UTC()
	if p := m.snap.Period; p != nil && when(&p.From) != nil && p.From.Before(at) {
		return p.From.UTC(), &at
	}
	return at, &at
}

// chosen yields the results that keep lets through, and stops when the
// context ends.
func (m *Maker) chosen(ctx context.Context, d *document, keep func(*assess.Result) bool) iter.Seq[*assess.Result] {
	return func(yield func(*assess.Result) bool) {
		for i, r := range m.snap.Assessment.Results {
			if i%1024 == 0 && ctx.Err() != nil && d.err == nil {
				d.err = ctx.Err()
				return
			}
			if keep(r) && !yield(r) {
				return
			}
		}
	}
}

// items are the subjects that are no component, each once.
func (m *Maker) items(ctx context.Context, d *document, keep func(*assess.Result) bool) iter.Seq[types.InventoryItem] {
	return func(yield func(types.InventoryItem) bool) {
		said := map[evidence.Subject]bool{}
		for r := range m.chosen(ctx, d, keep) {
			if !m.isItem(r.Subject) || said[r.Subject] {
				continue
			}
			said[r.Subject] = true
			var parts []types.ImplementedComponent
			for _, id := range m.about(r) {
				parts = append(parts, types.ImplementedComponent{ComponentUuid: id})
			}
			if !yield(types.InventoryItem{UUID: m.itemUUID(r.Subject), Description: or(line(words(r.Subject.Type)+" "+r.Subject.ID), "(no id)"),
				Props: props(subjectProps(r.Subject)...), ImplementedComponents: some(parts)}) {
				return
			}
		}
	}
}

func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

func subjectProps(s evidence.Subject) []types.Property {
	return []types.Property{own("exhibit-subject-type", s.Type), own("exhibit-subject-id", s.ID)}
}

// isItem reports whether a subject is one thing and no component.
func (m *Maker) isItem(s evidence.Subject) bool {
	switch s.Type {
	case "ai_system", "vendor", "organization":
		return false
	}
	return concrete(s)
}

func (m *Maker) itemUUID(s evidence.Subject) string { return m.always("item", s.Type, s.ID) }

// subjectsOf are what an observation is about: the item, and the components
// that it belongs to.
func (m *Maker) subjectsOf(r *assess.Result) *[]types.SubjectReference {
	var out []types.SubjectReference
	if m.isItem(r.Subject) {
		out = append(out, types.SubjectReference{SubjectUuid: m.itemUUID(r.Subject), Type: "inventory-item"})
	}
	for _, id := range m.about(r) {
		out = append(out, types.SubjectReference{SubjectUuid: id, Type: "component"})
	}
	return &out
}

func (m *Maker) observationUUID(r *assess.Result) string {
	return m.once("observation", r.Control, r.Expectation, r.Subject.Type, r.Subject.ID)
}

// observations has one for each result.
func (m *Maker) observations(ctx context.Context, d *document, keep func(*assess.Result) bool) iter.Seq[types.Observation] {
	byName := map[string]*rule{}
	for i := range m.rules {
		byName[m.rules[i].Slug] = &m.rules[i]
	}
	return func(yield func(types.Observation) bool) {
		for r := range m.chosen(ctx, d, keep) {
			if !yield(m.observation(r, byName[r.Expectation])) {
				return
			}
		}
	}
}

// observation is one result: what was seen, when, by what, and resting on what.
func (m *Maker) observation(r *assess.Result, rule *rule) types.Observation {
	method, basis := rule.method(), "collection"
	collected := when(r.CollectedAt)
	if collected == nil {
		at := m.snap.AsOf.UTC()
		collected, basis = &at, "assessment"
	}
	if len(r.Evidence) == 0 && r.CollectedAt == nil {
		method = "UNKNOWN" // nobody looked
	}
	return types.Observation{
		UUID: m.observationUUID(r), Title: or(line(rule.Title+": "+words(r.Subject.Type)+" "+r.Subject.ID), "(no title)"),
		Description: or(prose(r.Reason), "No reason is given."), Methods: []string{method}, Types: &[]string{"control-objective"},
		Origins: m.origins(r), Subjects: m.subjectsOf(r), RelevantEvidence: m.relevant(r), Collected: *collected, Expires: m.expires(r),
		Props: props(append([]types.Property{
			own("exhibit-status", string(worst[weight(r.Status)])), own("exhibit-underlying-status", string(r.Underlying)),
			own("exhibit-control", r.Control), own("exhibit-expectation", r.Expectation), own("exhibit-objective-id", objectiveID(r.Control, r.Expectation)),
			own("exhibit-finding-id", assess.FindingID(r.Expectation, r.Subject)), own("exhibit-severity", r.Severity), own("exhibit-owner", r.Owner),
			own("exhibit-event-time", stamp(r.EventTime)), own("exhibit-due", stamp(r.DueAt)), own("exhibit-answered", stamp(r.AnsweredAt)),
			own("exhibit-collected-basis", basis), own("exhibit-waiver", r.Waiver), own("exhibit-late-capture", yes(r.LateCapture)),
		}, subjectProps(r.Subject)...)...),
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return export.Time(*t)
}

// expires is when the event that satisfied an expectation becomes too old.
func (m *Maker) expires(r *assess.Result) *time.Time {
	window := m.snap.Expectations[r.Expectation].Window
	if r.Status != assess.StatusSatisfied || r.EventTime == nil || window <= 0 {
		return nil
	}
	end := r.EventTime.Add(window)
	return when(&end)
}

// origins are the sources that the evidence is from, or Exhibit alone.
func (m *Maker) origins(r *assess.Result) *[]types.Origin {
	actors := []types.OriginActor{{Type: "tool", ActorUuid: m.always("tool")}}
	var names []string
	for _, d := range r.Evidence {
		if it := m.found[d]; it != nil && !slices.Contains(names, it.source) && m.isSource(it.source) {
			names = append(names, it.source)
			actors = append(actors, types.OriginActor{Type: "tool", ActorUuid: m.sourceUUID(it.source)})
		}
	}
	return &[]types.Origin{{Actors: actors}}
}

func (m *Maker) isSource(name string) bool {
	return slices.ContainsFunc(m.sources, func(s source) bool { return s.name == name })
}

// relevant is the evidence of a result, each with the file that a bundle of
// the same snapshot holds it in.
func (m *Maker) relevant(r *assess.Result) *[]types.RelevantEvidence {
	var out []types.RelevantEvidence
	for _, d := range r.Evidence {
		it := m.found[d]
		if it == nil {
			out = append(out, types.RelevantEvidence{Description: "Evidence that this snapshot does not hold.", Props: props(own("exhibit-evidence", d.String()))})
			continue
		}
		e := types.RelevantEvidence{
			Description: or(line(it.kind+" read from "+it.source), "(unknown kind)"),
			Props: props(own("exhibit-evidence", d.String()), own("exhibit-payload", it.payload.String()), own("exhibit-kind", it.kind), own("exhibit-source", it.source),
				own("exhibit-ledger-position", strconv.FormatInt(it.seq, 10)), own("exhibit-event-time", export.Time(it.event)), own("exhibit-collected", export.Time(it.collected)), own("exhibit-payload-withheld", it.withheld)),
		}
		if it.withheld == "" {
			e.Href = "evidence/" + it.payload.String() + ".json"
		}
		if it.url != "" && it.withheld != "hidden" {
			e.Links = &[]types.Link{{Href: it.url, Rel: "source"}}
		}
		out = append(out, e)
	}
	return some(out)
}

// log has the newest run of each source that the assessment saw.
func (m *Maker) log() *types.AssessmentLog {
	if m.snap.Redaction.Omitted("Collector runs") {
		return nil
	}
	var out []types.AssessmentLogEntry
	for _, run := range m.snap.Assessment.Runs {
		finished := when(&run.Finished)
		if finished == nil {
			continue
		}
		var gaps []string
		if m.snap.Redaction.Omitted("Coverage gaps") {
			run.Gaps = nil
		}
		for _, g := range run.Gaps {
			gaps = append(gaps, strings.TrimSpace(fmt.Sprintf("not seen: %s of %s (%s)", strings.Join(g.Kinds, ", "), g.Scope, strings.TrimSpace(g.Reason+" "+g.Permission))))
		}
		out = append(out, types.AssessmentLogEntry{
			UUID: m.once("run", run.Source, run.Run), Title: "Newest run of " + or(line(run.Source), "(no name)"), Start: *finished,
			Description: prose(strings.Join(append([]string{"The run was " + run.Status + "."}, gaps...), "\n\n")),
			Props:       props(own("exhibit-source", run.Source), own("exhibit-run", run.Run), own("exhibit-run-status", run.Status), own("exhibit-gaps", strconv.Itoa(len(run.Gaps)))),
		})
	}
	if len(out) == 0 {
		return nil
	}
	return &types.AssessmentLog{Entries: out}
}

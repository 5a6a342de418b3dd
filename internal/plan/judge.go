package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

func (f *finding) shows(format string, args ...any) {
	f.shown = append(f.shown, fmt.Sprintf(format, args...))
}

func (f *finding) lacks(format string, args ...any) {
	f.missing = append(f.missing, fmt.Sprintf(format, args...))
}

// judge holds a condition against the world.
func (w World) judge(c Condition) finding {
	var f finding
	good := []assess.Status{assess.StatusSatisfied}
	for _, slug := range c.Satisfied {
		f.results(w, slug, good)
	}
	for _, slug := range c.WithinDuty {
		f.results(w, slug, append(good, assess.StatusDue))
	}
	for _, slug := range c.Begun {
		f.begun(w, slug)
	}
	for _, kind := range c.Read {
		f.read(w, kind)
	}
	switch {
	case c.Share != nil:
		f.share(w, *c.Share)
	case c.Tiers:
		f.tiers(w)
	case c.Scan != 0:
		f.scan(w, c.Scan)
	case c.Healthy != 0:
		f.healthy(w, c.Healthy)
	case c.Retention && w.Retention:
		f.shows("it is configured how long records are kept")
	case c.Retention:
		f.lacks("retention: is not set in the configuration")
	case c.Operating:
		f.operating(w)
	case c.NoneOpen != "":
		f.noneOpen(w, c.NoneOpen)
	case c.Recorded != "":
		f.recorded(w, c.Recorded)
	case c.Body:
		f.body(w)
	}
	return f
}

// tally counts the results of an expectation that apply, and keeps what those
// with a good status rest on.
func (f *finding) tally(w World, slug string, good []assess.Status) (n, of int, counts map[assess.Status]int, known bool) {
	counts = map[assess.Status]int{}
	for _, r := range w.results[slug] {
		known = true
		if r.Status == assess.StatusNotApplicable {
			continue
		}
		of++
		counts[r.Status]++
		if slices.Contains(good, r.Status) {
			n++
			f.evidence = append(f.evidence, r.Evidence...)
		}
	}
	return n, of, counts, known
}

// results asks for all of an expectation. Where there is nothing to apply it
// to, that is in order.
func (f *finding) results(w World, slug string, good []assess.Status) {
	n, of, counts, known := f.tally(w, slug, good)
	switch {
	case !known:
		f.lacks("%s: no result", slug)
	case n < of:
		f.lacks("%s: %d / %d satisfied, %s", slug, counts[assess.StatusSatisfied], of, words(counts))
	case of == 0:
		f.shows("%s: applies to nothing", slug)
	default:
		f.shows("%s: %d / %d", slug, n, of)
	}
}

// words lists counts of what is not satisfied, in a fixed order.
func words(counts map[assess.Status]int) string {
	var out []string
	for _, s := range []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale,
		assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived} {
		if counts[s] > 0 {
			out = append(out, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	return strings.Join(out, ", ")
}

// begun asks that there is something for each subject, whatever it shows.
func (f *finding) begun(w World, slug string) {
	any := []assess.Status{assess.StatusSatisfied, assess.StatusFailing, assess.StatusStale, assess.StatusDue, assess.StatusPendingReview, assess.StatusWaived}
	n, of, counts, known := f.tally(w, slug, any)
	switch {
	case !known || of == 0:
		f.lacks("%s: nothing to begin with", slug)
	case n < of:
		f.lacks("%s: begun for %d / %d, %d missing, %d not_assessed", slug, n, of, counts[assess.StatusMissing], counts[assess.StatusNotAssessed])
	default:
		f.shows("%s: begun for %d / %d", slug, n, of)
	}
}

func (f *finding) share(w World, s Share) {
	n, of, counts, known := f.tally(w, s.Expectation, []assess.Status{assess.StatusSatisfied})
	switch {
	case !known || of == 0:
		f.lacks("%s: nobody to count", s.Expectation)
	case n*100 < of*s.AtLeast:
		f.lacks("%s: %d / %d satisfied, %d wanted (%s)", s.Expectation, n, of, (of*s.AtLeast+99)/100, words(counts))
	default:
		f.shows("%s: %d / %d", s.Expectation, n, of)
	}
}

// tiers asks each system in scope for a tier and a reason: in its entry, or by
// the screening of its use case.
func (f *finding) tiers(w World) {
	systems := w.Records.Systems(w.Assessment.AsOf)
	var without []string
	for _, s := range systems {
		reason := s.Text("tier_reason") != ""
		for _, d := range w.Records.Of("inventory.use_case_approval", "impact.assessment") {
			screened := d.Text("screening") != "" && strings.EqualFold(d.Text("tier"), s.Text("risk_tier")) || d.Text("type") == "screening" && d.Text("conclusion") != ""
			if d.Text("system_id") == s.Subject.ID && screened {
				reason = true
				f.evidence = append(f.evidence, d.Digest)
			}
		}
		if s.Text("risk_tier") == "" || !reason {
			without = append(without, s.Subject.ID)
			continue
		}
		f.evidence = append(f.evidence, s.Digest)
	}
	switch {
	case len(systems) == 0:
		f.lacks("no AI system is registered")
	case len(without) > 0:
		f.lacks("%d of %d systems without a tier or a reason for it (tier_reason): %s", len(without), len(systems), strings.Join(without, ", "))
	default:
		f.shows("%d / %d systems have a tier and a reason", len(systems), len(systems))
	}
}

// read asks that a source reads a kind completely, and found some.
func (f *finding) read(w World, kind string) {
	var at time.Time
	for _, run := range w.Runs {
		if run.Kinds[kind].Coverage == "complete" && run.FinishedAt.After(at) {
			at = run.FinishedAt
		}
	}
	found := w.Records.Of(kind)
	switch {
	case at.IsZero():
		f.lacks("%s: no source reads all of it", kind)
	case len(found) == 0:
		f.lacks("%s: read on %s, none there", kind, at.Format(time.DateOnly))
	default:
		f.shows("%s: %d records, read on %s", kind, len(found), at.Format(time.DateOnly))
		for _, r := range found {
			f.evidence = append(f.evidence, r.Digest)
		}
	}
}

func (f *finding) scan(w World, atLeast int) {
	scans := w.Records.Of("shadow_ai.scan_run")
	if len(scans) == 0 {
		f.lacks("no scan for AI is on record (shadow_ai.scan_run)")
		return
	}
	covered, ok := scans[0].Number("coverage_pct")
	day := scans[0].At().Format(time.DateOnly)
	switch {
	case !ok:
		f.lacks("the scan of %s does not say how much it looked at", day)
	case covered < float64(atLeast):
		f.lacks("the scan of %s looked at %g in a hundred places, %d wanted", day, covered, atLeast)
	default:
		f.shows("the scan of %s looked at %g in a hundred places", day, covered)
		f.evidence = append(f.evidence, scans[0].Digest)
	}
}

// idle is how long a source may be without a run and still count as healthy.
const idle = 48 * time.Hour

// healthy asks that each source has been read for a span, completely each time.
func (f *finding) healthy(w World, span time.Duration) {
	now := w.Assessment.AsOf
	sources := slices.Clone(w.Sources)
	runs := map[string][]evidence.Run{}
	for _, run := range w.Runs {
		if run.Provenance.Imported {
			continue // somebody else's run says nothing of our schedule
		}
		s := run.Provenance.Source
		runs[s] = append(runs[s], run)
		if w.Sources == nil && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	slices.Sort(sources)
	for _, s := range sources {
		if why := sick(runs[s], now, span); why != "" {
			f.lacks("source %s: %s", s, why)
		} else {
			f.shows("source %s: complete for %d days", s, int(span.Hours()/24))
		}
	}
	if len(sources) == 0 {
		f.lacks("no source was ever read")
	}
}

// sick says why a source is not healthy, or nothing.
func sick(runs []evidence.Run, now time.Time, span time.Duration) string {
	if len(runs) == 0 {
		return "was never read"
	}
	first, last, bad := runs[0].StartedAt, time.Time{}, 0
	for _, run := range runs {
		if run.StartedAt.Before(first) {
			first = run.StartedAt
		}
		if run.FinishedAt.After(last) {
			last = run.FinishedAt
		}
		if run.FinishedAt.After(now.Add(-span)) && run.Status != evidence.RunComplete {
			bad++
		}
	}
	switch {
	case bad > 0:
		return fmt.Sprintf("%d runs of the last %d days were partial or failed", bad, int(span.Hours()/24))
	case now.Sub(last) > idle:
		return "last read on " + last.Format(time.DateOnly)
	case first.After(now.Add(-span)):
		return "read since " + first.Format(time.DateOnly) + " only"
	}
	return ""
}

// operating asks each system in scope for a record that something was done, in
// each mode of the expectations about operation that apply to it.
func (f *finding) operating(w World) {
	modes := map[string]string{}
	for _, e := range w.Assessment.Expectations {
		if e.Strength == "operation" && e.Off == "" {
			modes[e.Slug] = e.Mode
		}
	}
	systems := w.Records.Systems(w.Assessment.AsOf)
	has := map[string]map[string]bool{} // by system: whether there is a record, by mode
	for _, s := range systems {
		has[s.Subject.ID] = map[string]bool{}
	}
	for _, r := range w.Assessment.Results {
		mode, ok := modes[r.Expectation]
		if !ok || r.Status == assess.StatusNotApplicable {
			continue
		}
		concerned := r.Systems
		if r.Subject.Type == "ai_system" && !slices.Contains(concerned, r.Subject.ID) {
			concerned = append(slices.Clip(concerned), r.Subject.ID)
		}
		for _, id := range concerned {
			if of, listed := has[id]; listed {
				of[mode] = f.operated(w, r) || of[mode]
			}
		}
	}
	for _, s := range systems {
		f.modes(s.Subject.ID, has[s.Subject.ID])
	}
	if len(systems) == 0 {
		f.lacks("no AI system is registered")
	}
}

func (f *finding) modes(system string, has map[string]bool) {
	var with, without []string
	for _, mode := range []string{"state", "periodic", "per_event", "continuous"} {
		if there, applies := has[mode]; applies && there {
			with = append(with, mode)
		} else if applies {
			without = append(without, mode)
		}
	}
	switch {
	case len(without) > 0:
		f.lacks("%s: no operating record of mode %s", system, strings.Join(without, ", "))
	case len(with) == 0:
		f.lacks("%s: no expectation about operation applies yet", system)
	default:
		f.shows("%s: operating records of mode %s", system, strings.Join(with, ", "))
	}
}

func (f *finding) operated(w World, r *assess.Result) bool {
	for _, d := range r.Evidence {
		if _, ok := w.Operates(d); ok {
			f.evidence = append(f.evidence, d)
			return true
		}
	}
	return false
}

func (f *finding) noneOpen(w World, grade string) {
	unknown := 0
	for _, r := range w.Assessment.Results {
		if r.Severity == grade && r.Status == assess.StatusNotAssessed {
			unknown++
		}
	}
	if ids := w.Grades[grade]; len(ids) > 0 {
		f.lacks("%d findings of grade %s are open; exhibit findings lists them", len(ids), grade)
	}
	if unknown > 0 {
		f.lacks("%d results of severity %s are not assessed, so nobody knows", unknown, grade)
	}
	if len(f.missing) > 0 {
		return
	}
	f.shows("no finding of grade %s is open", grade)
}

func (f *finding) recorded(w World, what string) {
	at, ok := w.Recorded[what]
	if !ok {
		f.lacks("no %s is recorded in the ledger", what)
		return
	}
	f.shows("first %s recorded on %s", what, at.Format(time.DateOnly))
}

// body asks for a certification body with a complete worksheet and a date.
func (f *finding) body(w World) {
	sheet := readiness.Worksheet(w.Assessment, w.Records)
	for _, b := range sheet.Bodies {
		switch {
		case b.Complete && !b.Stage2At.IsZero():
			f.shows("%s: worksheet complete, stage 2 on %s", b.Name, b.Stage2At.Format(time.DateOnly))
			f.evidence = append(f.evidence, b.Evidence)
		case len(f.shown) == 0:
			f.missing = append(f.missing, fmt.Sprintf("%s: %d open questions on the worksheet", b.Name, b.Open))
		}
	}
	if len(f.shown) > 0 {
		f.missing = nil // one is enough
	} else if len(sheet.Bodies) == 0 {
		f.lacks("no certification body is on record")
	}
}

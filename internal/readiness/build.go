package readiness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// build computes an item that is not looked up.
func (b *Book) build(r *Ready, what string, w World) {
	switch what {
	case "populations":
		r.populations(w.Assessment)
	case "operation":
		r.operation(w)
	case "samples":
		r.samples(w)
	case "systems":
		r.systems(w)
	case "interviews":
		r.interviews(b.Interviews, w)
	case "programme":
		r.programme(w)
	case "nonconformities":
		r.nonconformities(w)
	case "delta":
		r.delta(w)
	}
}

// operation lists the expectations about operation that are in force.
func operation(a *assess.Assessment) []assess.InForce {
	var out []assess.InForce
	for _, e := range a.Expectations {
		if e.Strength == "operation" && e.Off == "" {
			out = append(out, e)
		}
	}
	return out
}

func (r *Ready) populations(a *assess.Assessment) {
	for _, e := range operation(a) {
		i := slices.IndexFunc(a.Populations, func(p assess.Population) bool { return p.Expectation == e.Slug })
		if i < 0 {
			continue
		}
		p := a.Populations[i]
		r.line("%s: n = %d (%s), ids SHA-256 %s", e.Slug, p.Count, p.SubjectType, p.IDs.String()[:12])
		if !p.Complete {
			r.miss("%s: the population of %d is not known to be whole", e.Slug, p.Count)
		}
	}
}

// operation counts, by expectation, for how many of its subjects there is a
// record that something was done, and from when to when.
func (r *Ready) operation(w World) {
	for _, e := range operation(w.Assessment) {
		n, of := 0, 0
		var first, last time.Time
		for _, res := range w.Assessment.Results {
			if res.Expectation != e.Slug || res.Status == assess.StatusNotApplicable {
				continue
			}
			of++
			from, to, ok := w.operated(res)
			if !ok {
				continue
			}
			n++
			if first.IsZero() || from.Before(first) {
				first = from
			}
			if to.After(last) {
				last = to
			}
		}
		switch {
		case of == 0:
		case n == 0:
			r.miss("%s (%s): no operating record for any of %d", e.Slug, e.Mode, of)
		default:
			r.line("%s (%s): operating records for %d of %d, %s to %s", e.Slug, e.Mode, n, of, first.Format(time.DateOnly), last.Format(time.DateOnly))
		}
	}
}

// operated returns the first and the last operating record that a result rests on.
func (w World) operated(res *assess.Result) (first, last time.Time, ok bool) {
	for _, d := range res.Evidence {
		at, operates := w.Operates(d)
		if !operates {
			continue
		}
		if !ok || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		ok = true
	}
	return first, last, ok
}

func (r *Ready) samples(w World) {
	drawn := w.Records.Of("audit.sample")
	by := map[string]bool{}
	for _, s := range drawn {
		by[s.Text("expectation_slug")] = true
		r.line("%s: %d items, drawn by %s on %s with seed %s", s.Text("expectation_slug"), len(s.Texts("items")), s.Text("drawn_by"), s.At().Format(time.DateOnly), s.Text("seed"))
	}
	var without []string
	for _, e := range operation(w.Assessment) {
		if !by[e.Slug] && len(assess.Items(w.Assessment, e.Slug)) > 0 {
			without = append(without, e.Slug)
		}
	}
	if len(without) > 0 {
		r.miss("%d populations nobody has drawn from; the auditor picks, with exhibit sample: %s", len(without), strings.Join(without, ", "))
	}
}

// chain is what is followed through one system.
var chain = []struct{ link, control string }{{"risk assessed", "8.2"}, {"deployment approved", "A.6.2.5"}, {"output monitored", "A.6.2.6"}}

// systems follows each system through the chain.
func (r *Ready) systems(w World) {
	for _, sys := range w.Records.Systems(w.Assessment.AsOf) {
		id := sys.Subject.ID
		var parts []string
		for _, link := range chain {
			n, of := 0, 0
			for _, res := range w.Assessment.Results {
				about := res.Subject.Type == "ai_system" && res.Subject.ID == id || slices.Contains(res.Systems, id)
				if res.Control != link.control || !about || res.Status == assess.StatusNotApplicable {
					continue
				}
				of++
				if _, _, ok := w.operated(res); ok {
					n++
				}
			}
			parts = append(parts, fmt.Sprintf("%s %d / %d", link.link, n, of))
			if n == 0 {
				r.miss("%s: nothing shows %s (%s)", id, link.link, link.control)
			}
		}
		r.line("%s (%s): %s; exhibit status %s", id, sys.Text("risk_tier"), strings.Join(parts, ", "), id)
	}
	if len(r.Lines) == 0 {
		r.miss("no AI system is registered")
	}
}

// interviews names who holds the roles today.
func (r *Ready) interviews(list []Interview, w World) {
	for _, v := range list {
		var who []string
		for _, a := range w.Records.Of("role.assignment") {
			end, start := a.Time("end"), a.Time("start")
			now := w.Assessment.AsOf
			holds := a.Bool("directory_active", true) && !start.After(now) && (end.IsZero() || end.After(now))
			role := a.Text("role")
			if holds && a.Text("person") != "" && slices.ContainsFunc(v.Roles, func(want string) bool { return sameRole(want, role) }) {
				name := a.Text("person")
				if sys := a.Text("system_id"); sys != "" {
					name += " (" + sys + ")"
				}
				if !slices.Contains(who, name) {
					who = append(who, name)
				}
			}
		}
		slices.Sort(who)
		if len(who) == 0 {
			r.miss("%s: nobody holds %s", v.About, strings.Join(v.Roles, " or "))
			continue
		}
		r.line("%s: %s; about %s", v.About, strings.Join(who, ", "), strings.Join(v.Controls, ", "))
	}
}

// nonconformities lists findings of audits and corrective actions that are open.
func (r *Ready) nonconformities(w World) {
	now := w.Assessment.AsOf
	findings, actions := w.Records.Of("audit.finding"), w.Records.Of("corrective_action.record")
	open := 0
	for _, f := range findings {
		if closed := f.Time("closed_at"); !closed.IsZero() && !closed.After(now) {
			continue
		}
		open++
		due := f.Time("due")
		r.line("open: %s, %s, %s, raised on %s, owner %s, due %s", f.Key, f.Text("grade"), f.Text("clause"), f.At().Format(time.DateOnly), orNobody(f.Text("owner")), orNoDate(due))
		if !due.IsZero() && due.Before(now) {
			r.miss("%s is past its date, %s", f.Key, due.Format(time.DateOnly))
		}
	}
	pending := 0
	for _, act := range actions {
		if !act.Time("verified_at").IsZero() {
			continue
		}
		pending++
		if due := act.Time("due"); !due.IsZero() && due.Before(now) && act.Time("implemented_at").IsZero() {
			r.miss("action %s of %s is past its date, %s", act.Key, orNobody(act.Text("owner")), due.Format(time.DateOnly))
		}
	}
	for _, kind := range []string{"audit.finding", "corrective_action.record"} {
		if _, read := w.Reads[kind]; !read {
			r.miss("nobody has read all of %s", kind)
		}
	}
	if len(findings)+len(actions) > 0 {
		r.line("%d of %d findings of audits open, %d of %d corrective actions not verified", open, len(findings), pending, len(actions))
	}
}

func orNobody(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

func orNoDate(at time.Time) string {
	if at.IsZero() {
		return "no date"
	}
	return at.Format(time.DateOnly)
}

func (r *Ready) delta(w World) {
	if w.Delta == nil {
		r.miss("the two instants were not compared")
		return
	}
	for _, d := range w.Delta {
		detail := ""
		if len(d.Detail) > 0 {
			detail = ": " + strings.Join(d.Detail, ", ")
		}
		r.line("%s: %d%s", d.What, d.Count, detail)
	}
}

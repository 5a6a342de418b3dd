package ask

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const intake = "use-case-intake-approved"

// background headings hold what is laid down, not what happened: alone they
// are no answer.
const whoMay = "Who may approve, by risk tier"

func (p Part) background() bool { return p.Title == whoMay }

// approvals answers who approves a new use: the roles that may, who did, and
// whether that was before the system went live.
func (w *World) approvals(s System) []Part {
	return []Part{w.mayApprove(s), w.decisions(s), w.releaseDecisions(s)}
}

// mayApprove lists the roles that may decide each tier, and who holds those of
// the system's tier.
func (w *World) mayApprove(s System) Part {
	p := Part{Title: whoMay}
	in := w.inForce[intake]
	if in == nil {
		return p
	}
	tier := tierOf(s)
	for _, t := range []string{"high", "limited", "minimal"} {
		roles := textsOf(anyList(in.Params["roles_"+t]))
		if len(roles) == 0 {
			continue
		}
		text := t + ": " + strings.Join(roles, ", ")
		if t == tier && s.ID != "" {
			text = t + " (this system): " + strings.Join(roles, ", ")
			if s.Tier == "" {
				text = t + " (this system, as the register states no tier): " + strings.Join(roles, ", ")
			}
		}
		p.Facts = append(p.Facts, Fact{Text: text})
		if t == tier && s.ID != "" {
			p.Facts = append(p.Facts, w.holders(roles)...)
		}
	}
	return p
}

func tierOf(s System) string {
	switch s.Tier {
	case "", "high":
		return "high"
	case "limited":
		return "limited"
	}
	return "minimal"
}

// anyList brings a param into the form of a payload's list.
func anyList(v any) any {
	if list, ok := v.([]string); ok {
		out := make([]any, len(list))
		for i, s := range list {
			out[i] = s
		}
		return out
	}
	return v
}

// holders says who holds each role at the instant.
func (w *World) holders(roles []string) []Fact {
	var out []Fact
	seen := map[string]bool{}
	for _, role := range roles {
		for _, r := range w.kinds["role.assignment"] {
			held := same(r.text("role"), role) && w.holds(r)
			if name := strings.ToLower(r.text("person")) + " " + role; held && !seen[name] { // two sources may say so
				seen[name] = true
				out = append(out, r.fact(r.EventTime, fmt.Sprintf("%s holds %s since %s", or(r.text("person"), "nobody"), role, day(r.time("start")))))
			}
		}
	}
	if len(out) == 0 {
		out = append(out, Fact{Text: "nobody is on record as holding one of these roles now", Mark: Absent})
	}
	return out
}

func (w *World) holds(r record) bool {
	start, end := r.time("start"), r.time("end")
	if active, known := r.yes("directory_active"); known && !active {
		return false
	}
	return !start.After(w.now()) && (end.IsZero() || end.After(w.now()))
}

// decisions lists who decided about the use, and when.
func (w *World) decisions(s System) Part {
	p := Part{Title: "Decisions on this use"}
	list := w.of("inventory.use_case_approval", s.ID)
	inTime := slices.ContainsFunc(list, func(r record) bool {
		at := r.time("decided_at")
		return r.text("decision") == "approved" && !at.IsZero() && (s.GoLive.IsZero() || !at.After(s.GoLive))
	})
	for _, r := range list {
		p.Facts = append(p.Facts, w.decision(r, s, inTime))
	}
	return p
}

func (w *World) decision(r record, s System, inTime bool) Fact {
	at, key := r.time("decided_at"), or(r.text("request_key"), r.Key)
	if r.text("decision") == "" {
		return r.fact(at, key+": undecided, requested by "+or(r.text("requester"), "nobody named")).marked(Pending)
	}
	text := fmt.Sprintf("%s: %s by %s", key, r.text("decision"), or(r.text("approver"), "nobody named"))
	if role := r.text("approver_role"); role != "" {
		text += " as " + role
	}
	if tier := r.text("tier"); tier != "" {
		text += ", for the tier " + tier
	}
	text += ", on " + day(at)
	if r.text("decision") != "approved" {
		return r.fact(at, text)
	}
	relation, late := beforeOrAfter(at, s.GoLive, w.now())
	f := r.fact(at, text+": "+relation)
	if late && !inTime {
		return f.marked(Late)
	}
	if late {
		f.Text += "; the first approval came before"
	}
	return f
}

// beforeOrAfter relates an approval to going live.
func beforeOrAfter(at, goLive, now time.Time) (text string, late bool) {
	switch {
	case goLive.IsZero():
		return "the register does not say when it went live", false
	case at.IsZero():
		return "nobody can tell whether before it went live on " + day(goLive), false
	case at.After(goLive):
		return fmt.Sprintf("%s after it went live on %s", span(at.Sub(goLive)), day(goLive)), true
	case goLive.After(now):
		return "before it goes live on " + day(goLive), false
	}
	return fmt.Sprintf("%s before it went live on %s", span(goLive.Sub(at)), day(goLive)), false
}

// releaseDecisions lists who decided that releases go live.
func (w *World) releaseDecisions(s System) Part {
	p := Part{Title: "Decisions that a release goes live"}
	for _, r := range w.of("release.approval", s.ID) {
		text := fmt.Sprintf("%s: %s by %s", or(r.text("release_id"), r.Key), or(r.text("decision"), "no outcome recorded, signed"), or(r.text("approver"), "nobody named"))
		if role := r.text("approver_role"); role != "" {
			text += " as " + role
		}
		if refs := r.texts("artefact_refs"); len(refs) > 0 {
			text += ", of " + strings.Join(refs, ", ")
		}
		if by := r.text("requested_by"); by != "" {
			text += ", asked for by " + by
		}
		p.Facts = append(p.Facts, r.fact(r.time("decided_at"), text))
	}
	return p
}

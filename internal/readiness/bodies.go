package readiness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// KindBody is the kind of what is known of a certification body.
const KindBody = "certification.body"

// BodyKinds are the kinds that the worksheet looks at.
var BodyKinds = []string{KindBody, "scope.statement"}

// Marks of a criterion.
const (
	Filled  = "filled"
	Open    = "open question"
	Warning = "warning"
)

// Sheet is the worksheet: facts about each body, in alphabetical order.
type Sheet struct {
	AsOf   time.Time `json:"as_of"`
	Scope  string    `json:"scope_statement"` // as 4.3 has it; empty if none is approved
	Sites  []string  `json:"scope_sites"`
	Bodies []Body    `json:"bodies"`
	Cards  []Card    `json:"cards"`
}

// Body is one certification body.
type Body struct {
	Name     string          `json:"body"`
	Complete bool            `json:"complete"` // every criterion is filled; a warning does not keep it from being so
	Stage2At time.Time       `json:"stage2_at,omitzero"`
	Warnings int             `json:"warnings"`
	Open     int             `json:"open_questions"`
	Criteria []Criterion     `json:"criteria"`
	Evidence evidence.Digest `json:"evidence"`
}

// Criterion is one thing to look at when choosing.
type Criterion struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Mark  string   `json:"mark"`
	Known []string `json:"known"` // what is on record
	Asks  []string `json:"asks"`  // what is not, or what to mind
	fail  bool     // a warning among the asks
	empty bool     // a field is empty
}

// Worksheet lays out what is known of each body.
func Worksheet(a *assess.Assessment, all Records) Sheet {
	s := Sheet{AsOf: a.AsOf, Sites: []string{}, Bodies: []Body{}, Cards: cards(a)}
	scope, approved := all.Scope()
	if approved {
		s.Scope, s.Sites = scopeText(scope), scope.Texts("sites")
	}
	for _, r := range all.Of(KindBody) {
		b := Body{Name: r.Text("body"), Stage2At: r.Time("stage2_at"), Evidence: r.Digest, Complete: true}
		for _, c := range []Criterion{accreditation(r, a.AsOf), experience(r), competence(r), sector(r), sites(r, s.Sites, approved),
			terms(r, s.Scope), topics(r), challenge(r)} {
			b.Criteria = append(b.Criteria, c.marked())
			if c.empty {
				b.Open++
			}
			if c.fail {
				b.Warnings++
			}
			b.Complete = b.Complete && !c.empty
		}
		s.Bodies = append(s.Bodies, b)
	}
	slices.SortFunc(s.Bodies, func(x, y Body) int { return strings.Compare(x.Name, y.Name) })
	return s
}

// scopeText is the scope in words: its statement, else its boundaries.
func scopeText(scope Record) string {
	if t := scope.Text("statement"); t != "" {
		return t
	}
	return scope.Text("boundaries")
}

func (c Criterion) marked() Criterion {
	switch {
	case c.fail:
		c.Mark = Warning
	case c.empty:
		c.Mark = Open
	default:
		c.Mark = Filled
	}
	if c.Known == nil {
		c.Known = []string{}
	}
	if c.Asks == nil {
		c.Asks = []string{}
	}
	return c
}

// need shows a field, or asks for it.
func (c *Criterion) need(r Record, field, name string) {
	known := r.Text(field)
	if n, ok := r.Number(field); ok {
		known = fmt.Sprintf("%g", n)
	} else if list := r.Texts(field); len(list) > 0 {
		known = strings.Join(list, ", ")
	} else if at := r.Time(field); !at.IsZero() {
		known = at.Format(time.DateOnly)
	}
	if known == "" {
		c.empty = true
		c.Asks = append(c.Asks, name+" is not on record")
		return
	}
	c.Known = append(c.Known, name+" "+known)
}

// warn says what to mind, before what is to be asked.
func (c *Criterion) warn(format string, args ...any) {
	c.fail = true
	c.Asks = append([]string{fmt.Sprintf(format, args...)}, c.Asks...)
}

// staleCheck is how long a look at the register of accreditations is good for.
const staleCheck = 90 * 24 * time.Hour

func accreditation(r Record, now time.Time) Criterion {
	c := Criterion{ID: "accreditation", Title: "Accreditation status"}
	c.need(r, "accreditation_body", "accredited by")
	c.need(r, "scheme", "for")
	c.need(r, "accreditation_number", "number")
	c.need(r, "valid_to", "valid to")
	c.need(r, "checked_on", "looked up on")
	until, stage2, checked := r.Time("valid_to"), r.Time("stage2_at"), r.Time("checked_on")
	switch {
	case until.IsZero():
	case !stage2.IsZero() && until.Before(stage2):
		c.warn("the accreditation ends on %s, before stage 2 on %s", until.Format(time.DateOnly), stage2.Format(time.DateOnly))
	case until.Before(now):
		c.warn("the accreditation ended on %s", until.Format(time.DateOnly))
	}
	if scheme := r.Text("scheme"); scheme != "" && !strings.Contains(scheme, "42001") {
		c.warn("the accreditation is for %s, which does not name 42001", scheme)
	}
	if !checked.IsZero() && now.Sub(checked) > staleCheck {
		c.warn("looked up on %s, more than 90 days ago: look again", checked.Format(time.DateOnly))
	}
	return c
}

func experience(r Record) Criterion {
	c := Criterion{ID: "experience", Title: "Experience with audits of management systems"}
	c.need(r, "years", "years")
	c.need(r, "management_schemes", "schemes")
	c.need(r, "references", "references")
	return c
}

func competence(r Record) Criterion {
	c := Criterion{ID: "ai-competence", Title: "Familiarity with AI risks and controls of the life cycle"}
	c.need(r, "auditors", "auditors")
	c.need(r, "competence_sha256", "statement of competence, SHA-256")
	if d := r.Text("competence_sha256"); d != "" {
		if _, err := evidence.ParseDigest(d); err != nil {
			c.warn("%q is no SHA-256 of a statement on file", d)
		}
	}
	return c
}

func sector(r Record) Criterion {
	c := Criterion{ID: "sector", Title: "Experience in our sector"}
	c.need(r, "sector_references", "clients in the sector")
	return c
}

func sites(r Record, inScope []string, approved bool) Criterion {
	c := Criterion{ID: "sites", Title: "Several sites and teams"}
	c.need(r, "sites_covered", "sites in its audit plan")
	if !approved {
		c.empty = true
		c.Asks = append(c.Asks, "no scope statement is approved, so nobody can tell which sites it has to cover")
	}
	covered := r.Texts("sites_covered")
	for _, site := range inScope {
		if !slices.ContainsFunc(covered, func(s string) bool { return strings.EqualFold(s, site) }) {
			c.warn("%s is in the scope, and no audit plan names it", site)
		}
	}
	return c
}

func terms(r Record, scope string) Criterion {
	c := Criterion{ID: "terms", Title: "Clarity on scope, timeline and surveillance"}
	for _, f := range [][2]string{{"stage1_days", "days of stage 1"}, {"stage2_days", "days of stage 2"}, {"surveillance_days", "days a year of surveillance"},
		{"stage1_at", "stage 1 on"}, {"stage2_at", "stage 2 on"}, {"surveillance_plan", "surveillance"}, {"scope_text", "scope of the offer"}, {"offer_sha256", "offer, SHA-256"}} {
		c.need(r, f[0], f[1])
	}
	offered := r.Text("scope_text")
	switch {
	case scope == "":
		c.empty = true
		c.Asks = append(c.Asks, "no scope statement is approved that the scope of the offer could be held against")
	case offered != "" && plain(offered) != plain(scope):
		c.warn("the scope of the offer is not the statement of 4.3: %q against %q", offered, scope)
	}
	if one, two := r.Time("stage1_at"), r.Time("stage2_at"); !one.IsZero() && !two.IsZero() && !two.After(one) {
		c.warn("stage 2 is planned before stage 1 is over")
	}
	return c
}

// plain leaves out what two people write differently: blanks, case, a full stop.
func plain(s string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(s), " ")), ".")
}

func topics(r Record) Criterion {
	c := Criterion{ID: "topics", Title: "How it assesses monitoring, oversight, vendor dependence and change"}
	c.need(r, "monitoring_answer", "monitoring of models:")
	c.need(r, "oversight_answer", "human oversight:")
	c.need(r, "vendor_answer", "dependence on vendors:")
	c.need(r, "change_answer", "changes:")
	return c
}

func challenge(r Record) Criterion {
	c := Criterion{ID: "challenge", Title: "Able to challenge assumptions, not only to read documents"}
	c.need(r, "challenge_answer", "beyond documents:")
	return c
}

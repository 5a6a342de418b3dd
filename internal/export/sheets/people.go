package sheets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var peopleLayout = Layout{Name: "People",
	About: "Who holds which role, what the role demands, and what shows that they can do it.",
	Tab:   "5A7D5A", Large: true, Frozen: 2, Columns: tail(
		Column{"role", 26}, Column{"person id", 18}, Column{"active", 12}, Column{"competence criteria", 34},
		Column{"competence evidence", 46}, Column{"valid to (UTC)", 18}, Column{"training completed", 34}, Column{"name", 24},
		Column{"system", 24}, Column{"from (UTC)", 18}, Column{"to (UTC)", 18}, Column{"what lacks", 34})}

func peopleKinds() []string {
	return []string{"role.assignment", "competence.record", "training.completion", "directory.names"}
}

// assignment is what the sheet shows of a role.assignment.
type assignment struct {
	Role         string   `json:"role"`
	Person       string   `json:"person"`
	Start        when     `json:"start"`
	End          when     `json:"end"`
	Active       *bool    `json:"directory_active"`
	Checked      when     `json:"directory_checked_at"`
	System       string   `json:"system_id"`
	Requirements []string `json:"requirements"`
}

// proof is what the sheet shows of a competence.record.
type proof struct {
	Person      string `json:"person"`
	Requirement string `json:"requirement"`
	Type        string `json:"evidence_type"`
	Obtained    when   `json:"obtained_at"`
	ValidTo     when   `json:"valid_to"`
	VerifiedBy  string `json:"verified_by"`
}

// course is what the sheet shows of a training.completion.
type course struct {
	Person    string `json:"person"`
	Course    string `json:"course"`
	Version   string `json:"version"`
	Completed when   `json:"completed_at"`
}

// holder is somebody with a role, from all records that say so.
type holder struct {
	item
	assignment
}

// peopleJoins are what shows that people can do what their roles demand.
type peopleJoins struct {
	names   *names
	demands map[string][]string // by role
	proofs  map[string][]proof  // by person
	courses map[string][]course
}

// people writes one row per role and who holds it.
func (b *Book) people(ctx context.Context, w Writer) error {
	list, err := recordsOf[assignment](ctx, b, "role.assignment")
	if err != nil {
		return err
	}
	j, err := b.peopleJoins(ctx)
	if err != nil {
		return err
	}
	var holders []holder
	at := map[[3]string]int{}
	for _, r := range list {
		if r.broken != "" {
			holders = append(holders, holder{item: r.item})
			continue
		}
		j.demands[r.v.Role] = distinct(append(j.demands[r.v.Role], r.v.Requirements...))
		key := [3]string{r.v.Role, j.names.person(r.v.Person), r.v.System}
		if i, known := at[key]; known && sameTerm(holders[i].assignment, r.v) {
			holders[i].merge(&r)
			continue
		}
		at[key] = len(holders)
		holders = append(holders, holder{r.item, r.v})
	}
	slices.SortStableFunc(holders, func(x, y holder) int {
		return cmp.Or(cmp.Compare(x.Role, y.Role), cmp.Compare(x.Person, y.Person), cmp.Compare(x.System, y.System), x.Start.Compare(y.Start.Time))
	})
	return rows(b, w, peopleLayout, holders, func(h *holder) error {
		if h.broken != "" {
			return b.brokenRow(w, peopleLayout, h.item)
		}
		return b.holderRow(w, h, j)
	}, "role.assignment")
}

// sameTerm reports whether two records can be of one holding of a role: two
// sources may name its first day differently, but not its last.
func sameTerm(x, y assignment) bool {
	return x.End.Equal(y.End.Time) && (x.Start.IsZero() || y.Start.IsZero() || onDay(x.Start.Time) == onDay(y.Start.Time))
}

// merge takes what another record says of the same holding. Who is inactive by
// the one that looked last is.
func (h *holder) merge(r *record[assignment]) {
	if h.Start.IsZero() {
		h.Start = r.v.Start
	}
	if h.Active == nil || r.v.Active != nil && !r.v.Checked.Before(h.Checked.Time) && !h.Checked.Equal(r.v.Checked.Time) ||
		r.v.Active != nil && !*r.v.Active && h.Checked.Equal(r.v.Checked.Time) {
		h.Active, h.Checked = r.v.Active, r.v.Checked
	}
	if len(r.v.Requirements) > 0 && len(h.Requirements) == 0 {
		h.item, h.Requirements = r.item, r.v.Requirements
	}
}

func (b *Book) peopleJoins(ctx context.Context) (*peopleJoins, error) {
	j := &peopleJoins{demands: map[string][]string{}, proofs: map[string][]proof{}, courses: map[string][]course{}}
	var err error
	if j.names, err = b.directory(ctx); err != nil {
		return nil, err
	}
	err = eachRecord(ctx, b, func(r *record[proof]) error {
		id := j.names.person(r.v.Person)
		j.proofs[id] = append(j.proofs[id], r.v)
		return nil
	}, "competence.record")
	if err != nil {
		return nil, err
	}
	return j, eachRecord(ctx, b, func(r *record[course]) error {
		id := j.names.person(r.v.Person)
		j.courses[id] = append(j.courses[id], r.v)
		return nil
	}, "training.completion")
}

func (b *Book) holderRow(w Writer, h *holder, j *peopleJoins) error {
	id, demands := j.names.person(h.Person), j.demands[h.Role]
	lines, end, lacks := b.proofLines(j.proofs[id], demands)
	w.Text(h.Role)
	w.Text(h.Person)
	b.activeCell(w, h)
	w.List(demands)
	w.List(lines)
	w.Date(end)
	w.List(courseLines(j.courses[id]))
	w.Text(j.names.display(h.Person))
	w.Text(b.systemName(h.System))
	w.Date(h.Start.Time)
	w.Date(h.End.Time)
	w.List(lacks)
	return b.shown(w, h.item)
}

func (b *Book) activeCell(w Writer, h *holder) {
	switch {
	case !h.End.IsZero() && !h.End.After(b.snap.AsOf):
		w.Text("N, role ended")
	case h.Start.After(b.snap.AsOf):
		w.Text("N, not yet")
	case h.Active == nil:
		w.Text("not established")
	case *h.Active:
		w.Yes(true)
	default:
		w.Mark("N", assess.StatusFailing)
	}
}

// proofLines lists the proofs of what a role demands, the earliest end of the
// newest of each, and what nothing shows or shows no longer.
func (b *Book) proofLines(list []proof, demands []string) (lines []string, end time.Time, lacks []string) {
	for _, d := range demands {
		var best *proof
		for i := range list {
			if p := &list[i]; p.Requirement == d && (best == nil || p.ValidTo.After(best.ValidTo.Time) || p.ValidTo.IsZero() && p.Obtained.After(best.Obtained.Time)) {
				best = p
			}
		}
		if best == nil {
			lacks = append(lacks, "no proof: "+d)
			continue
		}
		if !best.ValidTo.IsZero() && best.ValidTo.Before(b.snap.AsOf) {
			lacks = append(lacks, "ran out "+onDay(best.ValidTo.Time)+": "+d)
		}
		lines = append(lines, d+": "+joined(", ", strings.TrimSpace(best.Type+" "+onDay(best.Obtained.Time)), verifiedText(best.VerifiedBy)))
		if !best.ValidTo.IsZero() && (end.IsZero() || best.ValidTo.Before(end)) {
			end = best.ValidTo.Time
		}
	}
	return lines, end, lacks
}

func verifiedText(by string) string {
	if by == "" {
		return "verified by nobody"
	}
	return "verified by " + by
}

// courseLines lists each course with its last completion.
func courseLines(list []course) []string {
	last := map[string]course{}
	for _, c := range list {
		if old, known := last[c.Course]; !known || c.Completed.After(old.Completed.Time) {
			last[c.Course] = c
		}
	}
	var out []string
	for _, name := range sortedKeys(last) {
		out = append(out, joined(", ", strings.TrimSpace(name+" "+last[name].Version), onDay(last[name].Completed.Time)))
	}
	return out
}

package gather

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// exclusionSlug is the expectation that looks for activity that an excluded
// control governs.
const exclusionSlug = "soa-exclusion-not-contradicted"

// version is a version of the statement of applicability as it was on record.
type version struct {
	people.Statement
	digest evidence.Digest
	live   bool // a complete reading of its source still found it
}

func (v version) approved(asOf time.Time) bool {
	return v.ApprovedBy != "" && !v.ApprovedAt.IsZero() && !v.ApprovedAt.After(asOf)
}

// soa returns the statement of applicability in force at the instant: the
// newest approved one, as the assessment takes it. Without one it is the
// newest that was proposed, with no approval; without any, nil.
func (g *gatherer) soa(ctx context.Context, cat *catalog.Catalog, s *export.Snapshot) (*export.SoA, error) {
	all, unread, err := g.versions(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	held, err := g.holdings(ctx)
	if err != nil {
		return nil, err
	}
	current, ok := inForceAt(all, g.asOf)
	if !ok {
		current, ok = newestDraft(all)
	}
	if !ok {
		return nil, nil
	}
	g.used[current.digest] = true
	out := &export.SoA{Version: current.Version, Evidence: current.digest}
	if current.approved(g.asOf) {
		out.ApprovedBy, out.ApprovedAt = current.ApprovedBy, current.ApprovedAt.UTC()
	}
	before, hasBefore := previous(all, current, g.asOf)
	if hasBefore {
		out.Previous = before.Version
		g.used[before.digest] = true
	}
	b := soaBuilder{s: s, out: out, current: current, held: held, unread: unread, seen: exclusionResult(s.Assessment), changes: map[string]string{}}
	if hasBefore {
		b.compare(before)
	}
	b.rows(cat)
	b.remarks(cat, all, g.asOf)
	justify(s, out)
	return out, nil
}

// justify says of each control why it is in or out, as far as somebody
// approved that.
func justify(s *export.Snapshot, soa *export.SoA) {
	for _, r := range soa.Rows {
		if c, ok := s.Controls[r.ID]; ok && r.ApprovedBy != "" {
			c.Justification = r.Reason
			s.Controls[r.ID] = c
		}
	}
}

// versions are the versions on record by the instant, each as it stood last,
// also those that a source no longer names: in order of approval, then of
// name, as the assessment chooses. Beside them are records that were erased,
// or cannot be read.
func (g *gatherer) versions(ctx context.Context) (out []version, unread []string, err error) {
	type name struct{ source, key string }
	newest := map[name]evidence.Evidence{}
	q := store.EvidenceQuery{Kinds: []string{people.KindStatement}, Before: g.size, Payloads: true}
	for ev, err := range g.st.Evidence(ctx, q) {
		if err != nil {
			return nil, nil, err
		}
		n := name{ev.Source, ev.Key}
		if ev.CollectedAt.After(g.asOf) {
			continue
		}
		if old, ok := newest[n]; !ok || !ev.CollectedAt.Before(old.CollectedAt) {
			newest[n] = ev
		}
	}
	for _, ev := range newest {
		st, err := people.ParseStatement(ev)
		switch {
		case ev.Payload == nil:
			unread = append(unread, ev.Key+" (sha256:"+ev.Digest.String()+") was erased or is withheld")
		case err != nil:
			unread = append(unread, ev.Key+" (sha256:"+ev.Digest.String()+") cannot be read")
		default:
			out = append(out, version{st, ev.Digest, ev.GoneAt.IsZero() || ev.GoneAt.After(g.asOf)})
		}
	}
	slices.Sort(unread)
	slices.SortFunc(out, func(a, b version) int {
		return cmp.Or(a.ApprovedAt.Compare(b.ApprovedAt.Time), cmp.Compare(a.Version, b.Version),
			a.ProposedAt.Compare(b.ProposedAt.Time), cmp.Compare(a.digest.String(), b.digest.String()))
	})
	return out, unread, nil
}

// inForceAt returns the newest approved version that is still on record.
func inForceAt(all []version, asOf time.Time) (version, bool) {
	for _, v := range slices.Backward(all) {
		if v.live && v.approved(asOf) {
			return v, true
		}
	}
	return version{}, false
}

// newestDraft returns the version that was proposed last.
func newestDraft(all []version) (best version, ok bool) {
	for _, v := range all {
		if v.live && (!ok || !v.ProposedAt.Before(best.ProposedAt.Time)) {
			best, ok = v, true
		}
	}
	return best, ok
}

// previous returns the approved version before the current one.
func previous(all []version, current version, asOf time.Time) (version, bool) {
	for _, v := range slices.Backward(all) {
		earlier := v.approved(asOf) && v.Version != current.Version
		if earlier && (!current.approved(asOf) || !v.ApprovedAt.After(current.ApprovedAt.Time)) {
			return v, true
		}
	}
	return version{}, false
}

func exclusionResult(a *assess.Assessment) *assess.Result {
	for _, r := range a.Results {
		if r.Expectation == exclusionSlug {
			return r
		}
	}
	return nil
}

// soaBuilder fills the rows of one statement.
type soaBuilder struct {
	s       *export.Snapshot
	out     *export.SoA
	current version
	held    *holdings         // who goes by which names
	unread  []string          // versions that cannot be shown
	seen    *assess.Result    // of the search for contradictions; nil: there was none
	changes map[string]string // by control id, against the version before
}

// compare notes what differs from the version before.
func (b *soaBuilder) compare(before version) {
	for _, c := range people.Diff(before.Statement, b.current.Statement) {
		b.changes[c.ID] = change(c, before.Version)
	}
}

// change says in words what is otherwise.
func change(c people.Change, before string) string {
	switch {
	case c.From == nil:
		return "not decided in version " + before
	case c.To == nil:
		return "no longer decided; in version " + before + " it was " + applies(c.From.Applicable)
	}
	var parts []string
	if applies(c.From.Applicable) != applies(c.To.Applicable) {
		parts = append(parts, "was "+applies(c.From.Applicable))
	}
	for _, f := range [][3]string{
		{"reason", c.From.Justification, c.To.Justification}, {"source of need", c.From.SourceOfNeed, c.To.SourceOfNeed},
		{"implementation", c.From.Implementation, c.To.Implementation}, {"implemented since", c.From.ImplementedSince, c.To.ImplementedSince},
	} {
		if f[1] != f[2] {
			parts = append(parts, f[0]+" was: "+cmp.Or(f[1], "nothing"))
		}
	}
	if !slices.Equal(c.From.EvidenceRefs, c.To.EvidenceRefs) {
		parts = append(parts, "references to evidence changed")
	}
	return strings.Join(parts, "; ")
}

func applies(b *bool) string {
	switch {
	case b == nil:
		return "not decided"
	case *b:
		return "applicable"
	}
	return "excluded"
}

// rows are the controls of the catalog in its order, then what else the
// statement decides on, in its own.
func (b *soaBuilder) rows(cat *catalog.Catalog) {
	decided := map[string][]people.Decision{}
	for _, d := range b.current.Controls {
		decided[d.ID] = append(decided[d.ID], d)
	}
	for _, c := range cat.Controls {
		if c.Annex() {
			b.out.Rows = append(b.out.Rows, b.row(c.ID, c.Title, decided[c.ID]))
			delete(decided, c.ID)
		}
	}
	for _, d := range b.current.Controls {
		if list, ok := decided[d.ID]; ok {
			title := ""
			if c, ok := cat.Control(d.ID); ok {
				title = c.Title
			}
			b.out.Rows = append(b.out.Rows, b.row(d.ID, title, list))
			delete(decided, d.ID)
		}
	}
}

// row is one control. Where a statement decides on it twice and otherwise, it
// is not decided.
func (b *soaBuilder) row(id, title string, decisions []people.Decision) export.SoARow {
	r := export.SoARow{ID: id, Title: title, ApprovedBy: b.out.ApprovedBy, ApprovedAt: b.out.ApprovedAt, Changed: b.changes[id]}
	r.Evidence = b.evidence(id)
	if len(decisions) == 0 {
		r.State, r.ApprovedBy, r.ApprovedAt = b.state(id, "", nil), "", time.Time{}
		return r
	}
	var reasons []string
	d := decisions[0]
	for _, other := range decisions {
		if !slices.Contains(reasons, other.Justification) {
			reasons = append(reasons, other.Justification)
		}
		if applies(other.Applicable) != applies(d.Applicable) {
			d.Applicable = nil
		}
	}
	r.Applicable, r.Reason, r.Source = d.Applicable, strings.Join(reasons, "\n"), d.SourceOfNeed
	said := d.Implementation
	if since, err := time.Parse(time.DateOnly, strings.TrimSpace(d.ImplementedSince)); err == nil {
		r.Since = since
	} else if strings.TrimSpace(d.ImplementedSince) != "" {
		said = strings.TrimSpace(said + " since " + d.ImplementedSince)
	}
	r.State = b.state(id, said, d.Applicable)
	r.Contradiction = b.contradiction(id, d.Applicable)
	return r
}

// evidence counts what the results of a control rest on.
func (b *soaBuilder) evidence(id string) int {
	distinct := map[evidence.Digest]bool{}
	for _, r := range b.s.Assessment.Results {
		if r.Control == id {
			for _, d := range r.Evidence {
				distinct[d] = true
			}
		}
	}
	return len(distinct)
}

// state puts side by side what the statement says of the implementation and
// what evidence shows.
func (b *soaBuilder) state(id, stated string, applicable *bool) string {
	if applicable != nil && !*applicable {
		if strings.TrimSpace(stated) != "" {
			return "excluded; stated: " + stated
		}
		return "excluded"
	}
	said := "not stated"
	if strings.TrimSpace(stated) != "" {
		said = "stated: " + stated
	}
	return said + "; evidence: " + b.shown(id)
}

// shown derives the state of a control from its results. Only evidence about
// operation shows that it operates.
func (b *soaBuilder) shown(id string) string {
	i := slices.IndexFunc(b.s.Assessment.Controls, func(c assess.Control) bool { return c.ID == id })
	if i < 0 {
		return "not established"
	}
	c := &b.s.Assessment.Controls[i]
	of := fmt.Sprintf("%d of %d satisfied", c.Satisfied, c.Total)
	strongest := ""
	rank := map[string]int{"design": 1, "existence": 2, "operation": 3}
	for _, r := range c.Results {
		if st := b.s.Expectations[r.Expectation].Strength; r.Status == assess.StatusSatisfied && rank[st] > rank[strongest] {
			strongest = st
		}
	}
	switch {
	case c.Status == assess.StatusNotAssessed && c.Satisfied == 0, c.Total == 0:
		return "not established"
	case c.Satisfied == 0:
		return "not shown, " + of
	case c.Status != assess.StatusSatisfied:
		return "in part, " + of
	case strongest == "operation":
		return "operating, " + of
	case strongest == "existence":
		return "in place, " + of
	}
	return "designed, " + of
}

// contradiction says what was seen of a control that is excluded, or that
// nobody could tell.
func (b *soaBuilder) contradiction(id string, applicable *bool) string {
	switch {
	case applicable == nil || *applicable:
		return ""
	case !b.out.ApprovedAt.IsZero() && b.seen != nil && b.seen.Status == assess.StatusSatisfied:
		return ""
	case b.out.ApprovedAt.IsZero():
		return "not established: the version is not approved, so nothing was looked for"
	case b.seen == nil:
		return "not established: nothing was looked for"
	}
	status, reason := b.seen.Status, b.seen.Reason
	if status == assess.StatusWaived {
		status = b.seen.Underlying
	}
	if status == assess.StatusFailing {
		return about(reason, id)
	}
	return "not established: " + string(status) + ", " + reason
}

// about takes from the reason why exclusions are contradicted what it says of
// one control: what stands in brackets after its id. The whole reason, if the
// control is named without; nothing, if it is not named.
func about(reason, id string) string {
	for at := 0; ; {
		i := strings.Index(reason[at:], id)
		if i < 0 || id == "" {
			return ""
		}
		i += at
		end := i + len(id)
		at = end
		if i > 0 && idByte(reason[i-1]) || end < len(reason) && (idByte(reason[end]) && !endOfSentence(reason[end:])) {
			continue // part of another id
		}
		if what := bracketed(reason[end:]); what != "" {
			return what
		}
		return reason
	}
}

// bracketed is what stands in the brackets that follow at once.
func bracketed(s string) string {
	rest, ok := strings.CutPrefix(s, " (")
	if !ok {
		return ""
	}
	depth := 1
	for i, r := range rest {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return rest[:i]
		}
	}
	return ""
}

func idByte(c byte) bool {
	return c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func endOfSentence(s string) bool { return s[0] == '.' && (len(s) == 1 || !idByte(s[1])) }

// remarks are what a reader has to know before relying on the statement.
func (b *soaBuilder) remarks(cat *catalog.Catalog, all []version, asOf time.Time) {
	say := func(format string, args ...any) { b.out.Remarks = append(b.out.Remarks, fmt.Sprintf(format, args...)) }
	v := b.current
	switch {
	case !v.approved(asOf):
		say("Version %s is not approved. Until a version is, every Annex A control is treated as applicable.", v.Version)
	case v.ControlsSum != "" && v.ApprovedSum != v.ControlsSum:
		say("What was approved has another digest (%s) than the decisions on record (%s).", cmp.Or(v.ApprovedSum, "none"), v.ControlsSum)
	}
	if v.approved(asOf) && v.ProposedBy != "" && b.held.same(v.ProposedBy, v.ApprovedBy) {
		say("%s proposed and approved version %s.", v.ApprovedBy, v.Version)
	}
	for _, other := range all {
		if other.live && !other.approved(asOf) && other.digest != v.digest {
			say("Version %s is on record, proposed by %s, and was not approved by the as-of. It is not in force and is not shown here.",
				other.Version, cmp.Or(other.ProposedBy, "nobody named"))
		}
	}
	for _, what := range b.unread {
		say("Version %s.", what)
	}
	b.remarkDecisions(cat, say)
	for _, c := range slices.Sorted(maps.Keys(b.changes)) {
		if !slices.ContainsFunc(b.out.Rows, func(r export.SoARow) bool { return r.ID == c }) {
			say("%s: %s.", c, b.changes[c])
		}
	}
}

// remarkDecisions are the remarks on single decisions.
func (b *soaBuilder) remarkDecisions(cat *catalog.Catalog, say func(string, ...any)) {
	times := map[string]int{}
	for _, d := range b.current.Controls {
		times[d.ID]++
	}
	for _, r := range b.out.Rows {
		c, known := cat.Control(r.ID)
		switch n := times[r.ID]; {
		case n == 0:
			say("%s is not decided. It is treated as applicable.", r.ID)
		case n > 1:
			say("%s is decided %d times.", r.ID, n)
		}
		switch {
		case !known:
			say("%s is no control of the catalog: it is one of the organisation's own, or a mistake.", r.ID)
		case !c.Annex():
			say("%s is a clause. Clauses always apply: the decision has no effect.", r.ID)
		case r.Applicable != nil && strings.TrimSpace(r.Reason) == "" && !*r.Applicable:
			say("%s is excluded without a reason. It is treated as applicable.", r.ID)
		case r.Applicable != nil && strings.TrimSpace(r.Reason) == "":
			say("%s is included without a reason.", r.ID)
		}
	}
}

package assess_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

// trial is one history under test, with what was judged of it. What bites is
// shown in invariant_bite_test.go: each law there gets something that breaks it.
type trial struct {
	testing.TB
	*histories
	d    *history
	base *assess.Assessment
	rnd  *rand.Rand
}

func (h *histories) trial(t testing.TB, seed uint64) *trial {
	t.Helper()
	d := h.draw(t, seed, seed%3 > 0)
	return &trial{TB: t, histories: h, d: d, base: assessed(t, d.state(t, h.eng, nil), d.at), rnd: rand.New(rand.NewPCG(seed, 1))}
}

// trials is how many histories each law is held against: so many that their
// scenes reach every expectation and their made-up records every kind.
const trials = 30

// TestInvariants holds random histories against the laws of statuses.
func TestInvariants(t *testing.T) {
	h := newHistories(t)
	laws := []struct {
		name string
		law  func(*trial) error
	}{
		{"the same twice", sameTwice},
		{"later never changes earlier", laterChangesNothing},
		{"losing a source only makes stale", losingMakesStale},
		{"a setting never shows that something was done", designIsNoOperation},
		{"removing evidence worsens its controls alone", removingWorsens},
		{"waivers show while they are valid", waiversWhileValid},
		{"every status can be traced", traced},
		{"observations never worsen", observationsNeverWorsen},
		{"order does not matter", orderDoesNotMatter},
		{"what is remembered never shows", rememberedNeverShows},
	}
	reached := newReached()
	for seed := range uint64(trials) {
		x := h.trial(t, seed)
		reached.note(x)
		for _, l := range laws {
			if err := l.law(x); err != nil {
				t.Errorf("%s, history %d: %v", l.name, seed, err)
			}
		}
	}
	reached.judge(t, h)
}

// reached is what the histories have shown, so that nothing holds in vain.
type reached struct {
	statuses  map[assess.Status]int
	kinds     map[string]bool
	satisfied map[string]bool
}

func newReached() *reached {
	return &reached{map[assess.Status]int{}, map[string]bool{}, map[string]bool{}}
}

func (r *reached) note(x *trial) {
	for _, st := range x.d.steps {
		if st.item != nil {
			r.kinds[st.item.Kind] = true
		}
	}
	for _, res := range x.base.Results {
		r.statuses[res.Status]++
		if res.Status == assess.StatusSatisfied {
			r.satisfied[res.Expectation] = true
		}
	}
}

func (r *reached) judge(t *testing.T, h *histories) {
	var kinds, rules []string
	for _, k := range h.kinds {
		if !r.kinds[k] {
			kinds = append(kinds, k)
		}
	}
	for _, e := range h.eng.Expectations() {
		if !r.satisfied[e.Slug] {
			rules = append(rules, e.Slug)
		}
	}
	if len(kinds) > 0 {
		t.Errorf("kinds that no history holds: %v", kinds)
	}
	if len(rules) > len(h.eng.Expectations())/2 {
		t.Errorf("%d expectations are satisfied in no history: %v", len(rules), rules)
	}
	for _, s := range []assess.Status{assess.StatusNotAssessed, assess.StatusSatisfied, assess.StatusFailing, assess.StatusMissing, assess.StatusStale,
		assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived, assess.StatusNotApplicable} {
		if r.statuses[s] == 0 {
			t.Errorf("no history gives %s", s)
		}
	}
}

func textOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// differ names the first place where two texts part.
func differ(a, b []byte) error {
	if bytes.Equal(a, b) {
		return nil
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	around := func(s []byte) string { return string(s[max(0, i-200):min(len(s), i+120)]) }
	return fmt.Errorf("differs at byte %d:\n%s\n%s", i, around(a), around(b))
}

func byKey(a *assess.Assessment) map[string]*assess.Result {
	out := map[string]*assess.Result{}
	for _, r := range a.Results {
		out[keyOf(r)] = r
	}
	return out
}

func keyOf(r *assess.Result) string {
	return r.Expectation + " " + r.Subject.Type + "/" + r.Subject.ID
}

func isGap(r *assess.Result) bool {
	return r.Status == assess.StatusStale && strings.HasPrefix(r.Reason, assess.ReasonCollectionGap)
}

// sameTwice: the same ledger and instant give the same bytes.
func sameTwice(x *trial) error {
	return differ(textOf(x.base), textOf(assessed(x, x.d.state(x, x.eng, nil), x.d.at)))
}

// laterChangesNothing: an earlier instant looks as it did then, but for what
// is flagged as captured late.
func laterChangesNothing(x *trial) error {
	var ends []time.Time
	for _, st := range x.d.steps {
		if st.run != nil && !st.run.FinishedAt.IsZero() {
			ends = append(ends, st.run.FinishedAt)
		}
	}
	then := ends[x.rnd.IntN(len(ends))].Add(time.Duration(x.rnd.IntN(48)) * time.Hour)
	was := x.d.state(x, x.eng, func(st step) bool { return !st.order().After(then) })
	return unchanged(assessed(x, was, then), assessed(x, x.d.state(x, x.eng, nil), then))
}

func unchanged(a, b *assess.Assessment) error {
	was, is := byKey(a), byKey(b)
	late := map[string]bool{}
	for _, r := range b.Results {
		late[r.Expectation] = late[r.Expectation] || r.LateCapture
	}
	for k, r := range is {
		if late[r.Expectation] {
			continue
		}
		if was[k] == nil {
			return fmt.Errorf("%s as of %s was not there then", k, a.AsOf)
		}
		if err := differ(textOf(was[k]), textOf(r)); err != nil {
			return fmt.Errorf("%s as of %s: %w", k, a.AsOf, err)
		}
	}
	for k, r := range was {
		if is[k] == nil && !late[r.Expectation] {
			return fmt.Errorf("%s as of %s is gone", k, a.AsOf)
		}
	}
	return nil
}

// again is a run of a source that reads everything and finds nothing new.
func (h *histories) again(source string, end time.Time) evidence.Run {
	r := evidence.Run{ID: fmt.Sprint(source, "-again-", end.Unix()), StartedAt: end.Add(-time.Minute), FinishedAt: end, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: source, Identity: "reader", Method: "api"}, Kinds: map[string]evidence.KindRead{}}
	for _, k := range h.kinds {
		if sourceOf(k) == source {
			r.Kinds[k] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
		}
	}
	return r
}

// losingMakesStale: without the later runs of a source, results are the same,
// or stale for want of reading, or nobody ever knew. In the end they are.
func losingMakesStale(x *trial) error {
	lost := sources()[x.rnd.IntN(5)]
	with, without := x.d.state(x, x.eng, nil), x.d.state(x, x.eng, nil)
	soon := x.d.at.Add(time.Duration(1+x.rnd.IntN(24*20)) * time.Hour)
	later := soon.AddDate(30, 0, 0)
	for _, end := range []time.Time{soon, later} {
		for _, source := range sources() {
			r := x.again(source, end.Add(-time.Minute))
			with.ApplyRun(r)
			if source != lost {
				without.ApplyRun(r)
			}
		}
		a, b := assessed(x, with, end), assessed(x, without, end)
		if err := onlyStaler(a, b); err != nil {
			return fmt.Errorf("without %s: %w", lost, err)
		}
		if end.Equal(later) {
			return x.nothingStands(b, lost)
		}
	}
	return nil
}

func onlyStaler(with, without *assess.Assessment) error {
	was := byKey(with)
	for _, r := range without.Results {
		before := was[keyOf(r)]
		switch {
		case isGap(r), r.Status == assess.StatusNotAssessed:
		case before == nil:
			return fmt.Errorf("%s is there only without the source: %s, %s", keyOf(r), r.Status, r.Reason)
		case before.Status != r.Status:
			return fmt.Errorf("%s: %s with the source (%s), %s without (%s)", keyOf(r), before.Status, before.Reason, r.Status, r.Reason)
		}
	}
	return nil
}

// nothingStands: no result stands that needs a kind of a source long lost.
func (x *trial) nothingStands(a *assess.Assessment, lost string) error {
	kinds, choose := map[string][]string{}, map[string][]string{}
	for _, e := range x.eng.InForce() {
		kinds[e.Slug] = e.Kinds
	}
	for _, e := range x.eng.Expectations() {
		choose[e.Slug] = choosing(e)
	}
	for _, r := range a.Results {
		needed := kinds[r.Expectation]
		if r.Status == assess.StatusNotApplicable { // nothing to apply to: what is applied would not matter
			needed = choose[r.Expectation]
		}
		needs := slices.ContainsFunc(needed, func(k string) bool { return sourceOf(k) == lost })
		excluded := r.Status == assess.StatusNotApplicable && strings.HasPrefix(r.Reason, "excluded")
		if needs && !excluded && !isGap(r) && r.Status != assess.StatusNotAssessed {
			return fmt.Errorf("%s is %s (%s) thirty years after %s was lost", keyOf(r), r.Status, r.Reason, lost)
		}
	}
	return nil
}

// choosing lists the kinds that decide what an expectation applies to.
func choosing(e *assess.Expectation) []string {
	var out []string
	for _, p := range e.Population {
		if p.Kind != "organization" {
			out = append(out, p.Kind)
		}
		where, _ := p.Where.MarshalText()
		uses := p.Uses
		if uses == nil {
			uses = e.Uses
		}
		for name, j := range uses {
			if regexp.MustCompile(`\b` + name + `\b`).Match(where) {
				out = append(out, j.Kind)
			}
		}
		if bytes.Contains(where, []byte("systems")) {
			out = append(out, "inventory.ai_system")
		}
	}
	return out
}

// designIsNoOperation: with only the register and records that show a setting
// or a rule, nothing that claims operation is satisfied.
func designIsNoOperation(x *trial) error {
	less := x.d.state(x, x.eng, func(st step) bool { return st.item == nil || x.isDesign(st.item.Kind) })
	return noOperation(x.eng, assessed(x, less, x.d.at))
}

func (h *histories) isDesign(kind string) bool {
	k, _ := h.cat.Kind(kind)
	return k.Strength == catalog.Design || slices.Contains([]string{"inventory.ai_system", "vendor.record", "github.repository"}, kind)
}

func noOperation(eng *assess.Engine, a *assess.Assessment) error {
	claims := map[string]string{}
	for _, e := range eng.Expectations() {
		claims[e.Slug] = e.Strength
	}
	for _, r := range a.Results {
		if claims[r.Expectation] == string(catalog.Operation) && r.Status == assess.StatusSatisfied {
			return fmt.Errorf("%s is satisfied by settings alone: %s", keyOf(r), r.Reason)
		}
	}
	return nil
}

// removingWorsens: what a satisfied result rests on is taken away, until there
// is nothing more: it is satisfied no more, and no control looks different
// that has no expectation about the kinds taken away.
func removingWorsens(x *trial) error {
	var good []*assess.Result
	for _, r := range x.base.Results {
		if r.Status == assess.StatusSatisfied && len(r.Evidence) > 0 {
			good = append(good, r)
		}
	}
	if len(good) == 0 {
		return nil
	}
	return x.takeAway(good[x.rnd.IntN(len(good))])
}

func (x *trial) takeAway(r *assess.Result) error {
	gone, kinds := map[string]bool{}, map[string]bool{}
	for range 8 {
		for _, st := range x.d.steps {
			if st.item != nil && slices.Contains(r.Evidence, st.item.Digest) {
				gone[st.item.Source+"|"+st.item.Kind+"|"+st.item.Key], kinds[st.item.Kind] = true, true
			}
		}
		less := assessed(x, x.d.state(x, x.eng, func(st step) bool {
			return st.item == nil || !gone[st.item.Source+"|"+st.item.Kind+"|"+st.item.Key]
		}), x.d.at)
		if err := x.othersAlike(less, kinds); err != nil {
			return err
		}
		now := byKey(less)[keyOf(r)]
		if now == nil || now.Status != assess.StatusSatisfied {
			return nil
		}
		if len(now.Evidence) == 0 {
			if now.CollectedAt == nil {
				return fmt.Errorf("%s is satisfied by nothing at all", keyOf(r))
			}
			return x.absenceWillDo(now)
		}
		r = now
	}
	return fmt.Errorf("%s is satisfied whatever is taken away; now %v", keyOf(r), r.Evidence)
}

// absenceWillDo: nothing at all may satisfy only what asks that nothing wrong
// is there.
func (x *trial) absenceWillDo(r *assess.Result) error {
	empty := assessed(x, x.d.state(x, x.eng, func(st step) bool { return st.item == nil }), x.d.at)
	if e := byKey(empty)[keyOf(r)]; e != nil && e.Status == assess.StatusSatisfied && !slices.Contains(satisfiedByAbsence(), r.Expectation) {
		return fmt.Errorf("%s is satisfied by an empty ledger: %s", keyOf(r), r.Reason)
	}
	return nil
}

// satisfiedByAbsence are expectations that an organisation without any record
// satisfies, provided that everything was read.
func satisfiedByAbsence() []string { return nil }

// othersAlike: controls look the same if none of their expectations has to do
// with the kinds. What the register says concerns all.
func (x *trial) othersAlike(less *assess.Assessment, kinds map[string]bool) error {
	for _, k := range []string{"inventory.ai_system", "vendor.record", "github.repository", "soa.record", "waiver.record", "evidence.manual_upload"} {
		if kinds[k] {
			return nil
		}
	}
	owners := map[string]bool{}
	for _, e := range x.eng.InForce() {
		owners[e.Control] = owners[e.Control] || slices.ContainsFunc(e.Kinds, func(k string) bool { return kinds[k] })
	}
	for i, c := range x.base.Controls {
		if owners[c.ID] {
			continue
		}
		if err := differ(textOf(c), textOf(less.Controls[i])); err != nil {
			return fmt.Errorf("%s has nothing to do with %v: %w", c.ID, kinds, err)
		}
	}
	return nil
}

// deviation is a waiver as a history gets it, and whether it counts.
type deviation struct {
	id, slug      string
	subject       evidence.Subject
	approved, end time.Time
	by            string
	revoked       time.Time
	counts        bool
}

// waiversWhileValid: a result is waived if and only if a valid waiver covers
// it and what is underneath can be waived, to the second.
func waiversWhileValid(x *trial) error {
	var list []deviation
	for i := range 12 {
		r := x.base.Results[x.rnd.IntN(len(x.base.Results))]
		now := x.d.at
		d := deviation{id: fmt.Sprint("D-", i), slug: r.Expectation, subject: r.Subject, approved: now.AddDate(0, 0, -3), end: now, by: "zoe", counts: true}
		if x.rnd.IntN(3) == 0 {
			d.subject = evidence.Subject{Type: "*", ID: "*"}
		}
		switch x.rnd.IntN(8) {
		case 0:
			d.end, d.counts = now.Add(-time.Second), false
		case 1:
			d.approved, d.end, d.counts = now.Add(time.Second), now.AddDate(0, 0, 9), false
		case 2:
			d.by, d.counts = " Ann ", false // as the one who asked
		case 3:
			d.revoked, d.counts = now, false
		}
		list = append(list, d)
	}
	s := x.d.state(x, x.eng, nil)
	for i, d := range list {
		feed(x, s, step{item: x.waiver(i, d)})
	}
	if err := waivedRightly(x.base, assessed(x, s, x.d.at), list); err != nil {
		return err
	}
	for i := range list { // all have lapsed, but for one that has begun
		list[i].counts = list[i].end.After(x.d.at)
	}
	return waivedRightly(assessed(x, x.d.state(x, x.eng, nil), x.d.at.Add(time.Second)), assessed(x, s, x.d.at.Add(time.Second)), list)
}

func (x *trial) waiver(i int, d deviation) *evidence.Evidence {
	p := map[string]any{"waiver_id": d.id, "expectation_slug": d.slug, "subject": map[string]any{"type": d.subject.Type, "id": d.subject.ID},
		"requested_by": "ann", "approved_by": d.by, "approved_at": d.approved.Format(time.RFC3339), "expires_at": d.end.Format(time.RFC3339), "reason": "r"}
	if !d.revoked.IsZero() {
		p["revoked_at"] = d.revoked.Format(time.RFC3339)
	}
	e, err := fixture.Seal(x.cat, 1_000_000+i, fixture.Item{Kind: "waiver.record", Subject: "record/" + d.id, Key: d.id, Payload: p}, x.d.at)
	if err != nil {
		x.Fatal(err)
	}
	e.Source = sourceOf(e.Kind)
	return &e
}

func waivedRightly(without, with *assess.Assessment, list []deviation) error {
	ours := func(id string) bool { return slices.ContainsFunc(list, func(d deviation) bool { return d.id == id }) }
	about := map[string]bool{} // expectations about waivers themselves
	for _, e := range with.Expectations {
		about[e.Slug] = slices.Contains(e.Kinds, "waiver.record")
	}
	is := byKey(with)
	for _, r := range without.Results {
		got := is[keyOf(r)]
		if about[r.Expectation] {
			continue
		}
		if got == nil {
			return fmt.Errorf("%s is gone because of a waiver", keyOf(r))
		}
		can := r.Status == assess.StatusFailing || r.Status == assess.StatusMissing || r.Status == assess.StatusStale && !isGap(r)
		covered := slices.ContainsFunc(list, func(d deviation) bool {
			return d.counts && d.slug == r.Expectation && (d.subject.Type == "*" || d.subject == r.Subject)
		})
		switch {
		case can && covered && (got.Status != assess.StatusWaived || got.Underlying != r.Status || !ours(got.Waiver)):
			return fmt.Errorf("%s is %s and a valid waiver covers it, yet it shows %s (%s)", keyOf(r), r.Status, got.Status, got.Reason)
		case (!can || !covered) && r.Status != assess.StatusWaived && (got.Status != r.Status || got.Waiver != ""):
			return fmt.Errorf("%s is %s and no waiver covers it, yet it shows %s (%s)", keyOf(r), r.Status, got.Status, got.Reason)
		}
	}
	return nil
}

// traced: whatever a result says rests on evidence of this ledger, of a kind
// that its expectation reads; or, where it says that something is not there, on
// runs that read such a kind whole.
func traced(x *trial) error {
	items, runs := map[evidence.Digest]*evidence.Evidence{}, map[string]*evidence.Run{}
	for _, st := range x.d.steps {
		switch {
		case st.item != nil:
			items[st.item.Digest] = st.item
		case st.run != nil && !st.run.FinishedAt.IsZero():
			runs[st.run.ID] = st.run
		}
	}
	return traceable(x.base, items, runs)
}

func traceable(a *assess.Assessment, items map[evidence.Digest]*evidence.Evidence, runs map[string]*evidence.Run) error {
	kinds := map[string][]string{}
	for _, e := range a.Expectations {
		kinds[e.Slug] = append(slices.Clone(e.Kinds), "inventory.ai_system", "soa.record", "waiver.record")
	}
	for _, r := range a.Results {
		if r.Reason == "" || r.Evidence == nil {
			return fmt.Errorf("%s: no reason, or null for its evidence", keyOf(r))
		}
		for _, d := range r.Evidence {
			e := items[d]
			switch {
			case e == nil:
				return fmt.Errorf("%s rests on %s, which is not in the ledger", keyOf(r), d)
			case !slices.Contains(kinds[r.Expectation], e.Kind):
				return fmt.Errorf("%s rests on a %s, which it does not read", keyOf(r), e.Kind)
			case e.CollectedAt.After(a.AsOf) && !r.LateCapture:
				return fmt.Errorf("%s rests on what was read at %s", keyOf(r), e.CollectedAt)
			}
		}
		if err := restsOnReading(a, r, kinds[r.Expectation], runs); err != nil {
			return err
		}
	}
	return nil
}

var lookedRuns = regexp.MustCompile(`; runs? ([^;]+) looked`)

func restsOnReading(a *assess.Assessment, r *assess.Result, kinds []string, runs map[string]*evidence.Run) error {
	status := r.Status
	if status == assess.StatusWaived {
		status = r.Underlying
	}
	if status == assess.StatusNotAssessed || status == assess.StatusNotApplicable && len(r.Evidence) > 0 {
		return nil
	}
	if r.CollectedAt == nil && !isGap(r) {
		return fmt.Errorf("%s is %s, and nothing was read (%s)", keyOf(r), r.Status, r.Reason)
	}
	if status != assess.StatusMissing {
		return nil
	}
	m := lookedRuns.FindStringSubmatch(r.Reason)
	if m == nil {
		return fmt.Errorf("%s is missing, and no run is named that looked: %s", keyOf(r), r.Reason)
	}
	for _, id := range strings.Split(m[1], ", ") {
		run := runs[id]
		if run == nil || run.FinishedAt.After(a.AsOf) && !r.LateCapture {
			return fmt.Errorf("%s: %s looked, a run that did not end by then", keyOf(r), id)
		}
		if run.Status == evidence.RunFailed || !slices.ContainsFunc(kinds, func(k string) bool { return readWhole(run, k) }) {
			return fmt.Errorf("%s: run %s read none of %v", keyOf(r), id, kinds)
		}
	}
	return nil
}

// readWhole: but for parts that the gaps of the run name.
func readWhole(r *evidence.Run, kind string) bool {
	named := slices.ContainsFunc(r.Gaps, func(g evidence.Gap) bool { return slices.Contains(g.Kinds, kind) && g.Scope != "" })
	return r.Kinds[kind].Coverage == "complete" || r.Kinds[kind].Coverage == "partial" && named
}

// observationsNeverWorsen: a control shows the worst of its results that are
// no observations.
func observationsNeverWorsen(x *trial) error { return rolledUp(x.base) }

func rolledUp(a *assess.Assessment) error {
	order := []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale,
		assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived, assess.StatusSatisfied}
	for _, c := range a.Controls {
		worst, observed, satisfied, total := len(order), 0, 0, 0
		for _, r := range c.Results {
			if r.Control != c.ID {
				return fmt.Errorf("%s holds a result of %s", c.ID, r.Control)
			}
			if r.Status == assess.StatusNotApplicable {
				continue
			}
			total++
			if r.Status == assess.StatusSatisfied {
				satisfied++
			}
			if r.Severity == "observation" {
				observed++
				continue
			}
			worst = min(worst, slices.Index(order, r.Status))
		}
		want := assess.StatusNotApplicable
		switch {
		case !c.Applicable:
		case worst < len(order):
			want = order[worst]
		case observed > 0 && satisfied == total:
			want = assess.StatusSatisfied
		case observed > 0:
			want = assess.StatusNotAssessed
		}
		if c.Status != want || c.Satisfied != satisfied || c.Total != total {
			return fmt.Errorf("%s shows %s, %d of %d; want %s, %d of %d", c.ID, c.Status, c.Satisfied, c.Total, want, satisfied, total)
		}
	}
	return nil
}

// orderDoesNotMatter: runs may reach the ledger in any order, one after the
// other or at once.
func orderDoesNotMatter(x *trial) error {
	s := x.eng.NewState()
	for i, st := range interleaved(byRun(x.d.steps), x.rnd.Uint64(), x.rnd.IntN(2) == 0) {
		if st.item != nil {
			e := *st.item
			e.Seq = int64(i + 1)
			st.item = &e
		}
		feed(x, s, st)
	}
	return sameSaid(x.base, assessed(x, s, x.d.at))
}

func sameSaid(a, b *assess.Assessment) error {
	return differ(textOf(said(a)), textOf(said(b)))
}

// byRun takes a ledger apart: each run with what it read. What people handed in
// is a run of its own each.
func byRun(steps []step) [][]step {
	var out [][]step
	at := map[string]int{}
	for _, st := range steps {
		var id string
		switch {
		case st.run != nil:
			id = st.run.ID
		case st.gone != nil:
			id = st.gone.Run
		default:
			id = st.item.Run
		}
		i, ok := at[id]
		if !ok {
			i, at[id] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], st)
	}
	return out
}

// rememberedNeverShows: a State that was asked on the way says the same as one
// that was not.
func rememberedNeverShows(x *trial) error {
	s := x.eng.NewState()
	for i, st := range x.d.steps {
		feed(x, s, st)
		if i%max(len(x.d.steps)/2, 1) == 1 {
			assessed(x, s, st.order().Add(time.Duration(x.rnd.IntN(72)-24)*time.Hour))
		}
	}
	if x.rnd.IntN(2) == 0 {
		return differ(textOf(x.base), textOf(assessed(x, s, x.d.at)))
	}
	later := x.d.at.Add(time.Duration(x.rnd.IntN(24*40)) * time.Hour)
	return differ(textOf(assessed(x, x.d.state(x, x.eng, nil), later)), textOf(assessed(x, s, later)))
}

package assess_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// histories makes random ledgers in which every kind that a rule reads occurs.
// It puts together what the cases of the shipped expectations hold, whose
// records are linked as in life (systems, people, heads, hashes), and changes
// some of it: a field less, a field with what another record of the kind has in
// it, a time moved, a record made up from the fields of its kind alone.
type histories struct {
	eng    *assess.Engine
	cat    *catalog.Catalog
	scenes []scene          // of the cases, by expectation
	values map[string][]any // by kind and field, or by the field's last word: what cases hold there
	kinds  []string
}

// scene is what the ledger of a case holds.
type scene struct {
	slug      string
	items     []fixture.Item
	satisfied bool // something in it has to be
}

// historyEnd is the instant that the shipped cases are assessed at.
func historyEnd() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }

func newHistories(t testing.TB) *histories {
	t.Helper()
	h := &histories{eng: shipped(t), cat: loadCatalog(t), values: map[string][]any{}}
	h.kinds = h.eng.Kinds()
	for _, f := range caseFiles(t) {
		for _, c := range f.Cases {
			if c.AsOf != nil || !f.AsOf.Equal(historyEnd()) {
				continue
			}
			items := sceneOf(f, c)
			h.scenes = append(h.scenes, scene{f.Expectation, items, wantsSatisfied(c)})
			for _, it := range items {
				h.learn(it)
			}
		}
	}
	return h
}

func wantsSatisfied(c fixture.Case) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(c.Want)), func(w string) bool { return strings.HasPrefix(w, "satisfied") })
}

func caseFiles(t testing.TB) []*fixture.File {
	t.Helper()
	paths, err := fs.Glob(config.FS, "fixtures/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []*fixture.File
	for _, path := range paths {
		y, err := yamlfile.ReadFS(config.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fixture.Parse(y)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// sceneOf lists the records of a case, each with its key.
func sceneOf(f *fixture.File, c fixture.Case) []fixture.Item {
	byKey := map[string]fixture.Item{}
	var order []string
	put := func(it fixture.Item) {
		if it.Key == "" {
			_, it.Key, _ = strings.Cut(it.Subject, "/")
		}
		at := it.Kind + "|" + it.Key
		if _, ok := byKey[at]; !ok {
			order = append(order, at)
		}
		byKey[at] = it
	}
	for _, it := range f.Base {
		put(it)
	}
	for _, it := range c.Add {
		put(it)
	}
	var out []fixture.Item
	for _, at := range order {
		if it := byKey[at]; !slices.Contains(c.Drop, it.Key) || slices.ContainsFunc(c.Add, func(a fixture.Item) bool { return a.Kind == it.Kind && a.Subject == it.Subject }) {
			out = append(out, it)
		}
	}
	return out
}

func (h *histories) learn(it fixture.Item) {
	for name, v := range it.Payload {
		h.values[it.Kind+"."+name] = append(h.values[it.Kind+"."+name], v)
		word := name[strings.LastIndex(name, "_")+1:]
		h.values[word] = append(h.values[word], v)
	}
}

// history is one ledger, in its order.
type history struct {
	steps []step
	at    time.Time // the instant of interest: nothing is later
}

// state applies the steps that keep says, all if it is nil.
func (h *history) state(t testing.TB, eng *assess.Engine, keep func(step) bool) *assess.State {
	t.Helper()
	s := eng.NewState()
	for _, st := range h.steps {
		if keep == nil || keep(st) {
			feed(t, s, st)
		}
	}
	return s
}

func feed(t testing.TB, s *assess.State, st step) {
	t.Helper()
	var err error
	switch {
	case st.run != nil:
		s.ApplyRun(*st.run)
	case st.gone != nil:
		err = s.ApplyGone(*st.gone)
	default:
		err = s.Apply(*st.item)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func assessed(t testing.TB, s *assess.State, when time.Time) *assess.Assessment {
	t.Helper()
	a, err := s.At(when, assess.Checkpoint{Size: 1, Root: "r"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sourceOf gives the source that reads a kind: one of five, by its family.
func sourceOf(kind string) string {
	family, _, _ := strings.Cut(kind, ".")
	f := fnv.New32a()
	f.Write([]byte(family))
	return fmt.Sprint("source-", f.Sum32()%5)
}

// drawing is one history in the making.
type drawing struct {
	*histories
	rnd   *rand.Rand
	seed  uint64
	t     testing.TB
	whole bool // every run is complete
	times map[string][]time.Time
	seq   int
	steps []step
}

// draw makes a history out of a number: the same for the same number.
func (h *histories) draw(t testing.TB, seed uint64, whole bool) *history {
	t.Helper()
	d := &drawing{histories: h, rnd: rand.New(rand.NewPCG(seed, 42)), seed: seed, t: t, whole: whole, times: map[string][]time.Time{}}
	for i, source := range sources() {
		d.times[source] = d.runTimes(time.Duration(i) * 97 * time.Microsecond)
	}
	for _, it := range d.scene() {
		d.record(it)
	}
	for _, source := range sources() {
		d.run(source)
	}
	slices.SortStableFunc(d.steps, func(a, b step) int {
		if c := a.order().Compare(b.order()); c != 0 {
			return c
		}
		return cmp.Compare(a.rank(), b.rank())
	})
	d.finish()
	return &history{steps: d.steps, at: historyEnd()}
}

// goodScenes is how many scenes with something satisfied make a history;
// madeUpKinds is how many kinds in turn give it a record made up, so many that
// each has several turns: a record may come to nothing.
const (
	goodScenes  = 5
	madeUpKinds = 12
)

func sources() []string {
	return []string{"source-0", "source-1", "source-2", "source-3", "source-4"}
}

// order is the place of a step in time: a run stands where it opens or ends.
func (s step) order() time.Time {
	if s.run != nil && s.run.FinishedAt.IsZero() {
		return s.run.StartedAt
	}
	return s.known()
}

func (s step) rank() int {
	switch {
	case s.run != nil && s.run.FinishedAt.IsZero():
		return 0
	case s.item != nil:
		return 1
	case s.gone != nil:
		return 2
	}
	return 3
}

// runTimes are the ends of a source's runs, oldest first; the last one is so
// young that nothing is stale for want of reading.
func (d *drawing) runTimes(apart time.Duration) []time.Time {
	ago := []time.Duration{time.Duration(1+d.rnd.IntN(3)) * time.Hour}
	for _, days := range []int{1, 6, 20, 90} {
		if d.rnd.IntN(2) == 0 {
			ago = append(ago, time.Duration(days*24+d.rnd.IntN(24*days))*time.Hour)
		}
	}
	slices.Sort(ago)
	slices.Reverse(ago)
	var out []time.Time
	for i, a := range ago {
		out = append(out, historyEnd().Add(-a-time.Duration(i)*time.Second-apart))
	}
	return out
}

// scene chooses records: those of a few cases, some changed, and some made up.
func (d *drawing) scene() []fixture.Item {
	var out []fixture.Item
	taken := map[string]bool{}
	add := func(it fixture.Item) {
		if at := it.Kind + "|" + it.Key; !taken[at] {
			taken[at] = true
			out = append(out, it)
		}
	}
	for i := range uint64(goodScenes) {
		for _, it := range d.good(goodScenes*d.seed + i).items {
			add(d.changed(it, 40))
		}
	}
	for _, it := range d.scenes[d.rnd.IntN(len(d.scenes))].items {
		if d.rnd.IntN(20) > 0 {
			add(d.changed(it, 8))
		}
	}
	for i := range madeUpKinds {
		add(d.madeUp(d.kinds[(int(d.seed)*madeUpKinds+i)%len(d.kinds)]))
	}
	rules := d.eng.Expectations()
	add(fixture.Item{Kind: "waiver.record", Subject: "record/W-drawn", Key: "W-drawn", Payload: map[string]any{
		"waiver_id": "W-drawn", "expectation_slug": rules[d.rnd.IntN(len(rules))].Slug, "subject": map[string]any{"type": "*", "id": "*"},
		"requested_by": "ann", "approved_by": "zoe", "approved_at": "2026-10-20T00:00:00Z", "expires_at": "2026-12-20T00:00:00Z", "reason": "r"}})
	return out
}

// good gives a scene of the n-th expectation in which something is satisfied.
func (d *drawing) good(n uint64) scene {
	var slugs []string
	for _, s := range d.scenes {
		if s.satisfied && !slices.Contains(slugs, s.slug) {
			slugs = append(slugs, s.slug)
		}
	}
	var of []scene
	for _, s := range d.scenes {
		if s.satisfied && s.slug == slugs[n%uint64(len(slugs))] {
			of = append(of, s)
		}
	}
	return of[d.rnd.IntN(len(of))]
}

// changed sometimes gives an item another payload: one time in n.
func (d *drawing) changed(it fixture.Item, n int) fixture.Item {
	if d.rnd.IntN(n) > 0 || len(it.Payload) == 0 {
		return it
	}
	k, _ := d.cat.Kind(it.Kind)
	names := slices.Sorted(maps.Keys(it.Payload))
	name := names[d.rnd.IntN(len(names))]
	payload := maps.Clone(it.Payload)
	if f, ok := k.Field(name); ok && !f.Required && d.rnd.IntN(3) == 0 {
		delete(payload, name)
	} else if pool := d.values[it.Kind+"."+name]; len(pool) > 0 {
		payload[name] = pool[d.rnd.IntN(len(pool))]
	}
	other := it
	other.Payload = payload
	if _, err := fixture.Seal(d.cat, 0, other, historyEnd()); err != nil {
		return it
	}
	return other
}

// madeUp builds a record from nothing but the fields of its kind.
func (d *drawing) madeUp(kind string) fixture.Item {
	k, _ := d.cat.Kind(kind)
	id := fmt.Sprint("made-", d.rnd.IntN(4))
	payload := map[string]any{}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Required || d.rnd.IntN(3) > 0 {
			payload[f.Name] = d.value(kind, f)
		}
	}
	it := fixture.Item{Kind: kind, Subject: k.SubjectType + "/" + id, Key: id, Payload: payload}
	if _, err := fixture.Seal(d.cat, 0, it, historyEnd()); err != nil {
		d.t.Fatalf("a made-up %s breaks its kind: %v", kind, err)
	}
	return it
}

// value gives a field what some case has in it, or what fits its type.
func (d *drawing) value(kind string, f *catalog.Field) any {
	if pool := d.values[kind+"."+f.Name]; len(pool) > 0 && d.rnd.IntN(4) > 0 {
		return pool[d.rnd.IntN(len(pool))]
	}
	if len(f.Values) > 0 && f.Type.Name == catalog.String {
		return f.Values[d.rnd.IntN(len(f.Values))]
	}
	if f.Type.Name == catalog.String {
		var texts []any
		for _, v := range d.values[f.Name[strings.LastIndex(f.Name, "_")+1:]] {
			if s, ok := v.(string); ok {
				texts = append(texts, s)
			}
		}
		if len(texts) > 0 {
			return texts[d.rnd.IntN(len(texts))]
		}
	}
	return d.plain(&f.Type)
}

func (d *drawing) plain(t *catalog.Type) any {
	switch t.Name {
	case catalog.Int:
		return d.rnd.IntN(400)
	case catalog.Number:
		return float64(d.rnd.IntN(100)) / 10
	case catalog.Bool:
		return d.rnd.IntN(2) == 0
	case catalog.Time:
		return historyEnd().Add(-time.Duration(d.rnd.IntN(24*500)) * time.Hour).Format(time.RFC3339)
	case catalog.Date:
		return historyEnd().AddDate(0, 0, -d.rnd.IntN(500)).Format(time.DateOnly)
	case catalog.List:
		list := []any{}
		for range d.rnd.IntN(3) {
			list = append(list, d.plain(t.Elem))
		}
		return list
	case catalog.Map:
		return map[string]any{"security": d.plain(t.Elem)}
	case catalog.Object:
		out := map[string]any{}
		for i := range t.Fields {
			if f := &t.Fields[i]; f.Required || d.rnd.IntN(2) == 0 {
				out[f.Name] = d.plain(&f.Type)
			}
		}
		return out
	}
	return []string{"ann", "cv-screener", "acme/hiring", "text"}[d.rnd.IntN(4)]
}

// record puts an item into runs of its source: read in one, sometimes read
// again otherwise in a later one, sometimes gone after that.
func (d *drawing) record(it fixture.Item) {
	source := sourceOf(it.Kind)
	times := d.times[source]
	first := d.rnd.IntN(len(times))
	if d.rnd.IntN(2) == 0 {
		first = len(times) - 1
	}
	revision := 0
	for i := first; i < len(times); i++ {
		if i > first && d.rnd.IntN(4) > 0 {
			continue
		}
		read := it
		if i > first {
			read = d.changed(it, 1)
		}
		if !d.put(source, i, read, revision+1) {
			continue
		}
		revision++
	}
	if k, _ := d.cat.Kind(it.Kind); revision > 0 && k.Nature == catalog.State && d.rnd.IntN(15) == 0 {
		d.steps = append(d.steps, step{gone: &evidence.Gone{Run: runID(source, len(times)-1), Kind: it.Kind, Keys: []string{it.Key}, At: times[len(times)-1]}})
	}
}

func runID(source string, i int) string { return fmt.Sprint(source, "-run-", i) }

// put adds one reading of an item. Nothing is read before it happened.
func (d *drawing) put(source string, run int, it fixture.Item, revision int) bool {
	d.t.Helper()
	method := it.Method
	it.Method, it.Collected, it.Gone = "", nil, nil
	e, err := fixture.Seal(d.cat, d.seq, it, historyEnd())
	if err != nil {
		d.t.Fatal(err)
	}
	d.seq++
	e.Source, e.Run, e.Revision = source, runID(source, run), revision
	e.CollectedAt = d.times[source][run].Add(-30 * time.Second)
	if e.EventTime.After(e.CollectedAt) {
		return false
	}
	if method != "" || d.rnd.IntN(12) == 0 {
		e.Run = "by-upload"
	}
	e.Digest = evidence.Sum(fmt.Appendf(nil, "%d %s", d.seq, e.Payload))
	d.steps = append(d.steps, step{item: &e})
	return true
}

// run adds a source's runs. Every kind of the source is claimed; some runs
// could not see all of it.
func (d *drawing) run(source string) {
	for i, end := range d.times[source] {
		open := evidence.Run{ID: runID(source, i), StartedAt: end.Add(-time.Minute), Provenance: evidence.Provenance{Source: source, Identity: "reader", Method: "api"}}
		d.steps = append(d.steps, step{run: &open})
		done := open
		done.FinishedAt, done.Status, done.Kinds = end, evidence.RunComplete, map[string]evidence.KindRead{}
		hurt := !d.whole && d.rnd.IntN(6) == 0
		if hurt && d.rnd.IntN(3) == 0 {
			done.Status = evidence.RunFailed
		}
		for _, kind := range d.kinds {
			if sourceOf(kind) != source {
				continue
			}
			read := evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
			if hurt && d.rnd.IntN(4) == 0 {
				read.Coverage = []string{"partial", "denied"}[d.rnd.IntN(2)]
				if done.Status == evidence.RunComplete {
					done.Status = evidence.RunPartial
				}
				if read.Coverage == "partial" && d.rnd.IntN(2) == 0 {
					done.Gaps = append(done.Gaps, evidence.Gap{Kinds: []string{kind}, Reason: "denied", Scope: []string{"acme/hiring", "record made-1", "cv-screener"}[d.rnd.IntN(3)]})
				}
			}
			if !d.whole && d.rnd.IntN(8) == 0 {
				read.Since = end.AddDate(0, 0, -d.rnd.IntN(60))
			}
			done.Kinds[kind] = read
		}
		d.steps = append(d.steps, step{run: &done})
	}
}

// finish numbers the evidence and adds the run that stands for what people
// handed in.
func (d *drawing) finish() {
	first := d.steps[0].order().Add(-time.Hour)
	upload := evidence.Run{ID: "by-upload", StartedAt: first, FinishedAt: first, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "form", Method: "upload"}}
	d.steps = append([]step{{run: &upload}}, d.steps...)
	seq := int64(0)
	for _, st := range d.steps {
		seq++
		if st.item != nil {
			st.item.Seq = seq
		}
	}
}

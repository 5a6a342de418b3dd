package ask

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Options say how a World is read.
type Options struct {
	// Owner names who has the next move on a result; nil takes what the result
	// itself names.
	Owner func(*assess.Result) string
	// Seed is what samples depend on; empty is the system's id and the month.
	Seed string
	// Traces says that nothing but traces is asked for: what they do not show of
	// records is not kept.
	Traces bool
}

// World is what answers are taken from: an assessment, and the revision of
// each record that was in force at its instant.
type World struct {
	a        *assess.Assessment
	o        Options
	kinds    map[string][]record         // in order of event time
	digests  map[evidence.Digest]record  // what results rest on
	results  map[string][]*assess.Result // by expectation
	inForce  map[string]*assess.InForce
	systems  []System
	steps    map[string]string // by finding
	populace map[string]*assess.Population

	naming     map[string]map[string][]int32          // places in kinds, by kind and system, of kinds that were asked for
	concerning map[string]map[string][]*assess.Result // by expectation and system, likewise
}

// NewWorld reads evidence with its payloads, in ledger order. Of what was read
// after the assessment's instant it takes only what results rest on.
func NewWorld(a *assess.Assessment, all iter.Seq2[evidence.Evidence, error], o Options) (*World, error) {
	w := &World{
		a: a, o: o, kinds: map[string][]record{}, digests: map[evidence.Digest]record{},
		results: map[string][]*assess.Result{}, inForce: map[string]*assess.InForce{}, populace: map[string]*assess.Population{},
		steps: map[string]string{}, naming: map[string]map[string][]int32{}, concerning: map[string]map[string][]*assess.Result{},
	}
	for _, f := range assess.Findings(a) {
		w.steps[f.ID] = f.NextStep
	}
	rested := map[evidence.Digest]bool{}
	for _, r := range a.Results {
		w.results[r.Expectation] = append(w.results[r.Expectation], r)
		for _, d := range r.Evidence {
			rested[d] = true
		}
	}
	for i := range a.Expectations {
		w.inForce[a.Expectations[i].Slug] = &a.Expectations[i]
	}
	for i := range a.Populations {
		w.populace[a.Populations[i].Expectation] = &a.Populations[i]
	}
	if err := w.take(all, rested); err != nil {
		return nil, err
	}
	w.readSystems()
	return w, nil
}

// take keeps the newest revision of each key that was read by the instant.
func (w *World) take(all iter.Seq2[evidence.Evidence, error], rested map[evidence.Digest]bool) error {
	type name struct{ source, kind, key string }
	newest := map[name]evidence.Evidence{}
	only := restedKinds(w.o.Traces)
	for ev, err := range all {
		if err != nil {
			return err
		}
		if ev.CollectedAt.After(w.a.AsOf) && !rested[ev.Digest] {
			continue
		}
		k := name{ev.Source, ev.Kind, ev.Key}
		switch old, ok := newest[k]; {
		case ok && ev.CollectedAt.Before(old.CollectedAt):
		case only[ev.Kind] && !rested[ev.Digest]:
			delete(newest, k) // nothing looks at this revision
		default:
			newest[k] = ev
		}
	}
	of := map[string]int{}
	for _, ev := range newest {
		of[ev.Kind]++
	}
	for _, ev := range newest {
		if ev.Payload == nil || !ev.GoneAt.IsZero() && !ev.GoneAt.After(w.a.AsOf) && !rested[ev.Digest] {
			continue
		}
		read := newRecord
		if w.o.Traces && many(ev.Kind) {
			read = countedRecord
		}
		r, ok := read(ev)
		if !ok {
			continue // no object: it breaks its kind's schema and says nothing
		}
		if w.kinds[ev.Kind] == nil {
			w.kinds[ev.Kind] = make([]record, 0, of[ev.Kind])
		}
		w.kinds[ev.Kind] = append(w.kinds[ev.Kind], r)
		if rested[ev.Digest] {
			w.digests[ev.Digest] = r
		}
	}
	for _, list := range w.kinds {
		slices.SortFunc(list, func(x, y record) int {
			return cmp.Or(x.EventTime.Compare(y.EventTime), cmp.Compare(x.Subject.ID, y.Subject.ID), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Source, y.Source))
		})
	}
	return nil
}

// of returns the records of a kind that name a system; with an empty id those
// that name none that is registered.
func (w *World) of(kind, system string) []record {
	all, by := w.kinds[kind], w.naming[kind]
	if by == nil {
		by = map[string][]int32{}
		for i := range all {
			ids := all[i].systems()
			slices.Sort(ids)
			ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
			for _, id := range ids {
				by[id] = append(by[id], int32(i))
			}
			if !slices.ContainsFunc(ids, w.registered) {
				by[""] = append(by[""], int32(i))
			}
		}
		w.naming[kind] = by
	}
	var out []record
	if places := by[system]; len(places) > 0 {
		out = make([]record, 0, len(places))
		for _, i := range places {
			out = append(out, all[i])
		}
	}
	return out
}

func (w *World) registered(id string) bool {
	_, ok := w.System(id)
	return ok
}

// rests returns the records of a kind that a result rests on.
func (w *World) rests(r *assess.Result, kind string) []record {
	var out []record
	for _, d := range r.Evidence {
		if rec, ok := w.digests[d]; ok && rec.Kind == kind {
			out = append(out, rec)
		}
	}
	slices.SortStableFunc(out, func(x, y record) int { return x.EventTime.Compare(y.EventTime) })
	return out
}

// about returns the results of an expectation that concern a system, those
// about the whole organisation not among them; with an empty id those that
// concern no registered system.
func (w *World) about(slug, system string) []*assess.Result {
	by := w.concerning[slug]
	if by == nil {
		by = map[string][]*assess.Result{}
		for _, r := range w.results[slug] {
			for _, id := range concerned(r) {
				by[id] = append(by[id], r)
			}
		}
		w.concerning[slug] = by
	}
	return slices.Clip(by[system])
}

func (w *World) concerns(r *assess.Result, system string) bool {
	return slices.Contains(concerned(r), system)
}

// concerned are the systems that a result concerns; it is an empty id where it
// concerns none and is not about the whole organisation either.
func concerned(r *assess.Result) []string {
	ids := r.Systems
	if r.Subject.Type == "ai_system" && !slices.Contains(ids, r.Subject.ID) {
		ids = append(slices.Clip(ids), r.Subject.ID)
	}
	if len(ids) == 0 && !aboutAll(r) {
		return []string{""}
	}
	return ids
}

// whole returns the results of an expectation that are about the organisation,
// or about a population as a whole: that it is empty, or not known.
func (w *World) whole(slug string) []*assess.Result {
	var out []*assess.Result
	for _, r := range w.results[slug] {
		if aboutAll(r) {
			out = append(out, r)
		}
	}
	return out
}

func aboutAll(r *assess.Result) bool {
	return r.Subject.ID == "(none)" || r.Subject.ID == "(unknown)" || r.Subject.Type == "organization" && len(r.Systems) == 0
}

func (w *World) now() time.Time { return w.a.AsOf }

func (w *World) owner(r *assess.Result) string {
	if w.o.Owner == nil {
		return r.Owner
	}
	return w.o.Owner(r)
}

// System is what an answer says of the AI system that it is about.
type System struct {
	ID        string          `json:"id"`
	Name      string          `json:"name,omitempty"`
	Tier      string          `json:"risk_tier,omitempty"`
	Stage     string          `json:"stage,omitempty"`
	Owner     string          `json:"owner,omitempty"`
	Deputy    string          `json:"deputy,omitempty"`
	GoLive    time.Time       `json:"go_live,omitzero"`
	RetiredAt time.Time       `json:"retired_at,omitzero"`
	Digest    evidence.Digest `json:"digest,omitzero"`
}

func (w *World) readSystems() {
	for _, r := range w.kinds["inventory.ai_system"] {
		w.systems = append(w.systems, System{ID: r.Subject.ID, Name: r.text("name"), Tier: r.text("risk_tier"), Stage: r.text("stage"),
			Owner: r.text("owner"), Deputy: r.text("deputy"), GoLive: r.time("go_live"), RetiredAt: r.time("retired_at"), Digest: r.Digest})
	}
	slices.SortFunc(w.systems, func(x, y System) int { return cmp.Compare(x.ID, y.ID) })
	w.systems = slices.CompactFunc(w.systems, func(x, y System) bool { return x.ID == y.ID })
}

// Systems returns the registered AI systems by id.
func (w *World) Systems() []System { return w.systems }

// System returns a registered AI system.
func (w *World) System(id string) (System, bool) {
	i, ok := slices.BinarySearchFunc(w.systems, id, func(s System, id string) int { return cmp.Compare(s.ID, id) })
	if !ok {
		return System{}, false
	}
	return w.systems[i], true
}

// AsOf is the instant of the assessment.
func (w *World) AsOf() time.Time { return w.a.AsOf }

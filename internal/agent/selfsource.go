package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// SelfSource is the name of the built-in source by which the agent states
// facts about itself: runs it made, rights it was found to have, populations it
// listed, and that its store holds.
const SelfSource = "exhibit"

// Kinds of the records of SelfSource.
const (
	KindRun        = "collector.run"
	KindProbe      = "collector.permission_probe"
	KindPopulation = "population.statement"
	KindMissed     = "collector.missed_run"
	KindAgent      = "collector.agent"
)

// VerifyConnector is the connector under which a verification of the store is
// on record as a collector.run.
const VerifyConnector = "exhibit.verify"

// selfInterval is how often the store is verified and populations are stated.
const selfInterval = 24 * time.Hour

// restateAfter is how old the statement of something unchanged may be.
const restateAfter = 7 * 24 * time.Hour

// Self is what CollectSelf needs from outside. Each is asked at most once a day.
type Self struct {
	// Verify checks the whole store. What does not hold is in the check's Errors.
	Verify func(ctx context.Context) (Verification, error)
	// Populations lists every population as of now.
	Populations func(ctx context.Context) ([]PopulationFact, error)
	// Schedule is what the agents keep: times that were missed, and what they say
	// of themselves. Nil where no agent runs.
	Schedule *Schedule
}

// Verification is what a check of the store found.
type Verification struct {
	Started   time.Time
	Entries   int64
	Kinds     map[string]int64  // pieces of evidence held, by kind
	Retention map[string]string // how long each kind is kept; nil if nobody decided
	Early     []string          // erased inside its retention; nil if it was not looked for
	Errors    []string          // the first thing that does not hold
}

// PopulationFact is a population as it is stated.
type PopulationFact struct {
	Expectation     string `json:"expectation_slug"`
	SubjectType     string `json:"subject_type"`
	AsOf            moment `json:"as_of"`
	Query           string `json:"source_query,omitempty"`
	Count           int    `json:"count"`
	IDs             string `json:"hash_of_id_list"`
	ReconciledWith  string `json:"reconciled_with,omitempty"`
	ReconciledCount *int64 `json:"reconciled_count,omitempty"`
	Difference      *int64 `json:"difference,omitempty"`
}

// moment is an instant in a payload.
type moment = time.Time

// CollectSelf puts on record what the agent knows of itself: each run of a
// source that ended since, rights that changed, and once a day that the store
// holds and what populations there are. It is a run of SelfSource, made only if
// there is something to say.
func (c *Collector) CollectSelf(ctx context.Context, self Self) error {
	now := c.Now()
	s := selfRun{c: c, now: now}
	if err := s.read(ctx); err != nil {
		return err
	}
	s.runs()
	s.probes()
	if s.due(KindRun, VerifyConnector) {
		v, err := self.Verify(ctx)
		if err != nil {
			return fmt.Errorf("verifying the store: %w", err)
		}
		s.verification(v)
	}
	if now.Sub(s.newest[KindPopulation]) >= selfInterval {
		list, err := self.Populations(ctx)
		if err != nil {
			return fmt.Errorf("listing populations: %w", err)
		}
		s.populations(list)
	}
	if s.err != nil {
		return s.err
	}
	if self.Schedule == nil {
		return s.append(ctx)
	}
	missed, err := s.agents(ctx, self.Schedule)
	if err == nil {
		err = s.err
	}
	if err == nil {
		err = s.append(ctx)
	}
	if err != nil {
		return err
	}
	return self.Schedule.markRecorded(ctx, missed)
}

// selfRun is one round of CollectSelf.
type selfRun struct {
	c        *Collector
	now      time.Time
	closed   []evidence.Run
	recorded map[string]string    // key of a record → what it says, as far as a change matters
	stated   map[string]time.Time // key → when
	newest   map[string]time.Time // kind → when
	out      []evidence.Record
	err      error
}

// read finds out what is on record already.
func (s *selfRun) read(ctx context.Context) error {
	s.recorded, s.stated, s.newest = map[string]string{}, map[string]time.Time{}, map[string]time.Time{}
	q := store.EvidenceQuery{Kinds: []string{KindRun, KindProbe, KindPopulation, KindAgent}, Source: SelfSource, Latest: true, Payloads: true}
	for ev, err := range s.c.Store.Evidence(ctx, q) {
		if err != nil {
			return err
		}
		key, says := selfKey(ev)
		s.recorded[key], s.stated[key] = says, ev.EventTime
		if ev.EventTime.After(s.newest[ev.Kind]) {
			s.newest[ev.Kind] = ev.EventTime
		}
	}
	for run, err := range s.c.Store.Runs(ctx, "") {
		if err != nil {
			return err
		}
		source := run.Provenance.Source
		if run.Status != evidence.RunOpen && source != SelfSource && source != ShadowSource && source != people.Source && source != RegisterSource {
			s.closed = append(s.closed, run)
		}
	}
	return nil
}

// selfKey names what a record is about, whatever its time, and what it says.
func selfKey(ev evidence.Evidence) (key, says string) {
	switch ev.Kind {
	case KindProbe:
		var p struct {
			Permission string `json:"permission"`
			Granted    bool   `json:"granted"`
		}
		_ = json.Unmarshal(ev.Payload, &p) // an erased payload says nothing, and is stated again
		return probeKey(ev.Subject.ID, p.Permission), fmt.Sprint(p.Granted)
	case KindPopulation:
		var p PopulationFact
		_ = json.Unmarshal(ev.Payload, &p) // as above
		return KindPopulation + " " + p.Expectation, p.IDs
	case KindAgent:
		var f agentFact
		_ = json.Unmarshal(ev.Payload, &f) // as above
		return KindAgent + " " + f.Node, f.says()
	}
	if ev.Subject.ID == VerifyConnector {
		return KindRun + " " + VerifyConnector, ""
	}
	return KindRun + " " + ev.Key, ""
}

func probeKey(source, permission string) string { return KindProbe + " " + source + " " + permission }

// due reports whether the last statement of something is a day old.
func (s *selfRun) due(kind, name string) bool {
	return s.now.Sub(s.stated[kind+" "+name]) >= selfInterval
}

func (s *selfRun) add(kind, subject, key string, event time.Time, payload any) {
	raw, err := json.Marshal(payload)
	if err == nil {
		raw, err = evidence.CanonicalObject(raw)
	}
	if err != nil {
		s.err = errors.Join(s.err, fmt.Errorf("%s %s: %w", kind, key, err))
		return
	}
	k, ok := s.c.Catalog.Kind(kind)
	if !ok {
		s.err = errors.Join(s.err, fmt.Errorf("there is no kind %s", kind))
		return
	}
	if errs := k.Validate(raw); len(errs) > 0 {
		s.err = errors.Join(s.err, fmt.Errorf("%s %s: %w", kind, key, errors.Join(errs...)))
		return
	}
	s.out = append(s.out, evidence.Record{Kind: kind, Major: 1, Subject: evidence.Subject{Type: k.SubjectType, ID: subject}, Key: key,
		EventTime: event.UTC(), CollectedAt: s.now, Payload: raw})
}

// runFact is the payload of a KindRun.
type runFact struct {
	Run       string            `json:"run_id"`
	Connector string            `json:"connector"`
	Version   string            `json:"connector_version,omitempty"`
	Identity  string            `json:"identity,omitempty"`
	Calls     int64             `json:"api_calls"`
	Errors    []string          `json:"errors"`
	Counts    map[string]int64  `json:"counts_by_kind"`
	Started   moment            `json:"started_at"`
	Finished  moment            `json:"finished_at"`
	Status    string            `json:"status"`
	Retention map[string]string `json:"retention_by_kind,omitempty"`
	Early     *[]string         `json:"erased_early,omitempty"`
}

// runs states each run that ended and is not on record yet.
func (s *selfRun) runs() {
	for _, r := range s.closed {
		if _, there := s.recorded[KindRun+" "+r.ID]; there {
			continue
		}
		f := runFact{Run: r.ID, Connector: r.Provenance.Connector, Version: r.Provenance.ConnectorVersion, Identity: r.Provenance.Identity,
			Calls: r.Calls.Requests, Errors: []string{}, Counts: map[string]int64{}, Started: r.StartedAt.UTC(), Finished: r.FinishedAt.UTC(), Status: string(r.Status)}
		if r.Error != "" {
			f.Errors = append(f.Errors, r.Error)
		}
		for kind, k := range r.Kinds {
			f.Counts[kind] = k.Seen
		}
		s.add(KindRun, r.Provenance.Source, r.ID, r.FinishedAt, f)
	}
}

// probes states which permissions runs of this process were found to hold or
// lack, if that changed or was not said for a week.
func (s *selfRun) probes() {
	found := s.c.probed()
	for _, source := range slices.Sorted(maps.Keys(found)) {
		p := found[source]
		for _, state := range p.report.Permissions {
			if state.Grant != connector.Granted && state.Grant != connector.Missing {
				continue // nobody can tell: no fact
			}
			granted := state.Grant == connector.Granted
			key := probeKey(source, state.Permission)
			if says, there := s.recorded[key]; there && says == fmt.Sprint(granted) && s.now.Sub(s.stated[key]) < restateAfter {
				continue
			}
			s.add(KindProbe, source, source+"|"+state.Permission+"|"+p.at.Format(time.RFC3339), p.at, map[string]any{
				"connector": p.connector, "permission": state.Permission, "granted": granted, "probed_at": p.at.Format(time.RFC3339),
			})
		}
	}
}

func (s *selfRun) verification(v Verification) {
	counts := maps.Clone(v.Kinds)
	if counts == nil {
		counts = map[string]int64{}
	}
	counts["entries"] = v.Entries
	f := runFact{Run: "verify-" + s.now.Format("20060102T150405Z"), Connector: VerifyConnector, Version: s.c.Version, Errors: []string{},
		Counts: counts, Started: v.Started.UTC().Truncate(time.Second), Finished: s.now, Status: string(evidence.RunComplete), Retention: v.Retention}
	if v.Early != nil {
		f.Early = &v.Early
	}
	if len(v.Errors) > 0 {
		f.Errors, f.Status = v.Errors, string(evidence.RunFailed)
	}
	s.add(KindRun, VerifyConnector, f.Run, f.Finished, f)
}

// populations states those whose items changed, or that were not stated for a
// week.
func (s *selfRun) populations(list []PopulationFact) {
	for _, p := range list {
		key := KindPopulation + " " + p.Expectation
		if says, there := s.recorded[key]; there && says == p.IDs && s.now.Sub(s.stated[key]) < restateAfter {
			continue
		}
		s.add(KindPopulation, p.Expectation, p.Expectation+"|"+p.AsOf.UTC().Format(time.RFC3339), p.AsOf, p)
	}
}

// append makes the run.
func (s *selfRun) append(ctx context.Context) error {
	if len(s.out) == 0 && s.now.Sub(s.newest[KindRun]) < peopleRenewal {
		return nil
	}
	if err := s.c.closeDangling(ctx, SelfSource); err != nil {
		return err
	}
	rec := newRecorder(s.c, evidence.Provenance{
		Agent: "exhibit/" + s.c.Version, Source: SelfSource, Connector: SelfSource, ConnectorVersion: s.c.Version,
		Identity: "exhibit", Method: "self", Reliability: "statement",
	}, nil)
	if err := rec.open(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(s.out, importBatch) {
		if err := rec.append(ctx, store.Batch{Run: rec.run.ID, Records: chunk}); err != nil {
			return err
		}
	}
	for _, kind := range []string{KindRun, KindProbe, KindPopulation, KindMissed, KindAgent} {
		rec.run.Kinds[kind] = evidence.KindRead{Coverage: "complete", IndependentCount: -1, Query: "what the agent itself did"}
	}
	rec.run.FinishedAt, rec.run.Status = s.c.Now(), evidence.RunComplete
	_, err := rec.end(ctx)
	return err
}

// probe is what the last check of a source found.
type probe struct {
	connector string
	at        time.Time
	report    connector.CheckReport
}

func (c *Collector) noteProbe(source, name string, at time.Time, report connector.CheckReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.checks == nil {
		c.checks = map[string]probe{}
	}
	c.checks[source] = probe{name, at.Truncate(time.Second), report}
}

func (c *Collector) probed() map[string]probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.checks)
}

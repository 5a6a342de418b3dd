package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// ShadowSource is the name of the built-in source that puts on record which AI
// was seen, which registered system accounts for it, and what was searched.
const ShadowSource = shadow.Source

// KindShadowCase and KindShadowScan are the kinds of the records of
// ShadowSource.
const (
	KindShadowCase = shadow.KindCase
	KindShadowScan = shadow.KindScan
)

// CollectShadow reconciles what was seen with the register and puts on record
// what changed: cases, and once a day or when it changed what was searched. If
// nothing that could show AI was ever read, it does nothing; if nothing that
// matters was appended since, it does not even look, but once a day.
//
// It returns the cases that this put on record as open and that were not open
// on record before, new ones and those that opened again: what is worth telling,
// once.
func (c *Collector) CollectShadow(ctx context.Context) (opened []shadow.Case, err error) {
	now := c.Now()
	onRecord, err := readShadow(ctx, c.Store, now)
	if err != nil {
		return nil, err
	}
	if same, err := c.nothingNew(ctx, onRecord, now); err != nil || same {
		return nil, err
	}
	res, err := ReconcileShadow(ctx, c.Store, now)
	if err != nil {
		return nil, err
	}
	records, err := shadowRecords(res, onRecord, now)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	if err := c.checkShadow(records, now); err != nil {
		return nil, err
	}
	if err := c.appendShadow(ctx, records); err != nil {
		return nil, err
	}
	return shadow.Opened(res.Cases, onRecord.cases), nil
}

// checkShadow holds records against their kinds before any of them is stored.
func (c *Collector) checkShadow(records []evidence.Record, now time.Time) error {
	for i := range records {
		records[i].CollectedAt = now
		kind, ok := c.Catalog.Kind(records[i].Kind)
		if !ok {
			return fmt.Errorf("there is no kind %s", records[i].Kind)
		}
		if errs := kind.Validate(records[i].Payload); len(errs) > 0 {
			return fmt.Errorf("%s %s: %w", kind.ID, records[i].Key, errs[0])
		}
	}
	return nil
}

// nothingNew reports whether what is on record is of today and no run since
// changed what it rests on.
func (c *Collector) nothingNew(ctx context.Context, onRecord shadowRecord, now time.Time) (bool, error) {
	if now.Sub(onRecord.scan.Finished.Time) >= selfInterval {
		return false, nil
	}
	last := map[string]string{} // by source: how its last run saw what matters here
	for run, err := range c.Store.Runs(ctx, "") {
		if err != nil {
			return false, err
		}
		source := run.Provenance.Source
		if run.Status == evidence.RunOpen || source == ShadowSource {
			continue
		}
		saw, changed := sawShadow(run)
		if saw == "" {
			continue
		}
		if !run.FinishedAt.Before(onRecord.at) && (changed || saw != last[source]) {
			return false, nil
		}
		last[source] = saw
	}
	return true, nil
}

// sawShadow says how a run saw the kinds that cases rest on, empty if it read
// none, and whether anything of them changed.
func sawShadow(run evidence.Run) (saw string, changed bool) {
	for _, kind := range append(shadow.Kinds(), people.KindCaseDecision) {
		if k, read := run.Kinds[kind]; read {
			saw += fmt.Sprintf("%s %s %s;", run.Status, kind, k.Coverage)
			changed = changed || k.New+k.Revised+k.Gone > 0
		}
	}
	return saw, changed
}

// shadowRecord is what ShadowSource put on record last.
type shadowRecord struct {
	cases []shadow.Case
	raw   map[string]json.RawMessage // by id
	scan  shadow.Scan
	at    time.Time // when the newest was made
}

// readShadow reads what is on record. What is dated later than now tells no
// time: a clock that was ahead puts nothing off.
func readShadow(ctx context.Context, st store.Reader, now time.Time) (shadowRecord, error) {
	out := shadowRecord{raw: map[string]json.RawMessage{}}
	q := store.EvidenceQuery{Kinds: []string{KindShadowCase, KindShadowScan}, Source: ShadowSource, Latest: true, Payloads: true}
	for ev, err := range st.Evidence(ctx, q) {
		if err != nil {
			return out, err
		}
		if len(ev.Payload) == 0 { // erased: its proof stays, what it said is gone
			continue
		}
		if ev.CollectedAt.After(out.at) && !ev.CollectedAt.After(now) {
			out.at = ev.CollectedAt
		}
		if ev.Kind == KindShadowScan {
			var s shadow.Scan
			if err := json.Unmarshal(ev.Payload, &s); err != nil {
				return out, fmt.Errorf("scan %s: %w", ev.Key, err)
			}
			if !s.Finished.Before(out.scan.Finished.Time) && !s.Finished.After(now) {
				out.scan = s
			}
			continue
		}
		one, err := shadow.ParseCase(ev)
		if err != nil {
			return out, err
		}
		out.cases, out.raw[one.ID] = append(out.cases, one), ev.Payload
	}
	return out, nil
}

// shadowRecords are the cases that are not on record as they are, and the
// statement of what was searched, if it is a day old or says something else.
func shadowRecords(res shadow.Result, onRecord shadowRecord, now time.Time) ([]evidence.Record, error) {
	if !res.Coverage.LookedAt() && len(res.Cases) == 0 {
		return nil, nil
	}
	var out []evidence.Record
	for i := range res.Cases {
		rec, err := res.Cases[i].Record()
		if err != nil {
			return nil, err
		}
		if string(rec.Payload) != string(onRecord.raw[rec.Key]) {
			out = append(out, rec)
		}
	}
	scan := res.Coverage.Scan(now)
	if !res.Coverage.LookedAt() || len(out) == 0 && scan.Says(onRecord.scan) && now.Sub(onRecord.scan.Finished.Time) < selfInterval {
		return out, nil
	}
	rec, err := scan.Record()
	return append(out, rec), err
}

// appendShadow makes the run. It claims to hold all cases there are, so that
// what it does not repeat still stands.
func (c *Collector) appendShadow(ctx context.Context, records []evidence.Record) error {
	if err := c.closeDangling(ctx, ShadowSource); err != nil {
		return err
	}
	rec := newRecorder(c, evidence.Provenance{
		Agent: "exhibit/" + c.Version, Source: ShadowSource, Connector: ShadowSource, ConnectorVersion: c.Version,
		Identity: "exhibit", Method: "self", Reliability: "statement",
	}, nil)
	if err := rec.open(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(records, importBatch) {
		if err := rec.append(ctx, store.Batch{Run: rec.run.ID, Records: chunk}); err != nil {
			return err
		}
	}
	for _, kind := range []string{KindShadowCase, KindShadowScan} {
		rec.run.Kinds[kind] = evidence.KindRead{Coverage: "complete", IndependentCount: -1, Query: "what other sources read, held against the register"}
	}
	rec.run.FinishedAt, rec.run.Status = c.Now(), evidence.RunComplete
	_, err := rec.end(ctx)
	return err
}

// ReconcileShadow reads what was seen, the register and what people decided
// from a store, and returns the cases as they stand at an instant.
func ReconcileShadow(ctx context.Context, st store.Reader, now time.Time) (shadow.Result, error) {
	signs, err := aisign.Load()
	if err != nil {
		return shadow.Result{}, err
	}
	onRecord, err := readShadow(ctx, st, now)
	if err != nil {
		return shadow.Result{}, err
	}
	in := shadow.Input{Signs: signs, Now: now, Earlier: onRecord.cases,
		Evidence: st.Evidence(ctx, store.EvidenceQuery{Kinds: shadow.Kinds(), Latest: true, Payloads: true})}
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			return shadow.Result{}, err
		}
		if run.Status != evidence.RunOpen {
			in.Runs = append(in.Runs, run)
		}
	}
	if in.Decisions, err = readDecisions(ctx, st); err != nil {
		return shadow.Result{}, err
	}
	res, err := shadow.Reconcile(in)
	if err != nil || len(res.Wanted) == 0 {
		return res, err
	}
	if in.Authors, err = readAuthors(ctx, st, res.Wanted); err != nil || len(in.Authors) == 0 {
		return res, err
	}
	return shadow.Reconcile(in)
}

// readDecisions reads what people decided by command. Nothing else speaks for
// them.
func readDecisions(ctx context.Context, st store.Reader) ([]people.CaseDecision, error) {
	var out []people.CaseDecision
	q := store.EvidenceQuery{Kinds: []string{people.KindCaseDecision}, Source: people.Source, Latest: true, Payloads: true}
	for ev, err := range st.Evidence(ctx, q) {
		if err != nil {
			return nil, err
		}
		if len(ev.Payload) == 0 {
			continue
		}
		d, err := people.ParseCaseDecision(ev)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// readAuthors finds who committed to each of these repositories last.
func readAuthors(ctx context.Context, st store.Reader, wanted []string) (map[string]shadow.Author, error) {
	out := map[string]shadow.Author{}
	q := store.EvidenceQuery{Kinds: shadow.AuthorKinds(), Latest: true, Payloads: true}
	for ev, err := range st.Evidence(ctx, q) {
		if err != nil {
			return nil, err
		}
		var v struct {
			Repo       string `json:"repo"`
			Author     string `json:"author"`
			AuthorType string `json:"author_type"`
		}
		if len(ev.Payload) == 0 || json.Unmarshal(ev.Payload, &v) != nil || v.Author == "" || v.AuthorType == "Bot" || strings.HasSuffix(v.Author, "[bot]") {
			continue
		}
		repo := strings.ToLower(v.Repo)
		have := out[repo]
		if _, ok := slices.BinarySearch(wanted, repo); ok && (ev.EventTime.After(have.At) || ev.EventTime.Equal(have.At) && (have.Name == "" || v.Author < have.Name)) {
			out[repo] = shadow.Author{Name: v.Author, At: ev.EventTime}
		}
	}
	return out, nil
}

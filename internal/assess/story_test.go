package assess_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// story is a ledger that grows: runs and what they read, in ledger order.
type story struct {
	steps []step
	clock time.Time
	seq   int64
	keys  map[string]int // revisions by source, kind and key
	live  map[string]int // step of the newest revision
}

// step is one entry of the ledger.
type step struct {
	run  *evidence.Run
	item *evidence.Evidence
	gone *evidence.Gone
}

var storyStart = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func newStory() *story {
	return &story{clock: storyStart, keys: map[string]int{}, live: map[string]int{}}
}

// known is when a step became known to the agent.
func (s step) known() time.Time {
	switch {
	case s.run != nil:
		return s.run.FinishedAt
	case s.gone != nil:
		return s.gone.At
	}
	return s.item.CollectedAt
}

func (s step) apply(t rapid.TB, st *assess.State) {
	switch {
	case s.run != nil:
		st.ApplyRun(*s.run)
	case s.gone != nil:
		if err := st.ApplyGone(*s.gone); err != nil {
			t.Fatal(err)
		}
	default:
		if err := st.Apply(*s.item); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *story) put(run, source, kind, subjectType, id, key string, event time.Time, payload map[string]any) {
	raw, _ := json.Marshal(payload)
	s.seq++
	at := source + "|" + kind + "|" + key
	s.keys[at]++
	e := evidence.Evidence{Seq: s.seq, Digest: evidence.Sum(fmt.Appendf(nil, "%d", s.seq)), Run: run, Source: source, Kind: kind, Major: 1,
		Subject: evidence.Subject{Type: subjectType, ID: id}, Key: key, Revision: s.keys[at], EventTime: event, CollectedAt: s.clock,
		PayloadSum: evidence.Sum(raw), Payload: raw}
	s.live[at] = len(s.steps)
	s.steps = append(s.steps, step{item: &e})
}

// sources of the story and the kinds each reads.
func storySources() map[string][]string {
	return map[string][]string{
		"register": {"inventory.ai_system", "waiver.record", "soa.record", "role.assignment", "vendor.record"},
		"hub":      {"github.pull_request", "github.pull_request_review", "github.push", "github.repository"},
		"docs":     {"risk.assessment", "impact.assessment", "monitoring.metric_series", "scope.statement"},
		"vendor":   {"vendor.model_observation", "vendor.assessment"},
		"tracker":  {"jira.issue", "jira.incident", "jira.change_request", "model_registry.deployment"},
	}
}

func stampOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// write adds one record as its source would read it now.
func (s *story) write(t *rapid.T, run, source string) {
	n := rapid.IntRange(0, 3).Draw(t, "which")
	ago := func(label string) time.Time {
		return s.clock.Add(-time.Duration(rapid.IntRange(0, 24*40).Draw(t, label)) * time.Hour)
	}
	people := rapid.SampledFrom([]string{"ann", "bob", "cid"})
	kind := rapid.SampledFrom(storySources()[source]).Draw(t, "kind")
	id := fmt.Sprintf("%s-%d", kind[strings.Index(kind, ".")+1:], n)
	switch kind {
	case "inventory.ai_system":
		p := map[string]any{"system_id": fmt.Sprintf("sys%d", n%2), "owner": people.Draw(t, "owner"), "risk_tier": rapid.SampledFrom([]string{"high", "limited"}).Draw(t, "tier"),
			"in_scope": rapid.Bool().Draw(t, "scope"), "stage": "operate", "vendors": []string{"v1"}, "models": []string{"m1"},
			"repositories": []any{map[string]any{"name": "acme/a", "ai_paths": []string{"ai/**"}, "production_branch": "main"}}}
		if rapid.Bool().Draw(t, "retired") {
			p["retired_at"] = stampOf(ago("retired"))
		}
		s.put(run, source, kind, "ai_system", p["system_id"].(string), p["system_id"].(string), ago("reviewed"), p)
	case "waiver.record":
		at := ago("approved")
		s.put(run, source, kind, "record", id, id, at, map[string]any{"waiver_id": id, "expectation_slug": rapid.SampledFrom([]string{"release-change-approved", "risk-assessment-per-system"}).Draw(t, "slug"),
			"subject": map[string]any{"type": "*", "id": "*"}, "requested_by": people.Draw(t, "asked"), "approved_by": people.Draw(t, "by"),
			"approved_at": stampOf(at), "expires_at": stampOf(at.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "days")) * 24 * time.Hour))})
	case "soa.record":
		at := ago("approved")
		s.put(run, source, kind, "organization", "organization", id, at, map[string]any{"version": id, "approved_by": "ann", "approved_at": stampOf(at),
			"controls": []any{map[string]any{"id": "A.6.2.5", "applicable": rapid.Bool().Draw(t, "applies"), "justification": "because"}}})
	case "role.assignment":
		p := people.Draw(t, "person")
		s.put(run, source, kind, "person", p, p, time.Time{}, map[string]any{"role": "x", "person": p, "directory_active": rapid.Bool().Draw(t, "active")})
	case "vendor.record":
		s.put(run, source, kind, "vendor", "v1", "v1", time.Time{}, map[string]any{"vendor_id": "v1", "owner": people.Draw(t, "owner")})
	case "github.pull_request":
		at := ago("merged")
		p := map[string]any{"repo": "acme/a", "number": n, "author": people.Draw(t, "author"), "head_sha": fmt.Sprint("h", rapid.IntRange(0, 1).Draw(t, "head")),
			"merge_commit_sha": fmt.Sprint("m", n), "base_ref": "main", "files": []string{rapid.SampledFrom([]string{"ai/x", "web/x"}).Draw(t, "file")}}
		if rapid.IntRange(0, 4).Draw(t, "open") > 0 {
			p["merged_at"] = stampOf(at)
		} else {
			at = time.Time{}
		}
		s.put(run, source, kind, "change", fmt.Sprintf("acme/a#%d", n), fmt.Sprint(n), at, p)
	case "github.pull_request_review":
		at := ago("submitted")
		key := fmt.Sprintf("%d-%d", n, rapid.IntRange(0, 2).Draw(t, "review"))
		s.put(run, source, kind, "change", fmt.Sprintf("acme/a#%d", n), key, at, map[string]any{"repo": "acme/a", "pr_number": n, "review_id": 1,
			"reviewer": people.Draw(t, "reviewer"), "state": rapid.SampledFrom([]string{"APPROVED", "COMMENTED", "DISMISSED"}).Draw(t, "state"),
			"commit_id": fmt.Sprint("h", rapid.IntRange(0, 1).Draw(t, "commit")), "submitted_at": stampOf(at)})
	case "github.push":
		at := ago("pushed")
		sha := fmt.Sprint(rapid.SampledFrom([]string{"m", "d"}).Draw(t, "sha"), n)
		s.put(run, source, kind, "change", "acme/a@"+sha, sha, at, map[string]any{"repo": "acme/a", "ref": "main", "sha": sha, "files": []string{"ai/x"}, "committed_at": stampOf(at)})
	case "github.repository":
		s.put(run, source, kind, "repository", "acme/a", "1", time.Time{}, map[string]any{"repo": "acme/a", "name": "a", "id": 1, "default_branch": rapid.SampledFrom([]string{"main", "dev"}).Draw(t, "branch")})
	case "risk.assessment", "impact.assessment":
		at := ago("approved")
		s.put(run, source, kind, "ai_system", fmt.Sprintf("sys%d", n%2), id, at, map[string]any{"assessment_id": id, "system_id": fmt.Sprintf("sys%d", n%2),
			"assessor": people.Draw(t, "assessor"), "approved_by": people.Draw(t, "by"), "approved_at": stampOf(at), "risks": []any{map[string]any{"id": "r"}}})
	case "monitoring.metric_series":
		at := ago("measured")
		key := fmt.Sprintf("sys%d-%s", n%2, stampOf(at))
		s.put(run, source, kind, "ai_system", fmt.Sprintf("sys%d", n%2), key, at, map[string]any{"system_id": fmt.Sprintf("sys%d", n%2), "metric": "error", "at": stampOf(at)})
	case "scope.statement":
		at := ago("approved")
		s.put(run, source, kind, "organization", "organization", id, at, map[string]any{"systems": []string{"sys0"}, "boundaries": "b", "units": []string{"u"}, "approved_at": stampOf(at)})
	case "vendor.model_observation":
		at := ago("observed")
		s.put(run, source, kind, "model", "m1", id, at, map[string]any{"vendor": "v1", "requested_model": "m1", "served_model": fmt.Sprint("m", rapid.IntRange(1, 2).Draw(t, "served")), "system_id": "sys0", "observed_at": stampOf(at)})
	case "vendor.assessment":
		at := ago("approved")
		s.put(run, source, kind, "vendor", "v1", id, at, map[string]any{"vendor_id": "v1", "assessor": people.Draw(t, "assessor"), "approved_by": people.Draw(t, "by"), "approved_at": stampOf(at), "topics": map[string]any{"security": "x"}})
	case "jira.issue":
		at := ago("created")
		s.put(run, source, kind, "record", id, id, at, map[string]any{"key": id, "id": id, "labels": []string{"vendor-change", "v1"}, "status_category": "done", "created": stampOf(at), "resolved_at": stampOf(s.clock)})
	case "jira.incident":
		at := ago("declared")
		s.put(run, source, kind, "incident", id, id, at, map[string]any{"key": id, "declared_at": stampOf(at), "system_ids": []string{"sys0"}, "notifiable": rapid.Bool().Draw(t, "notifiable")})
	case "jira.change_request":
		at := ago("done")
		s.put(run, source, kind, "change", id, id, at, map[string]any{"key": id, "linked_refs": []string{"e1"}, "approved_by": "ann", "approved_at": stampOf(at)})
	case "model_registry.deployment":
		at := ago("updated")
		s.put(run, source, kind, "deployment", "e1", "e1", at, map[string]any{"platform": "sagemaker", "endpoint_id": "e1", "updated_at": stampOf(at),
			"variants": []any{map[string]any{"name": "main", "weight": float64(rapid.IntRange(0, 1).Draw(t, "weight")), "model_package_arn": "arn"}}})
	}
}

// collect adds one run of a source. The clock moves on.
func (s *story) collect(t *rapid.T) {
	s.clock = s.clock.Add(time.Duration(rapid.IntRange(1, 60*24*3).Draw(t, "wait")) * time.Minute)
	source := rapid.SampledFrom([]string{"register", "register", "hub", "hub", "docs", "vendor", "tracker"}).Draw(t, "source")
	id := fmt.Sprintf("run-%d", len(s.steps))
	open := evidence.Run{ID: id, StartedAt: s.clock, Provenance: evidence.Provenance{Source: source, Identity: "reader", Method: "api"}}
	s.steps = append(s.steps, step{run: &open})
	for range rapid.IntRange(0, 6).Draw(t, "records") {
		s.clock = s.clock.Add(time.Second)
		s.write(t, id, source)
	}
	s.clock = s.clock.Add(time.Minute)
	done := open
	done.FinishedAt = s.clock
	done.Status = rapid.SampledFrom([]evidence.RunStatus{evidence.RunComplete, evidence.RunComplete, evidence.RunComplete, evidence.RunPartial, evidence.RunFailed}).Draw(t, "status")
	done.Kinds = map[string]evidence.KindRead{}
	for _, k := range storySources()[source] {
		read := evidence.KindRead{Coverage: "complete", IndependentCount: -1}
		if done.Status != evidence.RunComplete {
			read.Coverage = rapid.SampledFrom([]string{"complete", "partial", "denied", ""}).Draw(t, "coverage")
		}
		if read.Coverage == "partial" {
			done.Gaps = append(done.Gaps, evidence.Gap{Kinds: []string{k}, Reason: "denied",
				Scope: rapid.SampledFrom([]string{"", "acme/a", "project X", "page 3"}).Draw(t, "gap")})
		}
		if rapid.IntRange(0, 3).Draw(t, "limited") == 0 {
			read.Since = s.clock.AddDate(0, 0, -rapid.IntRange(0, 60).Draw(t, "since"))
		}
		done.Kinds[k] = read
	}
	if done.Status == evidence.RunComplete {
		s.lose(t, id, source)
	}
	s.steps = append(s.steps, step{run: &done})
}

// lose sometimes finds a key gone.
func (s *story) lose(t *rapid.T, run, source string) {
	var mine []string
	for at := range s.live {
		if strings.HasPrefix(at, source+"|") {
			mine = append(mine, at)
		}
	}
	if len(mine) == 0 || rapid.IntRange(0, 3).Draw(t, "lose") > 0 {
		return
	}
	slices.Sort(mine)
	at := rapid.SampledFrom(mine).Draw(t, "gone")
	parts := strings.SplitN(at, "|", 3)
	delete(s.live, at)
	s.steps = append(s.steps, step{gone: &evidence.Gone{Run: run, Kind: parts[1], Keys: []string{parts[2]}, At: s.clock}})
}

func drawStory(t *rapid.T) *story {
	s := newStory()
	for range rapid.IntRange(3, 14).Draw(t, "runs") {
		s.collect(t)
	}
	return s
}

package assess_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// ledger makes the evidence of an invented organisation, the same for the same
// size: a register, and over two years what grows in practice, mostly pull
// requests and reviews.
type ledger struct {
	size  int
	start time.Time
	end   time.Time
}

const (
	benchSystems = 50
	benchVendors = 20
	benchRepos   = 200
)

func newLedger(size int) ledger {
	end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return ledger{size: size, start: end.AddDate(-2, 0, 0), end: end}
}

func (l ledger) run(eng *assess.Engine) evidence.Run {
	r := evidence.Run{ID: "run", StartedAt: l.end.Add(-2 * time.Hour), FinishedAt: l.end.Add(-time.Hour), Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "s"}, Kinds: map[string]evidence.KindRead{}}
	for _, k := range eng.Kinds() {
		r.Kinds[k] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
	}
	return r
}

// all yields the evidence. Payload buffers are used again.
func (l ledger) all() iter.Seq[evidence.Evidence] {
	return func(yield func(evidence.Evidence) bool) {
		buf := make([]byte, 0, 4096)
		for i := range l.size {
			e := l.item(i, buf[:0])
			if !yield(e) {
				return
			}
		}
	}
}

func (l ledger) item(i int, b []byte) evidence.Evidence {
	e := evidence.Evidence{Seq: int64(i), Run: "run", Source: "s", Major: 1, Revision: 1, CollectedAt: l.end.Add(-90 * time.Minute)}
	e.Digest[0], e.Digest[1], e.Digest[2], e.Digest[3] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
	at := l.start.Add((l.end.Sub(l.start) - 2*time.Hour) / time.Duration(l.size) * time.Duration(i)).Truncate(time.Second)
	e.EventTime = at
	if i < benchRegister {
		return l.registered(i, e, b)
	}
	switch n := i % 40; {
	case n < 9:
		return l.pull(i/40*9+n, at, e, b)
	case n < 22:
		return l.review(i/40*9+(n-9)%9, i, at, e, b)
	case n == 22:
		return l.push(i, at, e, b)
	case n < 26:
		return filler(i, "github.org_audit_event", "release", e, b)
	case n < 27:
		return l.issue(i, at, e, b)
	case n < 31:
		return l.metric(i, at, e, b)
	}
	return l.grown(i, i%40-31, at, e, b)
}

func text(b []byte, key, value string) []byte {
	b = append(b, '"')
	b = append(b, key...)
	b = append(b, `":"`...)
	b = append(b, value...)
	return append(b, `",`...)
}

func (l ledger) system(i int, e evidence.Evidence, b []byte) evidence.Evidence {
	id := "system-" + strconv.Itoa(i)
	e.Kind, e.Subject, e.Key = "inventory.ai_system", evidence.Subject{Type: "ai_system", ID: id}, id
	e.EventTime = l.end.AddDate(0, -1, 0)
	e.Payload = fmt.Appendf(b, `{"affected_groups":["customers"],"ai_role":"developer","deputy":"d","go_live":"2025-01-01T00:00:00Z","in_scope":true,`+
		`"models":["m"],"owner":"o%d","purpose":"p","repositories":[{"ai_paths":["prompts/**","src/model/**"],"name":"acme/repo-%d","production_branch":"main"}],`+
		`"cloud_refs":["endpoint-%d","project-%d"],"vendors":["vendor-%d"],"callers":["project-%d"],`+
		`"reviewed_at":"2026-10-01T00:00:00Z","risk_tier":%q,"stage":"operate","system_id":%q,"users":"u"}`,
		i, i, i, i, i%benchVendors, i, []string{"limited", "high"}[i%5/4], id)
	return e
}

func (l ledger) pull(n int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	repo := "acme/repo-" + strconv.Itoa(n%benchRepos)
	id := repo + "#" + strconv.Itoa(n)
	e.Kind, e.Subject, e.Key = "github.pull_request", evidence.Subject{Type: "change", ID: id}, strconv.Itoa(n%benchRepos)+"/"+strconv.Itoa(n)
	when := at.Format(time.RFC3339)
	sha := fmt.Sprintf("%040x", n)
	b = append(b, `{"additions":12,"author":"dev-`...)
	b = strconv.AppendInt(b, int64(n%50), 10)
	b = append(b, `","author_type":"User","auto_merge":false,"base_ref":"main","base_sha":"0123456789012345678901234567890123456789",`...)
	b = text(b, "closed_at", when)
	b = append(b, `"commits":3,"deletions":4,"draft":false,"files":["README.md","docs/guide/intro.md","src/model/features.py","tests/test_features.py","prompts/summary.md"],`...)
	b = append(b, `"files_truncated":false,"head_ref":"feature/some-branch-name",`...)
	b = text(b, "head_sha", sha)
	b = append(b, `"labels":["enhancement","reviewed"],"linked_issue_keys":["CHG-12"],`...)
	b = text(b, "merge_commit_sha", "m"+sha[1:])
	b = append(b, `"merged":true,`...)
	b = text(b, "merged_at", when)
	b = append(b, `"merged_by":"dev-1","number":`...)
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, ',')
	b = text(b, "repo", repo)
	b = append(b, `"state":"closed","title":"Make the summary shorter and say that it is a summary"}`...)
	e.Payload = b
	return e
}

func (l ledger) review(n, i int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	repo := "acme/repo-" + strconv.Itoa(n%benchRepos)
	e.Kind, e.Subject, e.Key = "github.pull_request_review", evidence.Subject{Type: "change", ID: repo + "#" + strconv.Itoa(n)}, strconv.Itoa(i)
	e.EventTime = at.Add(-2 * time.Hour)
	sha := fmt.Sprintf("%040x", n)
	b = append(b, `{"author_association":"MEMBER","body_length":120,`...)
	b = text(b, "commit_id", sha)
	b = append(b, `"pr_number":`...)
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, ',')
	b = text(b, "repo", repo)
	b = append(b, `"review_id":`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `,"reviewer":"rev-`...)
	b = strconv.AppendInt(b, int64(i%40), 10)
	b = append(b, `","reviewer_is_author":false,"reviewer_type":"User","state":"APPROVED",`...)
	b = text(b, "submitted_at", e.EventTime.Format(time.RFC3339))
	b[len(b)-1] = '}'
	e.Payload = b
	return e
}

func (l ledger) push(i int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	repo := "acme/repo-" + strconv.Itoa(i%benchRepos)
	sha := fmt.Sprintf("%040x", i)
	e.Kind, e.Subject, e.Key = "github.push", evidence.Subject{Type: "change", ID: repo + "@" + sha}, repo+"/main/"+sha
	b = append(b, `{"association":"none","author":"dev-1",`...)
	b = text(b, "committed_at", at.Format(time.RFC3339))
	b = append(b, `"committer":"dev-1","files":["docs/a.md","src/model/features.py"],"files_truncated":false,"message_summary":"fix",`...)
	b = append(b, `"parents":["0123456789012345678901234567890123456789"],"ref":"main",`...)
	b = text(b, "repo", repo)
	b = text(b, "sha", sha)
	b[len(b)-1] = '}'
	e.Payload = b
	return e
}

func (l ledger) issue(i int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	key := "ABC-" + strconv.Itoa(i)
	e.Kind, e.Subject, e.Key = "jira.issue", evidence.Subject{Type: "record", ID: key}, strconv.Itoa(i)
	b = append(b, '{')
	b = text(b, "assignee", "dev-1")
	b = text(b, "created", at.Format(time.RFC3339))
	b = append(b, `"custom_fields":{"a":"b","c":[1,2,3],"d":{"e":"f"}},`...)
	b = text(b, "id", strconv.Itoa(i))
	b = text(b, "key", key)
	b = append(b, `"labels":["team-a"],"links":[{"direction":"inward","key":"ABC-1","type":"Blocks"}],`...)
	b = append(b, `"project":"ABC","reporter":"dev-2","status":"Done","status_category":"done","summary":"Something that has to be done"}`...)
	e.Payload = b
	return e
}

func (l ledger) metric(i int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	id := "system-" + strconv.Itoa(i%benchSystems)
	e.Kind, e.Subject, e.Key = "monitoring.metric_series", evidence.Subject{Type: "ai_system", ID: id}, id+"|error|"+strconv.Itoa(i)
	b = append(b, '{')
	b = text(b, "at", at.Format(time.RFC3339))
	b = append(b, `"metric":"error",`...)
	b = text(b, "system_id", id)
	b = append(b, `"threshold":0.1,"value":0.02,"window":"1h"}`...)
	e.Payload = b
	return e
}

// filler is evidence of a kind that no rule reads.
func filler(i int, kind, subjectType string, e evidence.Evidence, b []byte) evidence.Evidence {
	id := strconv.Itoa(i)
	e.Kind, e.Subject, e.Key = kind, evidence.Subject{Type: subjectType, ID: id}, id
	b = append(b, '{')
	for range 12 {
		b = text(b, "field", "value of a field that nobody reads")
	}
	b[len(b)-1] = '}'
	e.Payload = b
	return e
}

// benchSize is the number of records; EXHIBIT_BENCH_RECORDS changes it.
func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("EXHIBIT_BENCH_RECORDS")); err == nil && n > 0 {
		return n
	}
	return 1_000_000
}

// BenchmarkAssess measures one assessment of a whole ledger and one after a
// change of 100 records, beside a pass that only decodes the same payloads.
// Times are those of the processor, of all cores together, where nothing else is
// said: those by the clock mean something on a machine that does nothing else.
func BenchmarkAssess(b *testing.B) {
	eng := shipped(b)
	l := newLedger(benchSize())
	l.warm(b, eng)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(assess.MemoryFor(int64(l.size))))
	for b.Loop() {
		runtime.GC()
		made := used(func() {
			for e := range l.all() {
				sink = len(e.Payload)
			}
		})
		decoded := used(func() {
			for e := range l.all() {
				var v map[string]any
				if err := json.Unmarshal(e.Payload, &v); err != nil {
					b.Fatal(err)
				}
			}
		}) - made
		runtime.GC()
		peak := watchHeap()
		var a *assess.Assessment
		s := eng.NewState()
		began := time.Now()
		applied := used(func() { l.load(b, eng, s) }) - made
		assessed := used(func() { a = at(b, s, l.end) })
		b.ReportMetric(time.Since(began).Seconds(), "s-by-the-clock") // with making the ledger
		l.change(b, eng, s)
		changed := time.Now()
		again := used(func() { a = at(b, s, l.end.Add(5*time.Minute)) })
		b.ReportMetric(float64(time.Since(changed).Microseconds())/1000, "clock-ms-incremental")
		top := peak() // of the whole process, with the rules and the ledger's maker
		total := applied + assessed
		b.ReportMetric(float64(total.Nanoseconds())/float64(l.size), "cpu-ns/evidence")
		b.ReportMetric(applied.Seconds(), "cpu-s-apply")
		b.ReportMetric(assessed.Seconds(), "cpu-s-assess")
		b.ReportMetric(total.Seconds()/decoded.Seconds(), "x-decode")
		b.ReportMetric(float64(again.Microseconds())/1000, "cpu-ms-incremental")
		b.ReportMetric(float64(top)/(1<<20), "MB-peak")
		b.ReportMetric(float64(len(a.Results)), "results")
		reportRules(b, "anew", s.RuleCosts(l.end.Add(5*time.Minute), processor))
		l.change(b, eng, s)
		reportRules(b, "after 100 changes", s.RuleAgain(l.end.Add(10*time.Minute), processor))
	}
}

// reportRules names the rules that cost most.
func reportRules(b *testing.B, what string, costs []assess.RuleCost) {
	slices.SortFunc(costs, func(a, b assess.RuleCost) int { return cmp.Compare(b.Used, a.Used) })
	var all int64
	for _, c := range costs {
		all += c.Used
	}
	out := fmt.Sprintf("%s: %d rules, %d ms of processor time; most:", what, len(costs), all/1e6)
	for _, c := range costs[:min(20, len(costs))] {
		out += fmt.Sprintf("\n%10.1f ms  %-40s %d results", float64(c.Used)/1e6, c.Slug, c.Results)
	}
	b.Log(out)
}

// warm has the conditions type-checked and planned.
func (l ledger) warm(b *testing.B, eng *assess.Engine) {
	small := ledger{size: 4000, start: l.start, end: l.end}
	s := eng.NewState()
	small.load(b, eng, s)
	at(b, s, l.end)
}

func (l ledger) load(b testing.TB, eng *assess.Engine, s *assess.State) {
	s.ApplyRun(l.run(eng))
	if err := s.ApplyAll(l.changes(false)); err != nil {
		b.Fatal(err)
	}
}

var sink int

// used is the processor time that f takes.
func used(f func()) time.Duration {
	before := processor()
	f()
	return time.Duration(processor() - before)
}

func at(b *testing.B, s *assess.State, t time.Time) *assess.Assessment {
	a, err := s.At(t, assess.Checkpoint{})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// change applies 100 records of a later run, of every kind that grows.
func (l ledger) change(b *testing.B, eng *assess.Engine, s *assess.State) {
	r := l.run(eng)
	s.ApplyRun(r)
	from := max(l.size, s.Rows()*2)
	for i := range 100 {
		e := l.item(from+i, nil)
		e.Seq, e.EventTime, e.CollectedAt = int64(from+i), l.end, l.end.Add(2*time.Minute)
		if err := s.Apply(e); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - sample[1].Value.Uint64()
}

// watchHeap samples memory until the returned function is called, which gives
// the most that was in use.
func watchHeap() func() uint64 {
	var top atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			top.Store(max(top.Load(), heap()))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return top.Load()
	}
}

// BenchmarkCompile measures what loading the shipped rules costs a command.
func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		shipped(b)
	}
}

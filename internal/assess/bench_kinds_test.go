package assess_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// benchRegister is how many records the register of the invented organisation
// takes at the beginning of its ledger.
const benchRegister = 2*benchSystems + 2*benchVendors

// registered is the i-th record of the register: systems, the rules of their
// oversight, vendors and the keys for them.
func (l ledger) registered(i int, e evidence.Evidence, b []byte) evidence.Evidence {
	if i < benchSystems {
		return l.system(i, e, b)
	}
	if i -= benchSystems; i < benchSystems {
		id := "system-" + strconv.Itoa(i)
		e.Kind, e.Subject, e.Key = "oversight.rule", evidence.Subject{Type: "ai_system", ID: id}, id+"/1"
		e.Payload = fmt.Appendf(b, `{"approved_at":"2026-01-01T00:00:00Z","decision_class":"all","override_rights":"reviewer",`+
			`"required_review":{"level":"each","min_seconds":5,"share":0.1,"who":"clerk"},"system_id":%q,"version":"1"}`, id)
		return e
	}
	i -= benchSystems
	id := "vendor-" + strconv.Itoa(i%benchVendors)
	e.Subject = evidence.Subject{Type: "vendor", ID: id}
	if i < benchVendors {
		e.Kind, e.Key = "vendor.record", id
		e.Payload = fmt.Appendf(b, `{"criticality":"high","owner":"o%d","services":["model"],"systems":["system-%d"],"vendor_id":%q}`, i, i, id)
		return e
	}
	e.Kind, e.Key = "vendor.api_key_inventory", id+"/key"
	e.Payload = fmt.Appendf(b, `{"key_id":"key-%d","name":"key","owner":"o1","project_or_workspace":"project-%d","status":"active","vendor":%q}`, i, i, id)
	return e
}

// grown is a record of a kind that grows with use.
func (l ledger) grown(i, which int, at time.Time, e evidence.Evidence, b []byte) evidence.Evidence {
	id, system, when := strconv.Itoa(i), "system-"+strconv.Itoa(i/40%benchSystems), at.Format(time.RFC3339)
	person := "person-" + strconv.Itoa(i/40%300)
	switch which {
	case 0, 1:
		vendor, project := "vendor-"+strconv.Itoa(i/40%benchVendors), "project-"+strconv.Itoa(i/40%benchSystems)
		if i/40%100 == 0 {
			project = "unknown-" + strconv.Itoa(i/4000%7)
		}
		return of(e, "vendor.usage", "vendor", vendor, id, fmt.Appendf(b, `{"api_key_id":"key-%d","cost":0.5,"day":%q,"model":"m","project_or_workspace":%q,`+
			`"requests":12,"tokens":3400,"vendor":%q}`, i/40%benchVendors, at.Format(time.DateOnly), project, vendor))
	case 2, 3:
		action := []string{"accept", "accept", "accept", "change"}[i/40%4]
		return of(e, "oversight.human_decision", "ai_system", system, id, fmt.Appendf(b, `{"action":%q,"ai_output_ref":"out-%d","decided_at":%q,"decision_id":"%d",`+
			`"latency_s":%d,"reviewer":%q,"system_id":%q}`, action, i, when, i, 3+i%17, person, system))
	case 4:
		ref := "endpoint-" + strconv.Itoa(i/40%benchSystems)
		return of(e, "cloud.audit_event", "deployment", ref, id, fmt.Appendf(b, `{"account":"1","event_id":"%d","event_name":"InvokeModel","event_source":"models",`+
			`"event_time":%q,"principal":"project-%d","provider":"aws","region":"eu-west-1","resource":%q}`, i, when, i/40%benchSystems, ref))
	case 5:
		return of(e, "collector.run", "connector", "c", id, fmt.Appendf(b, `{"connector":"github","counts_by_kind":{"github.pull_request":12},"errors":[],`+
			`"finished_at":%q,"identity":"reader","run_id":"%d","started_at":%q,"status":"complete"}`, when, i, when))
	case 6:
		return of(e, "training.completion", "person", person, id, fmt.Appendf(b, `{"completed_at":%q,"course":"ai-basics","person":%q,"score":0.9,"version":"1"}`, when, person))
	case 7:
		return of(e, "document.acknowledgement", "person", person, id, fmt.Appendf(b, `{"acknowledged_at":%q,"doc_id":"ai-policy","person":%q,"version":"1"}`, when, person))
	}
	return of(e, "jira.issue_transition", "record", "ABC-"+id, id, fmt.Appendf(b, `{"author":"dev-1","created":%q,"field":"status","from":"Open","history_id":"%d",`+
		`"issue_id":"%d","issue_key":"ABC-%d","to":"Done"}`, when, i, i, i))
}

func of(e evidence.Evidence, kind, subjectType, subject, key string, payload []byte) evidence.Evidence {
	e.Kind, e.Subject, e.Key, e.Payload = kind, evidence.Subject{Type: subjectType, ID: subject}, key, payload
	return e
}

// BenchmarkRule measures rules over many records about one subject, in
// processor time.
func BenchmarkRule(b *testing.B) {
	eng := compiled(b, assess.Options{Trusted: true})
	l := newLedger(benchRegister)
	for _, c := range []struct {
		slug, what string
		records    int
		item       func(i int) evidence.Evidence
	}{
		{"approved-use-only", "5000 that belong to nothing", 5_000, func(i int) evidence.Evidence {
			return of(evidence.Evidence{}, "vendor.usage", "vendor", "vendor-x", "", fmt.Appendf(nil,
				`{"api_key_id":"other-%d","day":%q,"model":"m","project_or_workspace":"other-%d","requests":12,"vendor":"vendor-x"}`,
				i, l.end.AddDate(0, 0, -1-i%60).Format(time.DateOnly), i))
		}},
		{"approved-use-only", "50000 of registered systems", 50_000, func(i int) evidence.Evidence {
			return of(evidence.Evidence{}, "vendor.usage", "vendor", "vendor-1", "", fmt.Appendf(nil,
				`{"api_key_id":"key-1","day":%q,"model":"m","project_or_workspace":"project-1","requests":12,"vendor":"vendor-1"}`,
				l.end.AddDate(0, 0, -1-i%60).Format(time.DateOnly)))
		}},
		{"human-oversight-operated", "20000 decisions about one system", 20_000, func(i int) evidence.Evidence {
			return of(evidence.Evidence{}, "oversight.human_decision", "ai_system", "system-4", "", fmt.Appendf(nil,
				`{"action":"accept","decided_at":"2026-10-%02dT10:00:00Z","decision_id":"%d","latency_s":%d,"reviewer":"person-%d","system_id":"system-4"}`,
				1+i%30, i, 3+i%17, i%300))
		}},
	} {
		b.Run(c.slug+"/"+c.what, func(b *testing.B) {
			s := eng.NewState()
			l.load(b, eng, s)
			for i := range c.records {
				e := c.item(i)
				e.Seq, e.Run, e.Source, e.Key = int64(benchRegister+i), "run", "s", fmt.Sprint("more-", i)
				e.CollectedAt, e.EventTime = l.end.Add(-90*time.Minute), l.end.Add(-2*time.Hour)
				if err := s.Apply(e); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				for _, cost := range s.RuleCosts(l.end, processor) {
					if cost.Slug == c.slug {
						b.ReportMetric(float64(cost.Used)/1e6, "cpu-ms")
					}
				}
			}
		})
	}
}

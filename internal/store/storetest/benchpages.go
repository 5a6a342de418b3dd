package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// BenchPages measures single pages of a store with many records, from the
// newest and from the oldest end: median, longest, and how many pages it takes
// until one holds something or the search is over. A page is to take 20 ms at most,
// on a quiet machine, on either database. By PostgreSQL's own account (auto_explain)
// no page reads a table of many rows but by an index:
//
//	EXHIBIT_BENCH_RECORDS=1000000 go test -timeout 60m -run xxx -bench Pages ./internal/store/sqlite ./internal/store/postgres
func BenchPages(b *testing.B, open BenchOpen) {
	s, _, size := filled(b, open)
	rare := evidence.Run{ID: "rare", Provenance: evidence.Provenance{Source: "jira"}, StartedAt: time.Now()}
	rec := BenchRecords(size+1, 1)
	rec[0].Kind = "jira.issue"
	if _, err := s.Append(b.Context(), store.Batch{Open: &rare, Records: rec}); err != nil {
		b.Fatal(err)
	}
	last := BenchRecords(size-1, 1)[0]
	middle := BenchRecords(size/2, 1)[0]
	digest := digestOf(b, s, middle.Subject)
	kind := []string{"github.pull_request"}
	for _, c := range []struct {
		name string
		q    store.PageQuery
	}{
		{"all", store.PageQuery{}},
		{"500", store.PageQuery{Limit: 500}},
		{"latest of a kind", store.PageQuery{Kinds: kind, Latest: true}},
		{"rare kind", store.PageQuery{Kinds: []string{"jira.issue"}}},
		{"source", store.PageQuery{Source: "github", Limit: 100}},
		{"run", store.PageQuery{Run: "bench"}},
		{"subject", store.PageQuery{SubjectType: middle.Subject.Type, SubjectID: middle.Subject.ID}},
		{"subject at the end", store.PageQuery{SubjectType: last.Subject.Type, SubjectID: last.Subject.ID}},
		{"no such subject", store.PageQuery{SubjectType: "change", SubjectID: "none"}},
		{"subject begins", store.PageQuery{SubjectPrefix: "github/acme/service-07#"}},
		{"subject begins, one", store.PageQuery{SubjectPrefix: middle.Subject.ID}},
		{"no subject begins", store.PageQuery{SubjectPrefix: "nothing at all"}},
		{"key begins", store.PageQuery{KeyPrefix: "acme/service-07/", Limit: 500}},
		{"digest", store.PageQuery{Digest: digest[:12]}},
		{"no such digest", store.PageQuery{Digest: "0123456789abcdef"}},
		{"digest begins", store.PageQuery{Digest: "ab"}},
		{"no subject begins, digest begins", store.PageQuery{SubjectPrefix: "nothing at all", Digest: "ab"}},
		{"collected never", store.PageQuery{CollectedFrom: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{"collected, kind, key begins", store.PageQuery{CollectedTo: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), Kinds: kind, KeyPrefix: middle.Key}},
	} {
		for _, oldest := range []bool{false, true} {
			c.q.Oldest = oldest
			b.Run(fmt.Sprintf("%s/oldest=%v", c.name, oldest), func(b *testing.B) { benchPage(b, s, c.q) })
		}
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("evidence by digest", func(b *testing.B) {
		d, err := evidence.ParseDigest(digest)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := s.EvidenceByDigest(b.Context(), d); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func digestOf(b *testing.B, s store.Store, subject evidence.Subject) string {
	b.Helper()
	for ev, err := range s.Evidence(b.Context(), store.EvidenceQuery{Subject: &subject}) {
		if err != nil {
			b.Fatal(err)
		}
		return ev.Digest.String()
	}
	b.Fatal("no such evidence")
	return ""
}

// benchPage asks for pages until one holds something, each time from the start.
func benchPage(b *testing.B, s store.Store, q store.PageQuery) {
	var took []time.Duration
	pages, items, n := 0, 0, 0
	for b.Loop() {
		n++
		for asked := q; ; {
			start := time.Now()
			p, err := s.Page(b.Context(), asked)
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			pages++
			items += len(p.Items)
			if p.Done || len(p.Items) > 0 {
				break
			}
			if asked.Before = p.Next; q.Oldest {
				asked.Before, asked.After = 0, p.Next
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "longest-ms")
	b.ReportMetric(float64(pages)/float64(n), "pages")
	b.ReportMetric(float64(items)/float64(n), "items")
}

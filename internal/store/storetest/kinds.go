package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// testKinds asks for evidence of some kinds where long stretches of the ledger
// hold nothing of them, and compares it with a walk over everything.
func testKinds(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("kinds", "p")})
	for i, part := range []struct {
		kind string
		n    int
	}{{"k", 40}, {"l", 1500}, {"rare", 2}, {"m", 900}, {"k", 3}, {"rare", 1}, {"l", 200}, {"k", 40}} {
		records := make([]evidence.Record, part.n)
		for j := range records {
			records[j] = record(part.kind, fmt.Sprintf("%d", j), "", fmt.Sprintf("%d-%d", i, j))
		}
		f.append(store.Batch{Run: "kinds", Records: records})
	}
	f.append(store.Batch{Run: "kinds", Close: closing("kinds", evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, "1", "7", "30")})
	all := collect(t, f.s.Evidence(t.Context(), store.EvidenceQuery{}))
	r := rand.New(rand.NewPCG(5, 7))
	for range 40 {
		q := store.EvidenceQuery{Kinds: [][]string{{"k"}, {"rare"}, {"k", "rare"}, {"m"}, {"l", "m", "k"}, {"none"}, {"none", "rare"}}[r.IntN(7)]}
		if r.IntN(2) == 0 {
			q.After = int64(r.IntN(2900))
		}
		if r.IntN(2) == 0 {
			q.Before = 1 + int64(r.IntN(2900))
		}
		var want, got []int64
		for _, ev := range all {
			if slices.Contains(q.Kinds, ev.Kind) && ev.Seq >= q.After && (q.Before == 0 || ev.Seq < q.Before) {
				want = append(want, ev.Seq)
			}
		}
		for _, ev := range collect(t, f.s.Evidence(t.Context(), q)) {
			got = append(got, ev.Seq)
		}
		f.want(fmt.Sprintf("%+v", q), got, want)
	}
}

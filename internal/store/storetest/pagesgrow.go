package storetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// Pages reads pages of a ledger that grows between them, and compares each with
// that of the memory store, which looks at everything.
func Pages(t *testing.T, open Open) {
	for seed := range uint64(3) {
		growingPages(t, open, rand.NewPCG(seed, 11), 25)
	}
}

// FuzzPages is Pages with what is appended, what is asked for and when taken from
// the fuzzer.
func FuzzPages(f *testing.F, open Open) {
	for seed := range uint64(8) {
		r, data := rand.New(rand.NewPCG(seed, 5)), []byte{}
		for range 40 {
			data = binary.LittleEndian.AppendUint64(data, r.Uint64())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		growingPages(t, open, &given{data: data, after: rand.NewPCG(1, 2)}, 4)
	})
}

// given is a source of the numbers that the fuzzer chose, and of others after.
type given struct {
	data  []byte
	after rand.Source
}

func (g *given) Uint64() uint64 {
	if len(g.data) < 8 {
		return g.after.Uint64()
	}
	n := binary.LittleEndian.Uint64(g.data)
	g.data = g.data[8:]
	return n
}

// growing is a store and the memory store, which get the same batches.
type growing struct {
	t        testing.TB
	r        *rand.Rand
	s, model store.Store
	runs     int
	size     int64
}

func growingPages(t testing.TB, open Open, from rand.Source, queries int) {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	g := &growing{t: t, r: rand.New(from), s: open(t, Options{Key: key, Now: clock()}), model: memory.New(key.Signer(), clock())}
	g.grow(60)
	for range queries {
		g.walk()
		if g.r.IntN(8) == 0 {
			if err := g.s.Reindex(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// grow appends a run of new records and revisions; some keys are gone after it.
func (g *growing) grow(most int) {
	g.t.Helper()
	g.runs++
	id, source := fmt.Sprintf("grown %d", g.runs), []string{"a", "b"}[g.r.IntN(2)]
	b := store.Batch{Open: open(id, source), Run: id, Records: manyRecords(g.r, 1+g.r.IntN(most))}
	if g.r.IntN(2) == 0 {
		seen := []string{}
		for _, rec := range b.Records {
			if g.r.IntN(3) > 0 {
				seen = append(seen, rec.Key)
			}
		}
		b.Close = closing(id, evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, seen...)
	}
	_, got := g.s.Append(g.t.Context(), b)
	_, want := g.model.Append(g.t.Context(), b)
	if got != nil || want != nil {
		g.t.Fatalf("append: %v; model: %v", got, want)
	}
	msg, err := g.model.Checkpoint(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	g.size = sizeOf(g.t, msg)
}

// walk reads all pages of one query, forward or back, while the ledger grows.
func (g *growing) walk() {
	g.t.Helper()
	all := collect(g.t, g.model.Evidence(g.t.Context(), store.EvidenceQuery{}))
	q := randomQuery(g.r, all, g.size)
	if g.r.IntN(4) == 0 { // its evidence is in an index, and the newest in none yet
		q.SubjectType, q.SubjectID = all[len(all)-1].Subject.Type, all[len(all)-1].Subject.ID
	}
	for pages := 0; ; pages++ {
		p, err := g.s.Page(g.t.Context(), q)
		if err != nil {
			g.t.Fatalf("%+v: %v", q, err)
		}
		g.compare(q, p)
		if p.Done {
			return
		}
		if q.Oldest && p.Next <= q.After || !q.Oldest && (p.Next <= 0 || q.Before > 0 && p.Next >= q.Before) || pages > 10_000 {
			g.t.Fatalf("%+v: the next page begins at %d", q, p.Next)
		}
		if q.Oldest {
			q.After = p.Next
		} else {
			q.Before = p.Next
		}
		if pages < 20 && g.r.IntN(3) == 0 {
			g.grow(8)
		}
	}
}

// compare holds one page against what the memory store finds: all of it up to
// the cursor, in its order, and nothing else.
func (g *growing) compare(q store.PageQuery, p store.Page) {
	g.t.Helper()
	if len(p.Items) > q.Limit {
		g.t.Fatalf("%+v: %d items, next %d", q, len(p.Items), p.Next)
	}
	var want []evidence.Evidence
	rest := q
	rest.Limit = store.MaxPage
	for {
		all, err := g.model.Page(g.t.Context(), rest)
		if err != nil {
			g.t.Fatal(err)
		}
		for _, ev := range all.Items {
			if p.Done || q.Oldest && ev.Seq < p.Next || !q.Oldest && ev.Seq >= p.Next {
				want = append(want, ev)
			}
		}
		if all.Done {
			break
		}
		if q.Oldest {
			rest.After = all.Next
		} else {
			rest.Before = all.Next
		}
	}
	if d := diff(want, p.Items); d != "" {
		g.t.Fatalf("%+v, next %d, done %v (-model +store):\n%s", q, p.Next, p.Done, d)
	}
}

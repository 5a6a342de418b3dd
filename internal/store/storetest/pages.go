package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// testPages asks for pages at random and compares what they hold together with
// a walk over everything; before and after the indexes are made anew.
func testPages(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	fill(f)
	r := rand.New(rand.NewPCG(3, 9))
	f.append(store.Batch{Open: open("pages", "p"), Records: manyRecords(r, 700)})
	f.append(store.Batch{Run: "pages", Records: manyRecords(r, 300), Close: closing("pages", evidence.RunComplete,
		map[string]evidence.KindRead{"k": whole}, "key 1", "a/key 2", "a/key 10", "b/key 3", `q"key 4`)})
	for range 2 {
		comparePages(f, r, 120)
		compareCounts(f)
		if err := f.s.Reindex(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	f.verify()
	for _, bad := range []store.PageQuery{{Limit: -1}, {Before: -2}, {Digest: "xyz"}, {KeyPrefix: "\xff"}} {
		if _, err := f.s.Page(t.Context(), bad); err == nil {
			t.Errorf("%+v was answered", bad)
		}
	}
}

// manyRecords makes records whose keys and subjects begin alike.
func manyRecords(r *rand.Rand, n int) []evidence.Record {
	beginnings := []string{"", "a/", "b/", `q"`, `\`, `\u0041`, "<&>", "\u2028", "\t\x01", "日本", "e\u0301", "\U0001f469", `","kind":"k`}
	out := make([]evidence.Record, n)
	for i := range out {
		key := fmt.Sprintf("%skey %d", beginnings[r.IntN(len(beginnings))], r.IntN(150))
		out[i] = record([]string{"k", "l", "m", "rare"}[min(r.IntN(40), 3)*r.IntN(2)], key, "", fmt.Sprint(r.IntN(50)))
		out[i].Subject = evidence.Subject{Type: []string{"thing", "change"}[r.IntN(2)], ID: fmt.Sprintf("s%d/ü\"%d", r.IntN(5), r.IntN(9))}
		out[i].CollectedAt = base.AddDate(0, 0, r.IntN(9))
	}
	return out
}

// comparePages asks n random queries.
func comparePages(f *fixture, r *rand.Rand, n int) {
	f.t.Helper()
	msg, err := f.s.Checkpoint(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	size := sizeOf(f.t, msg)
	all := collect(f.t, f.s.Evidence(f.t.Context(), store.EvidenceQuery{}))
	found := 0
	for range n {
		q := randomQuery(r, all, size)
		want := f.naive(all, q)
		var got []evidence.Evidence
		asked := q
		for pages := 0; ; pages++ {
			p, err := f.s.Page(f.t.Context(), asked)
			if err != nil {
				f.t.Fatalf("%+v: %v", asked, err)
			}
			if len(p.Items) > asked.Limit {
				f.t.Fatalf("%+v: %d items", asked, len(p.Items))
			}
			got = append(got, p.Items...)
			if p.Done {
				break
			}
			if q.Oldest && p.Next <= asked.After || !q.Oldest && asked.Before > 0 && p.Next >= asked.Before {
				f.t.Fatalf("%+v: the next page begins at %d", asked, p.Next)
			}
			if asked.Before = q.Before; q.Oldest {
				asked.After = p.Next
			} else {
				asked.Before = p.Next
			}
			if p.Next == 0 {
				break
			}
		}
		found += len(got)
		if d := diff(want, got); d != "" {
			f.t.Fatalf("%+v (-want +got):\n%s", q, d)
		}
	}
	if found < n {
		f.t.Errorf("%d queries found %d: too few to show anything", n, found)
	}
}

// naive answers a query by looking at everything.
func (f *fixture) naive(all []evidence.Evidence, q store.PageQuery) []evidence.Evidence {
	latest := map[int64]bool{}
	gone := map[int64]bool{}
	if q.Latest || q.AsOf > 0 {
		for _, ev := range collect(f.t, f.s.Evidence(f.t.Context(), store.EvidenceQuery{Latest: true, Before: q.AsOf})) {
			latest[ev.Seq] = true
			gone[ev.Seq] = !ev.GoneAt.IsZero()
		}
	}
	var out []evidence.Evidence
	for _, ev := range all {
		if q.AsOf > 0 && !gone[ev.Seq] && latest[ev.Seq] {
			ev.GoneAt = evidence.Evidence{}.GoneAt
		}
		if ev.Seq < q.After || q.Before > 0 && ev.Seq >= q.Before || q.AsOf > 0 && ev.Seq >= q.AsOf || q.Latest && !latest[ev.Seq] || !q.Matches(&ev) {
			continue
		}
		out = append(out, ev)
	}
	if !q.Oldest {
		slices.Reverse(out)
	}
	return out
}

// randomQuery mostly asks for something that is there.
func randomQuery(r *rand.Rand, all []evidence.Evidence, size int64) store.PageQuery {
	like := all[r.IntN(len(all))]
	q := store.PageQuery{Limit: 1 + r.IntN(40), Oldest: r.IntN(2) == 0}
	for _, set := range []func(){
		func() { q.Kinds = []string{like.Kind, "never"} },
		func() { q.Kinds = []string{"k", "l"} },
		func() { q.Source = like.Source },
		func() { q.Run = like.Run },
		func() { q.SubjectType = like.Subject.Type },
		func() { q.SubjectType, q.SubjectID = like.Subject.Type, like.Subject.ID },
		func() { q.SubjectID = like.Subject.ID },
		func() { q.SubjectPrefix = string([]rune(like.Subject.ID)[:r.IntN(4)]) },
		func() { q.KeyPrefix = string([]rune(like.Key)[:r.IntN(utf8.RuneCountInString(like.Key)+1)]) },
		func() { q.Digest = like.Digest.String()[:r.IntN(12)] },
		func() { q.CollectedFrom = like.CollectedAt },
		func() { q.CollectedTo = like.CollectedAt.Add(1) },
		func() { q.Latest = true },
		func() { q.AsOf = like.Seq + r.Int64N(size) },
		func() { q.Before = like.Seq + 1 },
		func() { q.After = like.Seq },
		func() { q.Source = "nobody" },
	} {
		if r.IntN(9) == 0 {
			set()
		}
	}
	return q
}

// compareCounts holds the counts against the evidence.
func compareCounts(f *fixture) {
	f.t.Helper()
	want := map[[2]string][2]int64{}
	for _, latest := range []bool{false, true} {
		for _, ev := range collect(f.t, f.s.Evidence(f.t.Context(), store.EvidenceQuery{Latest: latest})) {
			k := [2]string{ev.Source, ev.Kind}
			n := want[k]
			if !latest {
				n[0]++
			} else if ev.GoneAt.IsZero() {
				n[1]++
			}
			want[k] = n
		}
	}
	got := map[[2]string][2]int64{}
	list, err := f.s.Counts(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for i, c := range list {
		if i > 0 && list[i-1].Source > c.Source {
			f.t.Errorf("counts of %s come after those of %s", c.Source, list[i-1].Source)
		}
		got[[2]string{c.Source, c.Kind}] = [2]int64{c.Evidence, c.Live}
	}
	f.want("counts", got, want)
}

func testDigests(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	if _, err := f.s.EntryByDigest(t.Context(), "00000000"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an empty store: %v, want ErrNotFound", err)
	}
	fill(f)
	for _, want := range collect(t, f.s.Evidence(t.Context(), store.EvidenceQuery{})) {
		got, err := f.s.EvidenceByDigest(t.Context(), want.Digest)
		if err != nil {
			t.Fatal(err)
		}
		f.want("evidence of a digest", got, want)
	}
	for _, want := range collect(t, f.s.Entries(t.Context(), 0, 1<<40)) {
		sum := evidence.Sum(want.Line)
		got, err := f.s.EntryByDigest(t.Context(), sum.String()[:store.MinDigestPrefix+int(want.Seq)%40])
		if err != nil {
			t.Fatal(err)
		}
		f.want("entry of a digest", got, want)
		if _, err := f.s.EvidenceByDigest(t.Context(), sum); want.Type != evidence.EntryEvidence && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("entry %d is no evidence: %v, want ErrNotFound", want.Seq, err)
		}
	}
	for _, none := range []string{"0123456789", evidence.Sum([]byte("x")).String()} {
		if _, err := f.s.EntryByDigest(t.Context(), none); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", none, err)
		}
	}
	for _, bad := range []string{"", "0123456", "0123456X", "0123456A"} {
		if _, err := f.s.EntryByDigest(t.Context(), bad); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v, want to be told what is wrong with it", bad, err)
		}
	}
}

// sizeOf reads the size out of a checkpoint.
func sizeOf(t testing.TB, msg []byte) int64 {
	t.Helper()
	c, err := ledger.UnverifiedCheckpoint(msg)
	if err != nil {
		t.Fatal(err)
	}
	return c.Size
}

package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// attest checks that each group has exactly the live keys that the source says
// are unchanged, and counts them.
func (w *writer) attest(ctx context.Context, list []store.Attestation) error {
	if len(list) == 0 {
		return nil
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Group
	}
	if err := w.ids.findGroups(ctx, w.run.source, names); err != nil {
		return err
	}
	values := make([]any, 0, len(list))
	for _, a := range list {
		if id, ok := w.ids.groups[groupName{w.run.source, a.Group}]; ok {
			values = append(values, id)
		}
	}
	live, err := w.liveByGroup(ctx, values)
	if err != nil {
		return err
	}
	for _, a := range list {
		var total int64
		kinds := live[w.ids.groups[groupName{w.run.source, a.Group}]]
		for _, n := range kinds {
			total += n
		}
		if total != int64(a.Count) {
			return fmt.Errorf("group %.80q of source %s: %w: %d keys were said to be unchanged, %d are live; read the group in full",
				a.Group, w.run.name, store.ErrUnknownGroup, a.Count, total)
		}
		for kind, n := range kinds {
			w.count(kind, tally{unchanged: n})
		}
	}
	return nil
}

// liveByGroup counts live keys by group and kind.
func (w *writer) liveByGroup(ctx context.Context, groups []any) (map[int64]map[string]int64, error) {
	live := make(map[int64]map[string]int64)
	err := w.tx.In(ctx, groups, func(r Rows) error {
		var grp, n int64
		var kind string
		if err := r.Scan(&grp, &kind, &n); err != nil {
			return err
		}
		if live[grp] == nil {
			live[grp] = make(map[string]int64)
		}
		live[grp][kind] = n
		return nil
	}, `SELECT e.grp, n.name, e.c FROM (SELECT grp, kind, COUNT(*) AS c FROM evidence
WHERE grp IN @IN AND next IS NULL AND gone IS NULL GROUP BY grp, kind) AS e JOIN names AS n ON n.id = e.kind`)
	return live, err
}

// close ends the run: keys that were not seen become gone, and the outcome
// with its counts is appended.
func (w *writer) close(ctx context.Context, c *store.RunClose) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	if err := w.saveTally(ctx); err != nil {
		return err
	}
	run := c.Run
	run.ID = w.run.id
	run.Kinds = make(map[string]evidence.KindRead, len(c.Run.Kinds))
	for kind, k := range c.Run.Kinds {
		k.New, k.Revised, k.Unchanged, k.Gone = 0, 0, 0, 0
		run.Kinds[kind] = k
	}
	err := each(ctx, w.tx, func(r Rows) error {
		var kind string
		var t tally
		if err := r.Scan(&kind, &t.new, &t.revised, &t.unchanged); err != nil {
			return err
		}
		k, ok := run.Kinds[kind]
		if !ok {
			k.IndependentCount = -1
		}
		k.New, k.Revised, k.Unchanged = t.new, t.revised, t.unchanged
		run.Kinds[kind] = k
		return nil
	}, "SELECT kind, new, revised, unchanged FROM tally WHERE run = $1", w.run.opened)
	if err != nil {
		return err
	}
	for _, kind := range sortedKeys(run.Kinds) {
		k := run.Kinds[kind]
		if !store.Enumerated(k) {
			continue
		}
		if k.Gone, err = w.findGone(ctx, kind, c); err != nil {
			return err
		}
		run.Kinds[kind] = k
		addTo(w.receipt.Gone, kind, k.Gone)
	}
	if run.State, err = stateDigest(ctx, w.tx, w.run.source); err != nil {
		return err
	}
	e, err := evidence.RunClosed(run, w.now)
	if err != nil {
		return err
	}
	seq := w.add(e)
	if err := w.tx.Exec(ctx, "DELETE FROM tally WHERE run = $1", w.run.opened); err != nil {
		return err
	}
	return w.tx.Exec(ctx, "UPDATE runs SET closed = $1 WHERE opened = $2", seq, w.run.opened)
}

// liveKey is a key that exists as far as the store knows.
type liveKey struct {
	seq   int64
	group string
	key   string
}

// livePage is how many live keys are looked at together.
const livePage = 4096

// findGone asks about every live key of a kind, and appends gone entries for
// those that were not seen. It returns how many there were.
func (w *writer) findGone(ctx context.Context, kind string, c *store.RunClose) (int64, error) {
	kindID, err := w.ids.find(ctx, kind)
	if err != nil || kindID == 0 {
		return 0, err
	}
	var gone []liveKey
	for after := int64(-1); ; {
		page, err := w.livePage(ctx, kindID, after)
		if err != nil {
			return 0, err
		}
		for _, k := range page {
			if !c.Seen(kind, k.key, k.group) {
				gone = append(gone, k)
			}
		}
		if len(page) < livePage {
			break
		}
		after = page[len(page)-1].seq
	}
	slices.SortFunc(gone, func(a, b liveKey) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	for part := range slices.Chunk(gone, evidence.MaxGoneKeys) {
		if err := w.appendGone(kind, part, c); err != nil {
			return 0, err
		}
	}
	if len(gone) > 0 {
		w.countPair(kindID, 0, -int64(len(gone)))
	}
	return int64(len(gone)), w.flush(ctx)
}

func (w *writer) appendGone(kind string, part []liveKey, c *store.RunClose) error {
	g := evidence.Gone{Run: w.run.id, Kind: kind, At: c.Run.FinishedAt}
	for _, k := range part {
		g.Keys = append(g.Keys, k.key)
	}
	e, err := evidence.GoneEntry(g, w.now)
	if err != nil {
		return err
	}
	seq := w.add(e)
	at := evidence.Stamp(g.At).UnixMicro()
	for _, k := range part {
		w.gone = append(w.gone, pair{k.seq, seq})
		w.goneAt = append(w.goneAt, pair{k.seq, at})
	}
	return nil
}

// livePage reads the next live keys of a kind of the run's source.
func (w *writer) livePage(ctx context.Context, kind, after int64) ([]liveKey, error) {
	var page []liveKey
	err := each(ctx, w.tx, func(r Rows) error {
		var k liveKey
		if err := r.Scan(&k.seq, &k.group); err != nil {
			return err
		}
		page = append(page, k)
		return nil
	}, `SELECT e.seq, COALESCE(g.name, '') FROM evidence AS e LEFT JOIN evidence_groups AS g ON g.id = e.grp
WHERE e.source = $1 AND e.kind = $2 AND e.next IS NULL AND e.gone IS NULL AND e.seq > $3 ORDER BY e.seq LIMIT $4`,
		w.run.source, kind, after, int64(livePage))
	if err != nil {
		return nil, err
	}
	var p evidence.Parser
	for i := range page {
		e, err := w.entry(ctx, page[i].seq)
		if err != nil {
			return nil, err
		}
		ev, err := p.Evidence(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w: %w", e.Seq, store.ErrTampered, err)
		}
		page[i].key = ev.Key
	}
	return page, nil
}

package sqlstore

import (
	"context"
	"maps"
	"slices"
)

// ids gives small numbers for the strings that repeat: kinds and sources
// (names) and groups. Numbers are never reused, so that what a committed
// transaction learned stays true.
type ids struct {
	s         *Store
	tx        Tx
	names     map[string]int64 // learned in this transaction
	groups    map[groupName]int64
	addNames  []any
	addGroups []any
	lastName  int64
	lastGroup int64
}

func newIDs(s *Store, tx Tx) *ids {
	return &ids{s: s, tx: tx, names: make(map[string]int64), groups: make(map[groupName]int64), lastName: -1, lastGroup: -1}
}

// commit remembers what was learned, once the transaction is durable.
func (d *ids) commit() {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	maps.Copy(d.s.ids, d.names)
	if len(d.s.grp)+len(d.groups) > maxGroups {
		clear(d.s.grp)
	}
	maps.Copy(d.s.grp, d.groups)
}

// find gives the number of a name, or 0 if there is none.
func (d *ids) find(ctx context.Context, name string) (int64, error) {
	if id, ok := d.names[name]; ok {
		return id, nil
	}
	d.s.mu.Lock()
	id := d.s.ids[name]
	d.s.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	ok, err := one(ctx, d.tx, []any{&id}, "SELECT id FROM names WHERE name = $1", name)
	if ok {
		d.names[name] = id
	}
	return id, err
}

// name gives the number of a name, a new one if there is none.
func (d *ids) name(ctx context.Context, name string) (int64, error) {
	id, err := d.find(ctx, name)
	if err != nil || id != 0 {
		return id, err
	}
	if d.lastName < 0 {
		if _, err := one(ctx, d.tx, []any{&d.lastName}, "SELECT COALESCE(MAX(id), 0) FROM names"); err != nil {
			return 0, err
		}
	}
	d.lastName++
	d.names[name] = d.lastName
	d.addNames = append(d.addNames, d.lastName, name)
	return d.lastName, nil
}

// findGroups learns the numbers of those groups of a source that have one.
func (d *ids) findGroups(ctx context.Context, source int64, names []string) error {
	var unknown []any
	d.s.mu.Lock()
	for _, n := range names {
		g := groupName{source, n}
		if _, ok := d.groups[g]; ok {
			continue
		}
		if id, ok := d.s.grp[g]; ok {
			d.groups[g] = id
			continue
		}
		unknown = append(unknown, n)
	}
	d.s.mu.Unlock()
	return d.tx.In(ctx, unknown, func(r Rows) error {
		var id int64
		var name string
		if err := r.Scan(&id, &name); err != nil {
			return err
		}
		d.groups[groupName{source, name}] = id
		return nil
	}, "SELECT id, name FROM evidence_groups WHERE source = $1 AND name IN @IN", source)
}

// group gives the number of a group that findGroups was asked for before, a
// new one if there is none. No group is 0.
func (d *ids) group(ctx context.Context, source int64, name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	g := groupName{source, name}
	if id, ok := d.groups[g]; ok {
		return id, nil
	}
	if d.lastGroup < 0 {
		if _, err := one(ctx, d.tx, []any{&d.lastGroup}, "SELECT COALESCE(MAX(id), 0) FROM evidence_groups"); err != nil {
			return 0, err
		}
	}
	d.lastGroup++
	d.groups[g] = d.lastGroup
	d.addGroups = append(d.addGroups, d.lastGroup, source, name)
	return d.lastGroup, nil
}

// flush writes the numbers given since the last call.
func (d *ids) flush(ctx context.Context) error {
	if len(d.addNames) > 0 {
		if err := d.tx.Insert(ctx, tableNames, d.addNames); err != nil {
			return err
		}
		d.addNames = nil
	}
	if len(d.addGroups) > 0 {
		if err := d.tx.Insert(ctx, tableGroups, d.addGroups); err != nil {
			return err
		}
		d.addGroups = nil
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

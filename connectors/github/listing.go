package github

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// listing is a list of things of which each becomes one record. Its pages are
// groups: one that did not change is attested.
type listing[T any] struct {
	kind  string
	path  string
	query url.Values
	field string // of the answer that holds the list; empty if the answer is the list
	total string // of the answer that holds the number of all
	part  part   // to say what a row that cannot be used belongs to
	// record makes the record of a row and its payload.
	record func(row T) (connector.Record, any, error)
}

// rowsNote is kept with the validator of a page.
type rowsNote struct {
	Group  string   `json:"g"`
	Keys   []string `json:"k"` // marks of the keys of the records
	Listed int      `json:"l"`
	Total  int      `json:"t"`
}

// listed is what a listing came to.
type listed struct {
	rows  int
	total int // as the source says; -1 if it does not
}

// list reads a listing to its end. It reports rows that the source counts but
// does not show.
func list[T any](ctx context.Context, r *run, l listing[T]) (listed, error) {
	sum, seen := listed{total: -1}, map[string]bool{}
	c := call{path: l.path, query: l.query, usable: noteFits(func(n rowsNote) bool { return n.Group != "" })}
	err := pages(ctx, r.api, c, func(p page[json.RawMessage]) (bool, error) {
		note := rowsNote{}
		var err error
		if p.notModified {
			if err := json.Unmarshal(p.memo, &note); err != nil {
				return false, err
			}
			err = r.attest(l.kind, note.Group, len(note.Keys))
		} else if note, err = listPage(ctx, r, l, p, seen); err != nil {
			return false, err
		}
		for _, k := range note.Keys {
			seen[k] = true
		}
		sum.rows, sum.total = sum.rows+note.Listed, note.Total
		return true, err
	})
	if err == nil && sum.total > sum.rows {
		err = r.gap(connector.Gap{Kinds: []string{l.kind}, Scope: l.part.scope, Reason: connector.Hidden, Permission: l.part.permission,
			Detail: fmt.Sprintf("GitHub counts %d and shows %d", sum.total, sum.rows)})
	}
	return sum, err
}

// listPage emits the rows of a page. The page's group has the answer's digest
// in its name, so that what an earlier answer held is not counted in it.
func listPage[T any](ctx context.Context, r *run, l listing[T], p page[json.RawMessage], seen map[string]bool) (rowsNote, error) {
	rows, total, err := rowsOf[T](l, p.body)
	note := rowsNote{Group: fmt.Sprintf("%s/%d@%s", l.path, p.number, hex.EncodeToString(p.sum[:6])), Listed: len(rows), Total: total}
	if err != nil {
		return note, err
	}
	whole := true
	for _, row := range rows {
		rec, pay, err := l.record(row)
		if err == nil && (!records.Fit(rec.Key) || !records.Fit(rec.Subject.ID)) {
			err = &malformedError{Path: l.path, Why: "a name that no record can have"}
		}
		if err != nil {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{l.kind}, scope: l.part.scope}, err); err != nil {
				return note, err
			}
			continue
		}
		k := mark(rec.Key)
		if seen[k] {
			whole = false // it moved between two pages: this one is not to be attested
			continue
		}
		rec.Kind, rec.Group = l.kind, note.Group
		if err := r.record(rec, pay); err != nil {
			return note, err
		}
		note.Keys = append(note.Keys, k)
		seen[k] = true
	}
	if !whole {
		return note, r.stop(r.emit.Validator(p.key, connector.Validator{}))
	}
	return note, r.keep(p.answer, note)
}

// rowsOf takes the list out of an answer. A list that is not where it should
// be is no empty list.
func rowsOf[T any](l listing[T], body json.RawMessage) (rows []T, total int, err error) {
	bad := func(why string) error { return &malformedError{Path: l.path, Why: why} }
	total = -1
	raw := body
	if l.field != "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			return nil, total, bad("the answer is not the JSON that is documented: " + decodeProblem(err))
		}
		raw = fields[l.field]
		var n *int
		if json.Unmarshal(fields[l.total], &n) == nil && n != nil && *n >= 0 {
			total = *n
		}
	}
	var list *[]T
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil || list == nil {
		return nil, total, bad("the answer holds no list " + l.field + " as it is documented")
	}
	return *list, total, nil
}

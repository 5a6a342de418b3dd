package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// maxItemGaps bounds the gaps of single items of one request; the rest is
// counted in one more.
const maxItemGaps = 100

// maxListings bounds the listings of one run: each item of one can start others.
const maxListings = 50_000

// run is one collection.
type run struct {
	cfg  *config
	req  connector.Request
	book *coverage.Book
	api  *rest.Client
	now  time.Time

	listings int
}

// Collect makes the requests one after the other.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(New().Describe(), req, emit)
	api, err := newClient(ctx, cfg, req.Validators, book.Counter())
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, req: req, book: book, api: api, now: time.Now().UTC()}
	r.claim()
	for i, q := range cfg.Requests {
		if q.Each != "" {
			continue // made for each item of its parent
		}
		book.Progress("request "+q.Name, i, len(cfg.Requests))
		if _, err := r.request(ctx, q, nil, ""); err != nil {
			return nil, err
		}
	}
	return book.Result(), nil
}

// claim writes down what is asked for each kind. A kind is enumerated if every
// request that it comes from says so.
func (r *run) claim() {
	partly := map[string]bool{}
	for _, q := range r.cfg.Requests {
		kinds := q.kindsOf()
		r.book.Query(q.describe(), kinds...)
		if !r.req.Since.IsZero() {
			r.book.Since(r.req.Since, kinds...)
		}
		for _, k := range kinds {
			partly[k] = partly[k] || !q.Enumerates
		}
	}
	for k, p := range partly {
		if !p {
			r.book.Enumerated(k)
		}
	}
	for _, k := range kinds() {
		if _, mapped := partly[k]; !mapped {
			r.book.Query("not in this source's settings", k)
		}
	}
}

func (r *request) describe() string {
	method := "GET "
	if r.Body != nil {
		method = "POST "
	}
	text := method + r.Path
	if r.Each != "" {
		text += " for each of " + r.Each
	}
	if r.Where != "" {
		text += " where " + r.Where
	}
	return text
}

// below are the kinds of a request and of those made for each of its items.
func (r *run) below(q *request) []string {
	kinds := q.kindsOf()
	for _, child := range r.cfg.Requests {
		if child.Each == q.Name {
			kinds = append(kinds, r.below(child)...)
		}
	}
	return kinds
}

// listing is the reading of one request's pages.
type listing struct {
	*run
	q        *request
	vars     vars
	scope    string
	position time.Time // from where is asked; zero: everything

	items, bad int
	missed     bool // rows are hidden, or a request for an item was not read whole
	count      int64
	canary     bool
	latest     time.Time
}

// errManyListings ends the making of requests for items, not the run.
var errManyListings error = &truncatedError{fmt.Sprintf("more than %d requests for items of others: narrow where, or make several sources of it", maxListings)}

type truncatedError struct{ why string }

func (e *truncatedError) Error() string { return e.why }

// Reason is Truncated.
func (*truncatedError) Reason() connector.Reason { return connector.Truncated }

// request reads all pages of a request and reports whether nothing was missed,
// in those that it leads to neither. Its error ends the run.
func (r *run) request(ctx context.Context, q *request, parent ref.Val, of string) (whole bool, err error) {
	kinds := r.book.Wants(r.below(q)...)
	if len(kinds) == 0 {
		return true, nil
	}
	l := &listing{run: r, q: q, vars: vars{"parent": parent}, scope: "request " + q.Name + of, count: -1}
	if q.Since != nil {
		l.position = r.position(q)
	}
	err = r.book.Part(ctx, coverage.Part{Kinds: kinds, Scope: l.scope, Permission: permRead}, func() error {
		if r.listings++; r.listings > maxListings {
			return errManyListings
		}
		if err := rest.Pages(ctx, q.Path, func(token string) (string, rest.Answer, error) { return l.page(ctx, token) }); err != nil {
			return err
		}
		if err := l.finish(kinds); err != nil {
			return err
		}
		whole = !l.missed && l.bad == 0
		return nil
	})
	return whole, err
}

// position is from where a request asks for changes.
func (r *run) position(q *request) time.Time {
	var last time.Time
	if r.book.Position("since:"+q.Name, &last) {
		last = last.Add(-q.Since.overlap)
	}
	if r.req.Since.After(last) {
		return r.req.Since
	}
	return last
}

// page reads one page, or learns that it did not change.
func (l *listing) page(ctx context.Context, token string) (next string, a rest.Answer, err error) {
	call, err := l.q.call(ctx, l.vars, l.position, token)
	if err != nil {
		return "", a, &rest.MalformedError{Path: l.q.Path, Why: err.Error()}
	}
	if l.keeps() {
		call.Usable = rest.NoteFits(func(n note) bool { return n.Settings == l.q.digest })
	}
	call.Header = map[string][]string{"Accept": {"application/json"}}
	if a, err = l.api.Raw(ctx, call); err != nil {
		return "", a, err
	}
	if a.NotModified {
		next, err := l.unchanged(a)
		return next, a, err
	}
	p, err := l.q.understand(ctx, a, l.vars, token)
	if err != nil {
		return "", a, &rest.MalformedError{Path: l.q.Path, Why: err.Error()}
	}
	if err := l.take(ctx, &p); err != nil {
		return "", a, err
	}
	l.add(p.note)
	return p.Next, a, l.keep(p)
}

// keeps reports whether pages can be asked for conditionally: not if their
// items are needed for other requests, nor if some of the kinds are left out
// this time, which would keep a page of which records are missing.
func (l *listing) keeps() bool { return l.groups() && l.allKinds() }

// groups reports whether the records of a page are one group.
func (l *listing) groups() bool { return !l.q.children && l.q.Since == nil && l.q.Body == nil }

// allKinds reports whether all that a request leads to is wanted this time.
func (l *listing) allKinds() bool {
	kinds := l.below(l.q)
	return len(l.book.Wants(kinds...)) == len(kinds)
}

func (l *listing) unchanged(a rest.Answer) (string, error) {
	var n note
	if err := json.Unmarshal(a.Memo, &n); err != nil {
		return "", err // was usable a moment ago
	}
	l.add(n)
	if n.Records == 0 {
		return n.Next, nil
	}
	return n.Next, l.book.Unchanged(a.Key, n.Records)
}

func (l *listing) add(n note) {
	l.items += n.Items
	l.canary = l.canary || n.Canary
	if n.Count > 0 || l.count < 0 {
		l.count = n.Count
	}
	if n.Latest.After(l.latest) {
		l.latest = n.Latest
	}
}

// keep stores the note of a page whose items could all be taken.
func (l *listing) keep(p page) error {
	if !l.keeps() || p.Validator.IsZero() || l.bad > 0 {
		return nil
	}
	p.Settings = l.q.digest
	memo, err := json.Marshal(p.note)
	if err != nil {
		return err
	}
	v := p.Validator
	v.Memo = memo
	return l.book.Validator(p.Key, v)
}

// take makes records of a page's items, and the requests for each of them.
func (l *listing) take(ctx context.Context, p *page) error {
	for i, item := range p.items {
		v := with(l.vars, "item", item)
		scope := fmt.Sprintf("%s, item %d", l.scope, l.items+i+1)
		err := l.item(ctx, p, v, scope)
		var own *coverage.EmitError
		if errors.As(err, &own) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			if err := l.unfit(scope, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// item deals with one item. Its error concerns the item alone, unless it is
// the emitter's or the context's.
func (l *listing) item(ctx context.Context, p *page, v vars, scope string) error {
	q := l.q
	if q.canary != nil && !p.Canary {
		var err error
		if p.Canary, err = q.canary.truth(ctx, v); err != nil {
			return wrap("canary", err)
		}
	}
	if q.where != nil {
		if take, err := q.where.truth(ctx, v); err != nil || !take {
			return wrap("where", err)
		}
	}
	if q.Since != nil {
		at, err := q.Since.time.moment(ctx, v)
		if err != nil {
			return wrap("since.time", err)
		}
		if at.After(l.now) {
			at = l.now // a clock that is ahead must not hide what comes until then
		}
		if at.After(p.Latest) {
			p.Latest = at
		}
	}
	var errs []error
	for i, m := range q.Records {
		if err := l.emit(ctx, p, m, v); err != nil {
			errs = append(errs, wrap(fmt.Sprintf("records[%d]", i), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return l.children(ctx, v, scope)
}

func (l *listing) emit(ctx context.Context, p *page, m *mapping, v vars) error {
	if len(l.book.Wants(m.Kind)) == 0 {
		return nil
	}
	rec, ok, err := m.record(ctx, v)
	if err != nil || !ok {
		return err
	}
	if !records.Fit(rec.Key) || !records.Fit(rec.Subject.ID) || rec.EventTime.After(time.Now().Add(time.Minute)) {
		return errors.New("its key, subject or time is none that evidence can have")
	}
	if l.groups() && records.Fit(p.Key) && !p.Validator.IsZero() {
		rec.Group = p.Key
	}
	if p.keys == nil {
		p.keys = map[string]bool{}
	}
	if name := rec.Kind + " " + rec.Key; !p.keys[name] { // the same twice is one record
		p.keys[name] = true
		p.Records++
	}
	return l.book.Record(rec, rec.Payload)
}

// children makes the requests for an item.
func (l *listing) children(ctx context.Context, v vars, scope string) error {
	item, _ := v["item"].(ref.Val)
	for _, child := range l.cfg.Requests {
		if child.Each != l.q.Name {
			continue
		}
		whole, err := l.request(ctx, child, item, " of "+strings.TrimPrefix(scope, "request "))
		if err != nil {
			return &coverage.EmitError{Err: err} // ends the run
		}
		l.missed = l.missed || !whole
	}
	return nil
}

// unfit reports an item that could not be taken.
func (l *listing) unfit(scope string, err error) error {
	l.bad++
	if l.bad > maxItemGaps {
		return nil
	}
	return l.book.Gap(connector.Gap{Kinds: l.below(l.q), Scope: scope, Reason: connector.Malformed, Detail: err.Error()})
}

// finish judges a listing that was read to its end: whether rows are hidden.
func (l *listing) finish(kinds []string) error {
	hidden := func(detail string) error {
		l.missed = true
		return l.book.Gap(connector.Gap{Kinds: kinds, Scope: l.scope, Reason: connector.Hidden, Permission: permRead, Detail: detail})
	}
	if l.bad > maxItemGaps {
		err := l.book.Gap(connector.Gap{Kinds: kinds, Scope: l.scope, Reason: connector.Malformed,
			Detail: fmt.Sprintf("%d further items could not be taken", l.bad-maxItemGaps)})
		if err != nil {
			return err
		}
	}
	if l.q.canary != nil && !l.canary {
		if err := hidden("no item is the canary: the identity does not see all there is"); err != nil {
			return err
		}
	}
	if l.q.count != nil && l.count != int64(l.items) {
		if err := hidden(fmt.Sprintf("the source counts %d items and lists %d", l.count, l.items)); err != nil {
			return err
		}
	}
	if l.q.Since == nil || l.latest.IsZero() || l.bad > 0 || l.missed || !l.allKinds() {
		return nil // the next run begins where this one did
	}
	return l.book.Cursor("since:"+l.q.Name, l.latest)
}

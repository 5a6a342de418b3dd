package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// work is one look at one tracker.
type work struct {
	s   *Syncer
	t   Tracker
	now time.Time // when the look began
	dry bool
	res Result

	known   map[string]*Row     // by finding
	remote  map[string][]Ticket // by finding, the oldest first
	changed map[string]Ticket   // by key
	budget  int                 // tickets that may still be opened
	updates int                 // tickets that may still be changed
	refused int                 // one after the other
}

const (
	hourAgo     = time.Hour
	overlap     = time.Hour // of two lists: clocks differ
	manyRefused = 3         // then the fault is not in the findings
	refusedFor  = 24 * time.Hour
)

func (w *work) run(ctx context.Context, st *standing, findings []Finding) error {
	if err := w.look(ctx, st); err != nil {
		return err
	}
	w.updates = w.s.o.Updates
	for i := range findings {
		f := &findings[i]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := w.one(ctx, f)
		switch {
		case err == nil:
			w.refused = 0
		case errors.Is(err, ErrRefused):
			if w.refused++; w.refused >= manyRefused {
				return err
			}
		case errors.Is(err, errLater):
		default:
			return fmt.Errorf("%w (%s)", err, f.ID)
		}
	}
	if !w.dry { // what the list said was all gone through: the next one may begin here
		w.s.mu.Lock()
		w.s.whole[w.t.Name()] = true
		w.s.mu.Unlock()
		st.listed = w.now.UnixMilli()
	}
	return nil
}

// look reads what is known here and in the tracker.
func (w *work) look(ctx context.Context, st *standing) error {
	rows, err := w.s.rows(ctx, w.t.Name())
	if err != nil {
		return err
	}
	w.known, w.budget = map[string]*Row{}, w.s.o.PerHour
	since := time.UnixMilli(st.listed)
	for _, r := range rows {
		w.known[r.Finding] = r
		if r.State == Opening {
			since = earlier(since, time.UnixMilli(r.intent))
		}
		if r.intent > w.now.Add(-hourAgo).UnixMilli() && r.State != Refused {
			w.budget--
		}
	}
	w.s.mu.Lock()
	whole := w.s.whole[w.t.Name()]
	w.s.mu.Unlock()
	since = since.Add(-overlap)
	if !whole || st.listed == 0 || w.dry {
		since = time.Time{}
	}
	list, err := w.t.List(ctx, since)
	if err != nil {
		return err
	}
	w.remote, w.changed = map[string][]Ticket{}, map[string]Ticket{}
	for _, t := range list {
		w.changed[t.Key] = t
		if t.Finding != "" {
			w.remote[t.Finding] = append(w.remote[t.Finding], t)
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// errLater: a finding has to wait.
var errLater = errors.New("later")

// one makes the ticket of one finding as the finding is.
func (w *work) one(ctx context.Context, f *Finding) error {
	r, err := w.settled(ctx, f)
	if err != nil {
		return err
	}
	if r == nil {
		old := w.known[f.ID]
		switch {
		case f.open() && (old != nil || w.s.o.For.takes(f)):
			return w.create(ctx, f)
		case old != nil && old.State == Opening && !w.dry: // nothing was opened, and nothing is to be
			return w.s.forget(ctx, old)
		}
		return nil
	}
	t, seen := w.changed[r.Key]
	if r.State == Gone && seen { // it is back
		if r.State = Closed; t.Open {
			r.State = Open
		}
	}
	if r.State == Gone || r.State == Refused {
		return nil
	}
	if seen {
		if err := w.byHand(ctx, f, r, t); err != nil {
			return err
		}
	}
	err = w.follow(ctx, f, r)
	if errors.Is(err, ErrGone) {
		r.State, r.Note = Gone, "the tracker does not have it any more"
		w.act(f, r, "leave", r.Note)
		return w.save(ctx, r)
	}
	return err
}

// settled finds the row of a finding, and takes over a ticket that the tracker
// has and no row names. It returns nil where a ticket may be opened.
func (w *work) settled(ctx context.Context, f *Finding) (*Row, error) {
	r := w.known[f.ID]
	if r != nil && r.State == Refused && w.now.Sub(time.UnixMilli(r.intent)) < refusedFor {
		return r, nil
	}
	if r != nil && r.State != Opening && r.State != Refused {
		for _, t := range w.remote[f.ID] {
			if t.Key != r.Key {
				w.res.Doubles = append(w.res.Doubles, t.Key)
			}
		}
		return r, nil
	}
	if there := w.remote[f.ID]; len(there) > 0 {
		return w.takeOver(ctx, f, r, there)
	}
	if r != nil && r.State == Opening && w.now.Sub(time.UnixMilli(r.intent)) < w.s.o.Settle {
		w.res.Waiting++
		return nil, errLater
	}
	return nil, nil
}

func (w *work) takeOver(ctx context.Context, f *Finding, r *Row, there []Ticket) (*Row, error) {
	t := there[0]
	for _, d := range there[1:] {
		w.res.Doubles = append(w.res.Doubles, d.Key)
	}
	if r == nil {
		r = &Row{Tracker: w.t.Name(), Finding: f.ID, intent: t.Created.UnixMilli()}
	}
	created := t.Created.UTC()
	r.Key, r.URL, r.Created, r.Note = t.Key, t.URL, &created, ""
	r.State = Open
	if !t.Open {
		r.State = Closed
		if f.open() {
			r.State = ClosedByHand
		}
	}
	w.act(f, r, "take_over", "it bears the finding's id")
	return r, w.save(ctx, r)
}

// create opens a ticket: first the intention is written down, then the ticket
// opened, then its key written down.
func (w *work) create(ctx context.Context, f *Finding) error {
	if w.budget <= 0 {
		w.res.Waiting++
		return nil
	}
	w.budget--
	r := &Row{Tracker: w.t.Name(), Finding: f.ID, State: Opening}
	if w.dry {
		w.act(f, r, "open", "")
		return nil
	}
	now, err := w.s.now(ctx) // a look may take minutes, and the tracker settles from here on
	if err != nil {
		return err
	}
	r.intent = now.UnixMilli()
	if err := w.save(ctx, r); err != nil {
		return err
	}
	d := draftOf(f)
	asked, cancel := context.WithTimeout(ctx, w.s.o.Request)
	t, err := w.t.Create(asked, d)
	cancel()
	switch {
	case errors.Is(err, ErrRefused):
		r.State, r.Note = Refused, clean(err.Error(), 300)
		return errors.Join(err, w.save(ctx, r))
	case err != nil && nothingDone(err):
		return errors.Join(err, w.s.forget(context.WithoutCancel(ctx), r))
	case err != nil:
		w.res.Waiting++
		return err // whether it was opened is found out once the tracker has settled
	}
	created := w.now.UTC()
	r.Key, r.URL, r.State, r.Created, r.Updated = t.Key, t.URL, Open, &created, &created
	r.digest, r.facts = d.digest(), factsText(f)
	w.act(f, r, "open", "")
	return w.save(context.WithoutCancel(ctx), r)
}

// byHand notes what a person did to a ticket.
func (w *work) byHand(ctx context.Context, f *Finding, r *Row, t Ticket) error {
	was := r.State
	switch {
	case r.setting != "" && t.Open == (r.setting == Open): // we did, and the answer was lost
		r.State, r.setting = r.setting, ""
		return w.save(ctx, r)
	case !t.Open && (r.State == Open || r.State == OpenByHand) && f.open():
		r.State = ClosedByHand
	case !t.Open && (r.State == Open || r.State == OpenByHand):
		r.State = Closed
	case t.Open && (r.State == Closed || r.State == ClosedByHand) && f.open():
		r.State = Open
	case t.Open && (r.State == Closed || r.State == ClosedByHand):
		r.State = OpenByHand
	}
	if r.State == was {
		return nil
	}
	return w.save(ctx, r)
}

// follow brings a ticket to where its finding is.
func (w *work) follow(ctx context.Context, f *Finding, r *Row) error {
	switch {
	case f.open() && r.State == Open:
		return w.update(ctx, f, r)
	case f.open() && (r.State == Closed || r.State == ClosedByHand && w.s.o.Reopen):
		return w.reopen(ctx, f, r)
	case f.open() && r.State == ClosedByHand:
		return w.comment(ctx, f, r, &Comment{Mark: "by-hand-" + stamp(f), Fact: f.Detail,
			Text: "This was closed here, but evidence does not show the finding resolved: it stays open in Exhibit. Exhibit leaves this ticket closed."})
	case f.open():
		r.State = Open
		return w.save(ctx, r)
	case r.State == Open:
		return w.close(ctx, f, r)
	case r.State == OpenByHand:
		return w.comment(ctx, f, r, &Comment{Mark: "opened-by-hand-" + f.State + "-" + stamp(f),
			Text: "This was opened again here, while the finding is " + f.State + " in Exhibit. Exhibit leaves this ticket open."})
	case r.State == ClosedByHand:
		r.State = Closed // evidence has come to agree: if it reopens, so does the ticket
		return w.save(ctx, r)
	}
	return nil
}

func (w *work) update(ctx context.Context, f *Finding, r *Row) error {
	d := draftOf(f)
	if r.digest == d.digest() {
		return nil
	}
	var before watched
	told := r.facts != "" && json.Unmarshal([]byte(r.facts), &before) == nil
	what := ""
	if told {
		what = watch(f).since(before)
	}
	if w.updates <= 0 || what != "" && r.said != "" && r.Updated != nil && w.now.Sub(*r.Updated) < w.s.o.Quiet {
		w.res.Waiting++
		return nil
	}
	w.updates--
	if what != "" {
		c := &Comment{Text: "Changed: " + what + ".", Mark: fmt.Sprintf("changed-%d-%s", r.turn, short([]byte(what)))}
		if err := w.comment(ctx, f, r, c); err != nil {
			return err
		}
	}
	w.act(f, r, "update", what)
	if w.dry {
		return nil
	}
	asked, cancel := context.WithTimeout(ctx, w.s.o.Request)
	err := w.t.Edit(asked, r.Key, d)
	cancel()
	if err != nil {
		return err
	}
	updated := w.now.UTC()
	r.digest, r.facts, r.Updated, r.turn = d.digest(), factsText(f), &updated, r.turn+1
	return w.save(ctx, r)
}

func (w *work) close(ctx context.Context, f *Finding, r *Row) error {
	c := &Comment{Mark: f.State + "-" + stamp(f), Fact: f.Detail,
		Text: "Evidence shows the finding resolved. It is opened again here if it reopens."}
	if f.State != "resolved" {
		c.Text = "The finding is " + f.State + ". This is opened again here if it reopens."
	}
	return w.set(ctx, f, r, c, false)
}

func (w *work) reopen(ctx context.Context, f *Finding, r *Row) error {
	return w.set(ctx, f, r, &Comment{Mark: "reopened-" + stamp(f), Fact: f.Detail, Text: "The finding is open again."}, true)
}

// stamp tells one stretch of being open from the next.
func stamp(f *Finding) string { return f.Since.UTC().Format("20060102T150405Z") }

// set comments on a ticket, and then closes or opens it.
func (w *work) set(ctx context.Context, f *Finding, r *Row, c *Comment, open bool) error {
	if w.updates <= 0 {
		w.res.Waiting++
		return nil
	}
	w.updates--
	state, what := Closed, "close"
	if open {
		state, what = Open, "reopen"
	}
	if err := w.comment(ctx, f, r, c); err != nil {
		return err
	}
	w.act(f, r, what, f.State)
	if w.dry {
		return nil
	}
	r.setting = state
	if err := w.save(ctx, r); err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, w.s.o.Request)
	err := w.t.SetOpen(asked, r.Key, open, f.State == "resolved")
	cancel()
	if err != nil {
		return err
	}
	updated := w.now.UTC()
	r.State, r.setting, r.Updated = state, "", &updated
	return w.save(context.WithoutCancel(ctx), r)
}

// comment says something once. What was begun and not heard of again is looked
// for before it is said again.
func (w *work) comment(ctx context.Context, f *Finding, r *Row, c *Comment) error {
	c.Fact = clean(c.Fact, maxText)
	c.Mark = f.ID + " " + c.Mark
	if r.said == c.Mark {
		return nil
	}
	w.act(f, r, "comment", c.Text)
	if w.dry {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.s.o.Request)
	defer cancel()
	if r.saying == c.Mark {
		if w.now.Sub(time.UnixMilli(r.sayingAt)) < w.s.o.Settle {
			w.res.Waiting++
			return errLater
		}
		there, err := w.t.HasComment(ctx, r.Key, c.Mark)
		if err != nil {
			return err
		}
		if there {
			r.said, r.saying = c.Mark, ""
			return w.save(ctx, r)
		}
	}
	now, err := w.s.now(ctx)
	if err != nil {
		return err
	}
	r.saying, r.sayingAt = c.Mark, now.UnixMilli()
	if err := w.save(ctx, r); err != nil {
		return err
	}
	if err := w.t.Comment(ctx, r.Key, c); err != nil {
		if nothingDone(err) {
			r.saying = ""
			return errors.Join(err, w.save(context.WithoutCancel(ctx), r))
		}
		return err
	}
	r.said, r.saying = c.Mark, ""
	return w.save(context.WithoutCancel(ctx), r)
}

func (w *work) act(f *Finding, r *Row, what, because string) {
	w.res.Acts = append(w.res.Acts, Act{Tracker: w.t.Name(), Finding: f.ID, Key: r.Key, What: what, Because: because})
}

func (w *work) save(ctx context.Context, r *Row) error {
	if w.dry {
		return nil
	}
	w.known[r.Finding] = r
	return w.s.save(ctx, r)
}

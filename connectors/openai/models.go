package openai

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// pageEnds is where OpenAI announces what ends.
const pageEnds = "https://platform.openai.com/docs/deprecations"

// memoryEnds remembers when the end of a model was first seen: OpenAI does not
// tell when it was announced.
const memoryEnds = connector.MemoryPrefix + "ends"

// maxRemembered bounds what fits into a cursor.
const maxRemembered = 600

// model is one on offer.
type model struct {
	ID       string `json:"id"`
	Created  int64  `json:"created"`
	Shutdown string `json:"shutdown_date"`
}

// ends is the day that a model's end was last read to be, and when that was
// first read.
type ends struct {
	Shutdown string    `json:"shutdown"`
	First    time.Time `json:"first"`
}

// withKey reads kinds that a key of a project is needed for. Without one they
// are not read at all, which is a gap only for who asked for them by name.
func (r *run) withKey(ctx context.Context, p coverage.Part, read func() error) error {
	if r.key != nil {
		return r.book.Part(ctx, p, read)
	}
	why := "the secret " + secretKey + " is not given, and an admin key may not read it"
	r.book.Query("not read: "+why, p.Kinds...)
	if len(r.req.Kinds) == 0 {
		return nil
	}
	return r.book.Gap(connector.Gap{Kinds: p.Kinds, Scope: p.Scope, Reason: connector.Denied, Permission: p.Permission, Detail: why})
}

// lifecycles reads the models on offer to the key's project.
func (r *run) lifecycles(ctx context.Context) error {
	const kind = records.KindModelLifecycle
	part := coverage.Part{Kinds: []string{kind}, Scope: "models", Permission: permModels}
	return r.withKey(ctx, part, func() error {
		r.book.Query("models on offer to the project of the secret "+secretKey, kind)
		known, next := map[string]ends{}, map[string]ends{}
		r.book.Position(memoryEnds, &known)
		s := rest.Into(r.book, "models", func(m model) error { return r.lifecycle(m, known, next) }, kind)
		s.Whole = true
		if err := list(ctx, r.key, "models", nil, s); err != nil {
			return err
		}
		if err := r.gone(known, next); err != nil {
			return err
		}
		if len(next) > maxRemembered {
			return nil // more than OpenAI ever offered: first seen is then the last reading
		}
		return r.book.Cursor(memoryEnds, next)
	})
}

// lifecycle emits a model's state. A day that moved is a new announcement.
func (r *run) lifecycle(m model, known, next map[string]ends) error {
	if !records.Fit(m.ID) || len(m.ID) > 200 {
		return r.book.Malformed("models", "a model has no id that can be one", records.KindModelLifecycle)
	}
	released := records.Unix(m.Created)
	p := records.ModelLifecycle{Vendor: r.cfg.Vendor, ModelID: m.ID, Status: records.ModelActive, ReleasedAt: records.Stamp(released), SourceURL: pageEnds}
	if m.Shutdown == "" {
		p.AnnouncedAt, p.AnnouncedBasis = records.Stamp(released), records.AnnouncedPublished
		if released.IsZero() {
			p.AnnouncedBasis = ""
		}
		return r.state(p, released)
	}
	end, err := time.Parse(time.DateOnly, m.Shutdown)
	if err != nil {
		return r.book.Malformed("model "+m.ID, "its shutdown_date is no day", records.KindModelLifecycle)
	}
	seen, ok := known[m.ID]
	if !ok || seen.Shutdown != m.Shutdown || seen.First.After(r.now) {
		seen = ends{Shutdown: m.Shutdown, First: r.now.Truncate(time.Second)}
	}
	next[m.ID] = seen
	return r.ending(p, seen, end)
}

// ending emits that a model's end was announced, and the end if it has come.
func (r *run) ending(p records.ModelLifecycle, seen ends, end time.Time) error {
	p.Status, p.ShutdownAt = records.ModelDeprecated, records.Stamp(end)
	p.AnnouncedAt, p.AnnouncedBasis = records.Stamp(seen.First), records.AnnouncedFirstSeen
	if err := r.state(p, seen.First); err != nil || end.After(r.now) {
		return err
	}
	p.Status, p.AnnouncedAt, p.AnnouncedBasis = records.ModelRetired, records.Stamp(end), records.AnnouncedPublished
	return r.state(p, end)
}

// gone tells of models that ended and are not listed any more. One that is not
// listed and has no end is not told of: the key's project may not use it.
func (r *run) gone(known, next map[string]ends) error {
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if _, listed := next[id]; listed {
			continue
		}
		end, err := time.Parse(time.DateOnly, known[id].Shutdown)
		if err != nil || r.now.Sub(end) > 400*day {
			continue
		}
		next[id] = known[id]
		if err := r.ending(records.ModelLifecycle{Vendor: r.cfg.Vendor, ModelID: id, SourceURL: pageEnds}, known[id], end); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) state(p records.ModelLifecycle, at time.Time) error {
	return r.book.Record(connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: p.ModelID}, EventTime: at, URL: pageEnds,
		Key: strings.Join([]string{p.Vendor, p.ModelID, p.Status, p.ShutdownAt}, "|"),
	}, p)
}

package anthropic

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// pageEnds is where Anthropic announces what ends.
const pageEnds = "https://platform.claude.com/docs/en/about-claude/model-deprecations"

// memoryEnds remembers what was said of the end of each model, and since when.
const memoryEnds = connector.MemoryPrefix + "ends"

// maxModels bounds what fits into a cursor.
const maxModels = 400

// model is one that Anthropic offers or offered.
type model struct {
	ID         string `json:"id"`
	CreatedAt  string `json:"created_at"`
	Lifecycle  string `json:"lifecycle"`
	Deprecated string `json:"deprecated_at"`
	Retires    string `json:"retires_at"`
}

// said is what was said of a model's end when it was last read, and when that
// was announced.
type said struct {
	Lifecycle string    `json:"lifecycle"`
	Ends      string    `json:"ends,omitempty"`
	At        time.Time `json:"at"`
	Published bool      `json:"published,omitempty"`
}

// lifecycles reads the models in every stage. Without a key of a workspace they
// are not read at all, which is a gap only for who asked for them by name.
func (r *run) lifecycles(ctx context.Context) error {
	const kind = records.KindModelLifecycle
	part := coverage.Part{Kinds: []string{kind}, Scope: "models", Permission: permKey}
	if r.key == nil {
		const why = "the secret " + secretKey + " is not given, and an Admin API key may not read models"
		r.book.Query("not read: "+why, kind)
		if len(r.req.Kinds) == 0 {
			return nil
		}
		return r.book.Gap(connector.Gap{Kinds: part.Kinds, Scope: part.Scope, Reason: connector.Denied, Permission: permKey, Detail: why})
	}
	return r.book.Part(ctx, part, func() error {
		r.book.Query("models with lifecycle active, deprecated and retired", kind)
		known, next := map[string]said{}, map[string]said{}
		r.book.Position(memoryEnds, &known)
		err := list(ctx, r.key, pathModels, url.Values{"lifecycle[]": {"active", "deprecated", "retired"}}, rest.Into(r.book, "models", func(m model) error {
			return r.lifecycle(m, known, next)
		}, kind))
		if err != nil {
			return err
		}
		if len(next) > maxModels {
			return nil // more than Anthropic ever offered: first seen is then the last reading
		}
		return r.book.Cursor(memoryEnds, next)
	})
}

// lifecycle emits a model's state. A deprecated model whose end is past is
// overdue, not retired: only the stage says that.
func (r *run) lifecycle(m model, known, next map[string]said) error {
	times, err := moments(m.CreatedAt, m.Deprecated, m.Retires)
	if err != nil || !records.Fit(m.ID) || len(m.ID) > 100 {
		return r.book.Malformed("model "+m.ID, "it has no id that can be one, or one of its times is none", records.KindModelLifecycle)
	}
	released, deprecated, retires := times[0], times[1], times[2]
	p := records.ModelLifecycle{Vendor: r.cfg.Vendor, ModelID: m.ID, Status: m.Lifecycle, ReleasedAt: records.Stamp(released), ShutdownAt: records.Stamp(retires), SourceURL: pageEnds}
	switch m.Lifecycle {
	case records.ModelActive:
		p.ShutdownAt = ""
		if !released.IsZero() && !released.After(r.now) {
			p.AnnouncedAt, p.AnnouncedBasis = records.Stamp(released), records.AnnouncedPublished
		} else {
			released = time.Time{}
		}
		return r.state(p, released)
	case records.ModelDeprecated, records.ModelRetired:
	default:
		return r.book.Malformed("model "+m.ID, "its lifecycle is none that is documented", records.KindModelLifecycle)
	}
	s := r.announced(m, p.ShutdownAt, known, deprecated, retires)
	next[m.ID] = s
	if m.Lifecycle == records.ModelRetired && !deprecated.IsZero() && !deprecated.After(r.now) { // it was deprecated before
		before := p
		before.Status, before.AnnouncedAt, before.AnnouncedBasis = records.ModelDeprecated, records.Stamp(deprecated), records.AnnouncedPublished
		if err := r.state(before, deprecated); err != nil {
			return err
		}
	}
	p.AnnouncedAt, p.AnnouncedBasis = records.Stamp(s.At), records.AnnouncedFirstSeen
	if s.Published {
		p.AnnouncedBasis = records.AnnouncedPublished
	}
	return r.state(p, s.At)
}

// announced says when a model's stage and end were announced. What is read for
// the first time has Anthropic's own date; an end that moved since counts from
// when that was seen.
func (r *run) announced(m model, ends string, known map[string]said, deprecated, retires time.Time) said {
	s := said{Lifecycle: m.Lifecycle, Ends: ends, At: r.now.Truncate(time.Second)}
	before, seen := known[m.ID]
	published := deprecated
	if m.Lifecycle == records.ModelRetired {
		published = retires
	}
	switch {
	case seen && before.Lifecycle == s.Lifecycle && before.Ends == s.Ends && !before.At.After(r.now):
		s.At, s.Published = before.At, before.Published
	case (!seen || before.Lifecycle != s.Lifecycle) && !published.IsZero() && !published.After(r.now):
		s.At, s.Published = published, true
	}
	return s
}

func (r *run) state(p records.ModelLifecycle, at time.Time) error {
	return r.book.Record(connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: p.ModelID}, EventTime: at, URL: pageEnds,
		Key: strings.Join([]string{p.Vendor, p.ModelID, p.Status, p.ShutdownAt}, "|"),
	}, p)
}

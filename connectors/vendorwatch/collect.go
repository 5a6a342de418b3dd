package vendorwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// run is one collection.
type run struct {
	cfg  *config
	book *coverage.Book
	web  *hosts
	now  time.Time // first_seen of what is new
}

// Collect reads every vendor's pages.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(New().Describe(), req, emit)
	r := &run{
		cfg: cfg, book: book, now: time.Now().UTC().Truncate(time.Millisecond),
		web: &hosts{rate: cfg.Rate, validators: req.Validators, counted: book.Counter(), clients: map[string]*rest.Client{}},
	}
	for i, v := range cfg.Vendors {
		book.Progress("vendor "+v.ID, i, len(cfg.Vendors))
		if err := r.vendor(ctx, v); err != nil {
			return nil, err
		}
	}
	return book.Result(), nil
}

func (r *run) vendor(ctx context.Context, v *vendor) error {
	if v.Status != "" {
		r.book.Query("incidents and maintenances of "+v.Status, records.KindVendorIncident)
		if err := r.part(ctx, records.KindVendorIncident, v, v.Status, func() error { return r.status(ctx, v) }); err != nil {
			return err
		}
	}
	for _, f := range v.Feeds {
		r.book.Query(f.URL+" of "+f.Provider, records.KindModelLifecycle)
		if err := r.part(ctx, records.KindModelLifecycle, v, f.URL, func() error { return r.feed(ctx, v, f) }); err != nil {
			return err
		}
	}
	for _, p := range v.Pages {
		r.book.Query(p.Type+" at "+p.URL, records.KindTermsRevision)
		if err := r.part(ctx, records.KindTermsRevision, v, p.URL, func() error { return r.page(ctx, v, p) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) part(ctx context.Context, kind string, v *vendor, address string, read func() error) error {
	return r.book.Part(ctx, coverage.Part{Kinds: []string{kind}, Scope: "vendor " + v.ID + ", " + address, Permission: permPublic}, func() error {
		err := read()
		if errors.Is(err, connector.ErrUnreachable) { // the others are other hosts: the run goes on
			return &silentError{err.Error()}
		}
		return err
	})
}

// silentError is a host that could not be reached.
type silentError struct{ text string }

func (e *silentError) Error() string { return e.text }

// Reason is Unavailable.
func (*silentError) Reason() connector.Reason { return connector.Unavailable }

// keep stores the validators of an answer with a note.
func (r *run) keep(a rest.Answer, note any) error {
	if a.NotModified || a.Validator.IsZero() {
		return nil
	}
	memo, err := json.Marshal(note)
	if err != nil {
		return fmt.Errorf("note of %s: %w", a.Key, err)
	}
	v := a.Validator
	v.Memo = memo
	return r.book.Validator(a.Key, v)
}

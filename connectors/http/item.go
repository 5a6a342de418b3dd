package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// record makes an item's record; ok is false where the mapping leaves it out.
func (m *mapping) record(ctx context.Context, v vars) (rec connector.Record, ok bool, err error) {
	if m.when != nil {
		if take, err := m.when.truth(ctx, v); err != nil || !take {
			return rec, false, wrap("when", err)
		}
	}
	values := map[string]any{}
	for name, e := range m.payload {
		out, err := e.eval(ctx, v)
		if err != nil {
			return rec, false, wrap("payload."+name, err)
		}
		value, err := plain(out)
		if err != nil {
			return rec, false, wrap("payload."+name, err)
		}
		if value != nil {
			values[name] = value
		}
	}
	if m.shape != nil {
		rec, err = m.shape.Record(values)
	} else {
		rec, err = m.typed(ctx, v, values)
	}
	if err != nil {
		return rec, false, err
	}
	if m.url != nil {
		if rec.URL, err = m.url.text(ctx, v); err != nil {
			return rec, false, wrap("url", err)
		}
	}
	return rec, true, nil
}

// typed makes a record of a kind that only a reading of a system can show.
func (m *mapping) typed(ctx context.Context, v vars, values map[string]any) (connector.Record, error) {
	rec := connector.Record{Kind: m.Kind, Major: 1, Subject: connector.Subject{Type: m.SubjectType}}
	var err error
	if rec.Subject.ID, err = m.subject.text(ctx, v); err != nil {
		return rec, wrap("subject", err)
	}
	if rec.Key, err = m.key.text(ctx, v); err != nil {
		return rec, wrap("key", err)
	}
	if m.event != nil {
		if rec.EventTime, err = m.event.moment(ctx, v); err != nil {
			return rec, wrap("event_time", err)
		}
	}
	if err := fitType(m.Kind, values); err != nil {
		return rec, err
	}
	rec.Payload, err = json.Marshal(values)
	return rec, err
}

// fitType holds values against the type of a kind's payload and completes
// them: a time in the usual form, a list that is empty. What must be there
// and is not is an error, never a zero.
func fitType(kind string, values map[string]any) error {
	t := reflect.TypeOf(records.Typed()[kind])
	var errs []error
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		value, there := values[name]
		switch {
		case there && strings.HasSuffix(name, "_at"):
			text, _ := value.(string)
			at, _, err := records.ParseTime(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("payload.%s: %w", name, err))
				continue
			}
			values[name] = records.Stamp(at)
		case there || options != "":
		case f.Type.Kind() == reflect.Slice:
			values[name] = []any{}
		case f.Type.Kind() == reflect.Map:
			values[name] = map[string]any{}
		default:
			errs = append(errs, fmt.Errorf("payload.%s: missing; a %s has one", name, kind))
		}
	}
	raw, err := json.Marshal(values)
	if err != nil {
		return err
	}
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, reflect.New(t).Interface()); errors.As(err, &wrong) {
		errs = append(errs, fmt.Errorf("payload.%s: it holds a %s, want %s", wrong.Field, wrong.Value, wrong.Type))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

package aws

import (
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// A thing is one record that a list shows to be unchanged, without being read
// again. group is its unit of attestation, state what the list said of it.
type thing struct{ group, state string }

// thingOf names a record by its kind and key.
func (r *regionRun) thingOf(kind, key string, state ...any) thing {
	group := kind + "|" + key
	if len(group) > 900 {
		group = kind + "|" + digest(key)
	}
	return thing{group: group, state: digest(Version, state)}
}

// same reports whether the list says of all things what it said last time.
func (r *regionRun) same(things ...thing) bool {
	for _, t := range things {
		if v, ok := r.req.Validators[t.group]; !ok || r.req.Full || v.ETag != t.state {
			return false
		}
	}
	return true
}

// attest says that the records of things are as they were.
func (r *regionRun) attest(things ...thing) error {
	for _, t := range things {
		if err := r.unchanged(t.group, 1); err != nil {
			return err
		}
	}
	return nil
}

func (r *regionRun) unchanged(group string, count int) error {
	r.attested[group] = true
	if err := r.emit.Unchanged(group, count); err != nil {
		return &emitError{err}
	}
	return nil
}

// keep remembers what the list said of things whose records were emitted. What
// was read with a gap is not kept, and so read again.
func (r *regionRun) keep(things ...thing) error {
	for _, t := range things {
		if r.dropped[t.group] {
			if err := r.forget(t); err != nil {
				return err
			}
			continue
		}
		if err := r.emit.Validator(t.group, connector.Validator{ETag: t.state}); err != nil {
			return &emitError{err}
		}
	}
	return nil
}

// forget drops what was kept of things.
func (r *regionRun) forget(things ...thing) error {
	for _, t := range things {
		if _, ok := r.req.Validators[t.group]; !ok {
			continue
		}
		if err := r.emit.Validator(t.group, connector.Validator{}); err != nil {
			return &emitError{err}
		}
	}
	return nil
}

// keepIf keeps things that were read whole, and drops others.
func (r *regionRun) keepIf(whole bool, things ...thing) error {
	if whole {
		return r.keep(things...)
	}
	return r.forget(things...)
}

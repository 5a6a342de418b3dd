package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// personEnv names the person who acts where --as is not given.
const personEnv = "EXHIBIT_PERSON"

// asFlag adds --as to a command by which a person puts something on record.
func asFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "as", os.Getenv(personEnv), "the `person` of the register who does this (default: $"+personEnv+")")
}

// person returns the active person of the register who acts, with the account
// that the command runs under.
func (g *globals) person(id string) (people.Person, error) {
	if id == "" {
		return people.Person{}, usageError{errors.New("nobody is named who does this"), "--as PERSON, with an id of the register, or $" + personEnv}
	}
	reg, err := g.loadRegister()
	if err != nil {
		return people.Person{}, err
	}
	p, ok := reg.Person(id)
	if !ok {
		var ids []string
		for _, p := range reg.People {
			ids = append(ids, p.ID)
		}
		hint := "exhibit register shows who is there"
		if near := yamlfile.Nearest(id, ids); near != "" {
			hint = "did you mean " + near + "?"
		}
		return people.Person{}, usageError{fmt.Errorf("%q is no person of the register", id), hint}
	}
	return personOf(reg, p), nil
}

func personOf(reg *register.Register, p register.Person) people.Person {
	who := people.Person{ID: p.ID, Account: account(), Active: p.IsActive()}
	now := time.Now()
	for _, r := range p.Roles {
		if !r.Since.After(now) && (r.Until.IsZero() || r.Until.After(now)) {
			who.Roles = append(who.Roles, r.Role)
		}
	}
	for _, s := range reg.Systems {
		if s.Owner == p.ID {
			who.Roles = append(who.Roles, register.RoleOwner)
			break
		}
	}
	return who
}

// account is the account of the machine, which the person cannot choose.
func account() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// policy is what the configuration says about people.
func policy(cfg *configfile.Config) people.Policy {
	p := people.Policy{Approvers: map[people.Act][]string{}, SharedAccount: cfg.People.SharedAccount, MaxWaiver: cfg.People.MaxWaiver}
	for act, roles := range cfg.People.Approvers {
		p.Approvers[people.Act(act)] = roles
	}
	return p
}

// desk is where a person puts something on record: who, under which policy, at
// what time, in which store. It is one person's at a time, so that what is read
// there still holds when something is put on record.
type desk struct {
	*workplace
	who    people.Person
	policy people.Policy
	now    time.Time
	leave  func()
}

// deskWait is how long one waits for somebody else to leave the desk.
const deskWait = 10 * time.Second

// Close leaves the desk and closes the store.
func (d *desk) Close() error {
	d.leave()
	return d.workplace.Close()
}

// openDesk opens the store for a person. The store must be there, except where
// make is set.
func (g *globals) openDesk(ctx context.Context, as string, create bool) (*desk, error) {
	who, err := g.person(as)
	if err != nil {
		return nil, err
	}
	open := g.openToChange
	if create {
		open = g.openForWriting
	}
	w, err := open(ctx)
	if err != nil {
		return nil, err
	}
	leave, err := w.takeDesk(ctx)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &desk{workplace: w, who: who, policy: policy(w.cfg), now: time.Now().UTC(), leave: leave}, nil
}

// takeDesk waits a while for the desk to be free.
func (w *workplace) takeDesk(ctx context.Context) (leave func(), err error) {
	for end := time.Now().Add(deskWait); ; {
		leave, err = w.locks.Acquire(people.Source)
		if err == nil {
			return leave, nil
		}
		if !errors.Is(err, store.ErrLocked) || time.Now().After(end) {
			return nil, fmt.Errorf("somebody else puts something on record: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// renewPeople claims anew that what people put on record is all there is. Where
// somebody is at the desk, what they put on record claims it.
func (w *workplace) renewPeople(ctx context.Context) error {
	leave, err := w.locks.Acquire(people.Source)
	if errors.Is(err, store.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer leave()
	return w.collector.RenewPeople(ctx)
}

// record appends what the person made.
func (d *desk) record(ctx context.Context, method string, records ...evidence.Record) error {
	run, err := d.collector.RecordPeople(ctx, people.Identity(d.who.ID, d.who.Account), method, records)
	if err != nil {
		return err
	}
	if run.Status != evidence.RunComplete {
		return fmt.Errorf("run %s is %s", run.ID, run.Status)
	}
	return nil
}

// everOnRecord is onRecord with a stub for each id that is taken although its
// record cannot be read any more, because it is gone or its payload was erased.
func everOnRecord[T any](ctx context.Context, st store.Store, kind string, parse func(evidence.Evidence) (T, error), stub func(id string) T) ([]T, error) {
	out, err := onRecord(ctx, st, kind, parse)
	if err != nil {
		return nil, err
	}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{kind}, Latest: true, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if !ev.GoneAt.IsZero() || ev.Payload == nil {
			out = append(out, stub(ev.Key))
		}
	}
	return out, nil
}

// onRecord reads the newest revision of each record of a kind, from any
// source, that is still there.
func onRecord[T any](ctx context.Context, st store.Store, kind string, parse func(evidence.Evidence) (T, error)) ([]T, error) {
	var out []T
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{kind}, Latest: true, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if !ev.GoneAt.IsZero() || ev.Payload == nil {
			continue
		}
		item, err := parse(ev)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// parseDay reads a flag that is a time (RFC 3339) or a day. end makes a day
// mean its last second.
func parseDay(flag, s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, usageError{fmt.Errorf("%s %q is not a time", flag, s), "use RFC 3339 with a zone (2026-06-30T12:00:00+02:00) or a date (2026-06-30)"}
	}
	if end {
		t = t.Add(24*time.Hour - time.Second)
	}
	return t, nil
}

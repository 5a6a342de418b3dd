package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/people"
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
	return service.PersonOf(reg, p, account(), time.Now()), nil
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

// desk is where a person puts something on record.
type desk struct {
	*workplace
	*service.Desk
}

// Close leaves the desk and closes the store.
func (d *desk) Close() error {
	d.Leave()
	return d.workplace.Close()
}

// openDesk opens the store for a person. The store must be there, except where
// create is set.
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
	at, err := w.svc.Desk(ctx, who)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &desk{w, at}, nil
}

// parseDay reads a flag that is a time (RFC 3339) or a day. end makes a day
// mean its last second.
func parseDay(flag, s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), service.CheckTime(flag, t)
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, usageError{fmt.Errorf("%s %q is not a time", flag, s), "use RFC 3339 with a zone (2026-06-30T12:00:00+02:00) or a date (2026-06-30)"}
	}
	if end {
		t = t.Add(24*time.Hour - time.Second)
	}
	return t, service.CheckTime(flag, t)
}

package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// PolicyOf is what a configuration says about people.
func PolicyOf(cfg *configfile.Config) people.Policy {
	p := people.Policy{Approvers: map[people.Act][]string{}, SharedAccount: cfg.People.SharedAccount, MaxWaiver: cfg.People.MaxWaiver}
	for act, roles := range cfg.People.Approvers {
		p.Approvers[people.Act(act)] = roles
	}
	return p
}

// policy is that of the configuration, with the people of the register.
func (s *Service) policy() (people.Policy, error) {
	reg, err := s.Register()
	if err != nil {
		return people.Policy{}, err
	}
	out := PolicyOf(s.Config())
	out.Directory = directoryOf(reg)
	return out, nil
}

func directoryOf(reg *register.Register) people.Directory {
	var known []people.Known
	for _, p := range reg.People {
		known = append(known, people.Known{ID: p.ID, Email: p.Email, Names: append([]string{p.Name}, p.Names...)})
	}
	return people.NewDirectory(known)
}

// OnePerson lists the active people of a register who count as one, because
// their mail goes to one mailbox.
func OnePerson(reg *register.Register) [][]string {
	var ids []string
	for _, p := range reg.People {
		if p.IsActive() {
			ids = append(ids, p.ID)
		}
	}
	return directoryOf(reg).Together(ids)
}

// PersonOf is a person of the register, who acts under an account.
func PersonOf(reg *register.Register, p register.Person, account string, now time.Time) people.Person {
	who := people.Person{ID: p.ID, Account: account, Active: p.IsActive()}
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

// Person returns the person of the register with an id, who acts under an
// account.
func (s *Service) Person(id, account string) (people.Person, error) {
	reg, err := s.Register()
	if err != nil {
		return people.Person{}, err
	}
	p, ok := reg.Person(id)
	if !ok {
		var ids []string
		for _, p := range reg.People {
			ids = append(ids, p.ID)
		}
		return people.Person{}, notFound(id, ids, "exhibit register shows who is there", "%q is no person of the register", id)
	}
	return PersonOf(reg, p, account, s.clock()), nil
}

// Desk is where a person puts something on record. It is one person's at a
// time, so that what is read there still holds when something is put on record.
type Desk struct {
	s      *Service
	Who    people.Person
	Policy people.Policy
	Now    time.Time
	leave  func()
}

// Desk waits for the desk to be free and gives it to a person. Leave it.
func (s *Service) Desk(ctx context.Context, who people.Person) (*Desk, error) {
	if s.Recorder == nil {
		return nil, ErrReadOnly
	}
	leave, err := s.takeDesk(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := s.policy()
	if err != nil {
		leave()
		return nil, err
	}
	return &Desk{s: s, Who: who, Policy: policy, Now: s.clock().UTC(), leave: leave}, nil
}

// Looking is a desk from which nothing is put on record, to see what would be.
func (s *Service) Looking(who people.Person) *Desk {
	return &Desk{s: s, Who: who, Policy: PolicyOf(s.Config()), Now: s.clock().UTC(), leave: func() {}}
}

// Leave gives the desk to the next one.
func (d *Desk) Leave() {
	d.leave()
	select {
	case d.s.acted <- struct{}{}:
	default:
	}
}

// Record appends what the person made.
func (d *Desk) Record(ctx context.Context, method string, records ...evidence.Record) error {
	run, err := d.s.Recorder.RecordPeople(ctx, people.Identity(d.Who.ID, d.Who.Account), method, records)
	if err != nil {
		return err
	}
	if run.Status != evidence.RunComplete {
		return fmt.Errorf("run %s is %s", run.ID, run.Status)
	}
	return nil
}

func (d *Desk) byCommand(ctx context.Context, records ...evidence.Record) error {
	return d.Record(ctx, agent.MethodCommand, records...)
}

// RenewPeople claims anew that what people put on record is all there is. Where
// somebody is at the desk, what they put on record claims it.
func (s *Service) RenewPeople(ctx context.Context) error {
	leave, err := s.Locks.Acquire(people.Source)
	if errors.Is(err, store.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer leave()
	return s.Recorder.RenewPeople(ctx)
}

// OnRecord reads the newest revision of each record of a kind, from any source,
// that is still there.
func OnRecord[T any](ctx context.Context, st store.Reader, kind string, parse func(evidence.Evidence) (T, error)) ([]T, error) {
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

// EverOnRecord is OnRecord with a stub for each id that is taken although its
// record cannot be read any more, because it is gone or its payload was erased.
func EverOnRecord[T any](ctx context.Context, st store.Reader, kind string, parse func(evidence.Evidence) (T, error), stub func(id string) T) ([]T, error) {
	out, err := OnRecord(ctx, st, kind, parse)
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

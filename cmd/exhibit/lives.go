package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// lifeBook is the lives of findings as a ledger has them.
type lifeBook struct {
	finding.Book
	next int64 // first ledger position not read
}

// read takes the entries that came after those read before. Of an instant that
// is not zero, what happened later is left out.
func (b *lifeBook) read(ctx context.Context, st store.Store, until time.Time) error {
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return err
	}
	for e, err := range st.Entries(ctx, b.next, cp.Size, evidence.EntryFinding, evidence.EntryAssessment) {
		if err != nil {
			return err
		}
		if err := b.take(e, until); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
	}
	b.next = cp.Size
	return nil
}

func (b *lifeBook) take(e evidence.Entry, until time.Time) error {
	if e.Type == evidence.EntryAssessment {
		var a struct {
			AsOf     time.Time             `json:"as_of"`
			Findings map[finding.State]int `json:"findings"`
		}
		if err := json.Unmarshal(e.Body, &a); err != nil {
			return err
		}
		if a.Findings != nil && (until.IsZero() || !a.AsOf.After(until)) {
			b.Mark(a.AsOf)
		}
		return nil
	}
	events, err := finding.ParseBody(e.Body)
	if err != nil {
		return err
	}
	if len(events) > 0 && !until.IsZero() && events[0].At.After(until) {
		return nil
	}
	return b.Apply(events...)
}

// with returns the lives as they are after an assessment, and the events that
// it adds to them.
func (b *lifeBook) with(a *assess.Assessment, p finding.Policy) (*finding.Book, []finding.Event, error) {
	events, err := finding.Update(&b.Book, a, p)
	if err != nil {
		return nil, nil, err
	}
	after := b.Clone()
	if err := after.Apply(events...); err != nil {
		return nil, nil, err
	}
	after.Mark(a.AsOf)
	return after, events, nil
}

// findingEntries makes the ledger entries of events.
func findingEntries(events []finding.Event, now time.Time) ([]store.NewEntry, error) {
	bodies, err := finding.Bodies(events)
	if err != nil {
		return nil, err
	}
	out := make([]store.NewEntry, len(bodies))
	for i, b := range bodies {
		out[i] = store.NewEntry{Type: evidence.EntryFinding, At: now.UTC(), Body: b}
	}
	return out, nil
}

// recordAssessment appends an entry that names what an assessment was made
// from and what it found. One as of now opens, changes and resolves findings:
// their entry comes before it, in the same transaction. One of the past, or
// one that another has overtaken, leaves them as they are.
func (w *workplace) recordAssessment(ctx context.Context, a *assess.Assessment, asOfNow bool) error {
	now := time.Now()
	var entries []store.NewEntry
	var states map[finding.State]int
	if asOfNow {
		var err error
		if entries, states, err = w.updateFindings(ctx, a, now); err != nil {
			return err
		}
	}
	body, err := assessmentBody(a, states)
	if err != nil {
		return err
	}
	entries = append(entries, store.NewEntry{Type: evidence.EntryAssessment, At: now.UTC(), Body: body})
	_, err = w.store.Append(ctx, store.Batch{Entries: entries})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("the assessment was not recorded: %w", err)
	}
	return err
}

// updateFindings returns the entries that an assessment as of now adds to the
// lives of findings, and how many are in each state after it.
func (w *workplace) updateFindings(ctx context.Context, a *assess.Assessment, now time.Time) ([]store.NewEntry, map[finding.State]int, error) {
	if err := w.lives.read(ctx, w.store, time.Time{}); err != nil {
		return nil, nil, err
	}
	p, err := findingPolicy(ctx, w.cfg, w.store, now)
	if err != nil {
		return nil, nil, err
	}
	after, events, err := w.lives.with(a, p)
	if errors.Is(err, finding.ErrPast) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	entries, err := findingEntries(events, now)
	return entries, countStates(after), err
}

// assessmentBody is the body of an assessment's entry. Only one that the lives
// of findings followed from says how many are in each state.
func assessmentBody(a *assess.Assessment, states map[finding.State]int) (json.RawMessage, error) {
	results, err := json.Marshal(a.Results)
	if err != nil {
		return nil, err
	}
	statuses := map[string]assess.Status{}
	for _, c := range a.Controls {
		statuses[c.ID] = c.Status
	}
	body := map[string]any{
		"as_of":      a.AsOf,
		"checkpoint": a.Checkpoint,
		"catalog":    a.Catalog,
		"results":    map[string]any{"count": len(a.Results), "sha256": evidence.Sum(results)},
		"controls":   statuses,
	}
	if states != nil {
		body["findings"] = states
	}
	return json.Marshal(body)
}

// countStates counts lives by state, so that an assessment's entry says what
// was open after it.
func countStates(b *finding.Book) map[finding.State]int {
	out := map[finding.State]int{finding.Open: 0}
	for _, l := range b.Lives() {
		out[l.State]++
	}
	return out
}

// owners says whom the register makes responsible, as of what was last read,
// and how waivers ended.
type owners struct {
	systems, vendors map[string]string
	holder           string            // of the role that answers for the rest
	ended            map[string]string // by waiver
}

// declared is what findings need of the records that people own.
type declared struct {
	Owner   string    `json:"owner"`
	Role    string    `json:"role"`
	Person  string    `json:"person"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Active  *bool     `json:"directory_active"`
	Waiver  string    `json:"waiver_id"`
	Expires time.Time `json:"expires_at"`
	Revoked time.Time `json:"revoked_at"`
}

// holds reports whether an assignment of a role is in force.
func (d declared) holds(now time.Time) bool {
	return d.Person != "" && !d.Start.After(now) && (d.End.IsZero() || d.End.After(now)) && (d.Active == nil || *d.Active)
}

// ended says how a waiver came to cover nothing any more.
func (d declared) ended(now time.Time) string {
	switch {
	case !d.Revoked.IsZero() && !d.Revoked.After(now):
		return "was revoked"
	case d.Expires.Before(now):
		return "lapsed"
	}
	return "does not cover it any more"
}

// readOwners takes from the evidence what the register declares: it is the
// same wherever the ledger is read.
func readOwners(ctx context.Context, st store.Store, role string, now time.Time) (owners, error) {
	o := owners{systems: map[string]string{}, vendors: map[string]string{}, ended: map[string]string{}}
	var held time.Time
	q := store.EvidenceQuery{Kinds: []string{"inventory.ai_system", "vendor.record", "role.assignment", "waiver.record"}, Latest: true, Payloads: true}
	for ev, err := range st.Evidence(ctx, q) {
		if err != nil {
			return o, err
		}
		if !ev.GoneAt.IsZero() || ev.Payload == nil {
			continue
		}
		var p declared
		if json.Unmarshal(ev.Payload, &p) != nil {
			continue // it breaks its kind's schema and says nothing about owners
		}
		switch ev.Kind {
		case "inventory.ai_system":
			o.systems[ev.Subject.ID] = p.Owner
		case "vendor.record":
			o.vendors[ev.Subject.ID] = p.Owner
		case "waiver.record":
			o.ended[p.Waiver] = p.ended(now)
		case "role.assignment":
			newer := cmp.Or(p.Start.Compare(held), strings.Compare(o.holder, p.Person)) > 0
			if sameRole(p.Role, role) && p.holds(now) && (o.holder == "" || newer) {
				o.holder, held = p.Person, p.Start
			}
		}
	}
	return o, nil
}

// sameRole compares the names of roles, however their words are joined.
func sameRole(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(s)) }
	return b != "" && plain(a) == plain(b)
}

// of names who has to act on a result, and how that is known: whom the result
// names, else the owner of the vendor or of a system concerned, else who holds
// the role. What the result names without either owning it comes from the
// expectation.
func (o owners) of(r *assess.Result) (person, from string) {
	systems := r.Systems
	if r.Subject.Type == "ai_system" {
		systems = append(slices.Clone(systems), r.Subject.ID)
	}
	owned := func(want string) (string, string) {
		if who := o.vendors[r.Subject.ID]; r.Subject.Type == "vendor" && who != "" && (want == "" || want == who) {
			return who, "vendor"
		}
		for _, id := range systems {
			if who := o.systems[id]; who != "" && (want == "" || want == who) {
				return who, "system"
			}
		}
		return want, "expectation"
	}
	switch who, from := owned(r.Owner); {
	case who != "":
		return who, from
	case o.holder != "":
		return o.holder, "role"
	}
	return "", ""
}

// findingPolicy is what the configuration and the register say about findings.
func findingPolicy(ctx context.Context, cfg *configfile.Config, st store.Store, now time.Time) (finding.Policy, error) {
	o, err := readOwners(ctx, st, cfg.Findings.OwnerRole, now)
	if err != nil {
		return finding.Policy{}, err
	}
	p := finding.Policy{Due: cfg.Findings.Due, Owner: o.of, Ended: func(waiver string) string {
		return cmp.Or(o.ended[waiver], "is not on record any more")
	}}
	if cfg.Register != "" {
		if reg, err := register.Load(cfg.Register, register.Known{}); err == nil {
			p.Active = func(id string) bool {
				who, ok := reg.Person(id)
				return ok && who.IsActive()
			}
		}
	}
	return p, nil
}

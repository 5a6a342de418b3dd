package store

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Limits that every implementation keeps, so that a batch fits all of them or
// none. Sizes are in bytes.
const (
	MaxPayload = 32 << 20 // one payload, or the body of one entry
	MaxKey     = 8 << 10  // a record's key, subject id or URL
	MaxName    = 2 << 10  // a group, the key of a cursor or validator, a kind, a source, a run id
	MaxSkew    = time.Minute
)

// Content is what makes a record the same as before: if the payload, its major
// version, the subject or the period changes, the key gets a new revision.
// Event time, URL and group do not count: touching a thing renews nothing.
type Content struct {
	Payload evidence.Digest
	Major   int
	Subject evidence.Subject
	Period  *evidence.Period
}

// Same reports whether two contents are equal.
func (c Content) Same(o Content) bool {
	if c.Payload != o.Payload || c.Major != o.Major || c.Subject != o.Subject {
		return false
	}
	if c.Period == nil || o.Period == nil {
		return c.Period == o.Period
	}
	return c.Period.From.Equal(o.Period.From) && c.Period.To.Equal(o.Period.To)
}

// ContentOf gives the content of sealed evidence.
func ContentOf(ev *evidence.Evidence) Content {
	return Content{Payload: ev.PayloadSum, Major: ev.Major, Subject: ev.Subject, Period: ev.Period}
}

// Prepare checks r and brings it into the form in which it is sealed: payload
// canonical and digested, times stamped. Run, Revision and position are left
// for the transaction.
func Prepare(r *evidence.Record) (evidence.Evidence, error) {
	fail := func(err error) (evidence.Evidence, error) {
		return evidence.Evidence{}, fmt.Errorf("record %.80q of kind %.80q: %w", r.Key, r.Kind, err)
	}
	if r.Kind == "" || r.Key == "" || r.Subject.Type == "" || r.Subject.ID == "" {
		return fail(errors.New("needs kind, key, subject type and subject id"))
	}
	if r.CollectedAt.IsZero() {
		return fail(errors.New("needs a collected-at time"))
	}
	for _, f := range []struct {
		name, value string
		most        int
	}{
		{"kind", r.Kind, MaxName}, {"key", r.Key, MaxKey}, {"group", r.Group, MaxName}, {"url", r.URL, MaxKey},
		{"subject type", r.Subject.Type, MaxName}, {"subject id", r.Subject.ID, MaxKey},
	} {
		if err := checkText(f.name, f.value, f.most); err != nil {
			return fail(err)
		}
	}
	if len(r.Payload) > MaxPayload {
		return fail(fmt.Errorf("payload of %d bytes, at most %d are kept", len(r.Payload), MaxPayload))
	}
	payload, err := evidence.CanonicalObject(r.Payload)
	if err != nil {
		return fail(fmt.Errorf("payload: %w", err))
	}
	ev := evidence.Evidence{
		Kind: r.Kind, Major: max(r.Major, 1), Subject: r.Subject, Key: r.Key,
		EventTime: evidence.Stamp(r.EventTime), URL: r.URL, CollectedAt: evidence.Stamp(r.CollectedAt),
		PayloadSum: evidence.Sum(payload), PayloadSize: len(payload), Payload: payload,
	}
	if r.Period != nil {
		ev.Period = &evidence.Period{From: evidence.Stamp(r.Period.From), To: evidence.Stamp(r.Period.To)}
		if ev.Period.From.IsZero() || ev.Period.To.Before(ev.Period.From) {
			return fail(errors.New("period needs both ends, in order"))
		}
	}
	return ev, nil
}

// checkText refuses text that a store or a line cannot hold.
func checkText(name, s string, most int) error {
	if len(s) > most {
		return fmt.Errorf("%s of %d bytes, at most %d are kept", name, len(s), most)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not valid UTF-8", name)
	}
	for i := range len(s) {
		if s[i] == 0 {
			return fmt.Errorf("%s holds a NUL byte", name)
		}
	}
	return nil
}

// Check refuses a batch whose parts do not fit together. It does no I/O; what
// only the store can know (is the run open, is the group known) is left to it.
func (b *Batch) Check() error {
	run := b.RunID()
	if b.Open != nil {
		if err := b.checkOpen(); err != nil {
			return err
		}
	}
	if run == "" && (len(b.Records) > 0 || len(b.Attest) > 0 || len(b.State) > 0 || b.Close != nil) {
		return errors.New("batch: records, attestations, state and close need a run")
	}
	if b.Close != nil {
		if err := b.checkClose(run); err != nil {
			return err
		}
	}
	for _, a := range b.Attest {
		if a.Count < 0 || a.Group == "" {
			return fmt.Errorf("batch: attestation of %.80q with count %d", a.Group, a.Count)
		}
	}
	for _, s := range b.State {
		if s.Key == "" {
			return errors.New("batch: a cursor or validator needs a key")
		}
		if err := checkText("key of a cursor or validator", s.Key, MaxName); err != nil {
			return fmt.Errorf("batch: state %.80q: %w", s.Key, err)
		}
		if len(s.Value) > MaxPayload {
			return fmt.Errorf("batch: state %.80q: %d bytes", s.Key, len(s.Value))
		}
	}
	for _, e := range b.Entries {
		if !e.Type.Known() || e.Type.Sealed() {
			return fmt.Errorf("batch: entries of type %.40q are made by the store alone", string(e.Type))
		}
		if len(e.Body) > MaxPayload {
			return fmt.Errorf("batch: %s entry of %d bytes, at most %d are kept", e.Type, len(e.Body), MaxPayload)
		}
	}
	return nil
}

// RunID is the run that the batch belongs to, or nothing.
func (b *Batch) RunID() string {
	switch {
	case b.Run != "":
		return b.Run
	case b.Open != nil:
		return b.Open.ID
	case b.Close != nil:
		return b.Close.Run.ID
	}
	return ""
}

func (b *Batch) checkOpen() error {
	if b.Run != "" && b.Run != b.Open.ID {
		return fmt.Errorf("batch: opens run %.80q and belongs to run %.80q", b.Open.ID, b.Run)
	}
	if b.Open.ID == "" || b.Open.Provenance.Source == "" || b.Open.StartedAt.IsZero() {
		return errors.New("batch: a run needs an id, a source and a start")
	}
	return errors.Join(checkText("run id", b.Open.ID, MaxName), checkText("source", b.Open.Provenance.Source, MaxName))
}

func (b *Batch) checkClose(run string) error {
	c := &b.Close.Run
	if c.ID != "" && c.ID != run {
		return fmt.Errorf("batch: closes run %.80q and belongs to run %.80q", c.ID, run)
	}
	switch c.Status {
	case evidence.RunComplete, evidence.RunPartial, evidence.RunFailed:
	default:
		return fmt.Errorf("batch: run %.80q closes with status %.40q", run, c.Status)
	}
	if c.FinishedAt.IsZero() {
		return fmt.Errorf("batch: run %.80q closes without a finish", run)
	}
	for kind, k := range c.Kinds {
		if err := checkText("kind", kind, MaxName); err != nil {
			return fmt.Errorf("batch: close of run %.80q: %w", run, err)
		}
		if Enumerated(k) && b.Close.Seen == nil {
			return fmt.Errorf("batch: close of run %.80q: kind %s is enumerated, but nothing says what was seen", run, kind)
		}
	}
	return nil
}

// Enumerated reports whether a key of this kind that was not seen is gone.
func Enumerated(k evidence.KindRead) bool { return k.Coverage == "complete" && k.Enumerated }

// EntryTime is when an entry is appended: at the time asked for, or now; never
// before the entry that precedes it, and never in the future.
func EntryTime(asked, now, last time.Time) (time.Time, error) {
	now = evidence.Stamp(now)
	if now.Before(last) {
		now = last
	}
	if asked.IsZero() {
		return now, nil
	}
	if asked.After(now.Add(MaxSkew)) {
		return time.Time{}, fmt.Errorf("entry is dated %s, in the future; check the clock", asked.UTC().Format(time.RFC3339))
	}
	at := evidence.Stamp(asked)
	if at.Before(last) {
		return last, nil
	}
	if at.After(now) {
		return now, nil
	}
	return at, nil
}

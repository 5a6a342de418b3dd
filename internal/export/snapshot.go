package export

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Snapshot is what an export is made from. AsOf is the only "now" there is:
// an export is dated by it. Maps may be incomplete: what they lack is shown as
// unknown, never guessed.
type Snapshot struct {
	Organisation string
	Scope        string    // the management system's scope, as the organisation states it
	ScopeBy      string    // who approved it; empty: nobody on record
	ScopeAt      time.Time // when
	Roles        []string  // the organisation's AI roles
	AsOf         time.Time
	Period       *evidence.Period // the period under audit; nil if none was given
	GeneratedBy  string           // who asked for the export
	ToolVersion  string

	Assessment   *assess.Assessment
	Controls     map[string]Control     // by control id
	Expectations map[string]Expectation // by slug
	Kinds        map[string]Kind        // by kind
	Systems      []System               // by id
	Waivers      []Waiver               // by id
	Runs         []evidence.Run         // in ledger order of their opening
	SoA          *SoA                   // nil: no statement of applicability is on record
	Headcount    []Count                // people by AI role, as the organisation states it
	Lives        []*finding.Life        // findings as they stood at the as-of, by id
	Since        *Since                 // what changed since the last audit; nil if no such instant was given
	Crosswalk    []crosswalk.Framework  // other frameworks, in the order of their ids
	Redaction    *Redaction             // nil: nothing is hidden

	// FirstSeen says when the object of an item was read for the first time;
	// nil: nobody knows but for first revisions.
	FirstSeen func(*evidence.Evidence) time.Time

	Checkpoint []byte // the signed note over the ledger that Ledger reads
	PublicKey  string // verifier key of the note, one line
	Ledger     Ledger
}

// Ledger gives a Snapshot's evidence and what proves it. Every method may be
// called more than once and gives the same each time.
type Ledger interface {
	// Used yields the evidence that the export shows, in ledger order, without
	// payloads. Its sealed fields, Digest, Seq, Source and GoneAt are filled.
	Used(ctx context.Context) iter.Seq2[evidence.Evidence, error]
	// InForce yields the revisions of these kinds that were in force at the
	// as-of, with payloads, in ledger order; each is among Used.
	InForce(ctx context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error]
	// Payload returns canonical bytes, store.ErrNotFound or store.ErrErased.
	Payload(ctx context.Context, d evidence.Digest) ([]byte, error)
	// Entries yields ledger lines from ≤ seq < to; types may be empty for all.
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
	tlog.HashReader
}

// Control is what the catalog says about a control beyond its title.
type Control struct {
	Area          string   // chapter or Annex A objective
	Stages        []string // lifecycle stages
	Justification string   // why it is in or out, from the applicability record
}

// Expectation is the rule that a result was made with.
type Expectation struct {
	Title     string
	Statement string // what counts, in words
	Version   string
	Strength  string        // design | existence | operation
	Window    time.Duration // the age that evidence may have; 0 means no limit
	Kinds     []string      // kinds it needs

	Thresholds string // every one of them, in a line
	Whose      string // ours, or what a file of the organisation's did: own, changed, off
}

// Kind is what the vocabulary says about a kind of evidence.
type Kind struct {
	Title    string
	Strength string // design | existence | operation
}

// Count is how many of something there are.
type Count struct {
	Name string
	N    int
}

// SoA is the statement of applicability as of a snapshot.
type SoA struct {
	Version    string
	ApprovedBy string // empty: not approved
	ApprovedAt time.Time
	Evidence   evidence.Digest
	Previous   string   // version before this one
	Rows       []SoARow // in the catalog's order, the organisation's own last
	Remarks    []string // what to know before relying on it, a sentence each
}

// SoARow is one control in a statement of applicability.
type SoARow struct {
	ID, Title     string
	Applicable    *bool // nil: not said
	Reason        string
	Source        string // of the need: a risk, a law, a contract, good practice
	State         string // of the implementation
	Since         time.Time
	Evidence      int    // items that results of the control rest on
	Contradiction string // excluded, but seen: where
	ApprovedBy    string
	ApprovedAt    time.Time
	Changed       string // against the previous version
}

// Since is a comparison with an earlier instant.
type Since struct {
	From  time.Time
	Delta *assess.Delta
	Rules *RulesChange // nil: the rules are the same, or none were on record then
}

// RulesChange is that the rules in force are others than they were.
type RulesChange struct{ Before, After RulesOf }

// RulesOf names the rules of an assessment that was made at an instant.
type RulesOf struct {
	At      time.Time
	Catalog assess.CatalogRef
}

// Redaction says which payloads an export hides. The digests and proofs of
// what is hidden stay.
type Redaction struct {
	Profile string
	Hides   func(kind string) bool   // payloads of these kinds are hidden
	Omits   func(sheet string) bool  // sheets that are left out
	Reason  func(kind string) string // why, in words
}

// Hidden reports whether payloads of a kind are hidden. A nil Redaction hides
// nothing.
func (r *Redaction) Hidden(kind string) bool { return r != nil && r.Hides(kind) }

// Omitted reports whether a sheet is left out.
func (r *Redaction) Omitted(sheet string) bool { return r != nil && r.Omits(sheet) }

// System is a registered AI system.
type System struct {
	ID, Name, Purpose, Role, Tier, Stage, Owner, Deputy string
	InScope                                             *bool // nil: not said
	GoLive, Retired                                     time.Time
	Models, Vendors, Datasets, Repositories, CloudRefs  []string
	LastRisk, LastImpact, LastEvaluation                time.Time // events; zero if none was seen
	LastMonitoring                                      time.Time
	OversightRule                                       string
	Evidence                                            evidence.Digest // of the register's record
	Broken                                              string          // why its record cannot be shown; empty: it can
}

// Waiver is an accepted deviation, or what was asked for and is not one.
type Waiver struct {
	ID, Expectation, Subject, Reason, Compensating string // Subject is a type and an id
	RequestedBy, ApprovedBy, ApproverRole          string
	RejectedBy, RevokedBy, Because                 string // Because: why it was rejected or revoked
	RequestedAt, ApprovedAt, RejectedAt            time.Time
	ExpiresAt, RevokedAt                           time.Time
	SelfApproved                                   bool // both names are those of one person
	Evidence                                       evidence.Digest
	Broken                                         string // why its record cannot be shown; empty: it can
}

// WaiverState is what a waiver is worth at an instant.
type WaiverState string

// States of a waiver.
const (
	WaiverRequested WaiverState = "requested" // nobody has approved it yet
	WaiverActive    WaiverState = "active"
	WaiverLapsed    WaiverState = "lapsed"
	WaiverRejected  WaiverState = "rejected"
	WaiverRevoked   WaiverState = "revoked"
	WaiverInvalid   WaiverState = "invalid" // approved, but not by a second person, or without an end
)

// State returns the waiver's state at t. It counts from its approval to its
// end, both inclusive, as the assessment counts it.
func (w Waiver) State(t time.Time) WaiverState {
	switch {
	case w.Broken != "":
		return WaiverInvalid
	case !w.RevokedAt.IsZero() && !w.RevokedAt.After(t):
		return WaiverRevoked
	case w.RejectedBy != "" && !w.RejectedAt.After(t):
		return WaiverRejected
	case w.ApprovedBy == "" || w.ApprovedAt.IsZero() || w.ApprovedAt.After(t):
		return WaiverRequested
	case w.SelfApproved || w.RequestedBy == "" || w.ApprovedBy == w.RequestedBy || w.ExpiresAt.IsZero():
		return WaiverInvalid
	case w.ExpiresAt.Before(t):
		return WaiverLapsed
	}
	return WaiverActive
}

// WriteAssessment writes the assessment's JSON form, as the bundle keeps it.
func (s *Snapshot) WriteAssessment(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.Assessment); err != nil {
		return fmt.Errorf("assessment: %w", err)
	}
	return nil
}

// Validate says what a Snapshot lacks before anything can be made of it.
func (s *Snapshot) Validate() (ledger.Checkpoint, error) {
	switch {
	case s.Assessment == nil:
		return ledger.Checkpoint{}, fmt.Errorf("export: no assessment; run assess first")
	case s.AsOf.IsZero():
		return ledger.Checkpoint{}, fmt.Errorf("export: no as-of")
	case s.Ledger == nil:
		return ledger.Checkpoint{}, fmt.Errorf("export: no ledger")
	}
	v, err := ledger.ParseVerifier(s.PublicKey)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("export: %w", err)
	}
	cp, err := ledger.OpenCheckpoint(s.Checkpoint, v)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("export: %w", err)
	}
	if n := s.Assessment.Checkpoint.Size; n > cp.Size || n < 0 {
		return cp, fmt.Errorf("export: the assessment is of %d ledger entries, the ledger has %d; assess again", n, cp.Size)
	}
	return cp, nil
}

// Digests are the fingerprints that name a snapshot.
type Digests struct {
	Assessment evidence.Digest
	Snapshot   evidence.Digest // over the assessment's, the checkpoint, the as-of and the period
}

// Digests computes the fingerprints.
func (s *Snapshot) Digests() (Digests, error) {
	var buf bytes.Buffer
	if err := s.WriteAssessment(&buf); err != nil {
		return Digests{}, err
	}
	d := Digests{Assessment: evidence.Sum(buf.Bytes())}
	cp, err := s.Validate()
	if err != nil {
		return d, err
	}
	text := "exhibit snapshot v1\n" + d.Assessment.String() + "\n" + cp.Origin + "\n" + strconv.FormatInt(cp.Size, 10) + "\n" +
		cp.Root.String() + "\n" + Time(s.AsOf) + "\n" + s.PeriodText() + "\n"
	d.Snapshot = evidence.Sum([]byte(text))
	return d, nil
}

// PeriodText is the period as one string, or "none".
func (s *Snapshot) PeriodText() string {
	if s.Period == nil {
		return "none"
	}
	return Time(s.Period.From) + ".." + Time(s.Period.To)
}

// Time is how exports write a time as text: RFC 3339, UTC.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999Z")
}

package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Digest is a SHA-256. Its text form is 64 lower-case hexadecimal digits.
type Digest [sha256.Size]byte

// Sum returns the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads the text form.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("digest %q: want 64 hexadecimal digits", s)
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText gives the text form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form.
func (d *Digest) UnmarshalText(b []byte) error {
	p, err := ParseDigest(string(b))
	*d = p
	return err
}

// Subject is what a record is about.
type Subject struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Period is the span a record claims to cover, both ends inclusive, UTC.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Record is what a run read about one subject, validated and with its payload
// in canonical form, not yet sealed.
type Record struct {
	Kind        string
	Major       int
	Subject     Subject
	Key         string
	Group       string    // unit of "unchanged" in the source; not sealed
	EventTime   time.Time // zero for a reading of a current state
	Period      *Period
	URL         string
	Payload     json.RawMessage // canonical
	CollectedAt time.Time       // when the agent (or, replayed, the original reader) read it
}

// Evidence is a sealed record: one revision of a key.
type Evidence struct {
	Seq         int64  // position in the ledger
	Digest      Digest // of the entry line
	Run         string // id of the run that read it
	Source      string // the run's source
	Kind        string
	Major       int
	Subject     Subject
	Key         string
	Revision    int // from 1
	EventTime   time.Time
	Period      *Period
	URL         string
	CollectedAt time.Time
	Imported    bool            // read by somebody else's run and imported
	PayloadSum  Digest          // names the payload
	PayloadSize int             // bytes of the canonical payload
	Payload     json.RawMessage // nil when not asked for or erased
	GoneAt      time.Time       // when a complete run found the key gone; zero while live
}

// RunStatus is how a run ended.
type RunStatus string

// Values of RunStatus. The zero value is a run that has not ended.
const (
	RunOpen     RunStatus = ""
	RunComplete RunStatus = "complete"
	RunPartial  RunStatus = "partial"
	RunFailed   RunStatus = "failed"
)

// Provenance is who read: shared by all records of a run.
type Provenance struct {
	Agent            string `json:"agent"`  // agent name and version
	Source           string `json:"source"` // name in the configuration
	Connector        string `json:"connector"`
	ConnectorVersion string `json:"connector_version"`
	Binary           string `json:"binary"`      // SHA-256 of the connector's binary, hexadecimal; empty for imports
	Identity         string `json:"identity"`    // who the source says the collector is
	Method           string `json:"method"`      // api | git | file | upload
	Reliability      string `json:"reliability"` // direct_api | signed_artifact | export | manual
	Imported         bool   `json:"imported,omitempty"`
	ImportedBy       string `json:"imported_by,omitempty"` // who brought the file or pushed, and under which account; empty where a connector read
}

// Run is one collection from one source.
type Run struct {
	ID         string
	Provenance Provenance
	StartedAt  time.Time
	FinishedAt time.Time // zero while open
	Status     RunStatus
	Error      string              // why it failed; no secret
	Kinds      map[string]KindRead // by kind
	Gaps       []Gap
	Calls      CallCounts
	// Confinement is what held the connector's process, in words; empty where no
	// process of a connector read.
	Confinement string
	State       Digest // of the source's cursors and validators when the run closed; zero if there were none
}

// KindRead is what a run claims and counted for one kind.
type KindRead struct {
	Coverage         string    `json:"coverage"` // "" | complete | partial | denied
	Enumerated       bool      `json:"enumerated"`
	Since            time.Time `json:"since,omitzero"`
	Query            string    `json:"query,omitempty"`
	IndependentCount int64     `json:"independent_count"` // -1 if none
	Seen             int64     `json:"seen"`              // records emitted or attested
	New              int64     `json:"new"`               // first revision of a key
	Revised          int64     `json:"revised"`           // further revision of a key
	Unchanged        int64     `json:"unchanged"`         // attested, not stored again
	Gone             int64     `json:"gone"`              // enumerated and not there any more
}

// Gap is a part of the scope that a run could not see.
type Gap struct {
	Kinds      []string `json:"kinds"`
	Scope      string   `json:"scope"`
	Reason     string   `json:"reason"`
	Permission string   `json:"permission,omitempty"`
	Detail     string   `json:"detail,omitempty"`
}

// CallCounts is what a run cost at the source.
type CallCounts struct {
	Requests    int64 `json:"requests"`
	NotModified int64 `json:"not_modified"`
	Retries     int64 `json:"retries"`
	RateLimited int64 `json:"rate_limited"`
	Bytes       int64 `json:"bytes"`
}

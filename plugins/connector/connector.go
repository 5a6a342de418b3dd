package connector

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// Connector reads one kind of system. Implementations hold no state between
// calls: every call carries its configuration. Calls may run concurrently.
type Connector interface {
	// Describe returns what the connector is and can do. It does no I/O and
	// always returns the same value.
	Describe() Descriptor

	// Check tests the credentials and lists each permission as granted,
	// missing or unknown, without collecting. A rejected credential is a
	// CheckReport with a Problem, not an error; an error means that the check
	// itself could not be made.
	Check(ctx context.Context, cfg Config) (CheckReport, error)

	// Collect reads the scope and emits what it sees, in any order, until all
	// of it was read or could not be. It blocks until done, observes ctx, and
	// retries what is worth retrying itself. What cannot be seen is emitted as
	// a Gap and makes the coverage of its kinds partial or denied; Collect
	// returns an error only when going on makes no sense (credential refused,
	// host unreachable, emit failed). The returned Coverage names every kind
	// that was asked for.
	Collect(ctx context.Context, req Request, emit Emitter) (Coverage, error)
}

// Emitter takes what a running Collect sees. Methods block while the host is
// busy; an error ends the run and is to be returned from Collect as it is. An
// Emitter is safe for concurrent use.
type Emitter interface {
	// Record hands over one fact.
	Record(Record) error
	// Unchanged says that all count records emitted under group in an earlier
	// run are still exactly as they were (the source answered 304). The host
	// refuses a group or a count that it does not know.
	Unchanged(group string, count int) error
	// Gap reports a part of the scope that could not be seen.
	Gap(Gap) error
	// Cursor stores a position under a name. The host keeps it with the
	// records emitted before it, in one transaction, and hands it back in the
	// next Request.
	Cursor(name, value string) error
	// Validator stores what a later conditional request needs, under the same
	// rule as Cursor. A zero Validator removes the key.
	Validator(key string, v Validator) error
	// Progress tells a person how far the run is. It may be dropped.
	Progress(Progress)
}

// Descriptor says what a connector is. Name is lower case, [a-z][a-z0-9-]*,
// and equals the binary's suffix: exhibit-connector-<name>.
type Descriptor struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`       // semantic version of the connector
	Summary      string          `json:"summary"`       // one line: which system, what it reads
	ConfigSchema json.RawMessage `json:"config_schema"` // JSON Schema 2020-12 of Config.Settings
	Secrets      []SecretSpec    `json:"secrets,omitempty"`
	Kinds        []KindSpec      `json:"kinds"`
	Permissions  []Permission    `json:"permissions,omitempty"`
}

// SecretSpec names a secret the connector takes in Config.Secrets.
type SecretSpec struct {
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Required bool   `json:"required"`
}

// KindSpec is one kind of record that the connector can emit.
type KindSpec struct {
	Kind    string `json:"kind"`  // for example github.pull_request
	Major   int    `json:"major"` // major version of the payload's shape, from 1
	Summary string `json:"summary"`
	Reread  Reread `json:"reread,omitempty"`
}

// Reread is what a later run of an unchanged source costs for a kind. The zero
// value is ReadInFull.
type Reread string

// Values of Reread.
const (
	ReadInFull      Reread = ""            // everything is read again
	ReadSinceCursor Reread = "cursor"      // only what changed since the last run is asked for
	ReadIfChanged   Reread = "conditional" // the source answers "unchanged" (304)
)

// Permission is one right that the connector's identity needs.
type Permission struct {
	ID    string   `json:"id"`    // the vendor's own name for it
	Kinds []string `json:"kinds"` // kinds that cannot be read without it
	Why   string   `json:"why"`
	Grant string   `json:"grant"` // how an administrator grants it
}

// Config is the configuration of one source. Settings has been validated
// against Descriptor.ConfigSchema by the host.
type Config struct {
	Settings json.RawMessage
	Secrets  map[string]string // by SecretSpec.Name; never log, never emit
}

// Request is what a run is asked to read.
type Request struct {
	Config     Config
	Kinds      []string             // kinds wanted; empty means all
	Cursors    map[string]string    // as last stored; empty on the first run
	Validators map[string]Validator // as last stored
	Full       bool                 // read all again: Cursors holds memory only, Validators is empty
	Since      time.Time            // do not look for events before this; zero means no limit
}

// MemoryPrefix begins the name of a cursor that is no position but something
// that the source itself does not keep: when a text was first seen, what stood
// there before. The host hands it back in every run, a full one included.
const MemoryPrefix = "memory:"

// Memory returns those of cursors that a full run is handed.
func Memory(cursors map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range cursors {
		if strings.HasPrefix(name, MemoryPrefix) {
			out[name] = value
		}
	}
	return out
}

// Wants reports whether kind was asked for.
func (r Request) Wants(kind string) bool {
	if len(r.Kinds) == 0 {
		return true
	}
	for _, k := range r.Kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// Validator is what one conditional request needs next time. Memo is the
// connector's own short note of what the unchanged answer said (for example
// the names to descend into), at most 64 KiB.
type Validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	Link         string `json:"link,omitempty"` // the answer's Link header, for paging past a 304
	Memo         []byte `json:"memo,omitempty"`
}

// IsZero reports whether v holds nothing.
func (v Validator) IsZero() bool {
	return v.ETag == "" && v.LastModified == "" && v.Link == "" && len(v.Memo) == 0
}

// Subject is what a record is about.
type Subject struct {
	Type string `json:"type"` // repository, change, model, deployment, person …
	ID   string `json:"id"`
}

// Record is one fact about a subject. EventTime is when it happened in the
// source, in UTC, and is zero for a reading of a current state. Payload is a
// JSON object of the kind's shape; numbers beyond ±2^53 must be strings.
type Record struct {
	Kind      string
	Major     int // 0 means 1
	Subject   Subject
	Key       string // natural key within the source and kind; stable over time
	Group     string // unit of Unchanged; empty if the source has none
	EventTime time.Time
	Period    *Period
	URL       string // where a person can see it
	Payload   json.RawMessage
}

// Period is the span a record claims to cover, both ends inclusive, UTC.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Reason says why a part of the scope could not be seen.
type Reason string

// Reasons of a Gap.
const (
	Denied      Reason = "denied"       // the identity lacks a permission
	NotFound    Reason = "not_found"    // configured, but not there or not visible
	Unsupported Reason = "unsupported"  // the source does not offer it (plan, version, region)
	RateLimited Reason = "rate_limited" // the budget ran out before the end
	Truncated   Reason = "truncated"    // the source returns only a part
	Unavailable Reason = "unavailable"  // errors or no answer after retries
	Malformed   Reason = "malformed"    // an answer that could not be understood
	Hidden      Reason = "hidden"       // counts or a canary show that rows are missing
)

// Gap is a part of the scope that could not be seen.
type Gap struct {
	Kinds      []string // kinds that miss records because of it
	Scope      string   // which part: a repository, project, region, page
	Reason     Reason
	Permission string // Permission.ID that would close it, if that is the cause
	Detail     string // one sentence for a person; never a secret
}

// CoverageStatus says how much of a kind's scope a run saw. The zero value
// claims nothing.
type CoverageStatus string

// Values of CoverageStatus.
const (
	NotRead  CoverageStatus = ""         // the run did not look
	Complete CoverageStatus = "complete" // all of it was seen
	Partial  CoverageStatus = "partial"  // some of it was seen; Gaps say what was not
	Refused  CoverageStatus = "denied"   // none of it could be seen
)

// KindCoverage is a run's claim about one kind.
type KindCoverage struct {
	Status CoverageStatus `json:"status"`
	// Enumerated: the run listed (or attested as unchanged) every record that
	// exists now, so a key not seen is gone. False for incremental reads and
	// for events that never disappear.
	Enumerated bool `json:"enumerated"`
	// Since is the earliest event time that the source's whole history read so
	// far reaches back to; zero means without limit.
	Since time.Time `json:"since,omitzero"`
	// Query is what was asked: endpoint, parameters, filters.
	Query string `json:"query,omitempty"`
	// IndependentCount is what another way of counting gave, or -1 if none.
	IndependentCount int64 `json:"independent_count"`
}

// Coverage is a run's claim about each kind, by kind.
type Coverage map[string]KindCoverage

// Progress is for a person to watch.
type Progress struct {
	Message string
	Done    int64
	Total   int64 // 0 if unknown
}

// Grant is whether a permission is there.
type Grant string

// Values of Grant. The zero value is unknown.
const (
	GrantUnknown Grant = ""
	Granted      Grant = "granted"
	Missing      Grant = "missing"
)

// PermissionState is one permission as probed.
type PermissionState struct {
	Permission string `json:"permission"`
	Grant      Grant  `json:"grant"`
	Detail     string `json:"detail,omitempty"`
}

// CheckReport is what Check found. Problem is empty when collecting can begin.
type CheckReport struct {
	Identity    string            `json:"identity"` // who the source says we are
	Permissions []PermissionState `json:"permissions"`
	Scope       []string          `json:"scope"` // what can be reached: repositories, projects, regions
	Problem     string            `json:"problem,omitempty"`
	Remedy      string            `json:"remedy,omitempty"`
}

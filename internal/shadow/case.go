package shadow

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Kinds of the records that cases and what was searched become.
const (
	KindCase = "shadow_ai.finding"
	KindScan = "shadow_ai.scan_run"
)

// Source is the name of the built-in source of these records.
const Source = "shadow"

// Types of places. A case is one real use: see internal/adr/0014.
const (
	Repository    = "repository"
	Development   = "development"    // assistants that write code, one vendor in the whole organisation
	CloudResource = "cloud_resource" // or who calls a cloud's models
	VendorProject = "vendor_project" // or a key, where there is no project
	Workload      = "workload"
	Network       = "network" // a group of hosts that asks for a vendor's addresses
	People        = "people"  // what people use, one vendor in the whole organisation
)

// PlaceTypes are all of them, in the order in which they are listed.
var PlaceTypes = []string{Repository, CloudResource, VendorProject, Workload, Network, People, Development}

// States of a case.
const (
	New           = "new"
	Due           = "due" // somebody took it up and said until when
	Registered    = "registered"
	Accepted      = "accepted"
	Blocked       = "blocked"
	FalsePositive = "false_positive"
	Gone          = "gone"
)

// States are all of them, open ones first.
var States = []string{New, Due, Blocked, Accepted, Registered, FalsePositive, Gone}

// Open reports whether a state asks somebody to do something.
func Open(state string) bool { return state == New || state == Due }

// Confidences, strongest first.
const (
	Declared   = "declared"
	Inferred   = "inferred"
	Unresolved = "unresolved"
)

// What a registered system accounts for a use by, strongest first.
const (
	ByRepository = "repository"
	ByCloud      = "cloud resource"
	ByTag        = "tag"
	ByProject    = "project"
	ByKey        = "key"
	ByModel      = "model"
	ByVendor     = "vendor" // weak: the system has the vendor, and nothing ties it to this use
	ByDomain     = "domain" // weak
	ByDecision   = "decision"
)

// Weak reports whether a basis ties a system to the vendor alone, and not to
// the use.
func Weak(basis string) bool { return basis == ByVendor || basis == ByDomain }

// Case is one use of AI, as it stands at an instant. Its JSON form is the
// payload of KindCase.
type Case struct {
	ID          string   `json:"finding_id"`
	Title       string   `json:"title"`
	PlaceType   string   `json:"place_type"`
	Ref         string   `json:"subject_ref"` // the place, as its source names it
	Provider    string   `json:"provider,omitempty"`
	Providers   []string `json:"providers"`
	Vendors     []string `json:"vendors"`
	Models      []string `json:"models"`
	Domains     []string `json:"domains"`
	Scopes      []string `json:"scopes"`
	SignalKinds []string `json:"signal_kinds"`
	Confidence  string   `json:"confidence"`
	Why         string   `json:"why"`
	FirstSeen   moment   `json:"first_seen,omitzero"`
	LastSeen    moment   `json:"last_seen,omitzero"`
	Status      string   `json:"status"`
	System      string   `json:"matched_system,omitempty"`
	Systems     []string `json:"systems"`
	Basis       string   `json:"basis,omitempty"`
	Unexplained string   `json:"unexplained,omitempty"` // why the register does not account for it
	TriageDue   moment   `json:"triage_due,omitzero"`
	DueAt       moment   `json:"due_at,omitzero"`
	Owner       string   `json:"owner,omitempty"` // who took it up
	Hint        string   `json:"owner_hint,omitempty"`
	HintFrom    string   `json:"owner_hint_from,omitempty"`
	Decision    string   `json:"decision,omitempty"`
	DecisionID  string   `json:"decision_id,omitempty"`
	DecisionBy  string   `json:"decision_by,omitempty"`
	DecisionAt  moment   `json:"decision_at,omitzero"`
	Reason      string   `json:"reason,omitempty"`
	ExpiresAt   moment   `json:"expires_at,omitzero"`
	Pending     string   `json:"pending,omitempty"` // id of a decision that waits for a second person
	Reopened    string   `json:"reopened_because,omitempty"`
	Sources     []string `json:"sources"`
	Evidence    []string `json:"evidence"` // keys of records
	Uses        int64    `json:"uses"`
	People      int64    `json:"people,omitempty"`
	Content     string   `json:"content"`
	Items       []string `json:"content_items"`

	Signals []Signal `json:"-"` // what it rests on, live ones first
}

// Open reports whether the case asks somebody to do something.
func (c *Case) Open() bool { return Open(c.Status) }

// Until is when somebody has to have seen to an open case: as whoever took it up
// said, else when it is to be decided. It is zero where nobody has to.
func (c *Case) Until() time.Time {
	switch {
	case !c.DueAt.IsZero():
		return c.DueAt.Time
	case c.Open():
		return c.TriageDue.Time
	}
	return time.Time{}
}

// Overdue reports whether an open case is past its time.
func (c *Case) Overdue(now time.Time) bool {
	return c.Open() && (c.TriageDue.Before(now) || !c.DueAt.IsZero() && c.DueAt.Before(now))
}

// Signal is what several records of one kind and source say alike.
type Signal struct {
	Kind       string            `json:"kind"`
	Source     string            `json:"source"`
	Provider   string            `json:"provider,omitempty"`
	Scope      string            `json:"scope,omitempty"`
	Confidence string            `json:"confidence"`
	Says       string            `json:"says"`
	Count      int64             `json:"count"`
	Since      time.Time         `json:"since"`
	Last       time.Time         `json:"last,omitzero"`
	Weak       bool              `json:"weak,omitempty"`  // supporting only
	Ended      string            `json:"ended,omitempty"` // why it is no use any more
	Keys       []string          `json:"keys"`
	Digests    []evidence.Digest `json:"digests"` // of the entries, as Keys
}

// place is where a use is. key makes the id; ref is for people and rules.
type place struct{ typ, key, vendor, ref string }

// placeID is what tells one place from another.
type placeID struct{ typ, key, vendor string }

// id is stable: it rests on the place and, where the place is the whole
// organisation or a network, on the vendor.
func (p place) id() string {
	sum := sha256.Sum256([]byte(p.typ + "\n" + p.key + "\n" + p.vendor))
	return "SC-" + hex.EncodeToString(sum[:5])
}

// contentOf names what a decision is made on.
func contentOf(items []string) string {
	sum := sha256.Sum256([]byte(strings.Join(items, "\n")))
	return hex.EncodeToString(sum[:])
}

// added returns what is in now and was not in before.
func added(now, before []string) []string {
	var out []string
	for _, item := range now {
		if !slices.Contains(before, item) {
			out = append(out, item)
		}
	}
	return out
}

// set is a sorted list without repetitions, of at most max of the smallest.
type set []string

const setMax = 200

func (s *set) add(items ...string) {
	for _, item := range items {
		if item == "" {
			continue
		}
		i, there := slices.BinarySearch(*s, item)
		if there || i >= setMax {
			continue
		}
		*s = slices.Insert(*s, i, item)
		if len(*s) > setMax {
			*s = (*s)[:setMax]
		}
	}
}

// list is never nil: an empty list is a statement.
func (s set) list() []string {
	if s == nil {
		return []string{}
	}
	return slices.Clone(s)
}

package register

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Register is the content of register.yaml. It is safe for concurrent use as
// long as nobody changes it.
type Register struct {
	Organization  Organization   `yaml:"organization,required"`
	People        []Person       `yaml:"people"`
	Systems       []System       `yaml:"systems"`
	Vendors       []Vendor       `yaml:"vendors"`
	Waivers       []Waiver       `yaml:"waivers"`
	Applicability *Applicability `yaml:"applicability"`

	// The profile of the management system; see profile.go.
	Scope      *Scope      `yaml:"scope"`
	Parties    *Parties    `yaml:"parties"`
	Context    *Context    `yaml:"context"`
	Objectives []Objective `yaml:"objectives"`

	text []byte
	file *yamlfile.File
}

// Organization is who the register is about.
type Organization struct {
	ID    string   `yaml:"id,required"`
	Name  string   `yaml:"name,required"`
	Roles []string `yaml:"roles"` // the AI roles it plays; see AIRoles

	Headcount map[string]int `yaml:"headcount"` // people who work on or with AI, by AI role; sealed with the scope
}

// Person is somebody who holds a role, owns or approves something.
type Person struct {
	ID     string     `yaml:"id,required"`
	Name   string     `yaml:"name,required"`
	Email  string     `yaml:"email"`
	Active *bool      `yaml:"active"` // absent means active; false for who has left
	Roles  []RoleHeld `yaml:"roles"`
	// CheckedAt is when somebody looked up in the directory whether the person
	// is still there.
	CheckedAt time.Time `yaml:"checked_at"`
	// Names are further names by which systems know the person: logins, account
	// ids, how a tracker displays the name.
	Names []string `yaml:"names"`
}

// RoleHeld is a role that a person holds.
type RoleHeld struct {
	Role      string    `yaml:"role,required"`
	Since     time.Time `yaml:"since"`
	Until     time.Time `yaml:"until"`
	Authority string    `yaml:"authority"` // id of the document that says what the holder may decide
	// Requirements are what a holder has to be able to do.
	Requirements []string `yaml:"requirements"`
}

// IsActive reports whether the person is still there.
func (p Person) IsActive() bool { return p.Active == nil || *p.Active }

// System is a declared AI system.
type System struct {
	ID             string       `yaml:"id,required"`
	Name           string       `yaml:"name,required"`
	Purpose        string       `yaml:"purpose"`
	Owner          string       `yaml:"owner,required"` // Person.ID
	Deputy         string       `yaml:"deputy"`         // Person.ID
	Tier           string       `yaml:"tier,required"`  // see Tiers
	TierReason     string       `yaml:"tier_reason"`    // why this tier
	AIRole         string       `yaml:"ai_role"`        // see AIRoles
	Stage          string       `yaml:"stage,required"` // see Stages
	InScope        *bool        `yaml:"in_scope"`       // absent means true
	GoLive         time.Time    `yaml:"go_live"`
	RetiredAt      time.Time    `yaml:"retired_at"`
	ReviewedAt     time.Time    `yaml:"reviewed_at"` // when the entry was last confirmed
	ReviewedBy     string       `yaml:"reviewed_by"` // Person.ID; empty means the owner
	TierChangedAt  time.Time    `yaml:"tier_changed_at"`
	Users          string       `yaml:"users"`
	AffectedGroups []string     `yaml:"affected_groups"`
	CustomerFacing *bool        `yaml:"customer_facing"`    // people outside meet its output
	Generative     *bool        `yaml:"generative"`         // makes text, images, sound or code
	LogRetention   int          `yaml:"log_retention_days"` // what law or contract ask for; 0: as the policy says
	Vendors        []string     `yaml:"vendors"`            // Vendor.ID
	Models         []string     `yaml:"models"`
	Datasets       []string     `yaml:"datasets"`
	Repositories   []Repository `yaml:"repositories"`
	Cloud          []string     `yaml:"cloud"` // names or ids of resources; a trailing * matches any ending
	Jira           []JiraRef    `yaml:"jira"`

	Callers              []string  `yaml:"callers"`                 // keys, projects, services or user groups that may use it, as vendors and clouds name them
	Version              string    `yaml:"version"`                 // the one in production
	ExcludedUses         []string  `yaml:"excluded_uses"`           // what it must not be used for
	IntendedUseChangedAt time.Time `yaml:"intended_use_changed_at"` // when purpose, users or excluded uses changed last
	Surfaces             []string  `yaml:"surfaces"`                // where people meet it
	ExternalParties      []string  `yaml:"external_parties"`        // partners and customers, besides the vendors
}

// Repository binds a system to source code.
type Repository struct {
	Name             string   `yaml:"name,required"` // owner/name
	AIPaths          []string `yaml:"ai_paths"`      // globs of what makes up the AI part; none means all
	ProductionBranch string   `yaml:"production_branch"`
}

// JiraRef binds a system to a Jira project, or to a component of one.
type JiraRef struct {
	Project   string `yaml:"project,required"`
	Component string `yaml:"component"`
}

// IsInScope reports whether the management system covers the system.
func (s System) IsInScope() bool { return s.InScope == nil || *s.InScope }

// Vendor supplies something that AI systems use.
type Vendor struct {
	ID          string    `yaml:"id,required"`
	Name        string    `yaml:"name,required"`
	Services    []string  `yaml:"services"`
	Criticality string    `yaml:"criticality"` // see Criticalities
	Owner       string    `yaml:"owner"`       // Person.ID
	ContractRef string    `yaml:"contract_ref"`
	UpdatedAt   time.Time `yaml:"updated_at"`

	ControlDecision string    `yaml:"control_decision"` // how what it supplies is kept under control
	DecidedBy       string    `yaml:"decided_by"`       // Person.ID
	DecidedAt       time.Time `yaml:"decided_at"`
}

// Waiver accepts that an expectation is not met. Without ApprovedBy it is a
// request and covers nothing.
type Waiver struct {
	ID                   string        `yaml:"id,required"`
	Expectation          string        `yaml:"expectation,required"` // slug
	Subject              WaiverSubject `yaml:"subject,required"`
	Reason               string        `yaml:"reason,required"`
	CompensatingControls string        `yaml:"compensating_controls"`
	RiskRef              string        `yaml:"risk_ref"`
	RequestedBy          string        `yaml:"requested_by,required"` // Person.ID
	ApprovedBy           string        `yaml:"approved_by"`           // Person.ID, somebody else
	ApprovedAt           time.Time     `yaml:"approved_at"`
	ExpiresAt            time.Time     `yaml:"expires_at,required"`
	RevokedAt            time.Time     `yaml:"revoked_at"`
}

// WaiverSubject is what a waiver covers: {type, id}, or "*" for all subjects.
type WaiverSubject struct {
	Type string
	ID   string
}

// UnmarshalNode reads "*" or {type, id}.
func (s *WaiverSubject) UnmarshalNode(n yamlfile.Node) {
	if n.Shape() == yamlfile.Scalar {
		var all string
		n.Decode(&all)
		if all != "" && all != "*" {
			n.Problemf("%q is not a subject", all).Hint(`write {type: ai_system, id: …}, or "*" for all subjects`)
		}
		*s = WaiverSubject{Type: "*", ID: "*"}
		return
	}
	var y struct {
		Type string `yaml:"type,required"`
		ID   string `yaml:"id,required"`
	}
	n.Decode(&y)
	*s = WaiverSubject(y)
}

// Applicability says which controls apply: the statement of applicability.
type Applicability struct {
	Version    string           `yaml:"version,required"`
	ApprovedBy string           `yaml:"approved_by"` // Person.ID
	ApprovedAt time.Time        `yaml:"approved_at"`
	Controls   []ControlApplies `yaml:"controls,required"`
}

// ControlApplies is the decision on one control.
type ControlApplies struct {
	ID             string `yaml:"id,required"`
	Applicable     *bool  `yaml:"applicable,required"`
	Justification  string `yaml:"justification,required"`
	Implementation string `yaml:"implementation"` // how far it is put into practice
}

// Values of fields. Each list is in the order of the texts that people read.
var (
	Tiers         = []string{"high", "limited", "minimal"}
	AIRoles       = []string{"developer", "provider", "producer", "deployer", "user", "customer", "partner"}
	Stages        = []string{"intake", "data", "build", "test", "deploy", "operate", "retire"}
	Criticalities = []string{"critical", "important", "normal", "low"}
)

// Known is what the register is checked against.
type Known struct {
	Now          time.Time // reviews and approvals must not be later; zero is not checked
	Controls     []string  // ids of controls; empty is not checked
	Expectations []string  // slugs of expectations; empty is not checked
}

// Load reads the register at path. The error is a yamlfile.Problems, or says
// why the file cannot be read (os.ErrNotExist if there is none).
func Load(path string, known Known) (*Register, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, yamlfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return Parse(path, text, known)
}

// Parse is Load for text that was already read; name stands in messages.
func Parse(name string, text []byte, known Known) (*Register, error) {
	f, err := yamlfile.Parse(name, text)
	if err != nil {
		return nil, err
	}
	r := &Register{file: f, text: bytes.Clone(text)}
	f.Decode(r)
	newChecker(f, r, known).all()
	if err := f.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

// Text returns the bytes of the file.
func (r *Register) Text() []byte { return bytes.Clone(r.text) }

// Digest is the SHA-256 of the file, as sha256sum gives it.
func (r *Register) Digest() evidence.Digest { return evidence.Sum(r.text) }

// System returns the system with an id.
func (r *Register) System(id string) (System, bool) {
	return byID(r.Systems, func(s System) bool { return s.ID == id })
}

// Person returns the person with an id.
func (r *Register) Person(id string) (Person, bool) {
	return byID(r.People, func(p Person) bool { return p.ID == id })
}

// Confirm notes that somebody confirmed a system's entry, if that is later than
// what the file says.
func (r *Register) Confirm(system, by string, at time.Time) {
	for i := range r.Systems {
		if s := &r.Systems[i]; s.ID == system && at.After(s.ReviewedAt) {
			s.ReviewedAt, s.ReviewedBy = at, by
		}
	}
}

// Vendor returns the vendor with an id.
func (r *Register) Vendor(id string) (Vendor, bool) {
	return byID(r.Vendors, func(v Vendor) bool { return v.ID == id })
}

func byID[T any](list []T, match func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}

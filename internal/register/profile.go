package register

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// The profile of the management system: where it begins and ends, who has a
// stake in it, what bears on it, and what it is to reach. Each section is
// optional. One that is not there says nothing: it may be kept elsewhere.

// Scope says where the management system begins and ends.
type Scope struct {
	Version        string      `yaml:"version"`
	Statement      string      `yaml:"statement,required"` // in words, as an auditor reads it
	Boundaries     string      `yaml:"boundaries"`
	Units          []string    `yaml:"units"`
	Sites          []string    `yaml:"sites"`
	Systems        []string    `yaml:"systems"` // System.ID; each is named, so that a new one is not in by itself
	Roles          []string    `yaml:"roles"`   // see AIRoles
	Exclusions     []Exclusion `yaml:"exclusions"`
	ApprovedBy     string      `yaml:"approved_by"` // Person.ID
	ApprovedAt     time.Time   `yaml:"approved_at"`
	ApprovedSHA256 string      `yaml:"approved_sha256"` // ContentDigest of what was approved; another content is not approved
	DocumentSHA256 string      `yaml:"document_sha256"` // of the document that holds the statement, if one does
}

// Exclusion is something that the scope leaves out.
type Exclusion struct {
	What   string `yaml:"what,required" json:"what"` // a system's id, or words
	Reason string `yaml:"reason" json:"reason,omitempty"`
}

// content is what an approval of the scope is about.
func (s Scope) content() map[string]any {
	exclusions := []Exclusion{}
	exclusions = append(exclusions, s.Exclusions...)
	return map[string]any{
		"version": s.Version, "statement": s.Statement, "boundaries": s.Boundaries, "units": list(s.Units), "sites": list(s.Sites),
		"systems": list(s.Systems), "roles": list(s.Roles), "exclusions": exclusions, "sha256": s.DocumentSHA256,
	}
}

// ContentDigest is the SHA-256 over the canonical JSON of all that the section
// says, but for its approval.
func (s Scope) ContentDigest() (evidence.Digest, error) {
	raw, err := json.Marshal(s.content())
	if err != nil {
		return evidence.Digest{}, err
	}
	raw, err = evidence.CanonicalObject(raw)
	return evidence.Sum(raw), err
}

// IsApproved reports whether the scope as it stands was approved: somebody is
// named and, where the approval names a content, it is this one.
func (s Scope) IsApproved() bool {
	if s.ApprovedBy == "" || s.ApprovedAt.IsZero() {
		return false
	}
	d, err := s.ContentDigest()
	return err == nil && (s.ApprovedSHA256 == "" || s.ApprovedSHA256 == d.String())
}

// Parties are those who have a stake in our AI.
type Parties struct {
	List       []Party   `yaml:"list,required"`
	ApprovedBy string    `yaml:"approved_by"` // Person.ID
	ApprovedAt time.Time `yaml:"approved_at"`
}

// Party is one of them.
type Party struct {
	Name         string `yaml:"name,required"`
	Group        string `yaml:"group"` // see PartyGroups; empty: words in the name tell
	Requirements []Need `yaml:"requirements"`
}

// Need is what a party requires, and where it lands: at clauses, controls,
// objectives or legal obligations, or knowingly nowhere.
type Need struct {
	Requirement  string   `yaml:"requirement,required"`
	AddressedBy  []string `yaml:"addressed_by"`
	NotAddressed string   `yaml:"not_addressed"` // why nothing answers it
}

// Context is what bears on our AI, from outside and inside.
type Context struct {
	Issues     []Issue   `yaml:"issues,required"`
	AIRoles    []string  `yaml:"ai_roles"` // see AIRoles
	Climate    string    `yaml:"climate"`  // whether climate change matters, and why
	ApprovedBy string    `yaml:"approved_by"`
	ApprovedAt time.Time `yaml:"approved_at"`
}

// Issue is one thing that bears on our AI.
type Issue struct {
	ID    string `yaml:"id" json:"id"`
	Type  string `yaml:"type,required" json:"type"` // see IssueTypes
	Text  string `yaml:"text,required" json:"text"`
	Owner string `yaml:"owner" json:"owner"` // Person.ID
}

// Objective is something to be reached.
type Objective struct {
	ID         string    `yaml:"id,required" json:"id"`
	Version    string    `yaml:"version" json:"version"`
	Metric     string    `yaml:"metric" json:"metric"`
	Target     string    `yaml:"target" json:"target"`
	Owner      string    `yaml:"owner" json:"owner"` // Person.ID
	Due        time.Time `yaml:"due" json:"due,omitzero"`
	Plan       string    `yaml:"plan" json:"plan"`
	Resources  string    `yaml:"resources" json:"resources"`
	Evaluation string    `yaml:"evaluation" json:"evaluation"` // the method: how it is measured and judged
	Frequency  string    `yaml:"frequency" json:"frequency"`
	Evaluator  string    `yaml:"evaluator" json:"evaluator"`
	Level      string    `yaml:"level" json:"level"`     // the function or unit it is for
	Area       string    `yaml:"area" json:"area"`       // see Areas
	Systems    []string  `yaml:"systems" json:"systems"` // System.ID; none: all
	ApprovedBy string    `yaml:"approved_by" json:"approved_by"`
	ApprovedAt time.Time `yaml:"approved_at" json:"approved_at,omitzero"`
}

// Values of fields of the profile.
var (
	PartyGroups = []string{"regulators", "customers", "employees", "affected", "suppliers"}
	IssueTypes  = []string{"external", "internal"}
	Areas       = []string{"development", "use", "management"}
)

// Kinds of the profile's sections.
const (
	kindScope      = "scope.statement"
	kindParties    = "stakeholder.register"
	kindContext    = "context.register"
	kindObjectives = "objective.definition"
)

// ProfileKinds are those of Kinds that are declared only by a section of the
// profile, sorted.
var ProfileKinds = []string{kindContext, kindObjectives, kindScope, kindParties}

// Declares lists the kinds that the file says everything about that it knows,
// sorted. A section of the profile that is not there makes its kind no claim:
// the records may be kept elsewhere, and nothing is missing here.
func (r *Register) Declares() []string {
	there := map[string]bool{
		kindScope: r.Scope != nil, kindParties: r.Parties != nil, kindContext: r.Context != nil, kindObjectives: r.Objectives != nil,
	}
	out := []string{}
	for _, kind := range Kinds {
		if !slices.Contains(ProfileKinds, kind) || there[kind] {
			out = append(out, kind)
		}
	}
	return out
}

package assess

import (
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// ruleFile is one file of expectations.
type ruleFile struct {
	Control      string               `yaml:"control"`
	Expectations []*Expectation       `yaml:"expectations"`
	Overrides    map[string]*override `yaml:"overrides"`
}

// override changes the thresholds of an expectation defined elsewhere.
type override struct {
	Params           map[string]any `yaml:"params"`
	Severity         string         `yaml:"severity"`
	EventMaxAge      *time.Duration `yaml:"event_max_age"`
	Lookback         *time.Duration `yaml:"lookback"`
	CollectionMaxAge *time.Duration `yaml:"collection_max_age"`
	Off              string         `yaml:"off"` // why the expectation is switched off
}

// Expectation is our reading of what evidence would show a control met, as a
// file gives it. internal/adr/0003 describes every field.
type Expectation struct {
	Control     string             `yaml:"-" json:"control"`
	Slug        string             `yaml:"slug,required" json:"slug"`
	Version     int                `yaml:"version,required" json:"version"`
	Title       string             `yaml:"title,required" json:"title"`
	Statement   string             `yaml:"statement,required" json:"statement"`
	Severity    string             `yaml:"severity,required" json:"severity"`     // major | minor | observation
	Strength    string             `yaml:"strength,required" json:"strength"`     // design | existence | operation
	Automation  string             `yaml:"automation,required" json:"automation"` // full | partial | manual
	Cause       string             `yaml:"cause" json:"cause"`                    // of a shortfall: control (default) | owner | documentation | approval
	Per         string             `yaml:"per,required" json:"per"`
	Population  populations        `yaml:"population,required" json:"population"`
	Uses        map[string]joinDef `yaml:"uses" json:"uses,omitempty"`
	Params      map[string]any     `yaml:"params" json:"params,omitempty"`
	Freshness   freshness          `yaml:"freshness,required" json:"freshness"`
	Checks      []checkDef         `yaml:"checks" json:"checks,omitempty"`
	Seen        expr               `yaml:"seen" json:"seen"`
	Duty        *dutyDef           `yaml:"duty" json:"duty,omitempty"`
	Invalidated []invalidation     `yaml:"invalidated_by" json:"invalidated_by,omitempty"`
	Sampling    string             `yaml:"sampling" json:"sampling,omitempty"`
	Request     string             `yaml:"request" json:"request,omitempty"`
	Remedy      string             `yaml:"remedy,required" json:"remedy"`

	// Off says why a file of the user's switched the expectation off.
	Off string `yaml:"-" json:"off,omitempty"`
	// Own reports that a file of the user's defines the expectation, Changed
	// which of its thresholds one overrides, sorted.
	Own     bool     `yaml:"-" json:"own,omitempty"`
	Changed []string `yaml:"-" json:"changed,omitempty"`

	node yamlfile.Place
}

// HasDuty reports whether subjects open a duty with a deadline.
func (e *Expectation) HasDuty() bool {
	return e.Duty != nil || slices.ContainsFunc(e.Population, func(d populationDef) bool { return d.Duty != nil })
}

// UnmarshalNode keeps the place of the expectation with its fields.
func (e *Expectation) UnmarshalNode(n yamlfile.Node) {
	type fields Expectation
	var f fields
	n.Decode(&f)
	*e = Expectation(f)
	e.node = n.Place()
}

// populationDef says which subjects an expectation applies to.
type populationDef struct {
	Kind    string             `yaml:"kind,required" json:"kind"`
	As      string             `yaml:"as" json:"as,omitempty"`
	Subject expr               `yaml:"subject" json:"subject"`
	Type    string             `yaml:"subject_type" json:"subject_type,omitempty"`
	Systems expr               `yaml:"systems" json:"systems"`
	Owner   expr               `yaml:"owner" json:"owner"`
	Where   expr               `yaml:"where" json:"where"`
	At      expr               `yaml:"at" json:"at"`
	Uses    map[string]joinDef `yaml:"uses" json:"uses,omitempty"`
	Checks  []checkDef         `yaml:"checks" json:"checks,omitempty"`
	Seen    expr               `yaml:"seen" json:"seen"`
	Duty    *dutyDef           `yaml:"duty" json:"duty,omitempty"`
	// Optional says that the kind need not be collected, as long as another
	// population's is.
	Optional bool   `yaml:"optional" json:"optional,omitempty"`
	Empty    string `yaml:"empty" json:"empty,omitempty"` // why an empty set is in order

	node yamlfile.Place
}

func (d *populationDef) UnmarshalNode(n yamlfile.Node) {
	type fields populationDef
	var f fields
	n.Decode(&f)
	*d = populationDef(f)
	d.node = n.Place()
}

// populations is one population or a list of them.
type populations []populationDef

func (p *populations) UnmarshalNode(n yamlfile.Node) {
	if n.Shape() != yamlfile.Sequence {
		*p = make([]populationDef, 1)
		(*p)[0].UnmarshalNode(n)
		return
	}
	var list []populationDef
	n.Decode(&list)
	*p = list
}

// joinDef lets conditions see records of another kind that share fields.
type joinDef struct {
	Kind     string          `yaml:"kind,required" json:"kind"`
	Match    map[string]expr `yaml:"match" json:"match,omitempty"`
	As       string          `yaml:"as" json:"as,omitempty"`
	Where    expr            `yaml:"where" json:"where"`
	Optional bool            `yaml:"optional" json:"optional,omitempty"`
	// Against says that these records can only speak against: what was not seen
	// of them cannot mend what fails.
	Against bool `yaml:"against" json:"against,omitempty"`
}

type freshness struct {
	Mode             string        `yaml:"mode,required" json:"mode"`
	Of               names         `yaml:"of" json:"of,omitempty"`
	As               string        `yaml:"as" json:"as,omitempty"`
	At               expr          `yaml:"at" json:"at"`
	Qualifies        []checkDef    `yaml:"qualifies" json:"qualifies,omitempty"`
	EventMaxAge      time.Duration `yaml:"event_max_age" json:"event_max_age,omitempty"`
	Lookback         time.Duration `yaml:"lookback" json:"lookback,omitempty"`
	Since            expr          `yaml:"since" json:"since"`
	CollectionMaxAge time.Duration `yaml:"collection_max_age,required" json:"collection_max_age"`
}

// names is one name or a list of them.
type names []string

func (s *names) UnmarshalNode(n yamlfile.Node) {
	if n.Shape() == yamlfile.Sequence {
		var list []string
		n.Decode(&list)
		*s = list
		return
	}
	*s = make([]string, 1)
	n.Decode(&(*s)[0])
}

type checkDef struct {
	That      expr   `yaml:"that,required" json:"that"`
	Otherwise string `yaml:"otherwise" json:"otherwise,omitempty"` // failing (default) | missing | not_assessed | due
	Because   expr   `yaml:"because,required" json:"because"`
}

type invalidation struct {
	When    expr `yaml:"when,required" json:"when"`
	Because expr `yaml:"because,required" json:"because"`
}

// dutyDef makes each subject open a duty with a deadline.
type dutyDef struct {
	Within       string `yaml:"within,required" json:"within"` // a duration, or the name of a param
	BusinessDays bool   `yaml:"business_days" json:"business_days,omitempty"`
	Until        expr   `yaml:"until" json:"until"`                      // an earlier deadline, if it is earlier
	Answered     expr   `yaml:"answered,required" json:"answered"`       // is the answer there
	AnsweredAt   expr   `yaml:"answered_at,required" json:"answered_at"` // when it was given
	Because      expr   `yaml:"because" json:"because"`                  // what is due, while it is
}

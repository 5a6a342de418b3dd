package configfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Known is what the file is checked against.
type Known struct {
	Kinds        []string // ids of kinds; empty is not checked
	Expectations []string // slugs; empty is not checked
}

// Load reads the configuration at path. The error is a yamlfile.Problems, or
// says why the file cannot be read (os.ErrNotExist if there is none).
func Load(path string, known Known) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	f, err := yamlfile.Read(abs)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", hush(err))
	}
	return read(f, known)
}

// Parse is Load for text that was already read. The name decides where
// relative paths lead; it must be absolute.
func Parse(name string, text []byte, known Known) (*Config, error) {
	f, err := yamlfile.Parse(name, text)
	if err != nil {
		return nil, hush(err)
	}
	return read(f, known)
}

var mayBeSecret = regexp.MustCompile(`(?i)store|secret|token|passw|credential|key|auth|://.*@`)

// hush takes lines that may hold a secret out of the problems of a file that
// is not YAML: where the secrets are cannot be told.
func hush(err error) error {
	var ps yamlfile.Problems
	if errors.As(err, &ps) {
		for _, p := range ps {
			if mayBeSecret.MatchString(p.Excerpt) {
				p.Excerpt = ""
			}
		}
	}
	return err
}

type fileYAML struct {
	Version      int              `yaml:"version,required"`
	Organization string           `yaml:"organization,required"`
	Store        string           `yaml:"store"`
	Key          string           `yaml:"key"`
	Register     string           `yaml:"register"`
	Connectors   connectorsYAML   `yaml:"connectors"`
	Sources      []sourceYAML     `yaml:"sources"`
	Expectations expectationsYAML `yaml:"expectations"`
	Limits       limitsYAML       `yaml:"limits"`
	Schedule     scheduleYAML     `yaml:"schedule"`
	Findings     findingsYAML     `yaml:"findings"`
	People       peopleYAML       `yaml:"people"`
	Retention    retentionYAML    `yaml:"retention"`
	Plan         planYAML         `yaml:"plan"`
	Ledger       ledgerYAML       `yaml:"ledger"`
	Export       exportYAML       `yaml:"export"`
	Notify       notifyYAML       `yaml:"notify"`
	Tickets      ticketsYAML      `yaml:"tickets"`
	Server       serverYAML       `yaml:"server"`
	Network      networkYAML      `yaml:"network"`
	Secrets      secretsYAML      `yaml:"secrets"`
	Telemetry    telemetryYAML    `yaml:"telemetry"`
}

type planYAML struct {
	Start time.Time `yaml:"start"`
}

type retentionYAML struct {
	Default time.Duration            `yaml:"default"`
	Kinds   map[string]time.Duration `yaml:"kinds"`
	Erase   bool                     `yaml:"erase"`
	Hold    Hold                     `yaml:"hold"`
}

type peopleYAML struct {
	Approvers     map[string][]string `yaml:"approvers"`
	SharedAccount bool                `yaml:"shared_account"`
	MaxWaiver     time.Duration       `yaml:"max_waiver"`
}

type findingsYAML struct {
	Due       map[string]time.Duration `yaml:"due"`
	OwnerRole string                   `yaml:"owner_role"`
}

type sourceYAML struct {
	Name      string            `yaml:"name,required"`
	Connector string            `yaml:"connector,required"`
	Schedule  string            `yaml:"schedule"`
	Timezone  string            `yaml:"timezone"`
	Jitter    time.Duration     `yaml:"jitter"`
	Blackout  []string          `yaml:"blackout"`
	Priority  int               `yaml:"priority"`
	Budget    budgetYAML        `yaml:"budget"`
	Timeout   time.Duration     `yaml:"timeout"`
	Kinds     []string          `yaml:"kinds"`
	Secrets   map[string]Secret `yaml:"secrets"`
	Config    json.RawMessage   `yaml:"config"`
}

type expectationsYAML struct {
	Params map[string]map[string]json.RawMessage `yaml:"params"`
	Files  []string                              `yaml:"files"`

	References string `yaml:"references"`
}

type limitsYAML struct {
	Concurrency      int           `yaml:"concurrency"`
	Run              time.Duration `yaml:"run"`
	Idle             time.Duration `yaml:"idle"`
	RecordBytes      Size          `yaml:"record_bytes"`
	Records          int64         `yaml:"records"`
	RunBytes         Size          `yaml:"run_bytes"`
	RecordsPerSecond int           `yaml:"records_per_second"`
}

func read(f *yamlfile.File, known Known) (*Config, error) {
	var y fileYAML
	f.Decode(&y)
	for i := range y.Sources {
		f.Redact(yamlfile.At("sources", i, "secrets"))
	}
	for i := range y.Ledger.Publish {
		f.Redact(yamlfile.At("ledger", "publish", i))
	}
	f.Redact(yamlfile.At("store"))
	f.Redact(yamlfile.At("server", "oidc", "client_secret"))
	r := reader{f: f, known: known, dir: filepath.Dir(f.Name())}
	c := r.config(y)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	orgPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

type reader struct {
	f     *yamlfile.File
	known Known
	dir   string
}

func (r reader) config(y fileYAML) *Config {
	at := yamlfile.At
	if y.Version != 1 && r.f.Has(at("version")) {
		r.f.Problemf(at("version"), "this program reads version 1").Hint("write version: 1")
	}
	if y.Organization != "" && !orgPattern.MatchString(y.Organization) {
		r.f.Problemf(at("organization"), "%q is not an id", y.Organization).Hint("letters, digits and . _ -, as organization.id in the register")
	}
	c := &Config{
		Path: r.f.Name(), Organization: y.Organization,
		Register:   resolve(r.dir, y.Register),
		Connectors: r.connectors(y.Connectors),
	}
	if y.Store == "" {
		y.Store = DefaultStore
	}
	store, err := ParseLocation(r.dir, y.Store)
	if err != nil {
		r.f.Problemf(at("store"), "%s", err)
	}
	c.Store = store
	c.Key = resolve(r.dir, y.Key)
	if c.Key == "" {
		c.Key = defaultKey(r.dir, store)
	}
	c.Schedule = r.scheduling(y.Schedule)
	seen := map[string]bool{}
	for i, s := range y.Sources {
		if s.Name != "" && seen[s.Name] {
			r.f.Problemf(at("sources", i, "name"), "%q is used twice", s.Name).Hint("one connector may serve several sources, each with its own name")
		}
		seen[s.Name] = true
		source := r.source(at("sources", i), s)
		r.timing(at("sources", i), s, c.Schedule, &source)
		c.Sources = append(c.Sources, source)
	}
	r.sameBudgets(c.Sources)
	c.Expectations = r.expectations(y.Expectations)
	c.Limits = r.limits(y.Limits)
	c.Findings = r.findings(y.Findings)
	c.People = r.people(y.People)
	c.Retention = r.retention(y.Retention)
	c.Plan = Plan(y.Plan)
	c.Ledger = r.ledger(y.Ledger)
	c.Export = r.export(y.Export)
	c.Notify = r.notify(y.Notify)
	c.Tickets = r.tickets(y.Tickets)
	c.Server = r.server(y.Server)
	c.Network = r.network(y.Network)
	c.Secrets = r.secrets(y.Secrets)
	c.Telemetry = r.telemetry(y.Telemetry)
	return c
}

// reserved are the names of sources that the product brings along.
var reserved = []string{"register", "import", "people", "exhibit", "shadow"}

func (r reader) source(at yamlfile.Path, y sourceYAML) Source {
	s := Source{
		Name: y.Name, Connector: y.Connector, Schedule: strings.TrimSpace(y.Schedule), Zone: time.UTC,
		Jitter: y.Jitter, Timeout: y.Timeout, Kinds: y.Kinds, Secrets: y.Secrets, Settings: y.Config,
	}
	if s.Settings == nil {
		s.Settings = json.RawMessage(`{}`)
	} else if s.Settings[0] != '{' {
		r.f.Problemf(at.Then("config"), "want a mapping")
	}
	switch {
	case y.Name == "":
	case !namePattern.MatchString(y.Name):
		r.f.Problemf(at.Then("name"), "%q is not the name of a source", y.Name).Hint("lower case letters, digits and -, beginning with a letter")
	case slices.Contains(reserved, y.Name):
		r.f.Problemf(at.Then("name"), "%q is the name of a built-in source", y.Name).Hint("choose another name")
	}
	if y.Connector != "" && !namePattern.MatchString(y.Connector) {
		r.f.Problemf(at.Then("connector"), "%q is not the name of a connector", y.Connector).
			Hint("the name without exhibit-connector-, for example github; `exhibit connectors` lists what is installed")
	}
	r.schedule(at, y, &s)
	for i, k := range y.Kinds {
		if len(r.known.Kinds) > 0 && !slices.Contains(r.known.Kinds, k) {
			p := r.f.Problemf(at.Then("kinds", i), "there is no kind %q", k)
			if near := yamlfile.Nearest(k, r.known.Kinds); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
	}
	return s
}

func (r reader) schedule(at yamlfile.Path, y sourceYAML, s *Source) {
	if y.Timezone != "" {
		zone, err := time.LoadLocation(y.Timezone)
		if err != nil || y.Timezone == "Local" {
			r.f.Problemf(at.Then("timezone"), "unknown time zone %q", y.Timezone).Hint("for example Europe/Berlin or UTC")
		} else {
			s.Zone = zone
		}
	}
	if limit := at.Then("timeout"); r.f.Has(limit) && !r.f.Faulty(limit) && y.Timeout <= 0 {
		r.f.Problemf(limit, "a run needs time")
	}
	if s.Schedule == "" {
		for _, key := range []string{"timezone", "jitter"} {
			if r.f.Has(at.Then(key)) {
				r.f.KeyProblemf(at.Then(key), "has no meaning without a schedule")
			}
		}
		return
	}
	if err := checkSchedule(s.Schedule, s.Zone); err != nil {
		r.f.Problemf(at.Then("schedule"), "%s", err).
			Hint(`five fields (minute hour day month weekday), such as "15 3 * * *", or @hourly, @daily, @every 30m`)
	}
}

// checkSchedule accepts what cron.ParseStandard does, except time zones within
// the expression, times that never come, and intervals below a minute.
func checkSchedule(spec string, zone *time.Location) error {
	if strings.Contains(spec, "TZ=") {
		return fmt.Errorf("the time zone does not belong into the schedule; use timezone")
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return fmt.Errorf("%q is not a schedule: %w", spec, err)
	}
	if every, ok := schedule.(cron.ConstantDelaySchedule); ok && every.Delay < time.Minute {
		return fmt.Errorf("%q is shorter than a minute", spec)
	}
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, zone)
	if schedule.Next(leapYear).IsZero() {
		return fmt.Errorf("%q never comes due", spec)
	}
	return nil
}

func (r reader) expectations(y expectationsYAML) Expectations {
	at := yamlfile.At("expectations")
	e := Expectations{Params: y.Params, References: resolve(r.dir, y.References)}
	for _, slug := range r.f.Root().Child("expectations").Child("params").Keys() {
		if len(r.known.Expectations) > 0 && !slices.Contains(r.known.Expectations, slug) {
			p := r.f.KeyProblemf(at.Then("params", slug), "there is no expectation %q", slug)
			if near := yamlfile.Nearest(slug, r.known.Expectations); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
	}
	for i, name := range y.Files {
		if name == "" {
			r.f.Problemf(at.Then("files", i), "want the path of a file")
		}
		e.Files = append(e.Files, resolve(r.dir, name))
	}
	return e
}

func (r reader) findings(y findingsYAML) Findings {
	out := DefaultFindings()
	at := yamlfile.At("findings", "due")
	for _, severity := range r.f.Root().Child("findings").Child("due").Keys() {
		here := at.Then(severity)
		switch _, known := out.Due[severity]; {
		case !known:
			r.f.KeyProblemf(here, "no severity is called %q", severity).Hint("severities are major, minor and observation")
		case r.f.Faulty(here):
		case y.Due[severity] <= 0:
			r.f.Problemf(here, "a finding needs time to be closed").Hint("for example 30d; leave it out for the default")
		default:
			out.Due[severity] = y.Due[severity]
		}
	}
	if y.OwnerRole != "" {
		out.OwnerRole = y.OwnerRole
	}
	return out
}

func (r reader) limits(y limitsYAML) Limits {
	for _, l := range []struct {
		key   string
		value int64
	}{
		{"concurrency", int64(y.Concurrency)}, {"run", int64(y.Run)}, {"idle", int64(y.Idle)},
		{"records", y.Records}, {"records_per_second", int64(y.RecordsPerSecond)},
	} {
		if at := yamlfile.At("limits", l.key); r.f.Has(at) && !r.f.Faulty(at) && l.value <= 0 {
			r.f.Problemf(at, "a limit is greater than zero").Hint("leave it out for the default")
		}
	}
	return Limits{
		Concurrency: y.Concurrency, Run: y.Run, Idle: y.Idle, RecordBytes: int64(y.RecordBytes),
		Records: y.Records, RunBytes: int64(y.RunBytes), RecordsPerSecond: y.RecordsPerSecond,
	}
}

// acts are what people.approvers can speak of.
var acts = []string{"waiver", "applicability", "review", "shadow"}

// longestWaiver is what no configuration can exceed.
const longestWaiver = 365 * 24 * time.Hour

func (r reader) people(y peopleYAML) People {
	at := yamlfile.At("people")
	for _, act := range r.f.Root().Child("people").Child("approvers").Keys() {
		if !slices.Contains(acts, act) {
			r.f.KeyProblemf(at.Then("approvers", act), "nothing is called %q", act).Hint("one of %s", strings.Join(acts, ", "))
		}
	}
	if limit := at.Then("max_waiver"); r.f.Has(limit) && !r.f.Faulty(limit) && (y.MaxWaiver <= 0 || y.MaxWaiver > longestWaiver) {
		r.f.Problemf(limit, "a waiver lasts at most 365 days, and at least a moment").Hint("365d is the default")
	}
	return People(y)
}

func (r reader) retention(y retentionYAML) Retention {
	at := yamlfile.At("retention")
	if limit := at.Then("default"); r.f.Has(limit) && !r.f.Faulty(limit) && y.Default <= 0 {
		r.f.Problemf(limit, "records are kept for a time").Hint("for example 2190d, six years")
	}
	for _, kind := range r.f.Root().Child("retention").Child("kinds").Keys() {
		place := at.Then("kinds", kind)
		switch {
		case len(r.known.Kinds) > 0 && !slices.Contains(r.known.Kinds, kind):
			p := r.f.KeyProblemf(place, "there is no kind %q", kind)
			if near := yamlfile.Nearest(kind, r.known.Kinds); near != "" {
				p.Hint("did you mean %s?", near)
			}
		case !r.f.Faulty(place) && y.Kinds[kind] <= 0:
			r.f.Problemf(place, "records are kept for a time").Hint("for example 2190d, six years")
		}
	}
	r.hold(y)
	return Retention(y)
}

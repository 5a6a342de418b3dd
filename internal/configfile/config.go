package configfile

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Names that are used when the file, or the command line, names nothing else.
const (
	DefaultName  = "exhibit.yaml"
	DefaultStore = "exhibit.db"
)

// Config is the content of exhibit.yaml with defaults filled in.
type Config struct {
	Path         string // of the file, absolute; empty for Default
	Organization string
	Store        Location
	Key          string // the signing key's file
	Register     string // register.yaml; empty if there is none
	Connectors   Connectors
	Sources      []Source // in the order of the file
	Expectations Expectations
	Limits       Limits
	Findings     Findings
	People       People
	Retention    Retention
	Plan         Plan
	Ledger       Ledger
	Export       Export
	Schedule     Schedule
	Notify       Notify
	Tickets      Tickets
	Server       Server
	Network      Network
	Secrets      Secrets
	Telemetry    Telemetry
}

// Plan says from when the roadmap to an audit counts.
type Plan struct {
	Start time.Time // zero: from the first entry of the ledger
}

// People says who may approve what others ask for.
type People struct {
	Approvers     map[string][]string // roles by act: waiver, applicability, review, shadow
	SharedAccount bool                // two people may act from one account of the machine
	MaxWaiver     time.Duration       // longest waiver; 0: 365 days, which is also the most
}

// Findings says by when shortfalls are to be closed, and who answers for what
// nobody owns.
type Findings struct {
	Due       map[string]time.Duration // by severity, from the opening
	OwnerRole string                   // role of the register
}

// DefaultFindings is what holds where the file says nothing.
func DefaultFindings() Findings {
	const day = 24 * time.Hour
	return Findings{
		Due:       map[string]time.Duration{"major": 30 * day, "minor": 90 * day, "observation": 180 * day},
		OwnerRole: "aims-manager",
	}
}

// Retention says how long records are kept. Payloads are erased by it only where
// somebody asks for it, or Erase is set; a check of the store holds erasures
// against it.
type Retention struct {
	Default time.Duration            // of kinds not named; 0: nobody decided
	Kinds   map[string]time.Duration // by kind
	Erase   bool                     // the agent erases daily what has been kept long enough
	Hold    Hold
}

// Of returns how long records of a kind are kept; 0 if nobody decided.
func (r Retention) Of(kind string) time.Duration {
	if d, ok := r.Kinds[kind]; ok {
		return d
	}
	return r.Default
}

// Source is a configured connector.
type Source struct {
	Name      string // [a-z][a-z0-9-]*, unique
	Connector string
	Schedule  string            // cron expression of five fields or a descriptor; empty: only when asked
	Zone      *time.Location    // of Schedule; never nil, UTC by default
	Jitter    time.Duration     // added to each due time, at most
	Blackout  []blackout.Window // its own and those of all; a time inside is put off to the end
	Priority  int               // 1 is read first … 4; 2 by default
	Budget    Budget            // of its credential; the zero value is none
	Timeout   time.Duration     // of a run; 0: the limit of all runs
	Kinds     []string          // kinds wanted; empty: all
	Secrets   map[string]Secret
	Settings  json.RawMessage // what stands under config, as a JSON object; the connector's schema says what may
}

// Expectations changes the expectations that the product ships with.
type Expectations struct {
	Params map[string]map[string]json.RawMessage // by slug and name of the parameter
	Files  []string                              // further files of expectations

	References string // file that says where each control stands in a licensed copy of the standard
}

// Limits is how much sources may take. Zero fields mean the built-in default.
type Limits struct {
	Concurrency      int           // sources read at the same time
	Run              time.Duration // of one run
	Idle             time.Duration // between two messages of a connector
	RecordBytes      int64         // payload of one record
	Records          int64         // records of one run
	RunBytes         int64         // all that one run sends
	RecordsPerSecond int           // more are held back
}

// Source returns the source with a name.
func (c *Config) Source(name string) (Source, bool) {
	i := slices.IndexFunc(c.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return c.Sources[i], true
}

// Default is the configuration of a directory without a file: a store and a
// key there, no sources.
func Default(dir string) (*Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c := &Config{Store: Location{text: filepath.Join(dir, DefaultStore)}, Connectors: Connectors{Confine: ConfineModes()[0]}, Findings: DefaultFindings(), Server: DefaultServer()}
	c.Key = defaultKey(dir, c.Store)
	return c, nil
}

func defaultKey(dir string, store Location) string {
	if store.IsURL() {
		return filepath.Join(dir, "exhibit.key")
	}
	return strings.TrimSuffix(store.text, filepath.Ext(store.text)) + ".key"
}

// Location is where a store is: the path of a SQLite file, or the URL of a
// PostgreSQL database. Its text form hides the URL's password.
type Location struct{ text string }

// ParseLocation reads a path, relative to dir, or a URL.
func ParseLocation(dir, s string) (Location, error) {
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return Location{}, fmt.Errorf("no store is named")
	case !isURL:
		return Location{text: resolve(dir, s)}, nil
	case scheme != "postgres" && scheme != "postgresql":
		return Location{}, fmt.Errorf("%q is not a kind of store; use a path, or postgres://…", scheme)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" || strings.Trim(u.Path, "/") == "" {
		return Location{}, fmt.Errorf("not a PostgreSQL URL; write postgres://user@host:5432/database")
	}
	return Location{text: s}, nil
}

// IsURL reports whether the store is a PostgreSQL database.
func (l Location) IsURL() bool { return strings.Contains(l.text, "://") }

// Reveal returns the path or the whole URL, password included. It is for
// opening the store only.
func (l Location) Reveal() string { return l.text }

// String is the path, or the URL without what may be secret: its password and
// its parameters.
func (l Location) String() string {
	if !l.IsURL() {
		return l.text
	}
	u, err := url.Parse(l.text)
	if err != nil {
		return "[store URL]"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// GoString is String, for %#v.
func (l Location) GoString() string { return l.String() }

// MarshalText is String.
func (l Location) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// resolve makes a path of the file absolute.
func resolve(dir, p string) string {
	if p == "" {
		return ""
	}
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(dir, p)
}

// Size is a number of bytes, written 4096, 512KiB, 4MiB or 32GiB.
type Size int64

// UnmarshalNode reads a whole number or a number with a unit.
func (s *Size) UnmarshalNode(n yamlfile.Node) {
	text, _ := n.Text()
	digits := strings.TrimRight(text, "KMGTiB")
	var value int64
	if _, err := fmt.Sscanf(digits, "%d", &value); err != nil || fmt.Sprint(value) != digits || value <= 0 {
		n.Problemf("%q is not a size", text).Hint("write 4096, 512KiB, 4MiB or 32GiB")
		return
	}
	shift, known := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[text[len(digits):]]
	if !known || value > 1<<(62-shift) {
		n.Problemf("%q is not a size", text).Hint("write 4096, 512KiB, 4MiB or 32GiB")
		return
	}
	*s = Size(value << shift)
}

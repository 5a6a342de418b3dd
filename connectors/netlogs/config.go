package netlogs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// config is the settings of one source.
type config struct {
	Logs        []*logConfig `json:"logs"`
	Groups      []group      `json:"groups"`
	GroupBy     string       `json:"group_by"`
	People      string       `json:"people"`
	NamesUnder  string       `json:"names_allowed_by"`
	Canaries    []string     `json:"canaries"`
	ReopenDays  int          `json:"reopen_days"`
	SilentAfter string       `json:"silent_after"`
	MaxLine     int          `json:"max_line_bytes"`
	MaxActors   int          `json:"max_actors"`

	silentAfter time.Duration
	salt        []byte
}

// logConfig is one log: files of one form.
type logConfig struct {
	Name      string            `json:"name"`
	Paths     []string          `json:"paths"`
	Format    string            `json:"format"`
	Channel   string            `json:"channel"`
	TimeZone  string            `json:"time_zone"`
	TimeForm  string            `json:"time_layout"`
	DayFirst  bool              `json:"day_first"`
	Undated   string            `json:"undated"`
	Columns   map[string]string `json:"columns"`
	Separator string            `json:"separator"`
	Logformat string            `json:"logformat"`
	Blocked   []string          `json:"blocked"`

	zone *time.Location
}

// group is a part of the network.
type group struct {
	Name        string   `json:"name"`
	Networks    []string `json:"networks"`
	Scope       string   `json:"scope"`
	Environment string   `json:"environment"`

	prefixes []netip.Prefix
}

// Values of settings.
const (
	peopleCount     = "count"
	peoplePseudonym = "pseudonym"
	peopleName      = "name"

	byNetwork = "network"
	byDomain  = "user_domain"
	byColumn  = "column"

	// secretSalt is the name of the secret behind pseudonyms.
	secretSalt = "salt"
	minSalt    = 16

	everybody = "all" // group of those in no other
)

// parseConfig decodes and checks the settings. Its error names every problem.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{GroupBy: byNetwork, People: peopleCount, ReopenDays: 7, SilentAfter: "24h", MaxLine: 1 << 20, MaxActors: 2000}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("netlogs: settings: %w", err)
	}
	c.salt = []byte(in.Secrets[secretSalt])
	var errs []error
	d, err := time.ParseDuration(c.SilentAfter)
	if err != nil || d < 0 {
		errs = append(errs, fmt.Errorf("silent_after: want a time such as 24h"))
	}
	c.silentAfter = d
	if len(c.salt) > 0 && len(c.salt) < minSalt {
		errs = append(errs, fmt.Errorf("secret salt: want at least %d letters", minSalt))
	}
	if c.People == peoplePseudonym && len(c.salt) == 0 {
		errs = append(errs, errors.New("people: pseudonym needs the secret salt: without it a pseudonym could be turned back into an address"))
	}
	if c.People == peopleName && strings.TrimSpace(c.NamesUnder) == "" {
		errs = append(errs, errors.New("people: name puts persons on record: say in names_allowed_by what allows it (agreement, policy, case number)"))
	}
	names := map[string]bool{}
	for i, l := range c.Logs {
		at := fmt.Sprintf("logs[%d] (%s)", i, l.Name)
		if names[l.Name] {
			errs = append(errs, fmt.Errorf("%s: the name stands twice", at))
		}
		names[l.Name] = true
		for _, err := range l.check() {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	errs = append(errs, c.checkGroups()...)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("netlogs: settings: %w", err)
	}
	return c, nil
}

func (c *config) checkGroups() (errs []error) {
	for i := range c.Groups {
		g := &c.Groups[i]
		for _, n := range g.Networks {
			p, err := netip.ParsePrefix(n)
			if err != nil {
				a, err2 := netip.ParseAddr(n)
				if err2 != nil {
					errs = append(errs, fmt.Errorf("groups[%d] (%s): %q is no network such as 10.1.0.0/16", i, g.Name, n))
					continue
				}
				p = netip.PrefixFrom(a, a.BitLen())
			}
			g.prefixes = append(g.prefixes, p.Masked())
		}
	}
	return errs
}

func (l *logConfig) check() (errs []error) {
	var err error
	if l.zone, err = time.LoadLocation(l.TimeZone); err != nil || l.TimeZone == "Local" {
		errs = append(errs, fmt.Errorf("time_zone %q: want a name such as Europe/Berlin", l.TimeZone))
		l.zone = time.UTC
	}
	for i, p := range l.Paths {
		if _, err := filepath.Match(p, ""); err != nil || !filepath.IsAbs(p) {
			errs = append(errs, fmt.Errorf("paths[%d] %q: want an absolute path, whose parts may hold * ? and [a-z]", i, p))
		}
	}
	for r, column := range l.Columns {
		if roleNames[r] == noRole {
			errs = append(errs, fmt.Errorf("columns: %q is nothing that is read; there are %s", r, strings.Join(sortedKeys(roleNames), ", ")))
		}
		if column == "" {
			errs = append(errs, fmt.Errorf("columns: %s is empty", r))
		}
	}
	if l.Format == "" {
		l.Format = "auto"
	}
	if l.Format == "auto" {
		return errs
	}
	f, ok := formatOf(l.Format)
	if !ok {
		return append(errs, fmt.Errorf("format %q: there are %s", l.Format, strings.Join(formatNames(), ", ")))
	}
	if f.channel == "" && l.Channel == "" && !strings.HasPrefix(f.name, "zeek") {
		errs = append(errs, fmt.Errorf("format %s: say in channel whether it is a log of dns, a proxy or a firewall", f.name))
	}
	if slices.Contains([]string{"csv", "tsv", "json", "keyvalue"}, f.name) {
		if l.Columns["time"] == "" || l.Columns["host"] == "" && l.Columns["url"] == "" && l.Columns["sni"] == "" {
			errs = append(errs, fmt.Errorf("format %s: columns has to name time, and host, url or sni", f.name))
		}
	}
	if _, err := f.parser(l); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// channelOf is the channel of a log's records. What only listens to the network
// stands where a firewall does.
func (l *logConfig) channelOf(f format, head []byte) string {
	switch {
	case l.Channel != "":
		return l.Channel
	case f.channel != "":
		return f.channel
	case strings.Contains(string(head[:min(len(head), 4096)]), "query"):
		return "dns"
	}
	return "firewall"
}

// clock makes one for a file that was last written at ref.
func (l *logConfig) clock(ref, now time.Time) clock {
	if ref.After(now) {
		ref = now
	}
	c := clock{zone: l.zone, ref: ref, latest: now.Add(5 * time.Minute).Unix(), layout: l.TimeForm, day: l.DayFirst}
	if l.Undated == "file_time" {
		c.undated = ref.Unix()
	}
	for _, w := range l.Blocked {
		c.blocked = append(c.blocked, strings.ToLower(w))
	}
	return c
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

package shadow

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// States of a source and of a channel.
const (
	Reporting = "reporting"
	Partial   = "partial" // the last reading did not see all
	Silent    = "silent"  // no reading ended for silentAfter
	Failing   = "failing" // the last reading failed
	Never     = "never configured"
)

// silentAfter is how old the last reading of a source that reports may be.
const silentAfter = 2 * day

// Coverage is what was looked at, and what was not.
type Coverage struct {
	Channels []ChannelState `json:"channels"`
	Sources  []SourceState  `json:"sources"`

	Repositories Share `json:"repositories"` // that are not archived, by a scan of their code
	Accounts     Share `json:"cloud_accounts"`
	Vendors      Share `json:"vendor_organisations"`
	Archived     int   `json:"archived_repositories"` // not counted

	Denominator int     `json:"denominator"`
	Covered     int     `json:"covered"`
	Percent     float64 `json:"coverage_pct"`
}

// Share is how many of what is known were looked at, and which were not.
type Share struct {
	Known    int       `json:"known"`
	LookedAt int       `json:"looked_at"`
	Missed   []Missed  `json:"missed"`
	Skipped  []Skipped `json:"skipped,omitempty"` // looked at, but for some files
}

// Missed is something known that was not looked at.
type Missed struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Skipped is a repository of which some files were not read.
type Skipped struct {
	Name  string `json:"name"`
	Files int64  `json:"files"`
}

// ChannelState is how one way of looking for AI stands.
type ChannelState struct {
	Channel string   `json:"channel"`
	State   string   `json:"state"`
	Sources []string `json:"sources"`
}

// SourceState is how a source that could show AI stands.
type SourceState struct {
	Source    string    `json:"source"`
	Connector string    `json:"connector"`
	State     string    `json:"state"`
	LastRun   time.Time `json:"last_run"`
	Channels  []string  `json:"channels"`
	Detail    string    `json:"detail,omitempty"`
}

// connectorChannels are what connectors are there to look at, should they have
// seen nothing yet.
var connectorChannels = map[string]string{"netlogs": ChannelNetwork, "okta": ChannelSSO, "entra": ChannelSSO, "googleworkspace": ChannelSSO,
	"kubernetes": ChannelWorkloads, "expenses": ChannelExpenses}

// otherChannels are those of connectors whose kinds say it once they were read.
var otherChannels = map[string]string{"github": ChannelCode, "aws": ChannelCloud, "azure": ChannelCloud, "gcp": ChannelCloud, "openai": ChannelVendor, "anthropic": ChannelVendor}

// ChannelOf is what a connector is there to look at; empty if it does not look
// for AI.
func ChannelOf(connector string) string {
	return or(connectorChannels[connector], otherChannels[connector])
}

// builtIn are sources that look for nothing themselves.
var builtIn = []string{"register", "people", "exhibit", Source}

// seen is what was looked at.
type seen struct {
	repos    map[string]repoSeen
	scans    map[string]scanSeen
	accounts map[string]*set // sources by account
	vendors  map[string]*set // sources by vendor
	channels map[string]*set // of sightings, by source
	runs     map[string]*evidence.Run
}

type repoSeen struct {
	name     string
	pushed   time.Time
	archived bool
	leftOut  string // why no source looks at it any more
}

type scanSeen struct {
	source         string
	finished       time.Time
	files, skipped int64
}

func newSeen() seen {
	return seen{repos: map[string]repoSeen{}, scans: map[string]scanSeen{}, accounts: map[string]*set{}, vendors: map[string]*set{},
		channels: map[string]*set{}, runs: map[string]*evidence.Run{}}
}

func addTo(m map[string]*set, key, item string) {
	if key == "" || item == "" {
		return
	}
	if m[key] == nil {
		m[key] = &set{}
	}
	m[key].add(item)
}

func (s *seen) vendor(vendor, source string)   { addTo(s.vendors, lower(vendor), source) }
func (s *seen) channel(source, channel string) { addTo(s.channels, source, channel) }
func (s *seen) account(cloud, account, source string) {
	if account != "" {
		addTo(s.accounts, strings.TrimSpace(cloud+" "+account), source)
	}
}

func (s *seen) repository(name string, is repoSeen) {
	if have, known := s.repos[lower(name)]; known {
		is.name, is.pushed, is.archived = min(is.name, have.name), later(is.pushed, have.pushed), is.archived && have.archived
		if have.leftOut == "" || is.leftOut == "" {
			is.leftOut = "" // one source looks at it
		}
		is.leftOut = min(is.leftOut, have.leftOut)
	}
	s.repos[lower(name)] = is
}

func (s *seen) scan(source, repo string, finished time.Time, files, skipped int64) {
	have, known := s.scans[lower(repo)]
	if known && cmp.Or(have.finished.Compare(finished), cmp.Compare(have.skipped, skipped), cmp.Compare(have.files, files), cmp.Compare(have.source, source)) >= 0 {
		return
	}
	s.scans[lower(repo)] = scanSeen{source, finished, files, skipped}
}

// run keeps the newest run of each source that could show AI.
// One that is dated later than now counts only where there is no other.
func (s *seen) run(run *evidence.Run, now time.Time) {
	source := run.Provenance.Source
	if slices.Contains(builtIn, source) {
		return
	}
	have := s.runs[source]
	if have != nil && toCome(run, now) != toCome(have, now) {
		if toCome(have, now) {
			s.runs[source] = run
		}
		return
	}
	if have == nil || cmp.Or(run.FinishedAt.Compare(have.FinishedAt), cmp.Compare(run.ID, have.ID)) > 0 {
		s.runs[source] = run
	}
}

// ahead is how far the clock of an agent may be ahead.
const ahead = time.Hour

// toCome reports whether a run is dated later than now: the clock of its agent
// was wrong, and when it ran nobody can tell.
func toCome(run *evidence.Run, now time.Time) bool { return run.FinishedAt.After(now.Add(ahead)) }

// stale says why a run is too old to tell how things are; empty if it is not.
func (r *reader) stale(run *evidence.Run) string {
	switch {
	case toCome(run, r.in.Now):
		return "last read on " + run.FinishedAt.UTC().Format(time.DateOnly) + " by its clock, which was wrong"
	case r.in.Now.Sub(run.FinishedAt) > silentAfter:
		return "last read on " + run.FinishedAt.UTC().Format(time.DateOnly)
	}
	return ""
}

// LookedAt reports whether anything was looked at: a source that only ever
// failed looked at nothing.
func (c *Coverage) LookedAt() bool {
	return slices.ContainsFunc(c.Sources, func(s SourceState) bool { return s.State != Failing })
}

func (r *reader) coverage() Coverage {
	c := Coverage{Channels: []ChannelState{}, Sources: []SourceState{}}
	for _, source := range slices.Sorted(maps.Keys(r.seen.runs)) {
		if s, ok := r.source(r.seen.runs[source]); ok {
			c.Sources = append(c.Sources, s)
		}
	}
	for _, channel := range Channels {
		c.Channels = append(c.Channels, stateOf(channel, c.Sources))
	}
	c.Repositories = r.repositories(&c)
	c.Accounts = share(r.seen.accounts, func(sources set) string { return r.recent(sources, ChannelCloud) })
	c.Vendors = share(r.knownVendors(), func(sources set) string { return r.recent(sources, ChannelVendor) })
	for _, s := range []Share{c.Repositories, c.Accounts, c.Vendors} {
		c.Denominator += s.Known
		c.Covered += s.LookedAt
	}
	if c.Denominator > 0 { // rounded down: what was not looked at is never rounded away
		c.Percent = math.Floor(float64(c.Covered)*1000/float64(c.Denominator)) / 10
	}
	return c
}

// source says how a source stands, if it could show AI at all.
func (r *reader) source(run *evidence.Run) (SourceState, bool) {
	s := SourceState{Source: run.Provenance.Source, Connector: run.Provenance.Connector, LastRun: run.FinishedAt.UTC(), State: Reporting}
	var channels set
	whole := true
	for kind, k := range run.Kinds {
		channel, ours := signKinds[kind]
		if !ours || k.Coverage == "" {
			continue
		}
		if channel == "" {
			channel = connectorChannels[run.Provenance.Connector]
			if list := r.seen.channels[s.Source]; list != nil {
				channels.add(*list...)
				channel = ""
			}
		}
		channels.add(channel)
		whole = whole && k.Coverage == "complete"
	}
	if known := connectorChannels[run.Provenance.Connector]; known != "" {
		channels.add(known)
	}
	if list := r.seen.channels[s.Source]; list != nil {
		channels.add(*list...)
	}
	if len(channels) == 0 && run.Status == evidence.RunFailed { // it read nothing, so no kind says what it is there for
		channels.add(otherChannels[run.Provenance.Connector])
	}
	s.Channels = channels.list()
	switch {
	case r.stale(run) != "":
		s.State, s.Detail = Silent, r.stale(run)
	case run.Status == evidence.RunFailed:
		s.State, s.Detail = Failing, run.Error
	case !whole || run.Status == evidence.RunPartial:
		s.State, s.Detail = Partial, gapText(run.Gaps)
	}
	return s, len(channels) > 0
}

func gapText(gaps []evidence.Gap) string {
	if len(gaps) == 0 {
		return ""
	}
	text := gaps[0].Scope + ": " + gaps[0].Reason
	if more := len(gaps) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// stateOf is the best state of the sources of a channel; partial, where one
// reports and another does not.
func stateOf(channel string, sources []SourceState) ChannelState {
	c := ChannelState{Channel: channel, State: Never, Sources: []string{}}
	mixed := false
	best := []string{Reporting, Partial, Silent, Failing, Never}
	for _, s := range sources {
		if !slices.Contains(s.Channels, channel) {
			continue
		}
		c.Sources = append(c.Sources, s.Source)
		mixed = mixed || s.State != Reporting
		if slices.Index(best, s.State) < slices.Index(best, c.State) {
			c.State = s.State
		}
	}
	if mixed && c.State == Reporting {
		c.State = Partial
	}
	return c
}

// repositories says whose code was scanned as it is now.
func (r *reader) repositories(c *Coverage) Share {
	s := Share{Missed: []Missed{}}
	for _, key := range slices.Sorted(maps.Keys(r.seen.repos)) {
		repo := r.seen.repos[key]
		if repo.archived {
			c.Archived++
			continue
		}
		s.Known++
		scan, scanned := r.seen.scans[key]
		switch {
		case repo.leftOut != "":
			s.Missed = append(s.Missed, Missed{repo.name, repo.leftOut})
			continue
		case !scanned:
			s.Missed = append(s.Missed, Missed{repo.name, r.notScanned(repo.name)})
			continue
		case r.in.Now.Sub(scan.finished) > silentAfter:
			if why := r.notAgain(scan, repo); why != "" {
				s.Missed = append(s.Missed, Missed{repo.name, why})
				continue
			}
		}
		s.LookedAt++
		if scan.skipped > 0 {
			s.Skipped = append(s.Skipped, Skipped{repo.name, scan.skipped})
		}
	}
	return s
}

// notAgain says why a scan of some days ago does not tell how the code is now;
// empty if its source has looked since and found it as it was: a push to
// another branch leaves the scan as it is.
func (r *reader) notAgain(scan scanSeen, repo repoSeen) string {
	run, on := r.seen.runs[scan.source], scan.finished.UTC().Format(time.DateOnly)
	switch {
	case scan.finished.Before(repo.pushed) && (run == nil || run.Status == evidence.RunFailed || run.FinishedAt.Before(repo.pushed)):
		return "pushed to since it was scanned on " + on
	case run == nil:
		return "no run of source " + scan.source + " ended since it was scanned on " + on
	case r.stale(run) != "":
		return "source " + scan.source + " was " + r.stale(run)
	case run.Status == evidence.RunFailed:
		return "source " + scan.source + " failed since it was scanned on " + on
	}
	if _, read := run.Kinds["code.scan_run"]; !read {
		return "source " + scan.source + " scans no code any more; it was scanned on " + on
	}
	return codeGap(run, repo.name)
}

// notScanned says why a repository was not scanned: a gap names it, or nobody
// scans code.
func (r *reader) notScanned(repo string) string {
	for _, source := range slices.Sorted(maps.Keys(r.seen.runs)) {
		if why := codeGap(r.seen.runs[source], repo); why != "" {
			return why
		}
	}
	return "its code was never scanned"
}

// codeGap is why a run could not see the code of a repository; empty if it says
// nothing of that.
func codeGap(run *evidence.Run, repo string) string {
	for _, g := range run.Gaps {
		codes := slices.ContainsFunc(g.Kinds, func(k string) bool { return strings.HasPrefix(k, "code.") })
		if codes && mentions(lower(g.Scope), lower(repo)) {
			return strings.TrimSuffix(g.Reason+": "+g.Detail, ": ")
		}
	}
	return ""
}

// mentions reports whether a text names a repository, and not one whose name
// only begins or ends so.
func mentions(text, repo string) bool {
	inName := func(b byte) bool {
		return b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 0x80
	}
	for at := 0; repo != ""; at++ {
		i := strings.Index(text[at:], repo)
		if i < 0 {
			return false
		}
		at += i
		before, after := text[:at], text[at+len(repo):]
		dotted := len(after) > 1 && after[0] == '.' && inName(after[1])
		if (before == "" || !inName(before[len(before)-1])) && (after == "" || !inName(after[0])) && !dotted {
			return true
		}
	}
	return false
}

// knownVendors are vendors that a source reads, and those of the register that
// serve models, read or not.
func (r *reader) knownVendors() map[string]*set {
	out := maps.Clone(r.seen.vendors)
	for _, v := range r.vendors {
		if _, read := out[lower(v.id)]; !read && r.servesModels(v) {
			out[lower(v.id)] = &set{}
		}
	}
	return out
}

func (r *reader) servesModels(v vendorEntry) bool {
	return slices.ContainsFunc(append(r.in.Signs.Vendor(v.name), r.in.Signs.Vendor(v.id)...), func(s *aisign.Signature) bool {
		return s.Category == aisign.Provider || s.Category == aisign.Gateway
	})
}

func share(known map[string]*set, missed func(set) string) Share {
	s := Share{Known: len(known), Missed: []Missed{}}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if why := missed(*known[name]); why != "" {
			s.Missed = append(s.Missed, Missed{name, why})
			continue
		}
		s.LookedAt++
	}
	return s
}

// recent says why none of these sources read a channel whole of late; empty if
// one did.
func (r *reader) recent(sources set, channel string) string {
	if len(sources) == 0 {
		return "no source reads it"
	}
	why := ""
	for _, source := range sources {
		run := r.seen.runs[source]
		if run == nil {
			why = or(why, "no run of source "+source+" ended")
			continue
		}
		whole := false
		for kind, k := range run.Kinds {
			if signKinds[kind] == channel && k.Coverage != "" {
				whole = k.Coverage == "complete"
				if !whole {
					break
				}
			}
		}
		switch {
		case r.stale(run) != "":
			why = or(why, "source "+source+" was "+r.stale(run))
		case !whole:
			why = or(why, "source "+source+" did not see all of it")
		default:
			return ""
		}
	}
	return why
}

// Scope says in words what was looked at.
func (c *Coverage) Scope() string {
	part := func(s Share, what string) string { return fmt.Sprintf("%d of %d %s", s.LookedAt, s.Known, what) }
	text := strings.Join([]string{part(c.Repositories, "repositories"), part(c.Accounts, "cloud accounts"), part(c.Vendors, "vendor organisations")}, ", ")
	by := map[string][]string{}
	for _, ch := range c.Channels {
		state := ch.State
		by[state] = append(by[state], ch.Channel)
	}
	for _, state := range []string{Reporting, Partial, Silent, Failing, Never} {
		if len(by[state]) > 0 {
			text += "; " + state + ": " + strings.Join(by[state], ", ")
		}
	}
	return text
}

// Scan is the payload of KindScan.
type Scan struct {
	Run         string   `json:"run_id"`
	Sources     []string `json:"sources"`
	Scope       string   `json:"scope"`
	Denominator int      `json:"denominator"`
	Percent     float64  `json:"coverage_pct"`
	Finished    moment   `json:"finished_at"`
}

// Scan is the coverage as it is put on record.
func (c *Coverage) Scan(now time.Time) Scan {
	s := Scan{Run: "shadow-" + now.UTC().Format("20060102T150405Z"), Sources: []string{}, Scope: c.Scope(), Denominator: c.Denominator, Percent: c.Percent, Finished: at(now)}
	for _, source := range c.Sources {
		if source.State == Reporting || source.State == Partial {
			s.Sources = append(s.Sources, source.Source)
		}
	}
	return s
}

// Says reports whether two statements say the same, whenever they were made.
func (s Scan) Says(other Scan) bool {
	return s.Scope == other.Scope && s.Denominator == other.Denominator && s.Percent == other.Percent && slices.Equal(s.Sources, other.Sources)
}

// Record is the statement as it is put on record.
func (s Scan) Record() (evidence.Record, error) {
	raw, err := payload(s)
	if err != nil {
		return evidence.Record{}, fmt.Errorf("scan %s: %w", s.Run, err)
	}
	return evidence.Record{Kind: KindScan, Major: 1, Subject: organization, Key: s.Run, EventTime: s.Finished.Time, Payload: raw}, nil
}

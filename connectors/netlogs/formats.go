package netlogs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// parser reads the lines of one file, in order. prime gives it the file's
// beginning, also when it goes on in the middle.
type parser interface {
	prime(head []byte) error
	parse(line []byte, e *event) verdict
}

var (
	_ parser = (*layout)(nil)
	_ parser = (*columns)(nil)
	_ parser = (*jsonl)(nil)
	_ parser = (*keyed)(nil)
	_ parser = coredns{}
	_ parser = unbound{}
	_ parser = dnsmasq{}
	_ parser = bind{}
	_ parser = windows{}
)

// format is a form of logs by the name that settings give it.
type format struct {
	name    string
	channel string // of its records; empty: the settings say it
	about   string
	columns map[string]role // for those that are read by names
	whole   bool            // its lines hold their envelope: the time is read from their beginning
	guess   bool            // it can be told by its lines
	headed  bool            // lines with a # say what the columns are
	make    func(l *logConfig, names map[string]role) (parser, error)
}

// roles of columns as settings of a log write them: by role, so that a person
// reads time: datetime.
func fixed(p parser) func(*logConfig, map[string]role) (parser, error) {
	return func(*logConfig, map[string]role) (parser, error) { return p, nil }
}

func laid(text string) func(*logConfig, map[string]role) (parser, error) {
	return func(*logConfig, map[string]role) (parser, error) { return newLayout(text) }
}

func headed(mark string, sep byte, quoted bool) func(*logConfig, map[string]role) (parser, error) {
	return func(_ *logConfig, names map[string]role) (parser, error) {
		c := newColumns(sep, quoted, names)
		c.mark = mark
		return c, nil
	}
}

func separated(sep byte) func(*logConfig, map[string]role) (parser, error) {
	return func(l *logConfig, names map[string]role) (parser, error) {
		if l.Separator != "" {
			sep = l.Separator[0]
		}
		return newColumns(sep, true, names), nil
	}
}

func objects(_ *logConfig, names map[string]role) (parser, error) { return newJSONL(names), nil }

func pairs(style byte) func(*logConfig, map[string]role) (parser, error) {
	return func(_ *logConfig, names map[string]role) (parser, error) { return newKeyed(style, names), nil }
}

// formats are all forms, in the order in which they are tried.
func formats() []format {
	return []format{
		{name: "squid", channel: "proxy", about: "squid's own access.log", guess: true, make: laid(layoutSquid)},
		{name: "combined", channel: "proxy", about: "squid's logformat combined or common", guess: true, make: laid(layoutCombined)},
		{name: "coredns", channel: "dns", about: "CoreDNS, plugin log", whole: true, guess: true, make: fixed(coredns{})},
		{name: "bind", channel: "dns", about: "BIND, category queries", whole: true, guess: true, make: fixed(bind{})},
		{name: "unbound", channel: "dns", about: "unbound, log-queries and log-replies", whole: true, guess: true, make: fixed(unbound{})},
		{name: "dnsmasq", channel: "dns", about: "dnsmasq and Pi-hole, log-queries", whole: true, guess: true, make: fixed(dnsmasq{})},
		{name: "windows_dns", channel: "dns", about: "debug log of the DNS service of Windows", whole: true, guess: true, make: fixed(windows{})},
		{name: "zeek", about: "Zeek's dns.log, ssl.log and http.log, as columns", guess: true, headed: true, columns: zeekColumns(), make: headed("#fields", '\t', false)},
		{name: "w3c", channel: "proxy", about: "W3C's extended format with #Fields", guess: true, headed: true, columns: w3cColumns(), make: headed("#Fields:", ' ', true)},
		{name: "zeek_json", about: "the same as JSON", guess: true, columns: zeekColumns(), make: objects},
		{name: "route53_resolver", channel: "dns", about: "queries of VPCs, from the resolver of Route 53", guess: true, columns: map[string]role{
			"query_timestamp": roleTime, "query_name": roleHost, "srcaddr": roleClient, "rcode": roleStatus, "firewall_rule_action": roleAction}, make: objects},
		{name: "adguard", channel: "dns", about: "AdGuard Home's querylog.json", guess: true, columns: map[string]role{
			"T": roleTime, "QH": roleHost, "IP": roleClient, "Result.IsFiltered": roleAction}, make: objects},
		{name: "pihole", channel: "dns", about: "queries of Pi-hole's API, one a line", guess: true, columns: map[string]role{
			"time": roleTime, "domain": roleHost, "client.ip": roleClient, "status": roleAction}, make: objects},
		{name: "gcp_dns", channel: "dns", about: "Cloud DNS, from Cloud Logging", guess: true, columns: map[string]role{
			"timestamp": roleTime, "jsonPayload.queryName": roleHost, "jsonPayload.sourceIP": roleClient, "jsonPayload.responseCode": roleStatus}, make: objects},
		{name: "azure_firewall", channel: "firewall", about: "structured logs of Azure Firewall", guess: true, columns: map[string]role{
			"time": roleTime, "properties.Fqdn": roleHost, "properties.QueryName": roleHost, "properties.SourceIp": roleClient, "properties.Action": roleAction}, make: objects},
		{name: "fortigate", channel: "firewall", about: "FortiGate's key=value", guess: true, columns: map[string]role{
			"date": roleDate, "time": roleTime, "tz": roleZone, "hostname": roleHost, "srcip": roleClient, "user": roleUser, "action": roleAction,
			"sentbyte": roleOut, "agent": roleAgent}, make: pairs('k')},
		{name: "umbrella", channel: "dns", about: "Cisco Umbrella's DNS log as CSV", guess: true, columns: map[string]role{
			"1": roleTime, "2": roleUser, "4": roleClient, "6": roleAction, "8": roleStatus, "9": roleHost}, make: separated(',')},
		{name: "route53", channel: "dns", about: "query logs of public zones of Route 53", guess: true, make: laid(layoutRoute53)},
		{name: "logformat", channel: "proxy", about: "a logformat of squid from the settings", make: func(l *logConfig, _ map[string]role) (parser, error) {
			return newLayout(l.Logformat)
		}},
		{name: "csv", about: "columns by the settings", make: separated(',')},
		{name: "tsv", about: "columns by the settings", make: separated('\t')},
		{name: "json", about: "an object a line, keys by the settings", make: objects},
		{name: "keyvalue", channel: "firewall", about: "key=value, keys by the settings", make: pairs('k')},
		{name: "cef", channel: "firewall", about: "ArcSight's form", columns: map[string]role{
			"rt": roleTime, "dhost": roleHost, "request": roleURL, "src": roleClient, "suser": roleUser, "out": roleOut, "act": roleAction,
			"requestClientApplication": roleAgent, "dpt": rolePort}, make: pairs('c')},
		{name: "leef", channel: "firewall", about: "QRadar's form", columns: map[string]role{
			"devTime": roleTime, "dstHost": roleHost, "url": roleURL, "src": roleClient, "usrName": roleUser, "srcBytes": roleOut, "action": roleAction,
			"dstPort": rolePort}, make: pairs('l')},
	}
}

func zeekColumns() map[string]role {
	return map[string]role{
		"ts": roleTime, "query": roleHost, "host": roleHost, "server_name": roleSNI, "id.orig_h": roleClient, "id.resp_p": rolePort,
		"user_agent": roleAgent, "username": roleUser, "request_body_len": roleOut, "rcode_name": roleStatus,
	}
}

func w3cColumns() map[string]role {
	return map[string]role{
		"date": roleDate, "time": roleTime, "cs-host": roleHost, "cs-uri": roleURL, "r-host": roleHost, "c-ip": roleClient, "cs-username": roleUser,
		"cs-bytes": roleOut, "sc-status": roleStatus, "sc-filter-result": roleAction, "s-action": roleAction, "cs(user-agent)": roleAgent,
	}
}

// formatOf returns a form by its name.
func formatOf(name string) (format, bool) {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == name })
	if i < 0 {
		return format{}, false
	}
	return all[i], true
}

// parser makes one for a file. Columns of the settings add to those that the
// form knows, and take their place.
func (f format) parser(l *logConfig) (parser, error) {
	names := maps.Clone(f.columns)
	if names == nil {
		names = map[string]role{}
	}
	lower := f.name == "csv" || f.name == "tsv" || f.name == "zeek" || f.name == "w3c" || f.name == "umbrella"
	for roleName, column := range l.Columns {
		r := roleNames[roleName]
		for old, was := range names {
			if was == r && len(f.columns) > 0 {
				delete(names, old)
			}
		}
		if lower {
			column = strings.ToLower(column)
		}
		names[column] = r
	}
	return f.make(l, names)
}

// sample is how many lines of a file decide about its form.
const sample = 60

// probe is the beginning of a file, to be tried as this form or that.
type probe struct {
	head  []byte
	lines [][]byte
	table *table
	clock clock
}

func newProbe(head []byte, t *table, c clock) *probe { return &probe{head, firstLines(head), t, c} }

var errNoLine = errors.New("it holds no whole line yet")

// detect tells the form of a file by its first lines, and the envelope.
func (p *probe) detect() (format, envelope, error) {
	if len(p.lines) == 0 {
		return format{}, bareLines, errNoLine
	}
	if slices.ContainsFunc(p.lines[:min(2, len(p.lines))], flowLog) {
		return format{}, bareLines, errors.New("it is a VPC flow log, which holds addresses and no names of hosts: give the resolver's query logs instead")
	}
	var best format
	var in envelope
	most, tried := 0, 0
	for _, f := range formats() {
		if !f.guess {
			continue
		}
		for _, env := range f.envelopes() {
			tried++
			if n := p.read(f, env, &logConfig{}); n > most {
				best, in, most = f, env, n
			}
		}
	}
	if most == 0 || 4*most < len(p.lines) && !best.whole && !best.headed {
		return format{}, bareLines, fmt.Errorf("its first lines are of no form that is known (%d were tried): name its format in the settings, with columns if it is csv, json or keyvalue", tried)
	}
	return best, in, nil
}

// envelopes are those that lines of a form may lie in.
func (f format) envelopes() []envelope {
	if f.whole {
		return []envelope{bareLines, dockerLines}
	}
	return []envelope{bareLines, syslogLines, dockerLines}
}

// wrapping tells the envelope of a file whose form is known.
func (p *probe) wrapping(f format, l *logConfig) envelope {
	best, most := bareLines, 0
	for _, env := range f.envelopes() {
		if n := p.read(f, env, l); n > most {
			best, most = env, n
		}
	}
	return best
}

// read counts the lines that are understood as requests of a form; none if more
// are not understood.
func (p *probe) read(f format, env envelope, l *logConfig) int {
	parser, err := f.parser(l)
	if err != nil || parser.prime(p.head) != nil {
		return 0
	}
	n, wrong := 0, 0
	c := p.clock
	e := &event{table: p.table, clock: &c, any: true}
	for _, line := range p.lines {
		e.reset()
		body, ok := env.open(line, e)
		if !ok {
			wrong++
			continue
		}
		switch parser.parse(body, e) {
		case hit, miss, canary, undated, untimely:
			n++
		case bad:
			wrong++
		}
	}
	if wrong > n {
		return 0
	}
	return n
}

func firstLines(head []byte) [][]byte {
	var out [][]byte
	for len(out) < sample && len(head) > 0 {
		line, rest, whole := field(head, '\n')
		if !whole && len(out) > 0 {
			break // perhaps cut
		}
		if line = bytes.Trim(line, "\r\x00"); len(bytes.TrimSpace(line)) > 0 {
			out = append(out, line)
		}
		head = rest
	}
	return out
}

// flowLog knows AWS VPC flow logs.
func flowLog(b []byte) bool {
	return bytes.Contains(b, []byte(" eni-")) && (bytes.Contains(b, []byte(" ACCEPT ")) || bytes.Contains(b, []byte(" REJECT "))) ||
		bytes.HasPrefix(b, []byte("version account-id interface-id"))
}

// names of all forms, for messages.
func formatNames() []string {
	out := []string{"auto"}
	for _, f := range formats() {
		out = append(out, f.name)
	}
	return out
}

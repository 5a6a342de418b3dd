package netlogs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// target is one signature as people or as software reach it.
type target struct {
	sign  *aisign.Signature
	field string // hosts: its API, which software uses; web: its pages, which people use; ports
}

func (t *target) web() bool { return t.field == "web" }

// rule names the list of the signature, as openai/hosts.
func (t *target) rule() string { return t.sign.ID + "/" + t.field }

// pattern is one entry of a signature's hosts.
type pattern struct {
	parts  []string // around each *; one part: the name itself
	port   int      // 0: any
	letter int      // letters that are not *: the more, the closer
	mixed  bool     // the host serves other products of the vendor too
	to     *target
}

// table finds the signature of a host. Patterns are kept by the hash of their
// last two labels, so that nearly every host of a log is turned away by one
// look. The zero value finds nothing.
type table struct {
	slots   []slot // open addressing; a power of two
	mask    uint64
	anyHost []pattern // patterns without a fixed ending, which have a port
	ports   map[int]bool
	targets []*target
	canary  []pattern // of the settings
}

type slot struct {
	hash     uint64
	patterns []pattern
}

// mixedHosts are hosts of signatures that serve other products of the vendor
// beside AI: to ask for one shows no use of AI.
var mixedHosts = []string{"notion.so", "www.notion.so", "*.notion.so", "huggingface.co", "*.huggingface.co", "*.grammarly.com", "app.grammarly.com", "replit.com", "*.replit.com"}

// newTable compiles the hosts of all signatures.
func newTable(all []*aisign.Signature, canaries []string) *table {
	t := &table{ports: map[int]bool{}}
	byEnd := map[uint64][]pattern{}
	add := func(to *target, entry string, doubt bool) {
		p := newPattern(entry)
		p.to, p.mixed = to, doubt || to.sign.Weak || slices.Contains(mixedHosts, strings.ToLower(entry))
		end, fixed := ending(p.parts)
		if !fixed {
			if p.port > 0 { // a name without an ending and a port would be every host
				t.anyHost, t.ports[p.port] = append(t.anyHost, p), true
			}
			return
		}
		byEnd[end] = append(byEnd[end], p)
	}
	given := map[string]bool{}
	for _, s := range all {
		for _, entry := range slices.Concat(s.Hosts, s.Doubtful.Hosts, s.Web, s.Doubtful.Web) {
			given[strings.ToLower(entry)] = true
		}
	}
	whole := func(to *target, entry string, doubt bool) { // www.name is name, unless it has an entry of its own
		add(to, entry, doubt)
		if www := "www." + strings.ToLower(entry); to.field != "ports" && !strings.Contains(entry, "*") && !given[www] {
			add(to, www, doubt || slices.Contains(mixedHosts, strings.ToLower(entry)))
		}
	}
	for _, s := range all {
		for _, list := range []struct {
			field          string
			firm, doubtful []string
		}{{"hosts", s.Hosts, s.Doubtful.Hosts}, {"web", s.Web, s.Doubtful.Web}, {"ports", nil, anyAt(s.Ports, s.Doubtful.Ports)}} {
			if len(list.firm)+len(list.doubtful) == 0 {
				continue
			}
			to := &target{s, list.field}
			t.targets = append(t.targets, to)
			for _, entry := range list.firm {
				whole(to, entry, false)
			}
			for _, entry := range list.doubtful {
				whole(to, entry, true)
			}
		}
	}
	for _, c := range canaries {
		t.canary = append(t.canary, newPattern(c))
	}
	t.build(byEnd)
	return t
}

// anyAt writes ports as hosts of any name. Other programs listen on them too: a
// port alone is doubtful.
func anyAt(lists ...[]int) (out []string) {
	for _, port := range slices.Concat(lists...) {
		out = append(out, "*:"+strconv.Itoa(port))
	}
	return out
}

func (t *table) build(byEnd map[uint64][]pattern) {
	size := 64
	for size < 4*len(byEnd) {
		size *= 2
	}
	t.slots, t.mask = make([]slot, size), uint64(size-1)
	for hash, patterns := range byEnd {
		slices.SortStableFunc(patterns, func(a, b pattern) int { return b.letter - a.letter }) // the closest first
		i := hash & t.mask
		for t.slots[i].patterns != nil {
			i = (i + 1) & t.mask
		}
		t.slots[i] = slot{hash, patterns}
	}
}

// newPattern reads an entry: a name, *.name, a name with * inside, each with a
// port or without.
func newPattern(entry string) pattern {
	entry = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(entry)), ".")
	p := pattern{}
	if at := strings.LastIndexByte(entry, ':'); at >= 0 {
		if n, err := strconv.Atoi(entry[at+1:]); err == nil {
			p.port, entry = n, entry[:at]
		}
	}
	if at := strings.IndexByte(entry, '/'); at >= 0 { // an address with a path: its host
		entry = entry[:at]
	}
	p.parts = strings.Split(entry, "*")
	p.letter = 2 * (len(entry) - len(p.parts) + 1)
	if len(p.parts) == 1 {
		p.letter++
	}
	return p
}

// ending is the hash of the last two labels that a pattern fixes; of the last
// one if it fixes no more.
func ending(parts []string) (uint64, bool) {
	last := parts[len(parts)-1]
	if len(parts) > 1 { // *.name and *name: only what follows the first dot is fixed
		at := strings.IndexByte(last, '.')
		if at < 0 {
			return 0, false
		}
		last = last[at+1:]
	}
	if last == "" {
		return 0, false
	}
	one, two := endings([]byte(last))
	if two != 0 {
		return two, true
	}
	return one, true
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// endings returns the hashes of the last label and of the last two; 0 for two
// labels where there is one. Case does not matter.
func endings(host []byte) (one, two uint64) {
	h := uint64(fnvOffset)
	for i := len(host) - 1; i >= 0; i-- {
		c := host[i]
		if c == '.' {
			if one != 0 {
				return one, h
			}
			one = h
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		h = (h ^ uint64(c)) * fnvPrime
	}
	if one == 0 {
		return h, 0
	}
	return one, h
}

// bare cuts brackets, a trailing dot and blanks off a host. What is no name of
// a host is returned empty.
func bare(host []byte) []byte {
	for len(host) > 0 && host[len(host)-1] == '.' {
		host = host[:len(host)-1]
	}
	if len(host) > 0 && host[0] == '[' || len(host) > 253 {
		return nil
	}
	return host
}

// find returns the signature of a host, and whether the host shows no use of AI
// by itself, because other products share it or because it only stands beside
// the service. port is 0 where the log does not say it.
func (t *table) find(host []byte, port int) (to *target, mixed bool) {
	if p := t.match(host, port); p != nil {
		return p.to, p.mixed || beside(bare(host)) || p.below() && pages(bare(host))
	}
	return nil, false
}

// besides are first words of hosts that stand beside a service: what editors
// report to, where files come from, what is written about it.
var besides = []string{"telemetry", "metrics", "analytics", "events", "sentry", "statsig", "cdn", "static", "assets", "update", "updates", "download", "downloads",
	"status", "docs", "help", "support", "blog", "community", "forum", "careers", "marketing", "email"}

// beside reports whether a host is one of them, by the words of its first label.
func beside(host []byte) bool {
	label, _, _ := field(host, '.')
	for more := true; more; {
		var w []byte
		w, label, more = field(label, '-')
		for _, b := range besides {
			if equalFold(w, b) {
				return true
			}
		}
	}
	return false
}

// below reports whether a pattern is every name below one.
func (p *pattern) below() bool {
	return len(p.parts) > 1 && p.parts[0] == "" && strings.HasPrefix(p.parts[1], ".")
}

// pagesAbout are whole first labels, below a vendor's name, of pages about its
// products; the signatures doubt the same ones.
var pagesAbout = []string{"docs", "doc", "documentation", "help", "support", "status", "blog", "learn", "academy", "community", "forum", "forums", "discuss",
	"developer", "developers", "changelog", "feedback", "careers", "jobs", "press", "legal", "trust", "security", "privacy", "www"}

func pages(host []byte) bool {
	label, _, _ := field(host, '.')
	for _, p := range pagesAbout {
		if equalFold(label, p) {
			return true
		}
	}
	return false
}

func (t *table) match(host []byte, port int) *pattern {
	host = bare(host)
	if len(host) == 0 {
		return nil
	}
	one, two := endings(host)
	if two != 0 {
		if p := t.within(two, host, port); p != nil {
			return p
		}
	}
	if p := t.within(one, host, port); p != nil {
		return p
	}
	if port > 0 && t.ports[port] {
		for i := range t.anyHost {
			if t.anyHost[i].takes(host, port) {
				return &t.anyHost[i]
			}
		}
	}
	return nil
}

func (t *table) within(hash uint64, host []byte, port int) *pattern {
	for i := hash & t.mask; t.slots[i].patterns != nil; i = (i + 1) & t.mask {
		if t.slots[i].hash != hash {
			continue
		}
		for j := range t.slots[i].patterns {
			if p := &t.slots[i].patterns[j]; p.takes(host, port) {
				return p
			}
		}
	}
	return nil
}

// canaryOf returns which of the settings' canaries a host is, or -1.
func (t *table) canaryOf(host []byte) int {
	host = bare(host)
	for i := range t.canary {
		if t.canary[i].takes(host, t.canary[i].port) {
			return i
		}
	}
	return -1
}

// takes reports whether a host is the pattern's. A * at the front, before a dot,
// stands for one label or more; elsewhere for a part of one label.
func (p *pattern) takes(host []byte, port int) bool {
	if p.port != 0 && port != p.port {
		return false
	}
	if len(p.parts) == 1 {
		return equalFold(host, p.parts[0])
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(host) <= len(first)+len(last) || !equalFold(host[:len(first)], first) || !equalFold(host[len(host)-len(last):], last) {
		return false
	}
	rest := host[len(first) : len(host)-len(last)]
	free := first == "" && (p.parts[1] == "" || p.parts[1][0] == '.')
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := indexFold(rest, part)
		if at < 1 || !free && bytes.IndexByte(rest[:at], '.') >= 0 {
			return false
		}
		rest, free = rest[at+len(part):], false
	}
	return len(rest) > 0 && (free || bytes.IndexByte(rest, '.') < 0) && rest[0] != '.'
}

// indexFold finds a part after at least one letter.
func indexFold(b []byte, part string) int {
	for i := 1; i+len(part) <= len(b); i++ {
		if equalFold(b[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// equalFold compares with a text in lower case; only letters of ASCII are folded:
// a letter of another script that looks like one is another.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range len(lower) {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

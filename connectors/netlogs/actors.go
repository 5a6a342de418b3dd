package netlogs

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// actors tells who sent a request, as far as the settings let it be known. One
// belongs to one reader of lines.
type actors struct {
	cfg   *config
	key   []byte // of the hashes by which people are counted
	cache map[string]who
	raw   []byte

	set    *aisign.Set
	agents map[string]string // by the text of a user agent: the rule of what it names
}

// who is one actor.
type who struct {
	hash  uint64 // to count with; 0: the log does not say who
	group string
	name  string // pseudonym or name, if it is kept
}

// maxCached is how many actors are remembered at once.
const maxCached = 1 << 16

func newActors(cfg *config, key []byte, set *aisign.Set) *actors {
	return &actors{cfg: cfg, key: key, cache: map[string]who{}, set: set, agents: map[string]string{}}
}

// of returns the actor of a request.
func (a *actors) of(e *event) who {
	a.raw = append(append(append(append(append(a.raw[:0], e.client...), 0), e.user...), 0), e.group...)
	if w, ok := a.cache[string(a.raw)]; ok {
		return w
	}
	if len(a.cache) >= maxCached {
		clear(a.cache)
	}
	w := a.look(e)
	a.cache[string(a.raw)] = w
	return w
}

func (a *actors) look(e *event) who {
	w := who{group: a.group(e)}
	id := e.user
	if len(id) == 0 {
		id = e.client
	}
	if len(id) == 0 {
		return w
	}
	full := a.digest(id)
	if w.hash = binary.BigEndian.Uint64(full) >> 16; w.hash == 0 {
		w.hash = 1
	}
	switch a.cfg.People {
	case peoplePseudonym:
		w.name = grants.Pseudonym(string(a.key), text(id))
	case peopleName:
		w.name = plain(id, 200)
	}
	return w
}

// digest is the keyed hash of an actor; case does not matter.
func (a *actors) digest(id []byte) []byte {
	m := hmac.New(sha256.New, a.key)
	m.Write([]byte("exhibit actor\x00"))
	m.Write(bytes.ToLower(id))
	return m.Sum(nil)
}

// group finds the group of a request's sender.
func (a *actors) group(e *event) string {
	name := ""
	switch a.cfg.GroupBy {
	case byColumn:
		name = text(e.group)
	case byDomain:
		user := text(e.user)
		if at := strings.LastIndexByte(user, '@'); at >= 0 {
			name = strings.ToLower(user[at+1:])
		} else if domain, _, ok := strings.Cut(user, `\`); ok {
			name = strings.ToLower(domain)
		}
	default:
		return a.network(e.client)
	}
	if name = plain([]byte(name), 80); name == "" {
		return a.network(e.client)
	}
	return name
}

// network finds the group whose network is the smallest that holds an address.
func (a *actors) network(client []byte) string {
	name, bits := everybody, -1
	if len(a.cfg.Groups) == 0 {
		return name
	}
	addr, err := netip.ParseAddr(string(client))
	if err != nil {
		return name
	}
	addr = addr.Unmap().WithZone("")
	for i := range a.cfg.Groups {
		for _, p := range a.cfg.Groups[i].prefixes {
			if p.Contains(addr) && p.Bits() > bits {
				name, bits = a.cfg.Groups[i].Name, p.Bits()
			}
		}
	}
	return name
}

// program returns the rule of the signature that a user agent names.
func (a *actors) program(agent []byte) string {
	if len(agent) == 0 {
		return ""
	}
	if r, ok := a.agents[string(agent)]; ok {
		return r
	}
	if len(a.agents) >= maxCached {
		clear(a.agents)
	}
	rule := ""
	if m := a.set.UserAgent(string(agent)); len(m) > 0 {
		rule = m[0].Rule()
	}
	a.agents[string(agent)] = rule
	return rule
}

// plain is a name that can be part of a key.
func plain(b []byte, limit int) string {
	return strings.NewReplacer("|", "/", "\uFFFD", "?").Replace(records.Line(text(b), limit))
}

// text makes UTF-8 of what may be Latin-1.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]rune, 0, len(b))
	for _, c := range b {
		out = append(out, rune(c))
	}
	return string(out)
}

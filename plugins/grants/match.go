package grants

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Confidence of a match.
const (
	Declared   = "declared"   // an id, a verified publisher or an address says so
	Inferred   = "inferred"   // the name is exactly the product's
	Unresolved = "unresolved" // the name is like the product's
)

// App is an application as an identity provider knows it. All of it was
// written by somebody else.
type App struct {
	ID        string   // the source's own
	Name      string   // as people see it
	ClientIDs []string // ids that its vendor chose and that are the same everywhere
	Publisher string
	Verified  bool     // the source vouches for the publisher
	Addresses []string // home page, sign-in page, redirect addresses
}

// Found is the signature that an application belongs to.
type Found struct {
	*aisign.Signature
	Confidence string
	Signals    []string // sorted
	Rules      []string // sorted
}

// Matcher tells AI among applications. It is safe for concurrent use.
type Matcher struct {
	set      *aisign.Set
	clients  map[string]*aisign.Signature
	products []product
}

// product is a name that an application of a signature has.
type product struct {
	*aisign.Signature
	words  []string
	vendor []string // its name without the legal form
	field  string
}

// NewMatcher reads the signatures.
func NewMatcher() (*Matcher, error) {
	set, err := aisign.Load()
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	m := &Matcher{set: set, clients: map[string]*aisign.Signature{}}
	for _, s := range set.All() {
		if !s.Weak {
			m.add(s)
		}
	}
	return m, nil
}

func (m *Matcher) add(s *aisign.Signature) {
	for _, id := range s.Clients {
		m.clients[strings.ToLower(id)] = s
	}
	for _, name := range s.OAuth {
		m.products = append(m.products, product{s, words(name), company(s.Vendor), "oauth"})
	}
	if s.Vendor == "" || !speaksForItself(s) {
		return
	}
	if !slices.ContainsFunc(m.products, func(p product) bool { return p.ID == s.ID && slices.Equal(p.words, words(s.Vendor)) }) {
		m.products = append(m.products, product{s, words(s.Vendor), company(s.Vendor), "vendor"})
	}
}

// evidence is what speaks for one signature.
type evidence struct {
	confidence string
	signals    []string
	rules      []string
}

// Match returns the signature that an application belongs to, if there is one.
func (m *Matcher) Match(a App) (Found, bool) {
	all := map[*aisign.Signature]*evidence{}
	note := func(s *aisign.Signature, confidence, field, signal string) {
		e := all[s]
		if e == nil {
			e = &evidence{confidence: confidence}
			all[s] = e
		}
		if rank(confidence) > rank(e.confidence) {
			e.confidence = confidence
		}
		e.signals = append(e.signals, signal)
		e.rules = append(e.rules, s.ID+"/"+field)
	}
	m.byClient(a, note)
	m.byHost(a, note)
	owner := m.vendors(a.Publisher)
	m.byName(a, owner, note)
	m.byPublisher(a, owner, note)
	return best(all)
}

type noter func(s *aisign.Signature, confidence, field, signal string)

func (m *Matcher) byClient(a App, note noter) {
	for _, id := range a.ClientIDs {
		if s := m.clients[strings.ToLower(strings.TrimSpace(id))]; s != nil {
			note(s, Declared, "clients", "client id "+records.Line(id, 100))
		}
	}
}

func (m *Matcher) byHost(a App, note noter) {
	for _, address := range a.Addresses {
		name := hostOf(address)
		if name == "" {
			continue
		}
		for _, h := range m.set.Host(name) {
			if !h.IsWeak() && (h.Field == "hosts" || h.Field == "web") {
				note(h.Signature, Declared, h.Field, records.Line(name, 200)) // the host itself: the register is held against it
			}
		}
	}
}

// byName compares names. A verified publisher decides whether the product is
// its own.
func (m *Matcher) byName(a App, owner map[string]bool, note noter) {
	name := words(a.Name)
	for _, p := range m.products {
		like := likeness(name, p.words, p.vendor)
		if like == none {
			continue
		}
		confidence := Unresolved
		switch own := owner[p.Vendor]; {
		case own && a.Verified:
			confidence = Declared
		case own, like == exact && !a.Verified && (!ordinary(p.words) || !elsewhere(a.Addresses, p.words)):
			confidence = Inferred
		}
		note(p.Signature, confidence, p.field, "name "+records.Line(a.Name, 100))
	}
}

// byPublisher knows vendors that make nothing but AI.
func (m *Matcher) byPublisher(a App, owner map[string]bool, note noter) {
	if len(owner) == 0 {
		return
	}
	confidence := Inferred
	signal := "publisher " + records.Line(a.Publisher, 100)
	if a.Verified {
		confidence, signal = Declared, "verified "+signal
	}
	if ordinary(core(a.Publisher)) {
		confidence = Unresolved
	}
	for _, s := range m.set.All() {
		if owner[s.Vendor] && !s.Weak && speaksForItself(s) {
			note(s, confidence, "vendor", signal)
		}
	}
}

// vendors are those that a publisher is, by any of their names.
func (m *Matcher) vendors(publisher string) map[string]bool {
	out := map[string]bool{}
	if publisher == "" || len(publisher) > maxName {
		return out
	}
	for _, s := range slices.Concat(m.set.Vendor(publisher), m.set.Vendor(strings.Join(company(publisher), " "))) {
		out[s.Vendor] = true
	}
	return out
}

func rank(confidence string) int {
	return slices.Index([]string{"", Unresolved, Inferred, Declared}, confidence)
}

// best is the signature that most speaks for. Of several alike, one that a
// provider has goes before its assistants that write code.
func best(all map[*aisign.Signature]*evidence) (Found, bool) {
	var top *aisign.Signature
	for s, e := range all {
		if top == nil || better(s, e, top, all[top]) {
			top = s
		}
	}
	if top == nil {
		return Found{}, false
	}
	e := all[top]
	return Found{Signature: top, Confidence: e.confidence, Signals: sortedSet(e.signals), Rules: sortedSet(e.rules)}, true
}

func better(s *aisign.Signature, e *evidence, t *aisign.Signature, f *evidence) bool {
	if a, b := rank(e.confidence), rank(f.confidence); a != b {
		return a > b
	}
	if a, b := len(sortedSet(e.rules)), len(sortedSet(f.rules)); a != b {
		return a > b
	}
	if a, b := s.Category == aisign.Provider, t.Category == aisign.Provider; a != b {
		return a
	}
	return s.ID < t.ID
}

// Find returns the signature with an id; nil if there is none.
func (m *Matcher) Find(id string) *aisign.Signature { return m.set.Get(id) }

func sortedSet(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

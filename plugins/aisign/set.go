package aisign

import (
	"slices"
	"sync"
)

// Set is all signatures, ready to be asked. Its look-ups return matches by id
// of the signature, one for each signature: by the entry that says most.
type Set struct {
	signatures []*Signature
	digest     string
	byID       map[string]*Signature

	// What takes long to make is made when it is first asked.
	packages func() map[string]*index // by ecosystem
	imports  func() map[string]*tree  // by language
	secrets  func() map[string][]entry
	vendors  func() map[string][]*Signature

	env      *index
	hosts    *hosts
	ports    map[int][]entry
	calls    []entry
	settings []entry
	keys     []Key
	models   []model
	routes   map[string][]entry
	files    *paths
	agents   []entry
	types    map[string]*resources // by tool
	kinds    *index
	images   *images
	charts   *index
	actions  *index
	iam      *index
	arns     []entry
	events   map[string][]event // by log
	costs    *index
	money    *phrases
	bills    *phrases
	oauth    *index
	clients  *index
	apps     *index
	exts     *index
	trailers []entry
}

// All returns the signatures by id. The caller does not change them.
func (s *Set) All() []*Signature { return s.signatures }

// Get returns the signature of this id, or nil.
func (s *Set) Get(id string) *Signature { return s.byID[id] }

// Digest is the SHA-256 of the data, in hex: two sets with the same digest
// answer alike.
func (s *Set) Digest() string { return s.digest }

// lists calls use with the firm and the doubtful lists of every signature.
func (s *Set) lists(use func(sig *Signature, l *Lists, doubt bool)) {
	for _, sig := range s.signatures {
		use(sig, &sig.Lists, false)
		use(sig, &sig.Doubtful, true)
	}
}

// names calls use with every entry of one list.
func (s *Set) names(field string, pick func(*Lists) []string, use func(entry)) {
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, text := range pick(l) {
			use(entry{sig: sig, field: field, text: text, doubt: doubt})
		}
	})
}

// build makes what the look-ups read.
func (s *Set) build() {
	s.byID = map[string]*Signature{}
	for _, sig := range s.signatures {
		s.byID[sig.ID] = sig
	}
	s.packages = sync.OnceValue(s.packagesOf)
	s.imports = sync.OnceValue(s.importsOf)
	s.secrets = sync.OnceValue(s.secretsOf)
	s.buildNames()
	s.buildHosts()
	s.buildKeys()
	s.buildModels()
	s.buildFiles()
	s.buildResources()
	s.buildImages()
	s.buildEvents()
	s.buildMerchants()
	s.buildBills()
}

// buildNames makes the look-ups that compare whole names.
func (s *Set) buildNames() {
	whole := func(field string, norm func(string) string, pick func(*Lists) []string) *index {
		x := newIndex()
		s.names(field, pick, func(e entry) { x.add(norm(e.text), e) })
		return x
	}
	list := func(field string, pick func(*Lists) []string) (all []entry) {
		s.names(field, pick, func(e entry) { all = append(all, e) })
		return slices.Clip(all)
	}
	s.env = whole("env", upper, func(l *Lists) []string { return l.Env })
	s.names("env_weak", func(l *Lists) []string { return l.EnvWeak }, func(e entry) { s.env.add(upper(e.text), e) })
	s.calls = list("calls", func(l *Lists) []string { return l.Calls })
	s.settings = list("settings", func(l *Lists) []string { return l.Settings })
	s.agents = list("user_agents", func(l *Lists) []string { return l.UserAgent })
	s.arns = list("arns", func(l *Lists) []string { return l.ARNs })
	s.trailers = list("trailers", func(l *Lists) []string { return l.Trailers })
	s.kinds = whole("kubernetes", lower, func(l *Lists) []string { return l.Kubernetes })
	s.charts = whole("charts", lower, func(l *Lists) []string { return l.Charts })
	s.actions = whole("actions", lower, func(l *Lists) []string { return l.Actions })
	s.iam = whole("iam", lower, func(l *Lists) []string { return l.IAM })
	s.costs = whole("costs", spaced, func(l *Lists) []string { return l.Costs })
	s.oauth = whole("oauth", spaced, func(l *Lists) []string { return l.OAuth })
	s.clients = whole("clients", lower, func(l *Lists) []string { return l.Clients })
	s.apps = whole("apps", lower, func(l *Lists) []string { return l.Apps })
	s.exts = whole("extensions", lower, func(l *Lists) []string { return l.Extensions })
}

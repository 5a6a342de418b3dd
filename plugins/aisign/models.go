package aisign

import (
	"regexp"
	"strings"
)

// model is one regular expression of ids.
type model struct {
	entry
	re func() *regexp.Regexp
}

func (s *Set) buildModels() {
	s.names("models", func(l *Lists) []string { return l.Models }, func(e entry) {
		s.models = append(s.models, model{e, expression(`(?i)` + e.text)})
	})
	s.routes = map[string][]entry{}
	s.names("routes", func(l *Lists) []string { return l.Routes }, func(e entry) {
		s.routes[e.text] = append(s.routes[e.text], e)
	})
}

var (
	modelID = regexp.MustCompile(`^[A-Za-z0-9@~][A-Za-z0-9._:/@+~-]*$`)
	regions = regexp.MustCompile(`^(us|eu|apac|global|us-gov|jp|au|ca|sa)\.`)
)

// Model returns whose model an id names, and so which vendor is asked for it
// unless an address says otherwise. Forms with a prefix are known: models/…,
// ft:… and publishers/…/models/… of the vendors themselves, a region before an
// id of Bedrock, and what routers write (openai/gpt-4o, groq/llama-3.3-70b): the
// route decides, if what follows is a model at all. The name of a deployment on
// Azure is chosen freely and is no model.
func (s *Set) Model(id string) []Match {
	id = strings.TrimSpace(id)
	if len(id) > 256 || !modelID.MatchString(id) {
		return nil
	}
	whole := s.bareModel(id)
	route, rest, some := strings.Cut(id, "/")
	if !some || len(whole) > 0 && !whole[0].IsWeak() {
		return whole
	}
	if found := s.routed(strings.ToLower(route), rest); found != nil {
		return found
	}
	return whole
}

// routed looks up an id behind a route. A vendor whose ids are known serves
// those alone: google/gemma-2b is a name of weights, not a request to Google.
func (s *Set) routed(route, id string) []Match {
	firm, some := s.known(id)
	if _, after, more := strings.Cut(id, "/"); more && !firm { // openrouter/openai/gpt-4o
		inner, any := s.known(after)
		firm, some = firm || inner, some || any
	}
	var f found
	for _, e := range s.routes[route] {
		if firm || some && len(e.sig.Models) == 0 {
			f.add(e.match(), 0)
		}
	}
	return f.sorted()
}

// known reports whether an id is a vendor's own, and whether it is a model's at
// all.
func (s *Set) known(id string) (firm, some bool) {
	found := s.bareModel(id)
	return len(found) > 0 && !found[0].IsWeak(), len(found) > 0
}

// bareModel looks up an id without a route.
func (s *Set) bareModel(id string) []Match {
	id = bare(id)
	var f found
	for _, m := range s.models {
		if m.re().MatchString(id) {
			f.add(m.match(), len(m.text))
		}
	}
	firm := f.matches[:0:0]
	for _, m := range f.sorted() {
		if !m.IsWeak() {
			firm = append(firm, m)
		}
	}
	// An id that a vendor has to itself is not also one of the open models.
	if len(firm) > 0 {
		return firm
	}
	return f.matches
}

// bare takes off what vendors write before their own ids.
func bare(id string) string {
	if _, after, ok := strings.Cut(id, "/models/"); ok && strings.HasPrefix(id, "p") { // projects/…, publishers/…
		id = after
	}
	id = strings.TrimPrefix(id, "models/")
	if rest, ok := strings.CutPrefix(id, "ft:"); ok {
		id = rest
	}
	if at := regions.FindStringIndex(id); at != nil && strings.Count(id, ".") > 1 {
		id = id[at[1]:]
	}
	return id
}

// PinType says whether an id always names the same model.
type PinType string

// Values of PinType, as code.model_reference has them.
const (
	Immutable   PinType = "immutable"    // a dated or numbered version
	Alias       PinType = "alias"        // a name that its vendor moves to newer versions
	Unversioned PinType = "unversioned"  // nothing says which version
	RevisionSHA PinType = "revision_sha" // a hash of the content or its commit
)

var (
	revision = regexp.MustCompile(`(?i)([@:]|@sha256:|:sha256-)[0-9a-f]{40,64}$`)
	dated    = regexp.MustCompile(`(20[2-9][0-9]-?[01][0-9]-?[0-3][0-9]|-v[0-9]+:[0-9]+(:[0-9a-z]+)?$|-(0[0-9]|1[0-2])-20[2-9][0-9]$|-(0[1-9]|1[0-2])[0-3][0-9]$|-2[2-9](0[1-9]|1[0-2])$|-00[1-9]$|@[0-9]{3,8}$)`)
	moving   = regexp.MustCompile(`(?i)([-:@_]latest|[-:]default|[-_](preview|exp|experimental|beta|nightly))$`)
)

// Pin says how fixed an id is. A date or a numbered version is immutable even
// where its vendor retires it; the name of a repository of weights without a
// revision is unversioned, and so is what no vendor is known to move.
func (s *Set) Pin(id string) PinType {
	id = strings.TrimSpace(id)
	switch {
	case len(id) > 256:
		return Unversioned
	case revision.MatchString(id):
		return RevisionSHA
	case moving.MatchString(id):
		return Alias
	case dated.MatchString(id):
		return Immutable
	}
	for _, m := range s.Model(id) {
		if !m.IsWeak() && m.Egress == External {
			return Alias
		}
	}
	return Unversioned
}

package aiscan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// found is a hit at a path.
type found struct {
	hit
	path       string
	introduced string
}

// savedFound is a found as a cache keeps it.
type savedFound struct {
	Hit        hit    `json:"h"`
	Path       string `json:"p"`
	Introduced string `json:"i,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (f found) MarshalJSON() ([]byte, error) {
	return json.Marshal(savedFound{f.hit, f.path, f.introduced})
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *found) UnmarshalJSON(b []byte) error {
	var s savedFound
	err := json.Unmarshal(b, &s)
	*f = found{s.Hit, s.Path, s.Introduced}
	return err
}

// part is what one batch of files gave.
type part struct {
	files, reused int
	bytes         int64
	hits          []found
	models        []Model
	secrets       []Secret
	assets        []Asset
	unread        []Unread
	failed        bool // something was not read because of an error
}

// leave names what is not read.
func (p *part) leave(e Entry) {
	p.unread = append(p.unread, Unread{e.Path, e.Unread})
	p.failed = p.failed || e.failed
}

// take adds what a content holds, at its path.
func (p *part) take(e Entry, c *content) {
	when := introduced(e)
	for _, h := range c.Hits {
		p.hits = append(p.hits, found{h, e.Path, when})
	}
	for _, m := range c.Models {
		m.Path = e.Path
		p.models = append(p.models, m)
	}
	for _, s := range c.Secrets {
		s.Path = e.Path
		p.secrets = append(p.secrets, s)
	}
	if c.Asset != nil {
		a := *c.Asset
		a.Path = e.Path
		p.assets = append(p.assets, a)
	}
	for _, why := range c.Unread {
		p.unread = append(p.unread, Unread{e.Path, why})
	}
}

func introduced(e Entry) string {
	if e.Time.IsZero() {
		return ""
	}
	return e.Time.UTC().Format(time.RFC3339)
}

// total is what all files gave.
type total struct {
	mu       sync.Mutex
	part     part
	progress func(int, int64)
	next     int
	root     string
}

func newTotal(o Options) *total { return &total{progress: o.Progress, root: o.Root} }

// progressEvery is the number of files between two calls of Options.Progress.
const progressEvery = 2000

func (t *total) add(p part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part.files += p.files
	t.part.reused += p.reused
	t.part.bytes += p.bytes
	t.part.hits = append(t.part.hits, p.hits...)
	t.part.models = append(t.part.models, p.models...)
	t.part.secrets = append(t.part.secrets, p.secrets...)
	t.part.assets = append(t.part.assets, p.assets...)
	t.part.unread = append(t.part.unread, p.unread...)
	t.part.failed = t.part.failed || p.failed
	if t.progress != nil && t.part.files >= t.next {
		t.next = t.part.files + progressEvery
		t.progress(t.part.files, t.part.bytes)
	}
}

func (t *total) unread(e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part.leave(e)
}

// report sorts what was found, so that the order of reading does not show.
func (t *total) report(r *rules) Report {
	p := &t.part
	rep := Report{Root: t.root, Files: p.files, Bytes: p.bytes, Reused: p.reused, Rules: r.digest}
	rep.Sightings = judge(r, t.root, p.hits)
	rep.Models = unique(p.models, func(a, b Model) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Provider, b.Provider))
	})
	rep.Secrets = unique(p.secrets, func(a, b Secret) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Hint, b.Hint), cmp.Compare(a.Provider, b.Provider))
	})
	rep.Assets = unique(p.assets, func(a, b Asset) int { return cmp.Compare(a.Path, b.Path) })
	rep.Unread = t.unreadSorted()
	return rep
}

func (t *total) unreadSorted() []Unread {
	return unique(t.part.unread, func(a, b Unread) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
}

// unique sorts and keeps one of equals; never nil.
func unique[T any](all []T, order func(a, b T) int) []T {
	slices.SortFunc(all, order)
	return append([]T{}, slices.CompactFunc(all, func(a, b T) bool { return order(a, b) == 0 })...)
}

// id names a sighting for as long as root, provider and scope are the same.
func id(root, provider string, s Scope) string {
	sum := sha256.Sum256([]byte(root + "\x00" + provider + "\x00" + string(s)))
	return hex.EncodeToString(sum[:8])
}

// excerpt says in one line what was seen: made of the fact, never of the line
// around it, so that nothing that stands beside it comes along.
func (r *rules) excerpt(f fact.Fact) string {
	s := f.Name
	switch {
	case f.Version != "":
		s += " " + f.Version
	case f.Class == fact.Import:
		s = "import " + s
	case f.Class == fact.Model:
		s = "model " + s
	}
	return cleanText(r.set.Concealed(s), 200)
}

package aiscan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/gate"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/source"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// version changes when the same content would give other facts by the same
// signatures, so that nothing old is taken from a cache.
const version = "4"

// rules is what a scan asks of every file.
type rules struct {
	set   *aisign.Set
	gate  func() (*gate.Gate, error) // made when the first file is read
	names *fileNames
	// declares is made when the first file of a format is read that it stands
	// in front of.
	declares func() (*gate.Gate, error)
	hints    source.Hints
	digest   string
	salt     []byte
	ignore   []string
	prefix   string // of keys in the cache
	shown    int    // signals of each rule in a sighting
}

func newRules(o Options) (*rules, error) {
	for _, glob := range o.Ignore {
		if !doublestar.ValidatePattern(glob) {
			return nil, fmt.Errorf("ignore: %q is no pattern", glob)
		}
	}
	r := &rules{set: o.Signatures, names: newFileNames(o.Signatures), salt: o.Salt, ignore: o.Ignore, shown: signalsOfRule}
	if o.Whole {
		r.shown = math.MaxInt
	}
	r.gate = sync.OnceValues(func() (*gate.Gate, error) { return gate.New(needles(o.Signatures)) })
	r.declares = sync.OnceValues(func() (*gate.Gate, error) { return gate.New(declaredNeedles(o.Signatures)) })
	r.hints = source.Hints{Calls: calls(o.Signatures), Known: func(c fact.Class, name string) bool {
		return len(r.find(fact.Fact{Class: c, Name: name})) > 0
	}}
	asked, short := split(r.hints.Calls)
	present := sync.OnceValues(func() (*gate.Gate, error) { return gate.New(asked) })
	r.hints.Present = func(b []byte) []string {
		g, err := present()
		if err != nil {
			return r.hints.Calls
		}
		return append(g.Present(b), short...)
	}
	r.digest = RulesDigest(o.Signatures)
	// What a cache holds depends on the salt too: hints of credentials are in it.
	salted := sha256.Sum256(fmt.Appendf(nil, "%s %d %x", r.digest, o.MaxFile, sha256.Sum256(o.Salt)))
	r.prefix = hex.EncodeToString(salted[:8])
	return r, nil
}

// any reports whether anything may be found in a text. A gate that cannot be
// made keeps nothing out.
func (r *rules) any(b []byte) bool {
	g, err := r.gate()
	return err != nil || g.Any(b)
}

// key names what was found in a content, read in a certain way.
func (r *rules) key(how reading, name, id string) string {
	switch {
	case how.byPath:
		return r.prefix + "\x00" + name + "\x00" + id
	case how.language != nil:
		return r.prefix + "\x00" + how.language.Name + path.Ext(name) + "\x00" + id
	default:
		return r.prefix + "\x00\x00" + id
	}
}

// ignored returns the setting by which a path is left out, empty if none.
func (r *rules) ignored(name string) string {
	for _, glob := range r.ignore {
		if ok, _ := doublestar.Match(glob, name); ok {
			return glob
		}
	}
	return ""
}

func calls(set *aisign.Set) (texts []string) {
	for _, sig := range set.All() {
		texts = append(append(texts, sig.Calls...), sig.Doubtful.Calls...)
	}
	return texts
}

// split tells texts that a gate can look for from those that are too short.
func split(texts []string) (long, short []string) {
	for _, t := range texts {
		if len(t) >= gate.MinLength {
			long = append(long, t)
		} else {
			short = append(short, t)
		}
	}
	return long, short
}

// hostText is the text of a host's entry that tells most.
func hostText(entry string) string {
	best := ""
	for part := range strings.SplitSeq(entry, "*") {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

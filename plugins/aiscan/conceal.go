package aiscan

import (
	"maps"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// concealed takes out of a content what has the form of a credential, before it
// is kept in a cache or told to anybody: a name in a manifest can be anything.
func (c *content) concealed(set *aisign.Set) {
	for i := range c.Hits {
		f := &c.Hits[i].Fact
		f.Group, f.Name, f.Version = set.Concealed(f.Group), set.Concealed(f.Name), set.Concealed(f.Version)
		for k, v := range f.Attrs {
			if hidden := set.Concealed(v); hidden != v {
				f.Attrs = maps.Clone(f.Attrs)
				f.Attrs[k] = hidden
			}
		}
	}
	for i := range c.Models {
		c.Models[i].Ref = set.Concealed(c.Models[i].Ref)
	}
	for i := range c.Unread {
		c.Unread[i] = set.Concealed(c.Unread[i])
	}
}

// conceal takes out of a report what has the form of a credential: the name of
// a file or of a folder can be one.
func (rep *Report) conceal(set *aisign.Set) {
	rep.Root = set.Concealed(rep.Root)
	for i := range rep.Sightings {
		rep.Sightings[i].Why = set.Concealed(rep.Sightings[i].Why)
		for j := range rep.Sightings[i].Signals {
			sig := &rep.Sightings[i].Signals[j]
			sig.Path, sig.Excerpt = concealedPath(set, sig.Path), set.Concealed(sig.Excerpt)
		}
	}
	for i := range rep.Models {
		rep.Models[i].Path, rep.Models[i].Ref = concealedPath(set, rep.Models[i].Path), set.Concealed(rep.Models[i].Ref)
	}
	for i := range rep.Secrets {
		rep.Secrets[i].Path = concealedPath(set, rep.Secrets[i].Path)
	}
	for i := range rep.Assets {
		rep.Assets[i].Path = concealedPath(set, rep.Assets[i].Path)
	}
	for i := range rep.Unread {
		rep.Unread[i].Path, rep.Unread[i].Reason = concealedPath(set, rep.Unread[i].Path), set.Concealed(rep.Unread[i].Reason)
	}
}

// concealedPath keeps paths apart that differ in a credential alone.
func concealedPath(set *aisign.Set, path string) string {
	hidden := set.Concealed(path)
	if hidden == path {
		return path
	}
	return strings.ReplaceAll(hidden, "[credential]", "[credential "+digest([]byte(path))[:8]+"]")
}

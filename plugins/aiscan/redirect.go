package aiscan

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/source"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// fieldClient marks a hit that belongs to no signature: a client of a protocol
// that several vendors speak, and the address that it is given.
const fieldClient = "client"

// compatible is the provider of a sighting whose address nobody is known by.
const compatible = "openai-compatible"

// unknownProvider stands for whoever answers at an address that is nobody's.
func unknownProvider() *aisign.Signature {
	return &aisign.Signature{ID: compatible, Category: aisign.Provider, Vendor: "unspecified", Egress: aisign.Depends}
}

// signature is that of an id, also of the one that the set does not hold.
func (r *rules) signature(id string) *aisign.Signature {
	if sig := r.set.Get(id); sig != nil {
		return sig
	}
	if id == compatible {
		return unknownProvider()
	}
	return nil
}

// clients is what is known of where a client is sent, in one file.
type clients struct {
	own, elsewhere, later bool
}

// redirected decides whose use a client of a common protocol is. A vendor whose
// client is only ever sent to somebody else is not used: what imports and
// declares the client is taken away from it.
func redirected(r *rules, hits []found) []found {
	files := map[string]*clients{}
	var kept []found
	for _, f := range hits {
		if f.Field != fieldClient {
			kept = append(kept, f)
			continue
		}
		c := files[f.path]
		if c == nil {
			c = &clients{}
			files[f.path] = c
		}
		kept = append(kept, r.client(c, f)...)
	}
	for _, sig := range r.set.All() {
		if sig.Compatible {
			kept = withoutRedirected(sig, kept, files)
		}
	}
	slices.SortFunc(kept, byPlace)
	return slices.CompactFunc(kept, func(a, b found) bool { return byPlace(a, b) == 0 })
}

// client notes where one client is sent, and returns what that shows by itself.
func (r *rules) client(c *clients, f found) []found {
	address := f.Fact.Attrs[source.Address]
	rest := f.Fact.Attrs[source.Client] == source.REST
	switch address {
	case "":
		c.own = c.own || !rest
		return nil
	case source.Unknown:
		c.later = c.later || !rest
		return nil
	}
	if address == source.Elsewhere {
		c.elsewhere = true
		return nil
	}
	whose := r.host(address)
	for _, m := range whose {
		if m.Compatible {
			c.own = true
			return nil
		}
	}
	if !rest {
		c.elsewhere = true
	}
	if len(whose) > 0 {
		return nil // the host is a hit of its own
	}
	f.Fact = fact.Fact{Class: fact.Host, Name: address, Line: f.Fact.Line, Group: f.Fact.Group}
	f.ID, f.Field, f.Weak = compatible, "hosts", true
	return []found{f}
}

// withoutRedirected takes away from one vendor what its client shows where it
// is sent to others.
func withoutRedirected(sig *aisign.Signature, hits []found, files map[string]*clients) []found {
	own, elsewhere, later, setElsewhere := false, false, false, false
	lines := map[string]bool{} // where another vendor's host stands
	for _, f := range hits {
		if f.Fact.Class == fact.Host && f.ID != sig.ID && f.ID != "" {
			setElsewhere = setElsewhere || setting(f.path) && placeOf(f.path) != placeSupporting
			lines[f.path+"\x00"+strconv.Itoa(f.Fact.Line)] = true
		}
	}
	for name, c := range files {
		if placeOf(name) != placeSupporting {
			own = own || c.own && !c.elsewhere
			elsewhere = elsewhere || c.elsewhere
			later = later || c.later
		}
	}
	for _, f := range hits {
		if f.ID != sig.ID || placeOf(f.path) == placeSupporting {
			continue
		}
		switch f.Fact.Class {
		case fact.Host, fact.Key:
			own = true
		case fact.Env, fact.Setting:
			elsewhere = elsewhere || addressName(f.Fact.Name) && lines[f.path+"\x00"+strconv.Itoa(f.Fact.Line)]
		}
	}
	// An address that is filled in later is the one that the settings hold.
	elsewhere = elsewhere || later && !own && setElsewhere
	if !elsewhere {
		return hits
	}
	return slices.DeleteFunc(hits, func(f found) bool {
		if f.ID != sig.ID || f.Fact.Class == fact.Host || f.Fact.Class == fact.Key {
			return false
		}
		c := files[f.path]
		return !own || c != nil && c.elsewhere && !c.own
	})
}

// setting reports whether a file holds values for programs.
func setting(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json", ".toml", ".ini", ".properties", ".env", ".conf", ".tfvars":
		return true
	}
	return strings.HasPrefix(base, ".env")
}

// addressName reports whether a variable holds an address.
func addressName(name string) bool {
	n := strings.ToUpper(name)
	return strings.Contains(n, "BASE") || strings.HasSuffix(n, "_URL") || strings.HasSuffix(n, "ENDPOINT") || strings.HasSuffix(n, "_HOST")
}

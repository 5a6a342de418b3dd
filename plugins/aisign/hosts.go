package aisign

import (
	"strconv"
	"strings"
)

// hosts finds entries by names of hosts. Most names are nobody's, and a log has
// many: each is looked up by its parents, not held against every entry.
type hosts struct {
	whole map[string][]entry
	under map[string][]entry   // *.suffix, by suffix
	inner map[string][]globbed // with a * elsewhere, by the last two labels
}

func (s *Set) buildHosts() {
	s.hosts = &hosts{whole: map[string][]entry{}, under: map[string][]entry{}, inner: map[string][]globbed{}}
	s.names("hosts", func(l *Lists) []string { return l.Hosts }, s.hosts.add)
	s.names("web", func(l *Lists) []string { return l.Web }, s.hosts.add)
	s.ports = map[int][]entry{}
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, port := range l.Ports {
			s.ports[port] = append(s.ports[port], entry{sig, "ports", strconv.Itoa(port), doubt})
		}
	})
}

func (h *hosts) add(e entry) {
	name := strings.ToLower(e.text)
	suffix, starred := strings.CutPrefix(name, "*.")
	switch {
	case !strings.Contains(suffix, "*") && starred:
		h.under[suffix] = append(h.under[suffix], e)
	case strings.Contains(name, "*"):
		last := lastLabels(name)
		h.inner[last] = append(h.inner[last], globbed{e, name})
	default:
		h.whole[name] = append(h.whole[name], e)
	}
}

// lastLabels is the last two labels of a name.
func lastLabels(name string) string {
	at := strings.LastIndexByte(name, '.')
	if at <= 0 {
		return name
	}
	if at = strings.LastIndexByte(name[:at], '.'); at < 0 {
		return name
	}
	return name[at+1:]
}

// find returns the entries that say most about a name; all of them say it of
// the same entry's text, so that no signature that is only vaguer is among them.
func (h *hosts) find(name string) []entry {
	if e := h.whole[name]; e != nil {
		return e
	}
	if rest, ok := strings.CutPrefix(name, "www."); ok && h.whole[rest] != nil {
		return h.whole[rest]
	}
	var best []entry
	length := 0
	if len(h.inner) > 0 {
		for _, g := range h.inner[lastLabels(name)] {
			if n := len(g.pattern); n >= length && labels(g.pattern, name) {
				if n > length {
					best, length = best[:0:0], n
				}
				best = append(best, g.entry)
			}
		}
	}
	for rest := name; ; {
		at := strings.IndexByte(rest, '.')
		if at < 0 {
			return best
		}
		rest = rest[at+1:]
		if e := h.under[rest]; e != nil {
			if len(rest)+2 > length {
				return e
			}
			return best
		}
	}
}

// labels reports whether a name is of a pattern: a * in front of a whole name
// stands for any labels, one elsewhere for text within a label.
func labels(pattern, name string) bool {
	if suffix, ok := strings.CutPrefix(pattern, "*."); ok {
		for {
			at := strings.IndexByte(name, '.')
			if at < 0 {
				return false
			}
			if name = name[at+1:]; labels(suffix, name) {
				return true
			}
		}
	}
	for {
		p, pRest, pMore := strings.Cut(pattern, ".")
		n, nRest, nMore := strings.Cut(name, ".")
		if n == "" || !glob(p, n) || pMore != nMore {
			return false
		}
		if !pMore {
			return true
		}
		pattern, name = pRest, nRest
	}
}

// Host returns whose a host is: a name, host:port or an address with a scheme
// and a path. Of several entries the one that says most decides, also between
// signatures: models.inference.ai.azure.com is not all of
// *.inference.ai.azure.com. *.name is every name below, not the name itself.
// Field tells hosts (software) from web (people); a port alone is tried last.
// Names such as docs. and status. below *.name are weak: they are about it.
func (s *Set) Host(address string) []Match {
	name, port := splitHost(address)
	if name == "" && port == 0 || len(name) > 253 {
		return nil
	}
	var f found
	for _, e := range s.hosts.find(name) {
		weight := 0
		if e.field == "hosts" {
			weight = 1
		}
		m := e.match()
		m.Doubt = m.Doubt || strings.HasPrefix(e.text, "*.") && about(name)
		f.add(m, weight)
	}
	if len(f.matches) == 0 && port != 0 {
		return s.Port(port)
	}
	return f.sorted()
}

// about reports whether the first label of a name says that it is pages about
// a product, and not the product.
func about(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	switch first {
	case "docs", "doc", "documentation", "help", "support", "status", "blog", "learn", "academy", "community", "forum", "forums", "discuss",
		"developer", "developers", "changelog", "feedback", "careers", "jobs", "press", "legal", "trust", "security", "privacy", "www":
		return true
	}
	return false
}

// Port returns whose programs listen on a port by default.
func (s *Set) Port(port int) []Match {
	var f found
	for _, e := range s.ports[port] {
		f.add(e.match(), 0)
	}
	return f.sorted()
}

// splitHost takes the name and the port out of an address. It is written to
// cost nothing for a bare name in lower case.
func splitHost(address string) (name string, port int) {
	if at := strings.Index(address, "://"); at >= 0 {
		address = address[at+3:]
	} else {
		address = strings.TrimPrefix(address, "//")
	}
	if at := strings.IndexAny(address, "/?#\\"); at >= 0 {
		address = address[:at]
	}
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = address[at+1:]
	}
	if strings.HasPrefix(address, "[") { // IPv6: only the port can tell
		_, after, _ := strings.Cut(address, "]")
		address = after
	}
	if at := strings.LastIndexByte(address, ':'); at >= 0 {
		if n, err := strconv.ParseUint(address[at+1:], 10, 16); err == nil {
			port = int(n)
		}
		address = address[:at]
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(address), ".")), port
}

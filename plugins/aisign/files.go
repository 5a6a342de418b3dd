package aisign

import (
	"path"
	"strings"
)

// paths finds entries by the path of a file.
type paths struct {
	names   map[string][]entry // base name
	tails   map[string][]entry // by base name, with folders before it
	folders map[string][]entry // name of a folder, or folders
	globs   []globbed          // on the base name; a / at its end is a folder's
}

func (s *Set) buildFiles() {
	p := &paths{names: map[string][]entry{}, tails: map[string][]entry{}, folders: map[string][]entry{}}
	s.files = p
	s.names("files", func(l *Lists) []string { return l.Files }, func(e entry) {
		name, folder := strings.CutSuffix(e.text, "/")
		switch {
		case strings.Contains(name, "*"):
			p.globs = append(p.globs, globbed{e, e.text})
		case folder:
			p.folders[path.Base(name)] = append(p.folders[path.Base(name)], e)
		case strings.Contains(name, "/"):
			p.tails[path.Base(name)] = append(p.tails[path.Base(name)], e)
		default:
			p.names[name] = append(p.names[name], e)
		}
	})
}

// File returns whose a file is by its path alone, with slashes. A name is one
// in any folder, a path is the end of a path, and a folder (ending in /) is all
// below it wherever it stands. A * stays within one name; an ending such as
// *.gguf is compared without case.
func (s *Set) File(name string) []Match {
	if len(name) > 4096 {
		return nil
	}
	name = strings.Trim(strings.TrimPrefix(name, "./"), "/")
	if name == "" {
		return nil
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	var f found
	for _, e := range s.files.names[base] {
		f.add(e.match(), exact+len(e.text))
	}
	for _, e := range s.files.tails[base] {
		if tail(name, e.text) {
			f.add(e.match(), exact+len(e.text))
		}
	}
	s.files.within(name, &f)
	for _, g := range s.files.globs {
		if g.file(name, base) {
			f.add(g.match(), len(g.pattern))
		}
	}
	return f.sorted()
}

// tail reports whether a path ends in another, at the edge of a name.
func tail(name, end string) bool {
	return strings.HasSuffix(name, end) && (len(name) == len(end) || name[len(name)-len(end)-1] == '/')
}

// within adds the folders that a path is in, or is.
func (p *paths) within(name string, f *found) {
	for from := 0; from < len(name); {
		to := strings.IndexByte(name[from:], '/')
		if to < 0 {
			to = len(name) - from
		}
		for _, e := range p.folders[name[from:from+to]] {
			if tail(name[:from+to], strings.TrimSuffix(e.text, "/")) {
				f.add(e.match(), len(e.text))
			}
		}
		from += to + 1
	}
}

// file reports whether a glob holds for a path.
func (g globbed) file(name, base string) bool {
	pattern, folder := strings.CutSuffix(g.pattern, "/")
	dir, last := path.Split(pattern)
	if strings.HasPrefix(last, "*.") {
		last, base, name = strings.ToLower(last), strings.ToLower(base), strings.ToLower(name)
	}
	if folder {
		for part := range strings.SplitSeq(name, "/") {
			if glob(last, part) {
				return true
			}
		}
		return false
	}
	return glob(last, base) && (dir == "" || tail(name[:len(name)-len(base)], dir))
}

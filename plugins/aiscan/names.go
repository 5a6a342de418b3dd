package aiscan

import (
	"path"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// fileNames tells quickly whether a path can be that of a file which a
// signature names: nearly all cannot, and a tree has many.
type fileNames struct {
	bases   map[string]bool // last names
	endings map[string]bool // of *.x, in lower case
	folders map[string]bool // last names of folders
	globs   []string        // patterns of last names that are neither
}

func newFileNames(set *aisign.Set) *fileNames {
	n := &fileNames{bases: map[string]bool{}, endings: map[string]bool{}, folders: map[string]bool{}}
	for _, sig := range set.All() {
		for _, entry := range append(slices.Clone(sig.Files), sig.Doubtful.Files...) {
			name, folder := strings.CutSuffix(entry, "/")
			base := path.Base(name)
			switch {
			case folder && !strings.Contains(base, "*"):
				n.folders[base] = true
			case folder:
				n.globs = append(n.globs, base)
			case strings.HasPrefix(base, "*.") && !strings.Contains(base[2:], "*") && !strings.Contains(base[2:], "."):
				n.endings[strings.ToLower(base[1:])] = true
			case strings.Contains(base, "*"):
				n.globs = append(n.globs, base)
			default:
				n.bases[base] = true
			}
		}
	}
	return n
}

// mayName reports whether a path can be one; below says that a folder above it
// can.
func (n *fileNames) mayName(base string) bool {
	if n.bases[base] {
		return true
	}
	if ext := path.Ext(base); ext != "" && (n.endings[ext] || n.endings[strings.ToLower(ext)]) {
		return true
	}
	for _, g := range n.globs {
		head, tail, _ := strings.Cut(g, "*")
		if strings.HasPrefix(base, head) && (strings.Contains(tail, "*") || strings.HasSuffix(strings.ToLower(base), strings.ToLower(tail))) {
			return true
		}
	}
	return n.folders[base]
}

// mayBelow reports whether one of the folders of a path can be one.
func (n *fileNames) mayBelow(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if part != "" && (n.folders[part] || n.mayName(part)) {
			return true
		}
	}
	return false
}

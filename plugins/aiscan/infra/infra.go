package infra

import (
	"cmp"
	"errors"
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Reader reads one format.
type Reader interface {
	// Name says which format, for people: dockerfile, compose, terraform.
	Name() string
	// Read returns what the file says. The path is slash-separated and relative
	// to the root of the tree. An error stands beside the facts that were read
	// before it: both count.
	Read(path string, data []byte) ([]fact.Fact, error)
}

// Limits of one file. What lies beyond them is named by an error.
const (
	maxFile  = 8 << 20 // bytes of a file that is read as a whole
	maxFacts = 20000   // facts of a file
	maxDepth = 200     // nesting of values
	maxNodes = 400000  // values of a file, counting what aliases repeat
)

// Errors that Read returns, wrapped.
var (
	ErrTooLarge = errors.New("larger than what is read of such a file")
	ErrTooMany  = errors.New("more facts than what is kept of one file")
	ErrTooDeep  = errors.New("nested too deeply")
	ErrSyntax   = errors.New("not in the form of its kind")
)

// For returns the reader of a file, by its path and, where a name can mean
// several things, by its first bytes; nil if there is none. A few hundred bytes
// of head are enough for most, 4 KiB for all.
func For(path string, head []byte) Reader {
	n := nameOf(path)
	for _, choose := range families() {
		if f, ok := choose(n, head); ok {
			return f
		}
	}
	return nil
}

// families are asked in this order: the first that knows the file reads it.
func families() []func(name, []byte) (format, bool) {
	return []func(name, []byte) (format, bool){
		envFormat, dockerFormat, hclFormat, notebookFormat, serverFormat, extensionFormat, agentFormat, promptFormat, structuredFormat,
	}
}

func isYAMLName(path string) bool {
	n := nameOf(path)
	return n.ext == ".yaml" || n.ext == ".yml"
}

// name is a path, taken apart once.
type name struct {
	path string // as given
	dir  string // lower case, without the trailing slash; empty at the root
	base string // lower case
	ext  string // lower case, with the dot
}

func nameOf(p string) name {
	lower := strings.ToLower(p)
	dir, base := path.Split(lower)
	return name{path: p, dir: strings.TrimSuffix(dir, "/"), base: base, ext: path.Ext(base)}
}

// in reports whether a folder of this name is the last or any folder above the
// file: in(".github/workflows").
func (n name) in(folder string) bool {
	return n.dir == folder || strings.HasSuffix(n.dir, "/"+folder)
}

// under is in, at any depth.
func (n name) under(folder string) bool {
	return n.in(folder) || strings.HasPrefix(n.dir, folder+"/") || strings.Contains(n.dir, "/"+folder+"/")
}

// format is a reader made of a function.
type format struct {
	name string
	read func(*out, []byte) error
	max  int // bytes of a file that are read, if not maxFile
}

var _ Reader = format{}

func (f format) Name() string { return f.name }

func (f format) Read(path string, data []byte) ([]fact.Fact, error) {
	o := &out{path: path}
	if len(data) > cmp.Or(f.max, maxFile) {
		return nil, ErrTooLarge
	}
	err := f.read(o, data)
	if err != nil && len(o.facts) == 0 && errors.Is(err, ErrSyntax) && isYAMLName(path) {
		readTemplate(o, data) // a template of some kind: what is written out still counts
	}
	if o.full {
		err = errors.Join(err, ErrTooMany)
	}
	return o.done(), err
}

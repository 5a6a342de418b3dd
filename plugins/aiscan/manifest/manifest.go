package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Reader reads the files of one format. Readers keep no state and are safe for
// concurrent use.
type Reader interface {
	// Name names the format: pyproject, package-lock.
	Name() string
	// Read returns the packages that the file names, sorted by line. The path is
	// slash-separated and decides details only (a folder named dev). A file that
	// is broken or passes a bound gives an *Error and the facts read so far.
	Read(path string, data []byte) ([]fact.Fact, error)
}

// Error is why a file was not read to its end.
type Error struct {
	Format string
	Line   int    // 0 if the fault has no line
	What   string // says what is wrong, quoting nothing of the file
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Format, e.What)
	}
	return fmt.Sprintf("%s: line %d: %s", e.Format, e.Line, e.What)
}

// For returns the reader for a file by its path, nil if the file is no manifest.
// Only the path is looked at.
func For(path string) Reader {
	if f := formatOf(path); f != nil {
		return f
	}
	return nil
}

// Bounds of one file.
const (
	maxSize  = 64 << 20
	maxDepth = 200
	maxNodes = 8_000_000
	maxFacts = 300_000
	maxName  = 250
)

// format is one reader: a name and what fills a file's facts in.
type format struct {
	name string
	read func(*file)
	code bool // source code: text between double braces is no template
}

var _ Reader = (*format)(nil)

// Name implements Reader.
func (r *format) Name() string { return r.name }

// Read implements Reader.
func (r *format) Read(path string, data []byte) (facts []fact.Fact, err error) {
	f := &file{path: path, format: r.name}
	// The parsers of YAML and go.mod are others' code and the files are
	// anybody's: a fault there costs one file and not the scan.
	defer func() {
		if p := recover(); p != nil {
			f.fail(0, "the reader gave up")
		}
		facts, err = f.result()
	}()
	if f.load(data, r.code && !isTemplate(path)) {
		r.read(f)
	}
	return nil, nil
}

// file is one file while it is read: its text, and what was found.
type file struct {
	path   string
	format string
	text   []byte // UTF-8, without byte order mark and templates
	cond   []span // lines that a template keeps or drops
	facts  []fact.Fact
	err    *Error
}

// span is lines, first and last included.
type span struct{ from, to int }

// fail records why the file was not read to its end; the first reason stays.
func (f *file) fail(line int, what string) {
	if f.err == nil {
		f.err = &Error{Format: f.format, Line: line, What: what}
	}
}

// add takes a package. It drops what cannot be a name and marks what is
// templated.
func (f *file) add(p fact.Fact) {
	if len(f.facts) >= maxFacts {
		f.fail(p.Line, fmt.Sprintf("more than %d packages", maxFacts))
		return
	}
	base, with := p.Name, ""
	if i := strings.IndexByte(base, '['); i > 0 && p.Group == pypi {
		base, with = base[:i], base[i:]
	}
	name, templated := plainName(base)
	if name == "" || p.Group == maven && (name[0] == ':' || name[len(name)-1] == ':') {
		return
	}
	if with != "" && !templated && isPlain(strings.ReplaceAll(strings.Trim(with, "[]"), ",", "")) {
		name += with
	}
	p.Name = name
	p.Class = fact.Package
	version, loose := plainVersion(p.Version)
	p.Version = version
	switch {
	case templated && p.Standing.Counts():
		p.Standing = fact.Templated
	case (loose || f.conditional(p.Line)) && p.Standing == fact.Direct:
		p.Standing = fact.Templated
	}
	f.facts = append(f.facts, p)
}

func (f *file) conditional(line int) bool {
	for _, s := range f.cond {
		if s.from <= line && line <= s.to {
			return true
		}
	}
	return false
}

// result is the facts in their order, each once.
func (f *file) result() ([]fact.Fact, error) {
	slices.SortStableFunc(f.facts, compare)
	facts := slices.CompactFunc(f.facts, func(a, b fact.Fact) bool { return compare(a, b) == 0 })
	if f.err != nil {
		return facts, f.err
	}
	return facts, nil
}

func compare(a, b fact.Fact) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Version, b.Version), cmp.Compare(a.Standing, b.Standing), cmp.Compare(a.Via, b.Via),
		cmp.Compare(a.Attrs[attrAlias], b.Attrs[attrAlias]))
}

// AsError returns the *Error in err, nil if there is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

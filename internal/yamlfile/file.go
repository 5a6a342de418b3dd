package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes is the size above which a file is refused.
const MaxBytes = 4 << 20

// maxDepth bounds the nesting of values.
const maxDepth = 64

// File is a parsed YAML file that collects problems. It is not safe for
// concurrent use.
type File struct {
	name     string
	lines    []string
	root     ast.Node // nil for an empty file
	problems Problems
	hidden   [][2]int // lines, from and to, that no excerpt shows
}

// Read reads and parses the file at path. The error is a Problems, or says
// why the file cannot be read.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	return parseFrom(path, f)
}

// ReadFS is Read within a file system.
func ReadFS(fsys fs.FS, path string) (*File, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseFrom(path, f)
}

func parseFrom(name string, r io.Reader) (*File, error) {
	src, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return Parse(name, src)
}

// Parse parses src, one YAML document. The name stands in messages only. The
// error is a Problems.
func Parse(name string, src []byte) (*File, error) {
	f := &File{name: name}
	if len(src) > MaxBytes {
		return nil, f.whole("the file is larger than %d bytes", MaxBytes)
	}
	text := strings.TrimPrefix(string(src), "\uFEFF")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	f.lines = strings.Split(text, "\n")
	if err := f.checkText(text); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(text)
	if err := f.checkTokens(tokens); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, f.syntax(err)
	}
	for _, d := range tree.Docs {
		if d.Body == nil {
			continue
		}
		if f.root != nil {
			line, col := start(d.Body)
			return nil, Problems{f.place(line, col, "", "a second document; this file holds one")}
		}
		f.root = d.Body
	}
	if f.root != nil && f.root.Type() == ast.NullType {
		f.root = nil
	}
	return f, nil
}

// Name is the name given to Parse or Read.
func (f *File) Name() string { return f.name }

// Empty reports whether the file holds no value.
func (f *File) Empty() bool { return f.root == nil }

// checkText refuses what is not plain text.
func (f *File) checkText(text string) error {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return nil
	}
	for i, l := range f.lines {
		if utf8.ValidString(l) && !strings.ContainsRune(l, 0) {
			continue
		}
		col := 1
		for _, r := range l {
			if r == utf8.RuneError || r == 0 {
				break
			}
			col++
		}
		return Problems{f.place(i+1, col, "", "not text in UTF-8")}
	}
	return f.whole("not text in UTF-8")
}

// checkTokens refuses references and bounds the nesting before the parser
// recurses.
func (f *File) checkTokens(tokens token.Tokens) error {
	var ps Problems
	flow, line, onLine := 0, 0, 0
	for _, t := range tokens {
		refuse := func(what string) {
			ps = append(ps, f.place(t.Position.Line, t.Position.Column, "", what+" are not supported in this file").
				Hint("write the value out where it is used"))
		}
		if t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType:
			refuse("anchors")
		case token.AliasType:
			refuse("aliases")
		case token.MergeKeyType:
			refuse("merge keys")
		case token.TagType:
			refuse("tags")
		case token.DirectiveType:
			refuse("directives")
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			onLine++
		}
		if flow > maxDepth || onLine > maxDepth || t.Position.IndentNum > 16*maxDepth {
			return Problems{f.place(t.Position.Line, t.Position.Column, "", "values are nested too deeply")}
		}
		if len(ps) >= maxShown {
			break
		}
	}
	if len(ps) > 0 {
		return ps
	}
	return nil
}

// syntax turns the parser's error into a problem with a place.
func (f *File) syntax(err error) error {
	var at interface {
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		return f.whole("not valid YAML: %s", firstLine(err.Error()))
	}
	p := at.GetToken().Position
	return Problems{f.place(p.Line, p.Column, "", "not valid YAML: "+firstLine(at.GetMessage()))}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (f *File) whole(format string, args ...any) Problems {
	return Problems{{File: f.name, Message: fmt.Sprintf(format, args...)}}
}

// place makes a problem at a line and column.
func (f *File) place(line, col int, path, message string) *Problem {
	line = min(max(line, 1), len(f.lines))
	p := &Problem{File: f.name, Line: line, Column: max(col, 1), Path: path, Message: message}
	if line >= 1 {
		p.Excerpt = f.lines[line-1]
	}
	return p
}

// Problemf records a problem with the value at a path; if there is no such
// value, the nearest thing around it is shown. The problem is returned so that
// a hint can be added.
func (f *File) Problemf(at Path, format string, args ...any) *Problem {
	line, col := f.Position(at)
	return f.add(f.place(line, col, at.String(), fmt.Sprintf(format, args...)))
}

// ProblemAt is Problemf without recording: Err does not return the problem.
// Unlike the rest of File it may be called concurrently.
func (f *File) ProblemAt(at Path, format string, args ...any) *Problem {
	line, col := f.Position(at)
	return f.place(line, col, at.String(), fmt.Sprintf(format, args...))
}

// KeyProblemf is Problemf pointing at the key instead of its value.
func (f *File) KeyProblemf(at Path, format string, args ...any) *Problem {
	line, col := f.keyPosition(at)
	return f.add(f.place(line, col, at.String(), fmt.Sprintf(format, args...)))
}

// ProblemWithin records a problem inside the text at a path, at a line (from
// 1) and column (from 0) of that text: a condition, a pattern. Where the text
// is folded over several lines, its beginning is shown.
func (f *File) ProblemWithin(at Path, line, column int, message string) *Problem {
	l, c := f.within(at, line, column)
	return f.add(f.place(l, c, at.String(), message))
}

// Faulty reports whether a problem with the value at a path is recorded.
func (f *File) Faulty(at Path) bool {
	text := at.String()
	return slices.ContainsFunc(f.problems, func(p *Problem) bool { return p.Path == text })
}

func (f *File) add(p *Problem) *Problem {
	f.problems = append(f.problems, p)
	return p
}

// Err returns all problems recorded so far, in the order of the text, or nil.
func (f *File) Err() error {
	if len(f.problems) == 0 {
		return nil
	}
	out := f.problems.sorted()
	for _, p := range out {
		for _, h := range f.hidden {
			if h[0] <= p.Line && p.Line <= h[1] {
				p.Excerpt = ""
			}
		}
	}
	return out
}

// Redact keeps the lines of the value at a path, and of its key, out of the
// excerpts that Err shows: what stands there may be secret.
func (f *File) Redact(at Path) {
	n, deep := f.find(at)
	if deep < len(at) {
		return
	}
	from, _ := f.keyPosition(at)
	f.hidden = append(f.hidden, [2]int{from, max(from, lastLine(n))})
}

// Join makes one error of several loaders' errors: the Problems among them
// become one list, another error is returned beside it. nil if all are nil.
func Join(errs ...error) error {
	var ps Problems
	var other []error
	for _, err := range errs {
		var p Problems
		switch {
		case err == nil:
		case errors.As(err, &p):
			ps = append(ps, p...)
		default:
			other = append(other, err)
		}
	}
	if len(ps) > 0 {
		other = append(other, ps)
	}
	if len(other) == 1 {
		return other[0]
	}
	return errors.Join(other...)
}

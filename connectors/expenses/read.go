package expenses

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Bounds of what is read.
const (
	maxFiles = 10_000
	maxShown = 8 // numbers of lines that a gap names
)

// fileError is a file that cannot be read, or not to its end.
type fileError struct {
	reason connector.Reason
	text   string
	seen   string // what stands there instead: for who sets it up, and not for the record
}

func (e *fileError) Error() string { return e.text }

// Reason is why.
func (e *fileError) Reason() connector.Reason { return e.reason }

var _ coverage.Reasoner = (*fileError)(nil)

// search returns the files of the settings, each once, in order.
func search(patterns []string) (names []string, problems map[string]error) {
	problems = map[string]error{}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		switch {
		case err == nil && len(found) == 0 && locked(pattern):
			problems[pattern] = &fileError{reason: connector.Denied, text: "no right to list its folder"}
		case err != nil || len(found) == 0:
			problems[pattern] = &fileError{reason: connector.NotFound, text: "there is no such file"}
		case len(names)+len(found) > maxFiles:
			problems[pattern] = &fileError{reason: connector.Truncated, text: fmt.Sprintf("there are more than %d files", maxFiles)}
			found = found[:max(0, maxFiles-len(names))]
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), problems
}

// locked reports whether the folder of a pattern may not be listed: then it
// cannot be known whether there are files.
func locked(pattern string) bool {
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	_, err := os.ReadDir(dir)
	return errors.Is(err, fs.ErrPermission)
}

// open opens a regular file.
func open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &fileError{reason: connector.NotFound, text: "it is gone"}
	case err == nil && !info.Mode().IsRegular():
		return nil, &fileError{reason: connector.Malformed, text: "it is no file"}
	}
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, &fileError{reason: connector.Denied, text: "no right to read it"}
	case err != nil:
		return nil, &fileError{reason: connector.Unavailable, text: "it cannot be opened"}
	}
	return f, nil
}

// table is a file that is being read.
type table struct {
	rows   *rows
	header []string
	at     map[string]int // place of a column, by role
}

// begin finds the columns of a file.
func (c *config) begin(in io.Reader) (*table, error) {
	text, err := decoded(in, c.Encoding)
	if err != nil {
		return nil, &fileError{reason: connector.Unavailable, text: "it cannot be read"}
	}
	l := newLines(text, c.MaxLine)
	for range c.Skip {
		if _, err := l.next(); err != nil {
			return nil, &fileError{reason: connector.Malformed, text: "it ends before its header"}
		}
	}
	first, err := l.next()
	for err == nil && strings.TrimSpace(first.text) == "" && !first.long {
		first, err = l.next()
	}
	if err != nil {
		return nil, &fileError{reason: connector.Malformed, text: "it is empty"}
	}
	l.back([]line{first})
	t := &table{rows: &rows{l, separatorOf(first.text)}, at: map[string]int{}}
	if c.Separator != auto {
		t.rows.separator = c.Separator[0]
	}
	if !c.Header {
		c.Columns.each(func(role, name string) {
			n, _ := strconv.Atoi(name) // was checked
			t.at[role] = n - 1
		})
		return t, nil
	}
	if t.header, _, err = t.rows.next(); err != nil {
		return nil, &fileError{reason: connector.Malformed, text: "its first line is no header: " + err.Error()}
	}
	return t, t.find(c.Columns)
}

// find looks for the columns in the header.
func (t *table) find(c columns) error {
	var lacks []string
	c.each(func(role, name string) {
		i := slices.IndexFunc(t.header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(name)) })
		if i < 0 {
			lacks = append(lacks, name)
		}
		t.at[role] = i
	})
	switch named := 0; {
	case len(lacks) == 0:
		return nil
	default:
		c.each(func(string, string) { named++ })
		if len(lacks) == named { // it may hold charges and persons
			return &fileError{reason: connector.Malformed, text: fmt.Sprintf("none of the columns stands in its first line, which has %d fields: see the names, separator, skip_lines and header", len(t.header))}
		}
	}
	return &fileError{
		reason: connector.Malformed, text: records.Line("it has no column "+strings.Join(lacks, ", "), 600),
		seen: records.Line("; it has: "+strings.Join(t.header[:min(len(t.header), 30)], ", "), 600),
	}
}

// row is one row by roles.
type row struct {
	fields []string
	at     map[string]int
}

func (r row) get(role string) string {
	i, ok := r.at[role]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return r.fields[i]
}

// whole reports whether a row has every column.
func (r row) whole() bool {
	for _, i := range r.at {
		if i >= len(r.fields) {
			return false
		}
	}
	return true
}

// bad counts lines that cannot be read.
type bad struct {
	n     int
	lines []string
	why   []string
}

func (b *bad) add(line int, why string) {
	b.n++
	if len(b.lines) < maxShown {
		b.lines = append(b.lines, strconv.Itoa(line))
	}
	if !slices.Contains(b.why, why) && len(b.why) < maxShown {
		b.why = append(b.why, why)
	}
}

func (b *bad) String() string {
	more := ""
	if b.n > len(b.lines) {
		more = " …"
	}
	return fmt.Sprintf("%d lines cannot be read (%s%s): %s", b.n, strings.Join(b.lines, ", "), more, strings.Join(b.why, "; "))
}

// file reads one export.
func (r *run) file(ctx context.Context, name string) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := r.cfg.begin(f)
	if err != nil {
		return err
	}
	var lost bad
	here := map[[32]byte]int{}
	var first, last string // dates: exports are in order, one way or the other
	defer func() { r.saw(first, last) }()
	for read := 0; ; read++ {
		if read%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		fields, n, err := t.rows.next()
		var broken *rowError
		switch {
		case errors.As(err, &broken):
			lost.add(broken.line, broken.why)
			continue
		case errors.Is(err, io.EOF):
			if lost.n > 0 {
				return r.book.Malformed("file "+name, lost.String(), records.KindActivity)
			}
			return nil
		case err != nil:
			return &fileError{reason: connector.Unavailable, text: fmt.Sprintf("it cannot be read after line %d", n)}
		}
		if t.header != nil && slices.Equal(fields, t.header) {
			continue // exports that were put together repeat it
		}
		if date := (row{fields, t.at}).get("date"); date != "" {
			if first == "" {
				first = date
			}
			last = date
			r.rows++
		}
		if err := r.row(row{fields, t.at}, here); err != nil {
			lost.add(n, err.Error())
		}
	}
}

package yamlfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing wrong with a file. Line and Column count from 1;
// Column counts characters, not bytes.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path,omitempty"` // systems[2].tier; empty for the file as a whole
	Message string `json:"message"`
	Remedy  string `json:"hint,omitempty"`
	Excerpt string `json:"excerpt,omitempty"` // the text of the line
}

// Hint adds what to do about p and returns p.
func (p *Problem) Hint(format string, args ...any) *Problem {
	p.Remedy = fmt.Sprintf(format, args...)
	return p
}

// Error gives place, message, line, caret and hint, on several lines without a
// trailing newline.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Line > 0 && p.Excerpt != "" {
		line, pad := window(p.Excerpt, p.Column)
		no := strconv.Itoa(p.Line)
		fmt.Fprintf(&b, "\n  %s | %s\n  %s | %s^", no, line, strings.Repeat(" ", len(no)), pad)
	}
	if p.Remedy != "" {
		b.WriteString("\n  hint: " + p.Remedy)
	}
	return b.String()
}

// Problems is every problem of one or more files. It is the error that Err
// and the loaders return.
type Problems []*Problem

const maxShown = 100

// Error lists all problems, one after the other; beyond 100 it gives the number.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == maxShown {
			fmt.Fprintf(&b, "and %d more problems", len(ps)-maxShown)
			break
		}
		b.WriteString(p.Error())
	}
	return b.String()
}

// sorted returns ps in the order of the text, without repetitions.
func (ps Problems) sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b *Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.CompactFunc(out, func(a, b *Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Path == b.Path && a.Message == b.Message
	})
}

// window cuts a long line to what surrounds the column and returns it with
// the blanks that bring a caret under the column. Characters that a terminal
// would act on are replaced.
func window(line string, column int) (shown, pad string) {
	const before, after = 60, 60
	runes := []rune(line)
	at := min(max(column-1, 0), len(runes))
	from, to := max(at-before, 0), min(at+after, len(runes))
	var s, p strings.Builder
	if from > 0 {
		s.WriteString("…")
		p.WriteByte(' ')
	}
	for i := from; i < to; i++ {
		r := runes[i]
		switch {
		case r == '\t':
		case r == utf8.RuneError || !unicode.IsPrint(r):
			r = '·'
		}
		s.WriteRune(r)
		if i < at {
			if r == '\t' {
				p.WriteRune('\t')
			} else {
				p.WriteByte(' ')
			}
		}
	}
	if to < len(runes) {
		s.WriteString("…")
	}
	return s.String(), p.String()
}

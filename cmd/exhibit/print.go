package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// printJSON writes v as indented JSON (json) or on one line (jsonl).
func printJSON(w io.Writer, format string, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if format == "json" {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// printRows writes each row as a JSON object on a line of its own, or all of
// them as one array.
func printRows[T any](w io.Writer, format string, rows []T) error {
	if format == "json" {
		if rows == nil {
			rows = []T{}
		}
		return printJSON(w, format, rows)
	}
	for _, r := range rows {
		if err := printJSON(w, "jsonl", r); err != nil {
			return err
		}
	}
	return nil
}

// printActed prints what was put on record, for programs; people are told by a note.
func (g *globals) printActed(v any) error {
	if g.output == "table" {
		return nil
	}
	return printJSON(g.std.out, g.output, v)
}

// table prints aligned columns. Cells are hostile text: control characters
// never reach the terminal.
type table struct {
	head []string
	rows [][]string
	tint func(row, col int) string // escape sequence, or empty
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	line := func(n int, cells []string) {
		var b strings.Builder
		for i, c := range cells {
			pad := ""
			if i < len(cells)-1 {
				pad = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2)
			}
			if esc := t.escape(n, i); esc != "" {
				c = esc + c + "\x1b[0m"
			}
			b.WriteString(c + pad)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(-1, t.head)
	for n, row := range t.rows {
		line(n, row)
	}
}

func (t *table) escape(row, col int) string {
	if t.tint == nil {
		return ""
	}
	return t.tint(row, col)
}

// clean replaces what could steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '·'
		}
		return r
	}, s)
}

// short cuts s to n characters.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*sureWriter); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured reports whether results may be coloured.
func (g *globals) coloured() bool {
	_, noColor := os.LookupEnv("NO_COLOR")
	return !g.noColor && !noColor && isTerminal(g.std.out)
}

// statusTint is the colour of a status; the word is always printed too.
func statusTint(s assess.Status) string {
	switch s {
	case assess.StatusFailing, assess.StatusMissing:
		return "\x1b[1;31m"
	case assess.StatusStale, assess.StatusDue, assess.StatusPendingReview:
		return "\x1b[33m"
	case assess.StatusSatisfied:
		return "\x1b[32m"
	case assess.StatusWaived:
		return "\x1b[36m"
	}
	return "\x1b[2m"
}

// note prints a line for people, unless --quiet.
func (g *globals) note(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintf(g.std.err, format+"\n", args...)
	}
}

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

// clean replaces what could steer a terminal.
func clean(s string) string {
	return strings.Map(plainRune, s)
}

// cleanLines is clean for what has lines, and is set with tabs.
func cleanLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return plainRune(r)
	}, s)
}

// plainRune is r, or what stands for one that is not to reach a terminal.
func plainRune(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
		return '·'
	}
	return r
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

// widthOf is how many columns a terminal has; 0 where w is none.
func widthOf(w io.Writer) int {
	if s, ok := w.(*sureWriter); ok {
		w = s.w
	}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
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

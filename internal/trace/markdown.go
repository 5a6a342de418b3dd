package trace

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the table for people: one line for each expectation.
func WriteMarkdown(w io.Writer, table []Control) error {
	var b strings.Builder
	b.WriteString("| control | expectation | severity | shows | judged | kinds, and what delivers them |\n|---|---|---|---|---|---|\n")
	for _, c := range table {
		for _, e := range c.Expectations {
			fmt.Fprintf(&b, "| %s %s | `%s` %s | %s | %s, %s | %s | %s |\n", c.ID, cell(c.Title), e.Slug, cell(e.Title), e.Severity,
				e.Strength, strings.ReplaceAll(e.Mode, "_", " "), judged(e.Automation), kindsCell(e.Kinds))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func judged(automation string) string {
	switch automation {
	case "full":
		return "without people"
	case "partial":
		return "in part by people"
	}
	return "on what people supply"
}

func kindsCell(kinds []Kind) string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = "`" + k.ID + "`"
		if k.Optional {
			out[i] += " (if there)"
		}
		out[i] += ": " + strings.Join(k.Sources, ", ")
	}
	return strings.Join(out, "<br>")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

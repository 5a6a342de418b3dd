package html

import (
	"html"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

// esc makes a text from anywhere fit for HTML, between tags and in quotes.
func esc(s string) string { return html.EscapeString(cell.Show(s)) }

// maxText is how many characters of a text are shown, as in the workbook.
const maxText = 32767

// cut cuts a text and says where the whole is.
func cut(s, where string) string {
	if len(s) <= maxText || utf8.RuneCountInString(s) <= maxText {
		return s
	}
	if where == "" {
		where = "the bundle's assessment.json"
	}
	return string([]rune(s)[:maxText]) + " \u2026 [cut; the whole is in " + where + "]"
}

package xlsx

import (
	"unicode/utf16"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

// maxCell is how many UTF-16 units a cell can hold.
const maxCell = 32767

// clean makes a text from anywhere fit for a cell.
func clean(s string) string { return cell.Clean(s) }

// fit cuts a cleaned text to what a cell holds, and says where the whole is.
func fit(s, where string) string {
	if len(s) <= maxCell {
		return s
	}
	n, room := 0, maxCell
	note := " \u2026 [cut; the whole is in " + where + "]"
	cut := -1
	for i, r := range s {
		w := utf16.RuneLen(r)
		if cut < 0 && n+w > room-len(note) {
			cut = i
		}
		if n += w; n > room {
			return s[:cut] + note
		}
	}
	return s
}

package xlsx

import (
	"strings"
	"testing"
)

// However the bytes come, the rows stay as they are and what follows gets the
// usual prefix.
func TestTail(t *testing.T) {
	text := `<sheetData><t>` + longRel + `</t>` + rowsEnd + `<drawing` + longRel + `"rId1"/><x` + longRel + longRel + `"2"/>` + longRel[:20]
	want := `<sheetData><t>` + longRel + `</t>` + rowsEnd + `<drawing` + shortRel + `"rId1"/><x` + shortRel + shortRel + `"2"/>` + longRel[:20]
	for _, size := range []int{1, 2, 7, len(rowsEnd), 64, len(longRel), len(text)} {
		var out strings.Builder
		w := &tail{to: &out}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if m, err := w.Write([]byte(rest[:n])); err != nil || m != n {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if err := w.end(); err != nil || out.String() != want {
			t.Errorf("in pieces of %d: %v\n%s\nwant\n%s", size, err, out.String(), want)
		}
	}
}

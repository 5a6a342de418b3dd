package html

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

//go:embed report.css
var baseStyle string

// policy forbids everything but the one style sheet.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// style is the style sheet: the fixed part, the colours of the statuses, what
// stands in the margins of a printed page, and for each table how wide its
// columns are and what names a value on a narrow screen.
func (r *report) style() string {
	var b strings.Builder
	b.WriteString(baseStyle)
	for _, l := range sheets.Looks() {
		fmt.Fprintf(&b, ".st-%s{background:#%s;color:#%s", l.Status, l.Fill, l.Font)
		if l.Bold {
			b.WriteString(";font-weight:700")
		}
		if l.Italic {
			b.WriteString(";font-style:italic")
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, "@page{@top-left{content:%s}@top-right{content:%s}@bottom-left{content:%s}}\n", quoted(r.snap.Organisation),
		quoted("as of "+export.Time(r.snap.AsOf)), quoted("snapshot "+r.Digests.Snapshot.String()[:16]))
	for _, p := range r.parts {
		if p.rows == 0 {
			continue
		}
		total := 0.0
		for _, c := range p.Columns {
			total += printWidth(c)
		}
		b.WriteString("@media print{")
		for i, c := range p.Columns {
			fmt.Fprintf(&b, "#t-%s>thead th:nth-child(%d){width:%.2f%%}", p.id, i+1, printWidth(c)/total*100)
		}
		b.WriteString("}\n")
		b.WriteString("@media screen{")
		for i, c := range p.Columns {
			fmt.Fprintf(&b, "#t-%s>thead th:nth-child(%d){min-width:%dch}", p.id, i+1, int(min(max(c.Width*0.95, 6), 44)))
		}
		b.WriteString("}\n@media screen and (max-width:44rem){")
		for i, c := range p.Columns {
			fmt.Fprintf(&b, "#t-%s>tbody>tr>:nth-child(%d)::before{content:%s}", p.id, i+1, quoted(c.Title))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// printWidth is a column's share of a printed page: its width, but room for
// the longest word of a title, and for the longest status.
func printWidth(c sheets.Column) float64 {
	longest := 0
	for _, word := range strings.Fields(c.Title) {
		longest = max(longest, len(word))
	}
	width := max(c.Width, float64(longest)*1.5+1)
	if strings.HasSuffix(c.Title, "status") || c.Title == "state" {
		width = max(width, 21)
	}
	return width
}

// quoted makes a text a string of a style sheet that cannot end it, nor the
// element that it is in.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range cell.Show(s) {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == ' ', r == ',', r == '.', r == ':', r == '-', r == '(', r == ')':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\%06x", r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

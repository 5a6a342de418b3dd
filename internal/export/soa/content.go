package soa

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/export"
)

// unknown is what is said where no record states anything.
const unknown = "not established"

// document is the text while it is written.
type document struct {
	b    builder
	snap *export.Snapshot
	soa  *export.SoA
	id   string // of the snapshot
}

func (d *document) xml() string {
	return xmlHead + `<w:document ` + wordNS + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><w:body>` +
		d.b.String() + section + `</w:body></w:document>`
}

func (d *document) approved() bool { return d.soa.ApprovedBy != "" && !d.soa.ApprovedAt.IsZero() }

// draft is what the footer adds to the title of a version that is not
// approved.
func (d *document) draft() string {
	if d.approved() {
		return ""
	}
	return " (NOT APPROVED)"
}

func (d *document) write() {
	d.title()
	d.remarks()
	d.controls()
	d.contradictions()
	d.changes()
	d.method()
	d.signatures()
}

// title is the block that says what this is.
func (d *document) title() {
	b := &d.b
	b.para("Title", "Statement of applicability", look{})
	b.para("Subtitle", cmp.Or(strings.TrimSpace(d.snap.Organisation), "Organisation "+unknown)+", version "+d.soa.Version, look{})
	if !d.approved() {
		b.para("Banner", "NOT APPROVED. This version is a draft: nobody has approved it, and it is not in force.", look{})
	}
	approval := "nobody has approved this version"
	if d.approved() {
		approval = d.soa.ApprovedBy + " on " + instant(d.soa.ApprovedAt)
	}
	in, out, open := d.counts()
	catalog := d.snap.Assessment.Catalog
	b.table([]int{3000, lineWidth - 3000}, true)
	for _, f := range [][3]string{
		{"Organisation", said(d.snap.Organisation)},
		{"Scope of the management system", said(d.snap.Scope)},
		{"Version", d.soa.Version},
		{"Approved by", approval},
		{"Version before", cmp.Or(d.soa.Previous, "none on record")},
		{"Decisions", fmt.Sprintf("%d applicable, %d excluded, %d not decided", in, out, open)},
		{"Contradictions", d.contradicted()},
		{"As of", instant(d.snap.AsOf)},
		{"Catalog", catalog.ID + " " + catalog.Version, ""},
		{"Record of the decisions", "sha256:" + d.soa.Evidence.String(), "Code"},
		{"Snapshot", "sha256:" + d.id, "Code"},
	} {
		b.row(true, false)
		b.cell(f[0], box{width: 3000, fill: band, look: look{bold: true}})
		b.cell(f[1], box{width: lineWidth - 3000, style: f[2]})
		b.endRow()
	}
	b.endTable()
}

func (d *document) counts() (in, out, open int) {
	for _, r := range d.soa.Rows {
		switch {
		case r.Applicable == nil:
			open++
		case *r.Applicable:
			in++
		default:
			out++
		}
	}
	return in, out, open
}

// excluded and contradicted, or nobody could tell.
func (d *document) flagged() (seen, open []export.SoARow) {
	for _, r := range d.soa.Rows {
		switch {
		case r.Contradiction == "":
		case strings.HasPrefix(r.Contradiction, unknown):
			open = append(open, r)
		default:
			seen = append(seen, r)
		}
	}
	return seen, open
}

func (d *document) contradicted() string {
	seen, open := d.flagged()
	switch {
	case len(seen) == 0 && len(open) == 0:
		return "none seen"
	case len(open) == 0:
		return fmt.Sprintf("%d: %s", len(seen), ids(seen))
	case len(seen) == 0:
		return fmt.Sprintf("%s for %d: %s", unknown, len(open), ids(open))
	}
	return fmt.Sprintf("%d: %s; %s for %d: %s", len(seen), ids(seen), unknown, len(open), ids(open))
}

func ids(rows []export.SoARow) string {
	var out []string
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return strings.Join(out, ", ")
}

// remarks are what to know before relying on it.
func (d *document) remarks() {
	if len(d.soa.Remarks) == 0 {
		return
	}
	d.b.para("Heading1", "Before relying on it", look{})
	for _, r := range d.soa.Remarks {
		d.b.para("Item", "•  "+r, look{})
	}
}

// column is a column of the table of controls.
type column struct {
	title string
	width int
	text  func(export.SoARow) string
	look  func(export.SoARow) look
	fill  func(export.SoARow) string
}

func (d *document) columns() []column {
	plain := func(export.SoARow) look { return look{} }
	none := func(export.SoARow) string { return "" }
	cols := []column{
		{"Control", 2650, func(r export.SoARow) string { return r.ID + "  " + cmp.Or(r.Title, "not in the catalog") }, plain, none},
		{"Applies", 960, func(r export.SoARow) string { return decision(r.Applicable) },
			func(r export.SoARow) look { return look{bold: r.Applicable == nil || !*r.Applicable} },
			func(r export.SoARow) string {
				if r.Applicable == nil {
					return pale
				}
				return ""
			}},
		{"Reason for inclusion or exclusion", 3018, func(r export.SoARow) string { return said(r.Reason) }, plain, none},
		{"Source of need", 1750, func(r export.SoARow) string { return said(r.Source) }, plain, none},
		{"Implementation", 2350, func(r export.SoARow) string { return said(r.State) }, plain, none},
		{"Since", 1410, since, plain, none},
		{"Evidence", 1100, func(r export.SoARow) string { return strconv.Itoa(r.Evidence) }, plain, none},
		{"Contradiction", 1900, flag, func(r export.SoARow) look {
			if r.Contradiction == "" {
				return look{}
			}
			return look{bold: true, color: alarm}
		}, func(r export.SoARow) string {
			if r.Contradiction == "" {
				return ""
			}
			return pale
		}},
	}
	if d.ownApprovals() {
		cols[2].width -= 900
		cols[4].width -= 350
		cols = append(cols, column{"Approved", 1250, func(r export.SoARow) string {
			if r.ApprovedBy == "" {
				return "no"
			}
			return r.ApprovedBy + " " + day(r.ApprovedAt)
		}, plain, none})
	}
	return cols
}

// ownApprovals reports whether a decision was approved otherwise than the
// version as a whole.
func (d *document) ownApprovals() bool {
	return slices.ContainsFunc(d.soa.Rows, func(r export.SoARow) bool {
		return r.Applicable != nil && (r.ApprovedBy != d.soa.ApprovedBy || !r.ApprovedAt.Equal(d.soa.ApprovedAt))
	})
}

// controls is the table of all decisions.
func (d *document) controls() {
	b := &d.b
	b.para("Heading1", "1  Decision on each control", look{})
	switch {
	case d.approved() && !d.ownApprovals():
		b.para("Note", "Every decision was approved with the version: by "+d.soa.ApprovedBy+" on "+instant(d.soa.ApprovedAt)+".", look{})
	case !d.approved():
		b.para("Note", "No decision below is approved.", look{})
	}
	cols := d.columns()
	var widths []int
	for _, c := range cols {
		widths = append(widths, c.width)
	}
	b.table(widths, true)
	b.row(true, true)
	for _, c := range cols {
		b.cell(c.title, box{width: c.width, fill: head, look: look{bold: true, color: "FFFFFF"}})
	}
	b.endRow()
	area := ""
	for _, r := range d.soa.Rows {
		if a := d.area(r); a != area {
			area = a
			b.row(true, false)
			b.cell(a, box{width: lineWidth, span: len(cols), fill: band, style: "Together", look: look{bold: true, size: 17, color: head}})
			b.endRow()
		}
		b.row(len(r.Reason)+len(r.State)+len(r.Source)+len(r.Contradiction) < 2000, false)
		for _, c := range cols {
			b.cell(c.text(r), box{width: c.width, fill: c.fill(r), look: c.look(r)})
		}
		b.endRow()
	}
	b.endTable()
}

// area is the heading under which a control stands.
func (d *document) area(r export.SoARow) string {
	if c, ok := d.snap.Controls[r.ID]; ok && c.Area != "" {
		return c.Area
	}
	return "Not in the catalog: the organisation's own"
}

func decision(b *bool) string {
	switch {
	case b == nil:
		return "not decided"
	case *b:
		return "Yes"
	}
	return "No"
}

func since(r export.SoARow) string {
	switch {
	case !r.Since.IsZero():
		return day(r.Since)
	case r.Applicable != nil && !*r.Applicable:
		return "–"
	}
	return unknown
}

func flag(r export.SoARow) string {
	switch {
	case r.Contradiction != "" && strings.HasPrefix(r.Contradiction, unknown):
		return r.Contradiction
	case r.Contradiction != "":
		return "Excluded, but seen: " + r.Contradiction
	case r.Applicable != nil && !*r.Applicable:
		return "none seen"
	}
	return "–"
}

// contradictions lists what happens although its control is excluded.
func (d *document) contradictions() {
	b := &d.b
	b.para("Heading1", "2  Contradictions", look{})
	seen, open := d.flagged()
	_, out, _ := d.counts()
	if len(seen)+len(open) == 0 {
		text := "No control is excluded."
		if out > 0 {
			text = "No record that was read shows activity that an excluded control governs. What nobody reads cannot contradict."
		}
		b.para("Normal", text, look{})
		return
	}
	for _, r := range append(seen, open...) {
		b.open("Item")
		b.text("•  "+r.ID+"  "+r.Title+". ", look{bold: true})
		b.text(flag(r)+".", look{})
		b.text(" Reason given for the exclusion: "+said(r.Reason), look{color: faint})
		b.WriteString("</w:p>")
	}
}

// changes lists what is otherwise than in the version before.
func (d *document) changes() {
	b := &d.b
	if d.soa.Previous == "" {
		b.para("Heading1", "3  Changes", look{})
		b.para("Normal", "No approved version before this one is on record.", look{})
		return
	}
	b.para("Heading1", "3  What changed since version "+d.soa.Previous, look{})
	some := false
	for _, r := range d.soa.Rows {
		if r.Changed == "" {
			continue
		}
		some = true
		b.open("Item")
		b.text("•  "+strings.TrimSpace(r.ID+"  "+r.Title)+": now "+decisionWord(r.Applicable)+". ", look{bold: true})
		b.text(r.Changed, look{})
		b.WriteString("</w:p>")
	}
	if !some {
		b.para("Normal", "No decision differs.", look{})
	}
}

func decisionWord(b *bool) string {
	switch {
	case b == nil:
		return "not decided"
	case *b:
		return "applicable"
	}
	return "excluded"
}

// method says how the columns came about.
func (d *document) method() {
	d.b.para("Heading1", "4  How to read it", look{})
	for _, m := range Method() {
		d.b.open("Item")
		d.b.text("•  "+m[0]+". ", look{bold: true})
		d.b.text(m[1], look{})
		d.b.WriteString("</w:p>")
	}
}

// Method says in words how the columns of the statement came about, as pairs
// of a column and its rule.
func Method() [][2]string {
	return [][2]string{
		{"In force", "The newest version that somebody had approved by the as-of. A version that nobody approved changes nothing."},
		{"Applies, reason, source of need, since", "As the record of the decisions states them. What it does not state is not established."},
		{"Implementation, stated", "What the record of the decisions says of it. Nobody checked it to write it here."},
		{"Implementation, evidence", "Derived from the assessment of the control as of the snapshot. Operating: every applicable result is satisfied, and at least one of " +
			"them rests on evidence of operation. In place: every one is satisfied, on evidence that something exists. Designed: on evidence of design alone. In part: " +
			"some are satisfied, and at least one is not, also where it is waived, due or stale. Not shown: none is satisfied. Not established: nobody could tell. " +
			"It is no finding of conformity."},
		{"Evidence", "How many different items of evidence the results of the control rest on. An item that serves two controls counts for each."},
		{"Contradiction", "A control is excluded, and records in force show what it governs. None seen means that a search took place and found nothing in what is " +
			"read; not established means that there was no search, or none that could tell."},
	}
}

// signatures is where people sign. It stays on one page.
func (d *document) signatures() {
	b := &d.b
	b.para("Heading1", "5  Signatures", look{})
	text := "The decisions above are those of version " + d.soa.Version + ", on record as sha256:" + d.soa.Evidence.String() + "."
	if !d.approved() {
		text += " That version is not approved on record. A signature on this paper does not approve it there: exhibit applicability approve does."
	}
	b.para("Together", text, look{})
	b.para("Together", "", look{})
	widths := []int{3200, 4200, 2738, 5000}
	b.table(widths, true)
	b.row(true, true)
	for i, title := range []string{"For", "Name and role", "Date", "Signature"} {
		b.cell(title, box{width: widths[i], fill: head, style: "Together", look: look{bold: true, color: "FFFFFF"}})
	}
	b.endRow()
	for _, who := range []string{"Prepared by", "Approved for top management by", "Reviewed by"} {
		b.row(true, false)
		for i, text := range []string{who + "\n\n", "", "", ""} {
			b.cell(text, box{width: widths[i], style: "Together"})
		}
		b.endRow()
	}
	b.endTable()
	b.para("Note", "", look{})
}

func said(s string) string {
	if strings.TrimSpace(s) == "" {
		return unknown
	}
	return s
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

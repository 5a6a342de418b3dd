package xlsx

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestStrictReader holds every part against the rules of the file format that
// a strict program enforces by calling the file damaged: the order of elements,
// unique names, tables that agree with their cells, limits of lengths. The
// sheets are tried whole and continued.
func TestStrictReader(t *testing.T) {
	for name, rows := range map[string]int{"whole": maxRows, "continued": 12} {
		t.Run(name, func(t *testing.T) {
			s := sample(t)
			var buf bytes.Buffer
			if _, err := write(t.Context(), &buf, s.Snapshot, s.Key.Signer, Options{TempDir: t.TempDir()}, rows); err != nil {
				t.Fatal(err)
			}
			r := &strict{T: t, parts: parts(t, buf.Bytes())}
			r.read()
			if len(r.tables) < 10 || r.cells < 1000 || r.links < 20 {
				t.Errorf("looked at %d tables, %d cells, %d links", len(r.tables), r.cells, r.links)
			}
		})
	}
}

// A reader that finds nothing wrong with anything is no use: each of these
// breaks one rule.
func TestStrictReaderBites(t *testing.T) {
	b := workbook(t, sample(t))
	for name, change := range map[string]struct{ part, old, with string }{
		"a header unlike its column":     {"xl/worksheets/sheet", "<t>title</t>", "<t>Title </t>"},
		"a table twice":                  {"xl/tables/", `name="Results"`, `name="controlstatus"`},
		"a name that a table has":        {"xl/workbook.xml", `name="Scope"`, `name="Evidence"`},
		"panes behind the rows":          {"xl/worksheets/sheet", "<sheetData>", "<sheetData></sheetData><sheetViews></sheetViews><sheetData>"},
		"a link to no sheet":             {"xl/worksheets/sheet", `location="&#39;Results&#39;!`, `location="&#39;Result&#39;!`},
		"a relationship that is not":     {"xl/worksheets/_rels/", "../tables/table1.xml", "../tables/table99.xml"},
		"a formula":                      {"xl/worksheets/sheet", "</is></c>", "</is><f>1+1</f></c>"},
		"spaces that are not kept":       {"xl/worksheets/sheet", "<t>Every merged", "<t> Every merged"},
		"a filter beside that of rows":   {"xl/worksheets/sheet", "</sheetData>", `</sheetData><autoFilter ref="A1:B2"/>`},
		"a chart of a sheet that is not": {"xl/charts/chart1.xml", "Summary", "Elsewhere"},
	} {
		all, done := parts(t, b), false
		for _, part := range slices.Sorted(maps.Keys(all)) {
			if strings.HasPrefix(part, change.part) && strings.Contains(all[part], change.old) {
				all[part], done = strings.Replace(all[part], change.old, change.with, 1), true
				break
			}
		}
		if !done {
			t.Errorf("%s: no part %s has %s", name, change.part, change.old)
			continue
		}
		quiet := &strict{T: t, parts: all, quiet: true}
		quiet.read()
		if quiet.found == 0 {
			t.Errorf("%s was not noticed", name)
		}
	}
}

// node is an element of a part.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []*node    `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *node) all(name string) []*node {
	var out []*node
	for _, c := range n.Children {
		if c.XMLName.Local == name {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) one(name string) *node {
	if list := n.all(name); len(list) > 0 {
		return list[0]
	}
	return &node{}
}

// strict reads a workbook as a program that forgives nothing.
type strict struct {
	*testing.T
	parts  map[string]string
	quiet  bool
	found  int
	sheets map[string]string // name to part
	tables map[string]bool   // names, in lower case
	names  map[string]bool
	styles int
	cells  int
	links  int
}

func (r *strict) bad(format string, args ...any) {
	r.found++
	if !r.quiet {
		r.Errorf(format, args...)
	}
}

func (r *strict) part(name string) *node {
	var n node
	if err := xml.Unmarshal([]byte(r.parts[name]), &n); err != nil {
		r.bad("%s: %v", name, err)
	}
	return &n
}

func (r *strict) read() {
	r.tables, r.names, r.sheets = map[string]bool{}, map[string]bool{}, map[string]string{}
	r.types()
	r.styles = len(r.part("xl/styles.xml").one("cellXfs").all("xf"))
	r.workbook()
	for name, part := range r.sheets {
		r.sheet(name, part)
	}
	for name := range r.names {
		if r.tables[name] {
			r.bad("%s names a table and something else", name)
		}
	}
	for name, text := range r.parts {
		if strings.HasPrefix(name, "xl/charts/chart") {
			r.chart(name, text)
		}
	}
}

// types: every part has a type, every type a part, every relationship an end.
func (r *strict) types() {
	defaults, overrides := map[string]bool{}, map[string]bool{}
	list := r.part(typesPart)
	for _, d := range list.all("Default") {
		defaults[strings.ToLower(d.attr("Extension"))] = true
	}
	for _, o := range list.all("Override") {
		name := strings.TrimPrefix(o.attr("PartName"), "/")
		if _, ok := r.parts[name]; !ok || overrides[name] {
			r.bad("a type for the part %s", name)
		}
		overrides[name] = true
	}
	for name := range r.parts {
		if name != typesPart && !overrides[name] && !defaults[strings.TrimPrefix(path.Ext(name), ".")] {
			r.bad("part %s has no type", name)
		}
		if strings.HasSuffix(name, ".rels") {
			r.rels(name)
		}
	}
}

// rels returns the targets of a part's relationships by id.
func (r *strict) rels(name string) map[string]string {
	out := map[string]string{}
	if _, ok := r.parts[name]; !ok {
		return out
	}
	base := path.Dir(path.Dir(name))
	for _, rel := range r.part(name).all("Relationship") {
		id, target := rel.attr("Id"), rel.attr("Target")
		if _, twice := out[id]; twice {
			r.bad("%s: %s comes twice", name, id)
		}
		if rel.attr("TargetMode") != "External" {
			if p, ok := strings.CutPrefix(target, "/"); ok {
				target = p
			} else {
				target = path.Join(base, target)
			}
			if _, ok := r.parts[target]; !ok {
				r.bad("%s: %s leads to %s, which is not there", name, id, target)
			}
		}
		out[id] = target
	}
	return out
}

func relsOf(part string) string { return path.Dir(part) + "/_rels/" + path.Base(part) + ".rels" }

// workbook: names of sheets and of values.
func (r *strict) workbook() {
	wb, rels := r.part("xl/workbook.xml"), r.rels("xl/_rels/workbook.xml.rels")
	r.order("xl/workbook.xml", wb, []string{"fileVersion", "workbookPr", "workbookProtection", "bookViews", "sheets", "definedNames", "calcPr"})
	seen, ids := map[string]bool{}, map[string]bool{}
	list := wb.one("sheets").all("sheet")
	for _, s := range list {
		name := s.attr("name")
		low := strings.ToLower(name)
		if name == "" || len(utf16.Encode([]rune(name))) > 31 || strings.ContainsAny(name, `[]:*?/\`) || strings.Trim(name, "'") != name ||
			low == "history" || seen[low] || ids[s.attr("sheetId")] {
			r.bad("sheet %q", name)
		}
		seen[low], ids[s.attr("sheetId")] = true, true
		r.sheets[name] = rels[s.attr("id")]
	}
	scoped := map[string]bool{}
	for _, d := range wb.one("definedNames").all("definedName") {
		name, scope := strings.ToLower(d.attr("name")), d.attr("localSheetId")
		key := name + "@" + scope
		sheet, _, _ := strings.Cut(strings.TrimPrefix(d.Text, "'"), "'!")
		if scoped[key] || r.sheets[sheet] == "" {
			r.bad("name %s of %s refers to %s", d.attr("name"), scope, d.Text)
		}
		scoped[key] = true
		if scope == "" {
			r.names[name] = true
			r.name(d.attr("name"))
			continue
		}
		if i, err := strconv.Atoi(scope); err != nil || i >= len(list) || list[i].attr("name") != sheet {
			r.bad("name %s is of sheet %s, and refers to %s", d.attr("name"), scope, d.Text)
		}
	}
}

var (
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,254}$`)
	cellForm = regexp.MustCompile(`^(?i)([A-Z]{1,3}[0-9]+|R[0-9]*C?[0-9]*|C[0-9]*)$`)
)

// name: of a value or a table.
func (r *strict) name(name string) {
	if !nameForm.MatchString(name) || cellForm.MatchString(name) {
		r.bad("%q is no name", name)
	}
}

// order: elements come in the order of the schema, each once.
func (r *strict) order(part string, n *node, want []string) {
	last := -1
	for _, c := range n.Children {
		i := slices.Index(want, c.XMLName.Local)
		if i <= last {
			r.bad("%s: <%s> is not expected there", part, c.XMLName.Local)
			return
		}
		last = i
	}
}

// worksheetOrder is the sequence of a worksheet's elements.
var worksheetOrder = []string{"sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges",
	"scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
	"hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors",
	"smartTags", "drawing", "legacyDrawing", "legacyDrawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst"}

func (r *strict) sheet(name, part string) {
	ws := r.part(part)
	r.order(part, ws, worksheetOrder)
	rels := r.rels(relsOf(part))
	texts := r.rows(name, ws)
	for _, c := range ws.one("cols").all("col") {
		if w, err := strconv.ParseFloat(c.attr("width"), 64); err != nil || w <= 0 || w > 255 {
			r.bad("%s: a column is %s wide", name, c.attr("width"))
		}
	}
	if len(ws.all("sheetProtection"))+len(ws.all("autoFilter")) > 0 {
		r.bad("%s: protected, or a filter beside that of its table", name)
	}
	for _, hf := range ws.one("headerFooter").Children {
		if len(utf16.Encode([]rune(hf.Text))) > 255 {
			r.bad("%s: a header of %d characters", name, len(hf.Text))
		}
	}
	r.hyperlinks(name, ws, rels)
	r.validations(name, ws)
	tables := ws.one("tableParts").all("tablePart")
	if n := ws.one("tableParts").attr("count"); n != "" && n != strconv.Itoa(len(tables)) {
		r.bad("%s: %s tables announced", name, n)
	}
	for _, p := range tables {
		r.table(name, r.part(rels[p.attr("id")]), texts)
		if len(ws.all("mergeCells")) > 0 {
			r.bad("%s: merged cells beside a table", name)
		}
	}
	if d := ws.one("drawing"); len(ws.all("drawing")) > 0 && rels[d.attr("id")] == "" {
		r.bad("%s: a drawing that is not there", name)
	}
}

// rows: in order, with styles and texts that there can be. It returns the
// texts of the first row and how many rows there are.
func (r *strict) rows(name string, ws *node) (out sheetTexts) {
	last := 0
	for _, row := range ws.one("sheetData").all("row") {
		n, err := strconv.Atoi(row.attr("r"))
		if err != nil || n <= last || n > maxRows {
			r.bad("%s: row %q after %d", name, row.attr("r"), last)
		}
		if h, err := strconv.ParseFloat(row.attr("ht"), 64); row.attr("ht") != "" && (err != nil || h > 409.5) {
			r.bad("%s: row %d is %s high", name, n, row.attr("ht"))
		}
		last = n
		col := -1
		for _, c := range row.all("c") {
			col++
			for col < 16384 && cellName(col, n) != c.attr("r") {
				col++
			}
			if col >= 16384 {
				r.bad("%s: cell %s is out of order", name, c.attr("r"))
				break
			}
			v := r.cell(name, c)
			if n == 1 {
				out.head = append(out.head, v)
			}
		}
	}
	out.rows = last
	return out
}

type sheetTexts struct {
	head []string
	rows int
}

func (r *strict) cell(name string, c *node) string {
	r.cells++
	at := name + "!" + c.attr("r")
	if s, err := strconv.Atoi(c.attr("s")); c.attr("s") != "" && (err != nil || s >= r.styles) {
		r.bad("%s: style %s", at, c.attr("s"))
	}
	if len(c.all("f")) > 0 {
		r.bad("%s: a formula", at)
	}
	v := c.one("v").Text
	switch c.attr("t") {
	case "", "n":
		if _, err := strconv.ParseFloat(v, 64); v != "" && err != nil {
			r.bad("%s: %q is no number", at, v)
		}
		return v
	case "inlineStr":
	default:
		r.bad("%s: a cell of type %s", at, c.attr("t"))
		return v
	}
	text := c.one("is").one("t")
	if len(utf16.Encode([]rune(text.Text))) > maxCell {
		r.bad("%s: %d characters", at, len(text.Text))
	}
	if strings.TrimSpace(text.Text) != text.Text && text.attr("space") != "preserve" {
		r.bad("%s: %q loses its spaces", at, text.Text)
	}
	return text.Text
}

var refForm = regexp.MustCompile(`^[A-Z]{1,3}[1-9][0-9]{0,6}$`)

func (r *strict) hyperlinks(name string, ws *node, rels map[string]string) {
	list := ws.one("hyperlinks").all("hyperlink")
	seen := map[string]bool{}
	if len(list) > maxLinks {
		r.bad("%s: %d links", name, len(list))
	}
	for _, h := range list {
		r.links++
		ref := h.attr("ref")
		if !refForm.MatchString(ref) || seen[ref] {
			r.bad("%s: link at %q", name, ref)
		}
		seen[ref] = true
		if id := h.attr("id"); id != "" {
			if rels[id] == "" || len(rels[id]) > 2079 {
				r.bad("%s: link at %s leads to %q", name, ref, rels[id])
			}
			continue
		}
		sheet, cell, ok := strings.Cut(h.attr("location"), "!")
		if !ok || !refForm.MatchString(cell) || r.sheets[strings.Trim(sheet, "'")] == "" {
			r.bad("%s: link at %s leads to %q", name, ref, h.attr("location"))
		}
	}
}

func (r *strict) validations(name string, ws *node) {
	dv := ws.one("dataValidations")
	list := dv.all("dataValidation")
	if n := dv.attr("count"); n != "" && n != strconv.Itoa(len(list)) {
		r.bad("%s: %s validations announced", name, n)
	}
	for _, v := range list {
		for attr, limit := range map[string]int{"promptTitle": 32, "prompt": 255, "errorTitle": 32, "error": 255} {
			if n := len(utf16.Encode([]rune(v.attr(attr)))); n > limit {
				r.bad("%s: %s of %d characters", name, attr, n)
			}
		}
		if f := v.one("formula1").Text; len(f) > 257 || !strings.HasPrefix(f, `"`) || strings.Contains(v.attr("sqref"), ",") {
			r.bad("%s: choices %q for %s", name, f, v.attr("sqref"))
		}
	}
}

// table: its columns are named as the cells above them are, it has rows, and
// its name is its own.
func (r *strict) table(sheet string, n *node, texts sheetTexts) {
	name := n.attr("displayName")
	r.name(name)
	if low := strings.ToLower(name); r.tables[low] || n.attr("name") != name {
		r.bad("%s: table %q comes twice, or has two names", sheet, name)
	} else {
		r.tables[low] = true
	}
	id := "#" + n.attr("id")
	if r.tables[id] {
		r.bad("%s: table id %s comes twice", sheet, id)
	}
	r.tables[id] = true
	if f := n.one("autoFilter"); f.attr("ref") != n.attr("ref") {
		r.bad("%s: filter of %s in a table of %s", sheet, f.attr("ref"), n.attr("ref"))
	}
	if want := fmt.Sprintf("A1:%s", cellName(len(texts.head)-1, max(2, texts.rows))); n.attr("ref") != want {
		r.bad("%s: table of %s, want %s", sheet, n.attr("ref"), want)
	}
	var titles []string
	seen := map[string]bool{}
	for _, c := range n.one("tableColumns").all("tableColumn") {
		low := strings.ToLower(c.attr("name"))
		if seen[low] || low == "" {
			r.bad("%s: column %q comes twice", sheet, c.attr("name"))
		}
		seen[low] = true
		titles = append(titles, c.attr("name"))
	}
	if !slices.Equal(titles, texts.head) || n.one("tableColumns").attr("count") != strconv.Itoa(len(titles)) {
		r.bad("%s: columns %q, header %q", sheet, titles, texts.head)
	}
}

var chartRef = regexp.MustCompile(`<(?:c:)?f>'([^']*)'!\$[A-Z]+\$[0-9]+(?::\$[A-Z]+\$[0-9]+)?</`)

// chart: its numbers lie in a sheet that is there.
func (r *strict) chart(name, text string) {
	text = strings.ReplaceAll(text, "&#39;", "'")
	refs := chartRef.FindAllStringSubmatch(text, -1)
	if len(refs) == 0 || len(refs) != strings.Count(text, "f>'") {
		r.bad("%s: %d references to cells", name, len(refs))
	}
	for _, m := range refs {
		if r.sheets[m[1]] == "" {
			r.bad("%s: numbers of sheet %q", name, m[1])
		}
	}
}

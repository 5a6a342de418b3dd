package documents

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	maxTableBytes = 16 << 20
	maxRows       = 200_000
	maxColumns    = 1000
)

// table is one sheet of rows.
type table struct {
	name string // empty for a file that holds one
	rows []row
}

// row is one line of a table. Cells that are empty at its end may be missing.
type row struct {
	number int // as a person counts
	cells  []cell
}

// cell is one value, as text; bad says why it is none.
type cell struct{ text, bad string }

func (r row) empty() bool {
	return !slices.ContainsFunc(r.cells, func(c cell) bool { return c.text != "" || c.bad != "" })
}

// isTable reports whether the rows of a file are records, by its name.
func isTable(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".csv", ".tsv", ".xlsx", ".docx":
		return true
	}
	return false
}

// decodeTables reads the tables of a file by its name. sheets names those that
// are wanted; none means all.
func decodeTables(ctx context.Context, p string, b []byte, sheets []string) ([]table, error) {
	switch ext := strings.ToLower(path.Ext(p)); ext {
	case ".csv", ".tsv":
		t, err := decodeCSV(ctx, b, ext == ".tsv")
		return []table{t}, err
	case ".xlsx":
		return decodeXLSX(ctx, b, sheets)
	case ".docx":
		return docxTables(ctx, b)
	default:
		return nil, fmt.Errorf("a record file is YAML, JSON, Markdown, CSV, XLSX or DOCX, not %q", ext)
	}
}

// tableRecords reads each row below a header as a record.
func tableRecords(tables []table, g recordGlob) ([]raw, []problem, error) {
	var out []raw
	var problems []problem
	for _, t := range tables {
		at := slices.IndexFunc(t.rows, func(r row) bool { return !r.empty() })
		if at < 0 {
			if len(tables) == 1 {
				return nil, nil, errors.New("no header in it; its first row names the fields")
			}
			continue
		}
		h, err := newHeader(t, t.rows[at], g)
		if err != nil {
			problems = append(problems, problem{err: err})
			continue
		}
		for _, r := range t.rows[at+1:] {
			if r.empty() {
				continue
			}
			rec, err := h.record(r)
			if err != nil {
				problems = append(problems, problem{kind: h.kind, err: fmt.Errorf("%s: %w", h.place(r), err)})
				continue
			}
			out = append(out, rec)
		}
	}
	return out, problems, nil
}

// header is the row that names the fields.
type header struct {
	sheet  string
	fields []string // by column; empty: the column is not read
	named  []bool   // by column: it has a name
	kind   string   // of every row; empty if a column says it
	values map[string]string
}

func newHeader(t table, r row, g recordGlob) (*header, error) {
	h := &header{sheet: t.name, values: g.Values}
	if len(g.Kinds) == 1 {
		h.kind = g.Kinds[0]
	}
	columns := map[string]string{}
	for name, field := range g.Columns {
		columns[fieldName(name)] = field
	}
	have := map[string]int{}
	known := false
	for i, c := range r.cells {
		field, renamed := columns[fieldName(c.text)]
		if !renamed {
			field = fieldName(c.text)
		}
		h.fields, h.named = append(h.fields, field), append(h.named, c.text != "")
		if field == "" {
			continue
		}
		if other, twice := have[field]; twice {
			return nil, fmt.Errorf("%s: columns %s and %s are both called %s", h.place(r), letters(other), letters(i), printable(field))
		}
		have[field] = i
		known = known || isField(g.Kinds, field)
	}
	if _, ok := have["kind"]; ok {
		h.kind = ""
	} else if h.kind == "" && g.Values["kind"] == "" {
		return nil, fmt.Errorf("%s: no column is called kind, and the settings expect several kinds here", h.place(r))
	}
	if !known {
		return nil, fmt.Errorf("%s: no column is called like a field of %s; the first row names the fields", h.place(r), strings.Join(g.Kinds, ", "))
	}
	return h, nil
}

// isField reports whether one of kinds has a field of that name.
func isField(kinds []string, name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(kinds, func(k string) bool {
		s, _ := records.ShapeOf(k)
		_, ok := s.Field(first)
		return ok
	})
}

// fieldName brings a heading such as "Completed at" to the form of a field.
func fieldName(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\u00a0', '\t', '\n', '\r':
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(s)))
}

// place names a row for a person.
func (h *header) place(r row) string {
	if h.sheet == "" {
		return fmt.Sprintf("row %d", r.number)
	}
	return fmt.Sprintf("sheet %s, row %d", printable(h.sheet), r.number)
}

// record brings a row to the form of a record.
func (h *header) record(r row) (raw, error) {
	m := map[string]any{}
	for name, v := range h.values {
		if err := put(m, name, v); err != nil {
			return raw{}, err
		}
	}
	for i, c := range r.cells {
		if c.bad != "" {
			return raw{}, fmt.Errorf("column %s: %s", letters(i), c.bad)
		}
		if c.text == "" {
			continue
		}
		if i >= len(h.fields) || !h.named[i] {
			return raw{}, fmt.Errorf("column %s: a value without a heading", letters(i))
		}
		if h.fields[i] == "" { // the settings leave the column out
			continue
		}
		if err := put(m, h.fields[i], c.text); err != nil {
			return raw{}, fmt.Errorf("column %s: %w", letters(i), err)
		}
	}
	if h.kind != "" {
		m["kind"] = h.kind
	}
	kind, _ := m["kind"].(string)
	if err := h.lists(kind, m); err != nil {
		return raw{}, err
	}
	return raw{place: h.place(r), sheet: h.sheet, value: m, column: h.column}, nil
}

// put sets a field; topics.security is a field of the object topics.
func put(m map[string]any, field, value string) error {
	outer, inner, nested := strings.Cut(field, ".")
	if !nested {
		if _, twice := m[field].(map[string]any); twice {
			return fmt.Errorf("%s is both a value and an object", printable(field))
		}
		m[field] = value
		return nil
	}
	if m[outer] == nil {
		m[outer] = map[string]any{}
	}
	o, ok := m[outer].(map[string]any)
	if !ok {
		return fmt.Errorf("%s is both a value and an object", printable(outer))
	}
	return put(o, inner, value)
}

// lists takes a cell apart where the field is a list or an object.
func (h *header) lists(kind string, m map[string]any) error {
	shape, ok := records.ShapeOf(kind)
	if !ok {
		return nil // refused later
	}
	for _, f := range shape.Fields {
		text, ok := m[f.Name].(string)
		if !ok {
			continue
		}
		switch f.Type {
		case records.Texts:
			var list []any
			for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
				if item = strings.TrimSpace(item); item != "" {
					list = append(list, item)
				}
			}
			m[f.Name] = list
		case records.Objects, records.Object:
			v, err := decodeJSON([]byte(text))
			if err != nil {
				return fmt.Errorf("%s: want JSON, or a column for each part, such as %s.name: %w", h.column(f.Name), f.Name, err)
			}
			m[f.Name] = v
		case records.Text, records.Time, records.Number, records.Bool:
		}
	}
	return nil
}

// column names the column of a field for a person.
func (h *header) column(field string) string {
	for i, f := range h.fields {
		if f == field || strings.HasPrefix(f, field+".") {
			return fmt.Sprintf("column %s (%s)", letters(i), printable(field))
		}
	}
	return "field " + printable(field)
}

// inColumns says in which column a record does not fit its shape.
func inColumns(shape records.Shape, r raw, m map[string]any, err error) error {
	if r.column == nil {
		return err
	}
	var errs []error
	for _, f := range shape.Fields {
		v, ok := m[f.Name]
		if !ok || v == nil {
			continue
		}
		c, err := records.Coerce(f.Type, v)
		if text, ok := c.(string); err == nil && ok && f.Values != nil && !slices.Contains(f.Values, text) {
			err = fmt.Errorf("%q is none of %s", printable(text), strings.Join(f.Values, ", "))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.column(f.Name), err))
		}
	}
	if len(errs) == 0 {
		return err
	}
	return errors.Join(errs...)
}

// letters names a column as spreadsheets do: A, B, … Z, AA.
func letters(i int) string {
	s := ""
	for i++; i > 0; i = (i - 1) / 26 {
		s = string(rune('A'+(i-1)%26)) + s
	}
	return s
}

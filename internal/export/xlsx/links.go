package xlsx

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// maxLinks is how many links one sheet can hold.
const maxLinks = 65530

// ownRels is how many relationships of a sheet are kept for its table and its
// drawing, of which it has one each at most.
const ownRels = 9

const linkType = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"

// links are a sheet's links, collected while its rows are streamed.
// Excelize looks through all links of a sheet for each one that is set, which
// takes minutes for a full sheet; so they are put into its sheet at once.
type links struct {
	items []link
	rels  bytes.Buffer // the relationships of the external ones, as XML
	n     int          // how many those are
}

type link struct {
	ref, location, rid string
	to                 *sheets.Ref // a row that is written later; its location is known in the end
}

// room reports whether n more links fit.
func (l *links) room(n int) bool { return len(l.items)+n <= maxLinks }

// internal adds a link to a cell of this workbook and reports whether it fitted.
func (l *links) internal(ref, sheet, cell string) bool {
	if !l.room(1) {
		return false
	}
	l.items = append(l.items, link{ref: ref, location: location(sheet, cell)})
	return true
}

// later adds a link to a row that another sheet is going to have.
func (l *links) later(ref string, to sheets.Ref) bool {
	if !l.room(1) {
		return false
	}
	l.items = append(l.items, link{ref: ref, to: &to})
	return true
}

// resolve finds the rows that links lead to which were written later. A link
// to a row that was not is left out.
func (l *links) resolve(b *book) {
	l.items = slices.DeleteFunc(l.items, func(i link) bool {
		if i.to == nil {
			return false
		}
		_, _, ok := b.at(*i.to)
		return !ok
	})
	for i := range l.items {
		if to := l.items[i].to; to != nil {
			sheet, cell, _ := b.at(*to)
			l.items[i].location = location(sheet, cell)
		}
	}
}

// location is a place in this workbook as a link names it.
func location(sheet, cell string) string {
	return "'" + strings.ReplaceAll(sheet, "'", "''") + "'!" + cell
}

// external adds a link to a file beside the workbook or to the web.
func (l *links) external(ref, target string) bool {
	if !l.room(1) {
		return false
	}
	l.n++
	rid := "rId" + strconv.Itoa(ownRels+l.n)
	l.rels.WriteString(`<Relationship Id="` + rid + `" Type="` + linkType + `" Target="`)
	if err := xml.EscapeText(&l.rels, []byte(target)); err != nil {
		return false
	}
	l.rels.WriteString(`" TargetMode="External"/>`)
	l.items = append(l.items, link{ref: ref, rid: rid})
	return true
}

// apply puts the links into the sheet at path (xl/worksheets/sheetN.xml), whose
// stream is not flushed yet.
func (l *links) apply(f *excelize.File, sheet, path string) error {
	if len(l.items) == 0 {
		return nil
	}
	if err := f.SetCellHyperLink(sheet, l.items[0].ref, "x!A1", "Location"); err != nil {
		return fmt.Errorf("links of %s: %w", sheet, err)
	}
	ws, ok := f.Sheet.Load(path)
	if !ok {
		return fmt.Errorf("links of %s: no sheet at %s", sheet, path)
	}
	slot, err := linkSlot(ws)
	if err != nil {
		return fmt.Errorf("links of %s: %w", sheet, err)
	}
	all := reflect.MakeSlice(slot.Type(), len(l.items), len(l.items))
	for i, item := range l.items {
		h := all.Index(i)
		h.FieldByName("Ref").SetString(item.ref)
		h.FieldByName("Location").SetString(item.location)
		h.FieldByName("RID").SetString(item.rid)
	}
	slot.Set(all)
	l.items = nil
	if l.n == 0 {
		return nil
	}
	name := "xl/worksheets/_rels/" + strings.TrimPrefix(path, "xl/worksheets/") + ".rels"
	own, err := ownOf(f, name)
	if err != nil {
		return fmt.Errorf("links of %s: %w", sheet, err)
	}
	const end = `</Relationships>`
	var part bytes.Buffer
	part.Grow(l.rels.Len() + len(own))
	part.Write(bytes.TrimSuffix(own, []byte(end)))
	part.Write(l.rels.Bytes())
	part.WriteString(end)
	l.rels = bytes.Buffer{}
	f.Pkg.Store(name, part.Bytes())
	return nil
}

// ownOf takes the relationships that a sheet has so far, as the beginning of
// the part that lists them. Excelize would read all links back to add one.
func ownOf(f *excelize.File, name string) ([]byte, error) {
	all := relationships{Space: relsSpace}
	if v, ok := f.Relationships.LoadAndDelete(name); ok {
		content, err := xml.Marshal(v)
		if err != nil {
			return nil, err
		}
		if err := xml.Unmarshal(content, &all); err != nil {
			return nil, err
		}
	}
	if len(all.Items) > ownRels {
		return nil, fmt.Errorf("%d relationships that are no links", len(all.Items))
	}
	all.XMLName = xml.Name{Local: "Relationships"}
	out, err := xml.Marshal(all)
	return append([]byte(xmlHeader), out...), err
}

// linkSlot finds the list of links in excelize's sheet. Its types have no
// names outside excelize, but exported fields.
func linkSlot(ws any) (reflect.Value, error) {
	list := reflect.ValueOf(ws)
	if list.Kind() == reflect.Pointer {
		list = list.Elem().FieldByName("Hyperlinks")
	}
	if list.Kind() != reflect.Pointer || list.IsNil() {
		return reflect.Value{}, fmt.Errorf("this version of excelize keeps links elsewhere")
	}
	slot := list.Elem().FieldByName("Hyperlink")
	if slot.Kind() != reflect.Slice || !slot.CanSet() || slot.Type().Elem().Kind() != reflect.Struct {
		return reflect.Value{}, fmt.Errorf("this version of excelize keeps links elsewhere")
	}
	for _, name := range []string{"Ref", "Location", "RID"} {
		if fd, ok := slot.Type().Elem().FieldByName(name); !ok || fd.Type.Kind() != reflect.String {
			return reflect.Value{}, fmt.Errorf("this version of excelize has no link field %s", name)
		}
	}
	return slot, nil
}

package xlsx

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// Sheet is a sheet of a workbook and the part that holds it.
type Sheet struct{ Name, Part string }

// Sheets reads the list of sheets out of xl/workbook.xml and
// xl/_rels/workbook.xml.rels, in the order in which they are shown.
func Sheets(workbook, rels []byte) ([]Sheet, error) {
	var wb struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			RID  string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := xml.Unmarshal(workbook, &wb); err != nil {
		return nil, fmt.Errorf("xl/workbook.xml: %w", err)
	}
	var rl relationships
	if err := xml.Unmarshal(rels, &rl); err != nil {
		return nil, fmt.Errorf("xl/_rels/workbook.xml.rels: %w", err)
	}
	target := make(map[string]string, len(rl.Items))
	for _, r := range rl.Items {
		target[r.ID] = r.Target
	}
	var out []Sheet
	for _, s := range wb.Sheets {
		t := target[s.RID]
		if t == "" {
			return nil, fmt.Errorf("xl/workbook.xml: sheet %.40q has no part", s.Name)
		}
		if p, ok := strings.CutPrefix(t, "/"); ok {
			t = p
		} else {
			t = path.Join("xl", t)
		}
		out = append(out, Sheet{s.Name, t})
	}
	return out, nil
}

// SheetBase is the name of a sheet without the number of a continuation.
func SheetBase(name string) string {
	if i := strings.LastIndex(name, " ("); i > 0 && strings.HasSuffix(name, ")") {
		return name[:i]
	}
	return name
}

// Row is a row of a sheet: its number and the cells asked for.
type Row struct {
	Number int
	Cells  map[string]string // by column letter: text, or the number as written
}

// maxRowBytes is how many bytes of XML a row can have: columns of full cells,
// every character escaped.
const maxRowBytes = 64 << 20

// Rows reads the rows of a sheet that this package wrote, with the cells of
// the given columns, and calls visit for each. It is no general reader: it
// knows the form that the stream writer gives a row, and refuses another.
func Rows(r io.Reader, columns []string, visit func(Row) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), maxRowBytes)
	sc.Split(splitRows)
	row := Row{Cells: make(map[string]string, len(columns))}
	for sc.Scan() {
		b, ok := bytes.CutPrefix(sc.Bytes(), []byte(`<row r="`))
		if !ok {
			continue // before the first row
		}
		end := bytes.IndexByte(b, '"')
		n, err := strconv.Atoi(string(b[:max(end, 0)]))
		if err != nil {
			return errors.New("a row without a number")
		}
		row.Number = n
		clear(row.Cells)
		for _, col := range columns {
			v, err := cellValue(b, col+strconv.Itoa(n))
			if err != nil {
				return fmt.Errorf("cell %s%d: %w", col, n, err)
			}
			row.Cells[col] = v
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return sc.Err()
}

// splitRows cuts the XML after each row, and before the first.
func splitRows(data []byte, atEOF bool) (int, []byte, error) {
	if !bytes.HasPrefix(data, []byte("<row ")) {
		if i := bytes.Index(data, []byte("<row ")); i >= 0 {
			return i, data[:i], nil
		}
		if atEOF {
			return len(data), nil, nil
		}
		return max(len(data)-4, 0), nil, nil
	}
	if i := bytes.Index(data, []byte("</row>")); i >= 0 {
		return i + len("</row>"), data[:i], nil
	}
	if atEOF {
		return 0, nil, errors.New("a row without an end")
	}
	return 0, nil, nil
}

// cellValue finds a cell in the XML of a row; one that is not there is empty.
func cellValue(row []byte, ref string) (string, error) {
	i := bytes.Index(row, []byte(`<c r="`+ref+`"`))
	if i < 0 {
		return "", nil
	}
	c := row[i:]
	end := bytes.Index(c, []byte("</c>"))
	if end < 0 {
		return "", errors.New("no end")
	}
	c = c[:end]
	for _, tag := range []string{"t", "v"} {
		open := bytes.Index(c, []byte("<"+tag))
		if open < 0 {
			continue
		}
		body := c[open:]
		gt := bytes.IndexByte(body, '>')
		stop := bytes.Index(body, []byte("</"+tag+">"))
		if gt < 0 || stop < gt {
			return "", errors.New("no value")
		}
		return unescape(body[gt+1 : stop])
	}
	return "", nil
}

func unescape(b []byte) (string, error) {
	if bytes.IndexByte(b, '&') < 0 && bytes.IndexByte(b, '<') < 0 {
		return string(b), nil
	}
	var s string
	err := xml.Unmarshal(append(append([]byte("<x>"), b...), "</x>"...), &s)
	return s, err
}

// EvidenceColumn is the letter of a column of the Evidence sheet.
func EvidenceColumn(title string) string {
	if i := sheets.EvidenceColumn(title); i >= 0 {
		return strings.TrimRight(cellName(i, 1), "1")
	}
	return ""
}

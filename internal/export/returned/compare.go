package returned

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// Change is a place outside the columns left empty that is not as exported.
type Change struct {
	Place string `json:"place"`
	What  string `json:"what"`
	Was   string `json:"was,omitempty"`
	Is    string `json:"is,omitempty"`
}

// Changes are what a reader changed.
type Changes struct {
	List  []Change `json:"list"`
	Total int      `json:"total"` // of which List has the first
}

// maxListed is how many changes are listed.
const maxListed = 100

func (c *Changes) add(place, what, was, is string) {
	c.Total++
	if len(c.List) < maxListed {
		c.List = append(c.List, Change{place, what, short(was), short(is)})
	}
}

type rowSum [16]byte

// Compare holds a returned workbook against one as exported. Rows may be
// sorted or filtered: a row is as exported wherever it stands. skip names
// sheets that are not compared.
func Compare(ctx context.Context, exported, back *File, skip func(sheet string) bool) (Changes, error) {
	out := Changes{List: []Change{}}
	there := back.Sheets()
	for _, name := range exported.Sheets() {
		if skip(name) {
			continue
		}
		if !slices.Contains(there, name) {
			out.add(name, "the sheet is not there any more", "", "")
			continue
		}
		if err := compareSheet(ctx, exported, back, name, &out); err != nil {
			return out, err
		}
	}
	for _, name := range there {
		if !slices.Contains(exported.Sheets(), name) {
			out.add(name, "a sheet that was not exported", "", "")
		}
	}
	return out, nil
}

// compareSheet finds the rows that stand on one side only, then says of those
// with one number or one name what differs.
func compareSheet(ctx context.Context, exported, back *File, name string, out *Changes) error {
	left := map[rowSum]int{} // rows of the export not yet met
	inputs, err := exported.inputColumns(ctx, name)
	if err != nil {
		return err
	}
	err = exported.Rows(ctx, name, func(r Row) error {
		left[sumOf(r, inputs)]++
		return nil
	})
	if err != nil {
		return err
	}
	if inputs, err = back.inputColumns(ctx, name); err != nil {
		return err
	}
	strange := map[int][]string{}
	var order []int
	err = back.Rows(ctx, name, func(r Row) error {
		sum := sumOf(r, inputs)
		if left[sum] > 0 {
			left[sum]--
			return nil
		}
		cells := normal(r, inputs)
		if len(cells) == 0 {
			return nil // an empty row
		}
		if len(order) < maxListed {
			strange[r.Number] = cells
			order = append(order, r.Number)
			return nil
		}
		out.Total++
		return nil
	})
	if err != nil {
		return err
	}
	return explain(ctx, exported, difference{name, left, strange, order}, out)
}

// difference is what stands on one side only.
type difference struct {
	sheet   string
	left    map[rowSum]int
	strange map[int][]string
	order   []int
}

// explain says of each strange row what it was, if a row of the export that is
// not there any more has its number or its first cell.
func explain(ctx context.Context, exported *File, d difference, out *Changes) error {
	byNumber, byName, gone := map[int][]string{}, map[string][]string{}, 0
	inputs, err := exported.inputColumns(ctx, d.sheet)
	if err != nil {
		return err
	}
	err = exported.Rows(ctx, d.sheet, func(r Row) error {
		sum := sumOf(r, inputs)
		if d.left[sum] == 0 {
			return nil
		}
		d.left[sum]--
		cells := normal(r, inputs)
		if len(cells) == 0 {
			return nil
		}
		gone++
		if gone <= 10*maxListed {
			byNumber[r.Number], byName[cells[0]] = cells, cells
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, number := range d.order {
		is := d.strange[number]
		was, ok := byName[is[0]]
		if !ok {
			was, ok = byNumber[number]
		}
		place := fmt.Sprintf("%s, row %d", d.sheet, number)
		if !ok {
			out.add(place, "a row that was not exported", "", strings.Join(is, " | "))
			continue
		}
		gone--
		for i := range max(len(is), len(was)) {
			if a, b := at(was, i), at(is, i); a != b {
				out.add(fmt.Sprintf("%s, column %d", place, i+1), "another value", a, b)
			}
		}
	}
	if gone > 0 {
		out.add(d.sheet, fmt.Sprintf("%d rows are not there any more", gone), "", "")
	}
	return nil
}

func at(cells []string, i int) string {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}

// inputColumns are the columns of a sheet that were left empty to be filled in.
func (f *File) inputColumns(ctx context.Context, sheet string) ([]int, error) {
	titles := inputTitles[xlsx.SheetBase(sheet)]
	if titles == nil {
		return nil, nil
	}
	var out []int
	err := f.Rows(ctx, sheet, func(r Row) error {
		for i, c := range r.Cells {
			if slices.Contains(titles, strings.ToLower(strings.TrimSpace(c.Text))) {
				out = append(out, i)
			}
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// normal are the texts of a row without what was left empty, in a form in which
// those that two programs save can be compared.
func normal(r Row, inputs []int) []string {
	var out []string
	for i, c := range r.Cells {
		if slices.Contains(inputs, i) && r.Number > 1 {
			out = append(out, "")
			continue
		}
		v := strings.TrimSpace(strings.ReplaceAll(unquote(c.Text), "\r", ""))
		for u := unescape(v); u != v; u = unescape(v) {
			v = u // LibreOffice writes a text that looks like an escape as it is
		}
		if c.Formula != "" {
			v = "=" + c.Formula
		}
		out = append(out, v)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func sumOf(r Row, inputs []int) rowSum {
	sum := sha256.Sum256([]byte(strings.Join(normal(r, inputs), "\x00")))
	return rowSum(sum[:16])
}

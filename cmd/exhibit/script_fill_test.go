package main

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
)

// fillIn writes a text into the cell of a column, in the first row of a sheet
// that holds another text, and saves the workbook as another program would.
func fillIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: fill FILE SHEET ROW-WITH COLUMN TEXT")
	}
	path := ts.MkAbs(args[0])
	f, err := excelize.OpenFile(path)
	ts.Check(err)
	defer f.Close()
	rows, err := f.GetRows(args[1])
	ts.Check(err)
	column, row := 0, 0
	for i, title := range rows[0] {
		if title == args[3] {
			column = i + 1
		}
	}
	for i, cells := range rows {
		for _, v := range cells {
			if row == 0 && v == args[2] {
				row = i + 1
			}
		}
	}
	ref, err := excelize.CoordinatesToCellName(column, row)
	ts.Check(err)
	if formula, ok := strings.CutPrefix(args[4], "formula:"); ok {
		ts.Check(f.SetCellFormula(args[1], ref, formula))
	} else {
		ts.Check(f.SetCellStr(args[1], ref, args[4]))
	}
	ts.Check(f.SetAppProps(&excelize.AppProperties{Application: "Other Calc"}))
	ts.Check(f.Save())
}

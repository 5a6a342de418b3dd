"""Writes the rows on standard input (tab-separated; column numbers of numbers as
the second argument) to the workbook named by the first, with XlsxWriter in its
mode of constant memory. For BenchmarkWorkbook to compare with."""

import sys

import xlsxwriter

numbers = {int(n) for n in sys.argv[2].split(",")}
book = xlsxwriter.Workbook(sys.argv[1], {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False})
sheet = book.add_worksheet("Evidence")
for row, line in enumerate(sys.stdin):
    for column, cell in enumerate(line.rstrip("\n").split("\t")):
        if column in numbers and row > 0:
            sheet.write_number(row, column, float(cell))
        else:
            sheet.write_string(row, column, cell)
book.close()

package sheets

// The pages speak of the file that they are in. A format without limits is not
// the workbook.

func (b *Book) inWorkbook() bool { return b.Limits.Rows > 0 }

// noun is what the pages call the file.
func (b *Book) noun() string { return b.apart("workbook", "export") }

// apart chooses between what is so in the workbook and what is elsewhere.
func (b *Book) apart(workbook, other string) string {
	if b.inWorkbook() {
		return workbook
	}
	return other
}

// onlyWorkbook is a text that says nothing of other formats.
func (b *Book) onlyWorkbook(text string) string { return b.apart(text, "") }

// Package sheets says what the auditor receives, sheet by sheet: which columns
// there are, which rows, and what leads where. It knows no file format: a
// renderer (xlsx, CSV, JSON lines, HTML) hands each sheet a Writer.
//
// It may import internal/export and what that may import, internal/finding,
// internal/crosswalk and the words of internal/export/soa. It promises that the same Snapshot gives the same cells in the same order,
// that rows are streamed, and that nothing is shown that no record states:
// what is not known is blank or said to be not established.
//
// # A sheet
//
// One file per sheet: a layout, and a method of Book that writes rows:
//
//	var waiversLayout = Layout{Name: "Waivers", …, Columns: []Column{{"id", 18}, …}}
//
//	func (b *Book) waivers(ctx context.Context, w Writer) error {
//		for … {
//			w.Text(…)                          // one call per column, in order
//			if err := w.End(); err != nil { return err }
//		}
//		return nil
//	}
//
// and an entry in Book.Sheets. Records that the snapshot has no field for are
// read with Ledger.InForce, a stream of the revisions in force with payloads.
package sheets

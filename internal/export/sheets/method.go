package sheets

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/export/soa"
)

var methodLayout = Layout{Name: "Method", Tab: "6C757D", About: "Definitions, roll-up rule, clocks, limits, and how to verify this file.",
	Columns: []Column{{"key", 30}, {"text", 108}}}

// method says how the figures came about and how to check them.
func (b *Book) method(context.Context) ([]Block, error) {
	out := []Block{{Kind: BlockTitle, Text: "Method"}}
	for _, part := range b.methodText() {
		out = append(out, Block{Kind: BlockSection, Text: part.title})
		for _, row := range part.rows {
			if row[1] == "" {
				continue
			}
			out = append(out, Block{Kind: BlockFact, Key: row[0], Text: row[1]})
		}
	}
	out = append(out, Block{Kind: BlockSection, Text: "Statuses"})
	for _, l := range Looks() {
		out = append(out, Block{Kind: BlockStatus, Status: l.Status, Text: l.Meaning})
	}
	return out, nil
}

type methodPart struct {
	title string
	rows  [][2]string
}

func (b *Book) methodText() []methodPart {
	return []methodPart{
		{"Status", [][2]string{
			{"Of a control", "The worst status of its results, in this order: failing, missing, not_assessed, stale, pending_review, due, waived, satisfied. " +
				"Expectations of severity observation are shown and never worsen a control; the counts of a reason leave them aside. The number satisfied of the number applicable stands beside it; " +
				"there is no percentage and no mean."},
			{"Unknown", "What nobody looked at is not_assessed. Absence is claimed only after a complete collection."},
			{"Suggested grade", "Isolated means fewer than 3 subjects and at most a tenth of the population. Severity minor, isolated: Minor; otherwise Major. " +
				"Severity major, isolated, no high-risk system and at least one other subject satisfied: Minor; otherwise Major. Severity observation: OFI. " +
				"Failing and missing results count; stale, pending_review and not_assessed ones do not, because nothing is established yet. A control has the worst grade of its findings."},
			{"Conclusion", "The last two columns of Control status are empty for the auditor: C conform, Minor, Major, OFI opportunity for improvement, NA not audited."},
		}},
		{"Statement of applicability", soa.Method()},
		{"Rules", [][2]string{
			{"Who may change them", "What an expectation demands comes with the product. The organisation may change thresholds, add expectations and switch them off, in files of its own; " +
				"Results says in the column whose rule which of them it did, and the catalog's digest on the cover covers all of them."},
			{"Windows", "The column window, days is the age that the deciding event may have; thresholds are in the column of that name. An age that equals its window is current."},
			{"Crosswalk", "A pair says that evidence of a control may serve an item of another framework after review. It never says that they are the same. " +
				"What is marked PROPOSED is our own suggestion and was published by nobody else."},
		}},
		{"Populations and samples", [][2]string{
			{"Complete", "Y: complete runs listed all there was, and no part of the scope is known to be hidden. What a source did not say is " + unknown + ", never left out. " +
				"A canary is a record that must be there; a population in which it was not found is not complete."},
			{"ids sha256", "SHA-256 over the sorted ids of the items, one per line, each with a line feed."},
			{"Drawing a sample", "The command in each row draws the same items on any machine: an item's rank is the SHA-256 over the seed, a line feed and its id; exceptions are always in. " +
				"The seed shown is made from the snapshot, so that the draw can be repeated; an auditor who wants one that nobody could foresee chooses another. " +
				"The column in sample is empty for the auditor."},
		}},
		{"Findings", [][2]string{
			{"Gaps", "A finding is one expectation that one subject does not meet. It is opened by an assessment and resolved only by one that saw everything it rests on; " +
				"a waived one is not open. Its age counts from the opening, or from the last opening anew."},
			{"Findings over time", "Counted from what the ledger says of each finding, not from the evidence: a shortfall that began before the first assessment counts from then."},
		}},
		{"Evidence", [][2]string{
			{"Integrity OK", fmt.Sprintf("Y: while this was written the payload was read again and its SHA-256 is the one in the ledger; N: it is another. So done for %d of %d items: "+
				"those that other sheets lead to, and what people supplied; %s says that this was left to exhibit verify, which does it for all.", b.Counts.Reread, b.Counts.Evidence, payloadUnread)},
			{"First and last seen", "Of the object, not of the revision: when it was first read, and the end of the last complete run that listed all of its kind in its source while it was there. " +
				"On Shadow AI, last seen is the last use that was seen; blank: no source read says when it was used."},
			{"Redaction", "Where a payload is hidden, the row says by which profile; digest, ledger position and proof stay."},
		}},
		{"Clocks", [][2]string{
			{"Event time", "When it happened in the source. It decides freshness, before and after. Reading again never renews it. Blank where none decided: " +
				"the present state did, or that nothing is overdue at the as-of."},
			{"First operating record", "The earliest event among the evidence of operation that results rest on which are satisfied as of the snapshot, whether in the period or before it. " +
				"Blank: there is none; exhibit assess --period also counts what was satisfied once. When it was first read is in Evidence."},
			{"Collected at", "When the collector read it. It decides collection gaps."},
			{"Period", "What a record claims to cover. The audit period on the cover selects nothing: it says how much of the evidence lies inside."},
			{"Gone", "When a complete collection no longer found the object. Earlier evidence of it stays."},
			{"Dates", b.onlyWorkbook("Real Excel dates in UTC, shown as " + "yyyy-mm-dd hh:mm:ss" + ". Fractions of a second are in the ledger line.")},
		}},
		{"Reading the cells", [][2]string{
			{"Leading apostrophe", b.apart("A text", "In the workbook and in CSV files, a text") + " that begins (after any spaces) with = + - or @ or their full-width forms, with a tab, a carriage return or an apostrophe, " +
				"has one apostrophe put before it, so that no program takes it for a formula. The apostrophe is not part of the evidence; the file in the bundle has the text as it was read."},
			{"Symbols", "Control characters are shown as their pictures (\u241b for escape); characters that hide or reorder text as their number (\u27e8U+202E\u27e9)."},
			{"Long texts", b.onlyWorkbook(fmt.Sprintf("A cell holds %d characters. A longer text is cut and says where the whole is. "+
				"A row shows %d lines at most, on paper too: what does not end there is whole in its cell.", b.Limits.Cell, b.Limits.Lines))},
			{"Links", b.onlyWorkbook(fmt.Sprintf("A sheet holds %d links. In this workbook %d cells that would have had one are plain text; ids and file names lead to the same place. "+
				"Links to files work when the workbook lies in its unpacked bundle.", b.Limits.Links, b.Limits.Unlinked))},
			{"Size", b.onlyWorkbook(b.tooLarge())},
			{"Long sheets", b.onlyWorkbook(fmt.Sprintf("A sheet holds %d rows. More go on in a sheet of the same name with (2).", b.Limits.Rows))},
		}},
		{"Checking", [][2]string{
			{"This file", b.apart("exhibit verify WORKBOOK --key exhibit.pub. The part exhibit/seal.txt inside the file signs the digest of every other part, and the form of the container "+
				"leaves no other byte free. Saving the file in a spreadsheet program removes the seal: keep the original beside your working copy.",
				"The digest of what was handed out is in the ledger, in an entry of the type export: compare it with that of your copy. The sheets themselves carry no seal.")},
			{"Every evidence item", "exhibit verify BUNDLE --key exhibit.pub, or with common tools by the recipe in the bundle's README.txt: " +
				"evidence id is the sha256 of the item's ledger line, payload sha256 that of its file, and all lines lead to the root in the signed checkpoint."},
			{"The key", "Compare the key on the cover with one that you got another way. A seal proves that nobody without the key changed the file; who holds the key is for you to establish."},
			{"Again", "The same ledger, as-of and rules give the same statuses, and the same snapshot the same file, byte for byte."},
		}},
	}
}

// maxOnline is how many cells the spreadsheets of a browser take.
const maxOnline = 10_000_000

// tooLarge warns of a workbook that some programs do not open whole.
func (b *Book) tooLarge() string {
	if b.Limits.Cells <= maxOnline {
		return ""
	}
	return fmt.Sprintf("This workbook holds more than %d cells; Google Sheets takes %d. Open it with a program on your machine, or use exhibit export csv.", b.Limits.Cells, maxOnline)
}

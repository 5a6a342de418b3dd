package xlsx

import (
	"fmt"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// dateFormat is how every time is shown; all times are UTC.
const dateFormat = "yyyy-mm-dd hh:mm:ss"

// middle is what the file format calls the middle, both ways.
const middle = "center"

// styles are the ids of the workbook's cell styles.
type styles struct {
	header, text, code, number, date, link, input, title, key, note, section int
	status                                                                   map[assess.Status]int
}

// look is a status's colours. They differ in lightness as well as in hue, so
// that they hold in a grey print and for people who see few colours; the word
// is always there as well.
type look struct {
	status     assess.Status
	fill, font string
	bold       bool
	italic     bool
	meaning    string
}

var looks = []look{
	{assess.StatusSatisfied, "CFE8DF", "0B4F3A", false, false, "Current evidence shows that the expectation holds."},
	{assess.StatusFailing, "B3361B", "FFFFFF", true, false, "Current evidence shows that the expectation does not hold."},
	{assess.StatusMissing, "E8A33D", "2B1A00", true, false, "A complete collection looked and found nothing that counts."},
	{assess.StatusNotAssessed, "D5D8DC", "2E3338", false, true, "Nobody looked, or what was read does not allow an answer. Never to be taken for satisfied."},
	{assess.StatusStale, "FFF2A8", "4A3D00", true, false,
		"Evidence was there but is no longer current: event_window_exceeded, collection_gap or invalidated_by_change."},
	{assess.StatusPendingReview, "DDD0F0", "38206B", false, false, "Supplied by a person, and not yet accepted by a second one."},
	{assess.StatusDue, "CFE3F7", "0A3A6B", false, false, "An event opened a duty whose deadline has not passed."},
	{assess.StatusWaived, "EFE6DA", "4E3418", false, true, "Covered by a valid waiver; the underlying status is shown beside it."},
	{assess.StatusNotApplicable, "FFFFFF", "5F666D", false, true, "Excluded with a justification, or there is nothing that it applies to."},
}

func newStyles(f *excelize.File) (*styles, error) {
	s := &styles{status: make(map[assess.Status]int, len(looks))}
	border := []excelize.Border{{Type: "bottom", Color: "D9DDE1", Style: 1}, {Type: "right", Color: "EBEDF0", Style: 1}}
	wrap := &excelize.Alignment{Vertical: "top", WrapText: true}
	top := &excelize.Alignment{Vertical: "top"}
	ink := func() *excelize.Font { return &excelize.Font{Family: "Calibri", Size: 10, Color: "1F2429"} }
	numFmt := dateFormat
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	defs := []struct {
		id    *int
		style excelize.Style
	}{
		{&s.header, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: true, Color: "FFFFFF"}, Fill: fill("22384F"),
			Alignment: &excelize.Alignment{Vertical: middle, WrapText: true}}},
		{&s.text, excelize.Style{Font: ink(), Alignment: wrap, Border: border}},
		{&s.code, excelize.Style{Font: &excelize.Font{Family: "Consolas", Size: 9, Color: "3A4149"}, Alignment: top, Border: border}},
		{&s.number, excelize.Style{Font: ink(), Alignment: &excelize.Alignment{Vertical: "top", Horizontal: middle}, Border: border}},
		{&s.date, excelize.Style{Font: ink(), Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left"}, Border: border,
			CustomNumFmt: &numFmt}},
		{&s.link, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Color: "0B4C96", Underline: "single"}, Alignment: wrap, Border: border}},
		{&s.input, excelize.Style{Font: ink(), Alignment: wrap, Fill: fill("FFFDF2"), Border: []excelize.Border{
			{Type: "bottom", Color: "B9A96A", Style: 1}, {Type: "right", Color: "B9A96A", Style: 1}}}},
		{&s.title, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 20, Bold: true, Color: "22384F"}}},
		{&s.key, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: true, Color: "22384F"}, Alignment: wrap, Border: border}},
		{&s.note, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 11, Color: "4A525A"}, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&s.section, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 13, Bold: true, Color: "22384F"},
			Border: []excelize.Border{{Type: "bottom", Color: "22384F", Style: 2}}}},
	}
	for _, d := range defs {
		id, err := f.NewStyle(&d.style)
		if err != nil {
			return nil, fmt.Errorf("workbook: style: %w", err)
		}
		*d.id = id
	}
	for _, l := range looks {
		id, err := f.NewStyle(&excelize.Style{Fill: fill(l.fill), Alignment: top, Border: border,
			Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: l.bold, Italic: l.italic, Color: l.font}})
		if err != nil {
			return nil, fmt.Errorf("workbook: style: %w", err)
		}
		s.status[l.status] = id
	}
	return s, nil
}

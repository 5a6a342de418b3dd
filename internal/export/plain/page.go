package plain

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// pageColumns are those of a page of text.
var pageColumns = []sheets.Column{{Title: "section"}, {Title: "what"}, {Title: "key"}, {Title: "series"}, {Title: "text"}}

// page writes the blocks of a page as rows.
func (w *writer) page(ctx context.Context, s sheets.Sheet, r rowWriter) error {
	blocks, err := s.Page(ctx)
	if err != nil {
		return err
	}
	section := ""
	row := func(what, key, series, text string) error {
		for _, v := range []string{section, what, key, series} {
			if v == "" {
				r.Blank()
			} else {
				r.Text(v)
			}
		}
		r.Text(text)
		return r.End()
	}
	for _, b := range blocks {
		var err error
		switch b.Kind {
		case sheets.BlockSection:
			section = b.Text
		case sheets.BlockTitle:
			err = row("title", "", "", b.Text)
		case sheets.BlockNote:
			err = row("note", "", "", b.Text)
		case sheets.BlockFact:
			err = row("fact", b.Key, "", b.Text)
		case sheets.BlockParagraph:
			err = row("paragraph", "", "", b.Text)
		case sheets.BlockStatus:
			err = row("status", string(b.Status), b.Key, b.Text)
		case sheets.BlockLink:
			err = row("link", b.Key, "", b.Text)
		case sheets.BlockChart:
			section = b.Chart.Title
			err = chart(b.Chart, row)
		default:
			err = fmt.Errorf("a block of kind %d", b.Kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chart writes the numbers of a chart, one a row.
func chart(c *sheets.Chart, row func(what, key, series, text string) error) error {
	if err := row("note", "", "", c.About); err != nil {
		return err
	}
	for i, category := range c.Categories {
		for _, s := range c.Series {
			if err := row("number", category, s.Name, strconv.FormatFloat(s.Values[i], 'f', -1, 64)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nowhere takes rows that are only counted.
type nowhere struct{}

func (nowhere) Key(string)                 {}
func (nowhere) Whole(string)               {}
func (nowhere) Text(string)                {}
func (nowhere) Code(string)                {}
func (nowhere) List([]string)              {}
func (nowhere) Number(int64)               {}
func (nowhere) Decimal(float64)            {}
func (nowhere) Yes(bool)                   {}
func (nowhere) Date(time.Time)             {}
func (nowhere) Status(assess.Status)       {}
func (nowhere) Mark(string, assess.Status) {}
func (nowhere) Link(string, sheets.Ref)    {}
func (nowhere) File(string)                {}
func (nowhere) Web(string)                 {}
func (nowhere) Blank()                     {}
func (nowhere) Input()                     {}
func (nowhere) End() error                 { return nil }

var _ sheets.Writer = nowhere{}

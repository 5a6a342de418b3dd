package html

import (
	"bufio"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// Measures of a chart, in its own units.
const (
	chartWidth  = 880
	labelWidth  = 190 // of categories beside bars
	barHeight   = 22
	barGap      = 10
	plotHeight  = 260
	axisRoom    = 46
	legendRoom  = 18
	maxLabel    = 26 // characters of a category
	legendChars = 8  // width of a character of the legend, about
)

// writeChart writes a chart as a drawing, and its numbers as a table.
func writeChart(w *bufio.Writer, id string, c *sheets.Chart) error {
	for _, s := range c.Series {
		if len(s.Values) != len(c.Categories) {
			return fmt.Errorf("chart %q: %d values of %q for %d categories", c.Title, len(s.Values), s.Name, len(c.Categories))
		}
	}
	write(w, "<figure class=\"chart\">\n<figcaption><h3>", esc(c.Title), "</h3><p>", esc(c.About), "</p></figcaption>\n")
	if len(c.Categories) > 0 && len(c.Series) > 0 {
		d := &drawing{w: w, c: c, top: legendRoom + 14}
		var height float64
		switch c.Kind {
		case sheets.ChartStackedBars:
			height = d.top + float64(len(c.Categories))*(barHeight+barGap) + axisRoom
		case sheets.ChartColumns, sheets.ChartLines:
			height = d.top + plotHeight + axisRoom + 30
		default:
			return fmt.Errorf("chart %q: a chart of kind %d", c.Title, c.Kind)
		}
		write(w, "<div class=\"draw\"><svg role=\"img\" aria-labelledby=\"", id, "-t ", id, "-d\" viewBox=\"0 0 ", num(chartWidth), " ", num(height),
			"\" width=\"", num(chartWidth), "\" height=\"", num(height), "\">\n<title id=\"", id, "-t\">", esc(c.Title), "</title><desc id=\"", id, "-d\">", esc(c.About),
			" The numbers are in the table that follows.</desc>\n")
		d.legend()
		switch c.Kind {
		case sheets.ChartStackedBars:
			d.bars()
		case sheets.ChartColumns:
			d.columns()
		case sheets.ChartLines:
			d.lines()
		}
		write(w, "</svg></div>\n")
	}
	numbers(w, c)
	write(w, "</figure>\n")
	return nil
}

// numbers is the table beside the drawing.
func numbers(w *bufio.Writer, c *sheets.Chart) {
	write(w, "<div class=\"scroll numbers\" role=\"region\" tabindex=\"0\" aria-label=\"", esc("Numbers: "+c.Title), "\">\n<table>\n<caption class=\"quiet\">",
		esc("Numbers: "+c.Title), "</caption>\n<thead><tr><th scope=\"col\">", esc(c.Category), "</th>")
	for _, s := range c.Series {
		write(w, "<th scope=\"col\">", esc(s.Name), "</th>")
	}
	write(w, "</tr></thead>\n<tbody>\n")
	for i, name := range c.Categories {
		write(w, "<tr><th scope=\"row\">", esc(name), "</th>")
		for _, s := range c.Series {
			write(w, "<td class=\"n\">", num(s.Values[i]), "</td>")
		}
		write(w, "</tr>\n")
	}
	write(w, "</tbody></table></div>\n")
}

// drawing is the inside of a chart.
type drawing struct {
	w   *bufio.Writer
	c   *sheets.Chart
	top float64
}

// num is a number with at most two digits after the point; zero for none.
func num(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}

// color is a series' colour, if it is one.
func color(s sheets.Series) string {
	if len(s.Color) == 6 {
		if _, err := strconv.ParseUint(s.Color, 16, 32); err == nil {
			return "#" + s.Color
		}
	}
	return "#888888"
}

func (d *drawing) text(x, y float64, anchor, v string) {
	write(d.w, "<text x=\"", num(x), "\" y=\"", num(y), "\" text-anchor=\"", anchor, "\">", esc(v), "</text>\n")
}

func (d *drawing) rect(x, y, width, height float64, fill, label string) {
	write(d.w, "<rect x=\"", num(x), "\" y=\"", num(y), "\" width=\"", num(max(width, 0)), "\" height=\"", num(max(height, 0)), "\" fill=\"", fill,
		"\"><title>", esc(label), "</title></rect>\n")
}

func (d *drawing) rule(x1, y1, x2, y2 float64) {
	write(d.w, "<line class=\"axis\" x1=\"", num(x1), "\" y1=\"", num(y1), "\" x2=\"", num(x2), "\" y2=\"", num(y2), "\"/>\n")
}

// legend names the series in the order of the numbers.
func (d *drawing) legend() {
	x := 4.0
	for _, s := range d.c.Series {
		d.rect(x, 2, 12, 12, color(s), s.Name)
		d.text(x+17, 12, "start", s.Name)
		x += 30 + legendChars*float64(len([]rune(s.Name)))
	}
}

// value of a series that can be drawn.
func value(s sheets.Series, i int) float64 {
	if v := s.Values[i]; v > 0 && !math.IsInf(v, 0) {
		return v
	}
	return 0
}

// bars draws a bar per category, series one after another.
func (d *drawing) bars() {
	top := 0.0
	for i := range d.c.Categories {
		sum := 0.0
		for _, s := range d.c.Series {
			sum += value(s, i)
		}
		top = max(top, sum)
	}
	step, end := scale(top)
	width := float64(chartWidth - labelWidth - 20)
	bottom := d.top + float64(len(d.c.Categories))*(barHeight+barGap)
	for v := range marks(step, end) {
		x := labelWidth + v/end*width
		d.rule(x, d.top-4, x, bottom)
		d.text(x, bottom+16, "middle", num(v))
	}
	for i, name := range d.c.Categories {
		y := d.top + float64(i)*(barHeight+barGap)
		d.text(labelWidth-8, y+barHeight-6, "end", shortLabel(name))
		x := float64(labelWidth)
		for _, s := range d.c.Series {
			w := value(s, i) / end * width
			if w > 0 {
				d.rect(x, y, w, barHeight, color(s), fmt.Sprintf("%s, %s: %s", name, s.Name, num(s.Values[i])))
			}
			x += w
		}
	}
}

// columns draws a column per category and series, side by side.
func (d *drawing) columns() {
	left, width, end := d.plot()
	slot := width / float64(len(d.c.Categories))
	each := slot * 0.8 / float64(len(d.c.Series))
	for i, name := range d.c.Categories {
		for k, s := range d.c.Series {
			h := value(s, i) / end * plotHeight
			d.rect(left+float64(i)*slot+slot*0.1+float64(k)*each, d.top+plotHeight-h, each*0.92, h, color(s),
				fmt.Sprintf("%s, %s: %s", name, s.Name, num(s.Values[i])))
		}
		d.category(i, left+(float64(i)+0.5)*slot)
	}
}

// lines draws a line per series over the categories.
func (d *drawing) lines() {
	left, width, end := d.plot()
	slot := width / float64(len(d.c.Categories))
	for _, s := range d.c.Series {
		points := ""
		for i := range d.c.Categories {
			points += num(left+(float64(i)+0.5)*slot) + "," + num(d.top+plotHeight-value(s, i)/end*plotHeight) + " "
		}
		write(d.w, "<polyline fill=\"none\" stroke-width=\"2.5\" stroke=\"", color(s), "\" points=\"", points, "\"/>\n")
		for i, name := range d.c.Categories {
			write(d.w, "<circle r=\"3.5\" cx=\"", num(left+(float64(i)+0.5)*slot), "\" cy=\"", num(d.top+plotHeight-value(s, i)/end*plotHeight), "\" fill=\"", color(s),
				"\"><title>", esc(fmt.Sprintf("%s, %s: %s", name, s.Name, num(s.Values[i]))), "</title></circle>\n")
		}
	}
	for i := range d.c.Categories {
		d.category(i, left+(float64(i)+0.5)*slot)
	}
}

// plot draws the axis of an upright chart.
func (d *drawing) plot() (left, width, end float64) {
	top := 0.0
	for _, s := range d.c.Series {
		for i := range s.Values {
			top = max(top, value(s, i))
		}
	}
	step, end := scale(top)
	left = 52
	width = chartWidth - left - 12
	for v := range marks(step, end) {
		y := d.top + plotHeight - v/end*plotHeight
		d.rule(left, y, left+width, y)
		d.text(left-8, y+4, "end", num(v))
	}
	return left, width, end
}

// category names a category below the axis: all of them, or as many as there
// is room for, on two levels.
func (d *drawing) category(i int, x float64) {
	const room = 16
	n := len(d.c.Categories)
	if every := (n + room - 1) / room; i%every != 0 {
		return
	}
	y := d.top + plotHeight + 18
	if n > 6 && i%2 == 1 {
		y += 16
	}
	d.text(x, y, "middle", shortLabel(d.c.Categories[i]))
}

func shortLabel(s string) string {
	if r := []rune(s); len(r) > maxLabel {
		return string(r[:maxLabel-1]) + "\u2026"
	}
	return s
}

// marks yields the marks of an axis.
func marks(step, end float64) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for i := 0; float64(i)*step < end+step/2; i++ {
			if !yield(float64(i) * step) {
				return
			}
		}
	}
}

// scale returns the distance of an axis' marks, and its end: 4 to 10 marks at
// 1, 2 or 5 times a power of ten.
func scale(top float64) (step, end float64) {
	if top <= 0 {
		return 1, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(top)))
	for _, f := range []float64{0.1, 0.2, 0.5, 1, 2} {
		if top/(step*f) <= 8 {
			step *= f
			break
		}
	}
	step = max(step, math.Min(1, top))
	return step, math.Ceil(top/step) * step
}

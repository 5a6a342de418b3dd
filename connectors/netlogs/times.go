package netlogs

import (
	"bytes"
	"time"
)

// clock reads the times of one file.
type clock struct {
	zone    *time.Location
	ref     time.Time // when the file was last written: the year of times without one
	latest  int64     // times after it have not come yet
	undated int64     // time of lines without one; 0: they are refused
	layout  string    // of the settings; empty: any that is known
	day     bool      // 11/12 is the 11th of December
	blocked []string  // words of actions that let nothing through, lower case; none: those that are known

	// The last date that was read, and when it began: lines of one day need no
	// more than to add the time of day.
	lastDate  [24]byte
	lastLen   int
	lastStart int64
	lastPlain bool // no change of the zone's offset in that day
}

// parse reads a time; the digits after the second are not kept.
func (c *clock) parse(b []byte) (int64, bool) {
	b = bytes.Trim(b, " \t[]\"")
	if len(b) == 0 {
		return 0, false
	}
	if c.layout != "" {
		return c.byLayout(b)
	}
	switch {
	case b[0] >= '0' && b[0] <= '9':
		return c.digits(b)
	case len(b) > 4 && letter(b[0]):
		return c.months(b)
	}
	return 0, false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// byLayout reads a time as the settings say: a layout, or epoch of any unit.
func (c *clock) byLayout(b []byte) (int64, bool) {
	if c.layout == "epoch" {
		return epoch(b)
	}
	t, err := time.ParseInLocation(c.layout, string(b), c.zone)
	if err != nil {
		return 0, false
	}
	if t.Year() == 0 {
		t = c.withYear(t.Month(), t.Day(), int64(t.Hour()*3600+t.Minute()*60+t.Second()))
	}
	return t.Unix(), plausible(t.Unix())
}

// plausible refuses what no log of requests holds: times before 1990.
func plausible(s int64) bool { return s > 631152000 && s < 253402300800 }

// digits reads times that begin with a digit: epochs, ISO dates, 28/Nov/2026,
// 28-Nov-2026, 11/28/2026, 28.11.2026.
func (c *clock) digits(b []byte) (int64, bool) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	switch {
	case i == len(b) || b[i] == '.' && i >= 9:
		return epoch(b)
	case i == 4 && len(b) >= 10 && (b[4] == '-' || b[4] == '/'):
		return c.date(b, 10, func() (y, m, d int) { return num(b[:4]), num(b[5:7]), num(b[8:10]) })
	case i <= 2 && len(b) > i+4 && letter(b[i+1]): // 28/Nov/2026, 28-Nov-2026, 28 Nov 2026
		n := i + 1 + 3 + 1 + 4
		if len(b) < n {
			return 0, false
		}
		return c.date(b, n, func() (y, m, d int) { return num(b[n-4 : n]), month(b[i+1 : i+4]), num(b[:i]) })
	case i >= 1 && i <= 2 && b[i] == '/' || i >= 1 && i <= 2 && b[i] == '.' || i == 2 && b[i] == '-':
		return c.local(b, b[i])
	}
	return 0, false
}

// local reads 11/28/2026 and 28.11.2026.
func (c *clock) local(b []byte, sep byte) (int64, bool) {
	one, rest, ok := field(b, sep)
	two, rest, ok2 := field(rest, sep)
	if !ok || !ok2 || len(rest) < 4 {
		return 0, false
	}
	n := len(b) - len(rest) + 4
	return c.date(b, n, func() (y, m, d int) {
		if sep == '.' || sep == '-' || c.day || num(one) > 12 {
			return num(rest[:4]), num(two), num(one)
		}
		return num(rest[:4]), num(one), num(two)
	})
}

// date reads a time whose date is the first n bytes of b.
func (c *clock) date(b []byte, n int, parts func() (y, m, d int)) (int64, bool) {
	if len(b) < n {
		return 0, false
	}
	if c.lastLen != n || !bytes.Equal(c.lastDate[:n], b[:n]) {
		y, m, d := parts()
		if y < 1990 || m < 1 || m > 12 || d < 1 || d > 31 {
			return 0, false
		}
		c.begin(b[:n], y, time.Month(m), d)
	}
	return c.ofDay(b[n:])
}

// begin remembers when a day begins.
func (c *clock) begin(text []byte, y int, m time.Month, d int) {
	start := time.Date(y, m, d, 0, 0, 0, 0, c.zone)
	c.lastLen = copy(c.lastDate[:], text)
	c.lastStart = start.Unix()
	_, a := start.Zone()
	_, z := time.Date(y, m, d+1, 0, 0, 0, 0, c.zone).Zone()
	c.lastPlain = a == z
}

// ofDay reads the time of day, with a zone or without, after its date.
func (c *clock) ofDay(b []byte) (int64, bool) {
	if len(b) > 0 && (b[0] == 'T' || b[0] == ' ' || b[0] == ':' || b[0] == '-' || b[0] == 't') {
		b = b[1:]
	}
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) > 1 && b[1] == ':' { // 9:15:02
		b = append([]byte{'0'}, b...)
	}
	if len(b) < 5 || b[2] != ':' {
		return 0, false
	}
	h, m, s := num(b[:2]), num(b[3:5]), 0
	b = b[5:]
	if len(b) >= 3 && b[0] == ':' {
		s, b = num(b[1:3]), b[3:]
	}
	for len(b) > 0 && (b[0] == '.' || b[0] == ',' || b[0] >= '0' && b[0] <= '9') {
		b = b[1:]
	}
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) >= 2 && b[1]|0x20 == 'm' && (b[0]|0x20 == 'a' || b[0]|0x20 == 'p') {
		if h == 12 {
			h = 0
		}
		if b[0]|0x20 == 'p' {
			h += 12
		}
		b = b[2:]
	}
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 {
		return 0, false
	}
	return c.inZone(int64(h*3600+m*60+s), b)
}

// inZone adds the time of day, which the text that follows may put into a zone.
func (c *clock) inZone(second int64, zone []byte) (int64, bool) {
	utc := func() int64 { // the day's beginning as if the zone were UTC
		t := time.Unix(c.lastStart, 0).In(c.zone)
		_, off := t.Zone()
		return c.lastStart + int64(off)
	}
	switch {
	case len(zone) > 0 && (zone[0] == 'Z' || zone[0] == 'z'), len(zone) >= 3 && (equalFold(zone[:3], "utc") || equalFold(zone[:3], "gmt")):
		t := utc() + second
		return t, plausible(t)
	case len(zone) >= 3 && (zone[0] == '+' || zone[0] == '-'):
		hh, mm := num(zone[1:3]), 0
		switch {
		case len(zone) >= 6 && zone[3] == ':':
			mm = num(zone[4:6])
		case len(zone) >= 5:
			mm = num(zone[3:5])
		}
		if hh < 0 || mm < 0 || hh > 15 || mm > 59 {
			return 0, false
		}
		off := int64(hh*3600 + mm*60)
		if zone[0] == '-' {
			off = -off
		}
		t := utc() + second - off
		return t, plausible(t)
	}
	if c.lastPlain {
		t := c.lastStart + second
		return t, plausible(t)
	}
	d := time.Unix(c.lastStart, 0).In(c.zone)
	t := time.Date(d.Year(), d.Month(), d.Day(), int(second/3600), int(second/60%60), int(second%60), 0, c.zone).Unix()
	return t, plausible(t)
}

// months reads times that begin with a name: Nov 28 10:15:02, Nov 28 2026 10:15:02,
// Sat Nov 28 10:15:02 2026, Sat, 28 Nov 2026 10:15:02.
func (c *clock) months(b []byte) (int64, bool) {
	m := month(b[:3])
	if m == 0 { // the day of the week
		i := bytes.IndexByte(b, ' ')
		if i < 0 || i > 10 || len(b) < i+5 {
			return 0, false
		}
		b = bytes.TrimLeft(b[i:], " ")
		if len(b) > 4 && b[0] >= '0' && b[0] <= '9' {
			return c.digits(b)
		}
		if len(b) < 4 {
			return 0, false
		}
		if m = month(b[:3]); m == 0 {
			return 0, false
		}
	}
	w, rest := word(b[3:])
	d := num(w)
	if len(w) > 2 || d < 1 || d > 31 {
		return 0, false
	}
	w, tail := word(rest)
	n := len(b) - len(rest)
	if len(w) == 4 && num(w) > 1989 { // Nov 28 2026 10:15:02
		n = len(b) - len(tail)
		return c.date(b, n, func() (y, mm, dd int) { return num(w), m, d })
	}
	if y, _ := word(tail); len(y) == 4 && num(y) > 1989 { // Nov 28 10:15:02 2026
		return c.date(b, n, func() (yy, mm, dd int) { return num(y), m, d })
	}
	if c.lastLen != n || !bytes.Equal(c.lastDate[:n], b[:n]) {
		if n > len(c.lastDate) {
			return 0, false
		}
		t := c.withYear(time.Month(m), d, 0)
		c.begin(b[:n], t.Year(), t.Month(), t.Day())
	}
	return c.ofDay(rest)
}

// withYear gives a day without a year the latest year that does not put it more
// than a day after the file was last written.
func (c *clock) withYear(m time.Month, d int, second int64) time.Time {
	ref := c.ref.In(c.zone)
	for y := ref.Year(); ; y-- {
		t := time.Date(y, m, d, 0, 0, 0, 0, c.zone)
		if t.Day() == d && !t.After(ref.Add(24*time.Hour)) || y < ref.Year()-8 {
			return t.Add(time.Duration(second) * time.Second)
		}
	}
}

// epoch reads seconds, milli-, micro- or nanoseconds since 1970.
func epoch(b []byte) (int64, bool) {
	whole, _, _ := field(b, '.')
	n, ok := number(whole)
	if !ok && len(whole) == 19 {
		n, ok = number(whole[:18])
		n *= 10
	}
	if !ok {
		return 0, false
	}
	for _, unit := range []int64{1, 1e3, 1e6, 1e9} {
		if n/unit < 1e11 && (unit == 1 || n >= 1e11) {
			return n / unit, plausible(n / unit)
		}
	}
	return 0, false
}

// num reads digits; -1 if there are others.
func num(b []byte) int {
	n, ok := number(bytes.TrimLeft(b, " "))
	if !ok {
		return -1
	}
	return int(n)
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// month reads the first three letters of a month's name; 0 if it is none.
func month(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	for i := 0; i < 12; i++ {
		if equalFold(b[:3], monthNames[3*i:3*i+3]) {
			return i + 1
		}
	}
	return 0
}

package xlsx

import (
	"math"
	"strconv"
	"time"
)

// epoch is 1970-01-01 as Excel counts days.
const epoch = 25569

// serial is an instant as Excel's number, to the second. A hair is added,
// less than a tenth of a millisecond, because some programs cut a second that
// the division left a hair short, and would show the one before.
func serial(t time.Time) (float64, bool) {
	sec := t.Unix() + epoch*86400
	if sec < 61*86400 || sec >= 2958466*86400 {
		return 0, false
	}
	return float64(sec)/86400 + 1e-9, true
}

// DateText is what the cell of an instant says, in a form in which two can be
// compared: its Unix second, or its text if Excel has no number for it.
func DateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if _, ok := serial(t); ok {
		return strconv.FormatInt(t.Unix(), 10)
	}
	return t.UTC().Format(time.RFC3339)
}

// CellDateText is DateText of a cell's value as read from a sheet.
func CellDateText(cell string) string {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.Abs(v) > 1e7 {
		return cell
	}
	return strconv.FormatInt(int64(math.Round((v-epoch)*86400)), 10)
}

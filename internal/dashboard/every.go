package dashboard

import (
	"fmt"
	"strconv"
	"strings"
)

// everyOf is a schedule in words, where it has one of the usual shapes; any other
// stays as it is written.
func everyOf(spec string) string {
	f := strings.Fields(spec)
	if len(f) != 5 || f[2] != "*" || f[3] != "*" {
		return spec
	}
	minute, onMinute := number(f[0], 60)
	hour, onHour := number(f[1], 24)
	minutes, byMinutes := number(strings.TrimPrefix(f[0], "*/"), 60)
	hours, byHours := number(strings.TrimPrefix(f[1], "*/"), 24)
	byMinutes = byMinutes && strings.HasPrefix(f[0], "*/") && minutes > 0 && 60%minutes == 0
	byHours = byHours && strings.HasPrefix(f[1], "*/") && hours > 0 && 24%hours == 0
	switch at := fmt.Sprintf("at %02d:%02d", hour, minute); {
	case f[4] == "*" && f[1] == "*" && byMinutes:
		return "every " + plural(minutes, "minute", "minutes")
	case f[4] == "*" && f[1] == "*" && onMinute:
		return fmt.Sprintf("every hour, at minute %d", minute)
	case f[4] == "*" && byHours && onMinute:
		return fmt.Sprintf("every %s, at minute %d", plural(hours, "hour", "hours"), minute)
	case f[4] == "*" && onHour && onMinute:
		return "every day " + at
	case f[4] == "1-5" && onHour && onMinute:
		return "Monday to Friday " + at
	}
	return spec
}

// number reads a whole number below a bound.
func number(s string, below int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < below
}

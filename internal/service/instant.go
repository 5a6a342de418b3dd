package service

import "time"

// Years of which anything is told, from and up to. Before and after them no time
// is meant, and some cannot be written.
const (
	firstYear = 1900
	lastYear  = 2999
)

// CheckTime refuses a time that is not meant: of a year that nothing is of, as it
// is in UTC, in which it is put on record. name is what was asked for.
func CheckTime(name string, t time.Time) error {
	if y := t.UTC().Year(); y < firstYear || y > lastYear {
		return mistake("choose a time of the years 1900 to 2999", "%s is of no year that anything is known of", name)
	}
	return nil
}

package sheets

import "github.com/exhibit-aims/exhibit/internal/assess"

// Look is a status's colours and meaning. The colours differ in lightness as
// well as in hue, so that they hold in a grey print and for people who see few
// colours; the word is always there as well.
type Look struct {
	Status     assess.Status
	Fill, Font string // RRGGBB
	Bold       bool
	Italic     bool
	Meaning    string
}

// Looks returns the nine statuses in the order in which they are explained.
func Looks() []Look {
	return []Look{
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
}

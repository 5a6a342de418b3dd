package sheets

import "fmt"

// alone writes the one row of a sheet that has no other: what there is none of,
// and what that is worth.
func alone(w Writer, l Layout, text, why string) error {
	widest := 1
	for i := 1; i < min(len(l.Columns), 9); i++ { // in sight
		if l.Columns[i].Width > l.Columns[widest].Width {
			widest = i
		}
	}
	w.Text(text)
	for i := 1; i < len(l.Columns); i++ {
		if i == widest {
			w.Text(why)
		} else {
			w.Blank()
		}
	}
	return w.End()
}

// readLater says of a snapshot of the past how much of it was not known then.
func (b *Book) readLater() string {
	if b.Counts.Later == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d evidence items tell of what was so by the as-of and were collected after it; so were runs that looked and found nothing. "+
		"The statuses are those that today's evidence gives for that instant, not what was on record then: see collected at in Evidence, and late capture in Results",
		b.Counts.Later, b.Counts.Evidence)
}

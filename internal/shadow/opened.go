package shadow

import "time"

// Opened returns the cases that are open and were not open before, in their
// order: what is worth telling somebody, once.
func Opened(cases, before []Case) []Case {
	was := make(map[string]bool, len(before))
	for i := range before {
		was[before[i].ID] = before[i].Open()
	}
	var out []Case
	for i := range cases {
		if cases[i].Open() && !was[cases[i].ID] {
			out = append(out, cases[i])
		}
	}
	return out
}

// Line is a case that opened, in one line for people.
func (c *Case) Line() string {
	line := c.ID + " " + c.Title + ", since " + c.FirstSeen.Format(time.DateOnly) + ", " + c.Confidence
	switch {
	case c.Reopened != "":
		line += "; opened again: " + c.Reopened
	case c.Unexplained != "":
		line += "; " + c.Unexplained
	}
	if c.Hint != "" {
		line += "; ask " + c.Hint + " (" + c.HintFrom + ")"
	}
	return line
}

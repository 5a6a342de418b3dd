package shadow

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// What a false positive is decided on, besides the content of the case: that
// something is no use of AI is said of what showed it then.
const (
	seenItem  = "seen:"  // a kind of sign
	shownItem = "shown:" // the strongest confidence
)

// DecidedOn is what a decision on the case is made on, and its hash.
func (c *Case) DecidedOn(decision string) (content string, items []string) {
	items = slices.Clone(c.Items)
	if decision == people.CaseFalsePositive {
		kinds, confidence := c.shows()
		for _, kind := range kinds {
			items = append(items, seenItem+kind)
		}
		items = append(items, shownItem+confidence)
	}
	return contentOf(items), items
}

// shows are the kinds of the signs of use, and their strongest confidence.
func (c *Case) shows() (kinds set, confidence string) {
	confidence = Unresolved
	for i := range c.Signals {
		s := &c.Signals[i]
		if s.Weak || s.Ended != "" {
			continue
		}
		kinds.add(s.Kind)
		if rank(s.Confidence) < rank(confidence) {
			confidence = s.Confidence
		}
	}
	return kinds, confidence
}

// showsMore says what a case shows beyond the items of an earlier decision;
// empty if nothing, or if the decision does not say what was shown.
func (c *Case) showsMore(items []string) string {
	shown := ""
	for _, item := range items {
		if what, ok := strings.CutPrefix(item, shownItem); ok {
			shown = what
		}
	}
	if shown == "" || len(c.Signals) == 0 {
		return ""
	}
	kinds, confidence := c.shows()
	if rank(confidence) < rank(shown) {
		return "what was seen as " + shown + " is " + confidence + " now"
	}
	for _, kind := range kinds {
		if !slices.Contains(items, seenItem+kind) {
			return "since it was decided on, there is also a sign of another kind, " + kind
		}
	}
	return ""
}

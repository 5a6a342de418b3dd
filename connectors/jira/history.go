package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// change is one entry of an issue's history: somebody changed some fields at
// once.
type change struct {
	ID      string          `json:"id"`
	Author  *account        `json:"author"`
	Created json.RawMessage `json:"created"` // text, or a number of seconds or milliseconds
	Items   []changeItem    `json:"items"`

	at time.Time
}

type changeItem struct {
	Field      string  `json:"field"`
	FieldID    string  `json:"fieldId"`
	From       *string `json:"from"`
	FromString *string `json:"fromString"`
	To         *string `json:"to"`
	ToString   *string `json:"toString"`
}

func (i changeItem) toText() string   { return firstText(i.ToString, i.To) }
func (i changeItem) fromText() string { return firstText(i.FromString, i.From) }

// is reports whether the item is about a field, by name or id.
func (i changeItem) is(field string) bool {
	return strings.EqualFold(i.Field, field) || i.FieldID != "" && strings.EqualFold(i.FieldID, field)
}

// became reports whether the field became a value, by name or id.
func (i changeItem) became(value string) bool {
	return strings.EqualFold(i.toText(), value) || deref(i.To) == value
}

func firstText(a, b *string) string {
	if a != nil && *a != "" {
		return *a
	}
	return deref(b)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkChanges reads the times and refuses entries without an id.
func checkChanges(list []*change) error {
	for _, c := range list {
		if c == nil {
			return errors.New("a history entry is null")
		}
		if _, err := strconv.ParseUint(c.ID, 10, 64); err != nil {
			return fmt.Errorf("history %q: the id is no number", records.Line(c.ID, 40))
		}
		at, err := changeTime(c.Created)
		if err != nil {
			return fmt.Errorf("history %s: %w", c.ID, err)
		}
		c.at = at
	}
	return nil
}

// changeTime reads the two forms in which Jira gives the time of a change.
func changeTime(raw json.RawMessage) (time.Time, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return parseTime(s)
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n <= 0 || n > 1e14 {
		return time.Time{}, errors.New("created is no time")
	}
	if n < 1e11 { // seconds: until the year 5138
		return time.Unix(n, 0).UTC(), nil
	}
	return time.UnixMilli(n).UTC(), nil
}

// setHistory keeps the changes, each once, oldest first.
func (is *issue) setHistory(list []*change) {
	slices.SortStableFunc(list, func(a, b *change) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return compareIDs(a.ID, b.ID)
	})
	seen := map[string]bool{}
	is.history = slices.DeleteFunc(list, func(c *change) bool {
		twice := seen[c.ID]
		seen[c.ID] = true
		return twice
	})
	is.historyRead = true
}

// compareIDs compares two numbers written without leading zeros.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// missingHistory says what the history does not tell of the status, because it
// begins late (an import, a clean-up) or has a hole; empty if it is whole as
// far as can be seen. Statuses are compared by id: names may change.
func (is *issue) missingHistory() string {
	last, lastAt, known := "", time.Time{}, false
	for _, c := range is.history {
		for _, item := range c.Items {
			if !item.is("status") || item.From == nil || item.To == nil {
				continue
			}
			if known && *item.From != last {
				return "between two entries its status changed without one"
			}
			last, lastAt, known = *item.To, c.at, true
		}
	}
	now, _ := textAt(is.fields, "status", "id")
	switch {
	case known && now != "" && now != last && !lastAt.After(is.updated):
		return "its status is not the one that its history ends in"
	case known:
		return ""
	}
	// Never a change of status: then it was created with the one that it has.
	for _, name := range []string{"statuscategorychangedate", "resolutiondate"} {
		if at, err := timeField(is.fields, name); err == nil && !is.created.IsZero() && at.After(is.created.Add(time.Minute)) {
			return "its status changed after it was created, and there is no entry of that"
		}
	}
	return ""
}

package anthropic

import (
	"encoding/json"
	"fmt"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// sink takes the entries of a listing.
type sink[T any] struct {
	each func(T) error
	bad  func(entry int, why string) error // an entry of another form
	saw  func()                            // a page was read
	n    int
}

// page deals with the entries of a page and returns the token of the next.
func (s *sink[T]) page(path string, p listing) (string, error) {
	if p.Data == nil || p.HasMore == nil {
		return "", &rest.MalformedError{Path: path, Why: errNoAnswer.Error()}
	}
	for _, raw := range p.Data {
		s.n++
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			if err := s.bad(s.n, "it is not of the form that is documented"); err != nil {
				return "", err
			}
			continue
		}
		if err := s.each(item); err != nil {
			return "", err
		}
	}
	s.saw()
	if !*p.HasMore {
		return "", nil
	}
	last := p.LastID
	if last == "" && len(p.Data) > 0 {
		last = idOf(p.Data[len(p.Data)-1])
	}
	if last == "" {
		return "", &rest.MalformedError{Path: path, Why: "it says that more follows, and not where"}
	}
	return last, nil
}

// idOf returns an entry's id; empty if it has none.
func idOf(raw json.RawMessage) string {
	var item struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &item) != nil || !records.Fit(item.ID) {
		return ""
	}
	return item.ID
}

// entry names an entry of a listing to a person.
func entry(what string, n int) string { return fmt.Sprintf("%s, entry %d", what, n) }

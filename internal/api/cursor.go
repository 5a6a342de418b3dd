package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// Paged says which page of a list is wanted.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" maxLength:"2000" format:"cursor" doc:"next of the page before."`
}

// Page is one page of a list that was made from one state of the ledger.
type Page[T any] struct {
	State
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the page that follows; left out at the end."`
}

// List is one page of what is on record now.
type List[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the page that follows; left out at the end."`
}

// place is where a page of a list begins.
type place struct {
	List string `json:"l"`           // which list
	At   int64  `json:"a"`           // position: of the ledger, or after how many items
	Key  string `json:"k,omitempty"` // of the item before, where the list has keys
}

var errCursor = errors.New("the cursor belongs to no page of this list")

func (p place) String() string {
	raw, err := json.Marshal(p)
	if err != nil { // text and a number: it cannot fail
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parsePlace reads a cursor of a list; an empty one is the beginning.
func parsePlace(list, cursor string) (place, error) {
	p := place{List: list}
	if cursor == "" {
		return p, nil
	}
	refuse := wrong("pass next of an answer to the same question, or none to begin anew", errCursor)
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return p, refuse
	}
	var got place
	if json.Unmarshal(raw, &got) != nil || got.List != list || got.At < 0 || got.String() != cursor {
		return p, refuse
	}
	return got, nil
}

// pageOf takes the items that want keeps from where a cursor says, until a page
// is full. key names an item: if the list changed meanwhile, the page goes on
// after the item with the cursor's key.
func pageOf[T any](name string, in Paged, all []T, key func(T) string, want func(T) bool) (items []T, next string, err error) {
	p, err := parsePlace(name, in.Cursor)
	if err != nil {
		return nil, "", err
	}
	begin := startOf(p, all, key)
	items = []T{}
	for i := begin; i < len(all); i++ {
		if !want(all[i]) {
			continue
		}
		if len(items) == in.Limit {
			return items, next, nil
		}
		items = append(items, all[i])
		next = place{List: name, At: int64(i) + 1, Key: brief(key(all[i]))}.String()
	}
	return items, "", nil
}

func startOf[T any](p place, all []T, key func(T) string) int {
	begin := int(min(p.At, int64(len(all))))
	if begin > 0 && brief(key(all[begin-1])) != p.Key {
		for i := range all {
			if brief(key(all[i])) == p.Key {
				return i + 1
			}
		}
	}
	return begin
}

// brief stands for a key, which may be long.
func brief(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// every keeps all items.
func every[T any](T) bool { return true }

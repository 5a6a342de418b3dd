package aiscan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// errCoded means that a cache gave back something else than it was given.
var errCoded = errors.New("no content")

// empty reports whether a content holds nothing.
func (c *content) empty() bool {
	return len(c.Hits)+len(c.Secrets)+len(c.Models)+len(c.Unread) == 0 && c.Asset == nil
}

// encode writes a content for a cache: only its size for one that holds
// nothing, which most do.
func (c *content) encode() []byte {
	if c.empty() {
		return binary.AppendUvarint(nil, uint64(c.Size))
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil // holds nothing that has no JSON
	}
	return b
}

func (c *content) decode(b []byte) error {
	if len(b) == 0 || b[0] != '{' || len(b) <= binary.MaxVarintLen64 {
		size, n := binary.Uvarint(b)
		if n <= 0 || n != len(b) {
			return errCoded
		}
		c.Size = int64(size)
		return nil
	}
	return json.Unmarshal(b, c)
}

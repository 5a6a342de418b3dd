package aiscan

import "encoding/json"

// encode writes a content for a cache: nothing for one that holds nothing.
func (c *content) encode() []byte {
	if c.empty() {
		return []byte{}
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil // holds nothing that has no JSON
	}
	return b
}

func (c *content) decode(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, c)
}

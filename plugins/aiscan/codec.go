package aiscan

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
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

// known returns the key of a whole tree that can name itself, and the report of
// an earlier scan of it.
func (r *rules) known(t Tree, o Options) (key string, rep *Report) {
	named, ok := t.(interface{ Identity() string })
	if !ok || o.Cache == nil {
		return "", nil
	}
	key = r.prefix + "\x00tree\x00" + named.Identity() + "\x00" + o.Root + "\x00" + strings.Join(o.Ignore, "\x00") + "\x00" + strconv.FormatBool(o.Whole)
	b, ok := o.Cache.Get(key)
	if !ok {
		return key, nil
	}
	rep = &Report{}
	if json.Unmarshal(b, rep) != nil || rep.Rules != r.digest {
		return key, nil
	}
	rep.Reused = rep.Files
	return key, rep
}

// remember keeps the report of a whole tree.
func (r *rules) remember(key string, rep Report, o Options) {
	if key == "" {
		return
	}
	rep.Reused = 0
	if b, err := json.Marshal(rep); err == nil {
		o.Cache.Put(key, b)
	}
}

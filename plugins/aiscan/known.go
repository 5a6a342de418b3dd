package aiscan

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// identified is a tree that can say what it holds without being read.
type identified interface {
	// identity returns where the tree is, and a text that is another one as soon
	// as a scan could find anything else there: empty if that cannot be said.
	identity(ctx context.Context, workers int) (place, state string)
}

// TreeCache is a Cache that keeps the reports of whole trees apart, so that a
// tree that has not changed needs nothing else of what is kept.
type TreeCache interface {
	Cache
	// Tree returns the last value put under the key.
	Tree(key string) ([]byte, bool)
	PutTree(key string, value []byte)
}

// tree is under which name the report of a whole tree is kept, and in which
// state the tree was. The zero value is one that cannot be named.
type tree struct{ key, state string }

// known names a tree, and returns the report of an earlier scan of the same
// state.
func (r *rules) known(ctx context.Context, t Tree, o Options) (tree, *Report) {
	named, ok := t.(identified)
	if !ok || o.Cache == nil {
		return tree{}, nil
	}
	place, state := named.identity(ctx, o.Workers)
	if state == "" {
		return tree{}, nil
	}
	k := tree{strings.Join(append([]string{r.prefix, "tree", build(), place, o.Root, strconv.FormatBool(o.Whole)}, o.Ignore...), "\x00"), state}
	var b []byte
	if c, apart := o.Cache.(TreeCache); apart {
		b, ok = c.Tree(k.key)
	} else {
		b, ok = o.Cache.Get(k.key)
	}
	b, same := bytes.CutPrefix(b, []byte(state+"\n"))
	rep := &Report{}
	if !ok || !same || json.Unmarshal(b, rep) != nil || rep.Rules != r.digest {
		return k, nil
	}
	rep.Reused = rep.Files
	return k, rep
}

// remember keeps the report of a whole tree.
func (r *rules) remember(k tree, rep Report, c Cache) {
	if k.key == "" {
		return
	}
	rep.Reused = 0
	b, err := json.Marshal(rep)
	if err != nil {
		return // holds nothing that has no JSON
	}
	b = append([]byte(k.state+"\n"), b...)
	if apart, ok := c.(TreeCache); ok {
		apart.PutTree(k.key, b)
		return
	}
	c.Put(k.key, b)
}

// build is the revision that this program was built from, if it says so: by the
// same facts, another one may come to other conclusions.
var build = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString(info.Main.Version)
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") {
			b.WriteString(" " + s.Value)
		}
	}
	return b.String()
})

package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// PathKeyword marks the strings of a connector's config schema that are paths
// which it reads: "x-exhibit-path": true. A confined connector reads no others.
const PathKeyword = "x-exhibit-path"

// maxPaths is how many paths of some settings are looked at.
const maxPaths = 20_000

// settingPaths returns the strings of settings that the schema marks as paths,
// sorted. Only what stands in the settings counts, never a default.
func settingPaths(schema, settings json.RawMessage) []string {
	var root, value any
	if json.Unmarshal(schema, &root) != nil || json.Unmarshal(settings, &value) != nil || !bytes.Contains(schema, []byte(PathKeyword)) {
		return nil
	}
	w := pathWalk{root: root}
	w.walk(root, value, 0)
	slices.Sort(w.found)
	return slices.Compact(w.found)
}

// pathWalk goes through settings beside their schema.
type pathWalk struct {
	root  any
	found []string
	steps int
}

// maxSteps ends the walk of a schema that was made to take long.
const maxSteps = 200_000

func (w *pathWalk) walk(schema, value any, depth int) {
	s, ok := schema.(map[string]any)
	if w.steps++; !ok || depth > 64 || w.steps > maxSteps || len(w.found) >= maxPaths {
		return
	}
	if text, isText := value.(string); isText && s[PathKeyword] == true && text != "" {
		w.found = append(w.found, text)
	}
	if ref, ok := s["$ref"].(string); ok {
		w.walk(w.resolve(ref), value, depth+1)
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := s[key].([]any)
		for _, sub := range list {
			w.walk(sub, value, depth+1)
		}
	}
	for _, key := range []string{"if", "then", "else"} {
		w.walk(s[key], value, depth+1)
	}
	switch v := value.(type) {
	case map[string]any:
		w.object(s, v, depth)
	case []any:
		w.array(s, v, depth)
	}
}

func (w *pathWalk) object(s, value map[string]any, depth int) {
	properties, _ := s["properties"].(map[string]any)
	for name, v := range value {
		if sub, ok := properties[name]; ok {
			w.walk(sub, v, depth+1)
		} else {
			w.walk(s["additionalProperties"], v, depth+1)
		}
	}
}

func (w *pathWalk) array(s map[string]any, value []any, depth int) {
	prefix, _ := s["prefixItems"].([]any)
	for i, v := range value {
		if i < len(prefix) {
			w.walk(prefix[i], v, depth+1)
		} else {
			w.walk(s["items"], v, depth+1)
		}
	}
}

// resolve finds a part of the schema by its JSON Pointer.
func (w *pathWalk) resolve(ref string) any {
	at := w.root
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch node := at.(type) {
		case map[string]any:
			if token != "" {
				at = node[token]
			}
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			at = node[i]
		default:
			return nil
		}
	}
	return at
}

// schemaCache remembers the config schema of a binary.
type schemaCache struct {
	mu   sync.Mutex
	seen map[evidence.Digest]json.RawMessage
}

func (c *schemaCache) get(d evidence.Digest) (json.RawMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, ok := c.seen[d]
	return schema, ok
}

func (c *schemaCache) put(d evidence.Digest, schema json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[evidence.Digest]json.RawMessage{}
	}
	c.seen[d] = schema
}

// Reads returns the paths that a connector may read with some settings. What
// they are, its schema says: it is asked for before, in a process that may read
// none of them.
func (h *Host) Reads(ctx context.Context, name string, settings json.RawMessage) ([]string, error) {
	if h.confine.Mode == ConfineOff || !canConfine || len(settings) == 0 {
		return nil, nil
	}
	digest, err := h.locked(name)
	if err != nil {
		return nil, err
	}
	schema, ok := h.schemas.get(digest)
	if !ok {
		s, err := h.start(ctx, name, nil, nil)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		d, err := s.describe(ctx)
		if err != nil {
			return nil, err
		}
		schema = d.ConfigSchema
	}
	return settingPaths(schema, settings), nil
}

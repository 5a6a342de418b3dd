package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// thresholdsOf are the thresholds of an expectation as people read them, one each:
// environments: production, prod; read at most 2 days ago.
func thresholdsOf(v any) []string {
	var f assess.InForce
	switch v := v.(type) {
	case assess.InForce:
		f = v
	case *assess.InForce:
		f = *v
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.Params)) {
		out = append(out, words(name)+": "+valueWords(f.Params[name]))
	}
	if f.EventMaxAge != "" {
		out = append(out, "event at most "+spanWords(f.EventMaxAge)+" old")
	}
	if f.Lookback != "" {
		out = append(out, "events of the last "+spanWords(f.Lookback))
	}
	if f.CollectionMaxAge != "" {
		out = append(out, "read at most "+spanWords(f.CollectionMaxAge)+" ago")
	}
	return out
}

// valueWords is the value of a threshold. Of names that differ in - and _ only, one
// is enough.
func valueWords(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var out, seen []string
		for _, item := range v {
			s := valueWords(item)
			if same := strings.ReplaceAll(strings.ToLower(s), "_", "-"); !slices.Contains(seen, same) {
				seen, out = append(seen, same), append(out, s)
			}
		}
		for i, s := range out {
			if s == "" {
				out[i] = "(empty)"
			}
		}
		if len(out) == 0 {
			return "none"
		}
		return strings.Join(out, ", ")
	case map[string]any:
		if raw, err := json.Marshal(v); err == nil {
			return string(raw)
		}
	}
	return fmt.Sprint(v)
}

// spanWords writes a span as the files have it, 365d, in words.
func spanWords(s string) string {
	n, unit := strings.TrimRight(s, "dhms"), strings.TrimLeft(s, "0123456789")
	if word := map[string]string{"d": "day", "h": "hour", "m": "minute", "s": "second"}[unit]; word != "" && n != "" {
		return plural(n, word, word+"s")
	}
	return s
}

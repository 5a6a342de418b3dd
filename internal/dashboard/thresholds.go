package dashboard

import (
	"cmp"
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

// valueWords is the value of a threshold, whole: who checks a rule reads it here.
func valueWords(v any) string {
	switch v := v.(type) {
	case string:
		return cmp.Or(v, "(empty)")
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, valueWords(item))
		}
		return cmp.Or(strings.Join(out, ", "), "none")
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

package aws

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
)

const (
	maxValue = 2 << 10  // bytes of one value of a request
	maxOf    = 16 << 10 // bytes of all values
	leftOut  = "left out"
)

// bounded gives the parameters of a call without what may hold a secret, and
// without what is too large: that stands as the words "left out".
func bounded(params map[string]json.RawMessage) map[string]json.RawMessage {
	secret := regexp.MustCompile(`(?i)(secret|passw|token|credential|authori[sz]ation|api[_-]?key|private[_-]?key|access[_-]?key|^environment|hyperparameters|presigned)`)
	var out map[string]json.RawMessage
	size := 0
	for _, name := range sortedKeys(params) {
		clean, ok := tidy(params[name], 5, secret)
		if secret.MatchString(name) || !ok || len(clean) > maxValue || size+len(clean) > maxOf {
			clean = json.RawMessage(`"` + leftOut + `"`)
		}
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		size += len(clean)
		out[printable(name, 100)] = clean
	}
	return out
}

// tidy makes a value fit for a record: texts are made printable and short,
// what may hold a secret is left out, numbers beyond what JSON readers keep
// become texts. Keys come out sorted.
func tidy(raw json.RawMessage, depth int, secret *regexp.Regexp) (json.RawMessage, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	clean, err := json.Marshal(tidyValue(v, depth, secret))
	return clean, err == nil
}

func tidyValue(v any, depth int, secret *regexp.Regexp) any {
	if depth == 0 {
		return leftOut
	}
	switch v := v.(type) {
	case string:
		return printable(v, 500)
	case json.Number:
		if n, err := v.Int64(); err == nil && n < 1<<53 && n > -(1<<53) {
			return n
		}
		if f, err := v.Float64(); err == nil && f < 1<<53 && f > -(1<<53) {
			return f
		}
		return printable(v.String(), 100)
	case []any:
		list := make([]any, 0, min(len(v), 50))
		for _, e := range v[:min(len(v), 50)] {
			list = append(list, tidyValue(e, depth-1, secret))
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for _, name := range sortedKeys(v) {
			e := v[name]
			if secret != nil && secret.MatchString(name) {
				e = leftOut
			}
			m[printable(name, 100)] = tidyValue(e, depth-1, secret)
		}
		return m
	}
	return v
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

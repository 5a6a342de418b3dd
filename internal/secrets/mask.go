package secrets

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// What a Mask keeps: the newest maxMasked values, and none so short that it
// would stand in every other word.
const (
	maxMasked = 2000
	minMasked = 4
)

// Mask takes the secrets that were read out of any text. A nil *Mask knows none.
type Mask struct {
	mu       sync.Mutex
	values   []string          // the oldest first
	replacer *strings.Replacer // nil after a value was added
}

// Add makes a value known. Values from before stay known: what is logged late
// may hold one that was rotated since.
func (m *Mask) Add(value string) {
	if m == nil || len(value) < minMasked {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.values, value) {
		return
	}
	if m.values = append(m.values, value); len(m.values) > maxMasked {
		m.values = slices.Delete(m.values, 0, 1)
	}
	m.replacer = nil
}

// Text returns s without secrets.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	return m.current().Replace(s)
}

func (m *Mask) current() *strings.Replacer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.replacer != nil {
		return m.replacer
	}
	var forms []string
	for _, v := range m.values {
		forms = append(forms, spellings(v)...)
	}
	// The longest first: one form may be part of another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, Redacted)
	}
	m.replacer = strings.NewReplacer(pairs...)
	return m.replacer
}

// spellings are the forms in which a value may turn up: in an address, in JSON
// or in base64, and of a key in PEM each of its lines.
func spellings(value string) []string {
	forms := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	if raw, err := json.Marshal(value); err == nil {
		forms = append(forms, string(raw[1:len(raw)-1]))
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, enc.EncodeToString([]byte(value)))
	}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
				forms = append(forms, line)
			}
		}
	}
	return forms
}

package pluginhost

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// scrubber takes secrets out of text. The zero value knows none.
type scrubber struct {
	replacer *strings.Replacer
	tokens   [][]byte // long secrets in the forms in which a payload would hold them
}

// newScrubber returns a scrubber for the secrets' values, also as they look in
// an address, in JSON and in base64, and line by line where they have lines.
func newScrubber(secrets map[string]string) scrubber {
	var s scrubber
	var forms []string
	for _, value := range secrets {
		forms = append(forms, spellings(value)...)
		if len(value) >= 12 && !strings.ContainsAny(value, "@ ") {
			s.tokens = append(s.tokens, []byte(value), []byte(jsonSpelling(value)))
		}
	}
	// The longest first: one form may be part of another.
	slices.SortFunc(forms, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, redacted)
	}
	if len(pairs) > 0 {
		s.replacer = strings.NewReplacer(pairs...)
	}
	return s
}

// spellings returns the forms in which value may turn up in a text.
func spellings(value string) []string {
	if value == "" {
		return nil
	}
	forms := []string{
		value, url.QueryEscape(value), url.PathEscape(value), jsonSpelling(value),
		base64.StdEncoding.EncodeToString([]byte(value)),
		base64.URLEncoding.EncodeToString([]byte(value)),
		base64.RawURLEncoding.EncodeToString([]byte(value)),
	}
	if strings.Contains(value, "\n") {
		forms = append(forms, strings.ReplaceAll(value, "\n", " "), strings.ReplaceAll(value, "\n", ""))
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= 16 {
				forms = append(forms, line)
			}
		}
	}
	return forms
}

func jsonSpelling(value string) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return string(raw[1 : len(raw)-1])
}

// text returns s for a person: without secrets, in one line, at most limit bytes.
func (s scrubber) text(text string, limit int) string {
	if s.replacer != nil {
		text = s.replacer.Replace(text)
	}
	return wire.Clean(text, limit)
}

// leaked reports whether payload holds one of the long secrets. Short ones and
// mail addresses may stand in a payload for good reasons.
func (s scrubber) leaked(payload []byte) bool {
	for _, token := range s.tokens {
		if bytes.Contains(payload, token) {
			return true
		}
	}
	return false
}

package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Trailers returns the trailers of a commit's message: the lines of the form
// Token: text in its last paragraph, when that paragraph has no other form and
// is not the subject. The same words elsewhere in the message are prose.
func Trailers(message string) []fact.Fact {
	all := lines([]byte(message))
	end := len(all)
	for end > 0 && strings.TrimSpace(all[end-1]) == "" {
		end--
	}
	start := end
	for start > 0 && strings.TrimSpace(all[start-1]) != "" {
		start--
	}
	if start == 0 {
		return nil
	}
	o := &out{}
	for i := start; i < end; i++ {
		if isTrailer(all[i]) {
			o.add(fact.Fact{Class: fact.Trailer, Name: strings.TrimSpace(all[i]), Line: i + 1})
		}
	}
	return o.done()
}

// isTrailer reports whether a line is a token, a colon and a text.
func isTrailer(line string) bool {
	token, text, ok := strings.Cut(line, ":")
	if !ok || token == "" || strings.TrimSpace(text) == "" {
		return false
	}
	for i := range len(token) {
		c := token[i] | 0x20
		if token[i] != '-' && (c < 'a' || c > 'z') && (token[i] < '0' || token[i] > '9') {
			return false
		}
	}
	return true
}

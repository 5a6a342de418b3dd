package github

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxOwnerRules is how many rules of a file a record holds.
	maxOwnerRules = 3000
	// maxOwners is how many owners of a rule a record holds.
	maxOwners = 100
)

// ownerRule is one line that names owners of paths, or takes paths from them.
type ownerRule struct {
	Pattern string   `json:"pattern"`
	Owners  []string `json:"owners"`
	Line    int      `json:"line"`
}

// parseCodeowners reads the rules of a CODEOWNERS file, in their order: the
// last one that matches a path counts. It judges nothing: GitHub says itself
// which lines it ignores. truncated is whether there are more than fit.
func parseCodeowners(text string) (rules []ownerRule, truncated bool) {
	rules = []ownerRule{}
	n := 0
	for l := range strings.Lines(text) {
		n++
		words := ownerWords(l)
		if len(words) == 0 {
			continue
		}
		if len(rules) == maxOwnerRules {
			return rules, true
		}
		rule := ownerRule{Pattern: ownerWord(words[0], 300), Owners: []string{}, Line: n}
		for _, w := range words[1:] {
			if len(rule.Owners) == maxOwners {
				truncated = true
				break
			}
			rule.Owners = append(rule.Owners, ownerWord(w, 150))
		}
		rules = append(rules, rule)
	}
	return rules, truncated
}

// ownerWord makes a word printable and short. Blanks in it are kept: they are
// part of a pattern.
func ownerWord(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unfitRune(r) || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		return string([]rune(s)[:limit]) + "…"
	}
	return s
}

// ownerWords splits a line at blanks that no backslash goes before, up to a
// word that begins with #.
func ownerWords(l string) []string {
	l = strings.ToValidUTF8(strings.TrimPrefix(l, "\ufeff"), "\ufffd")
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for len(l) > 0 {
		c, size := utf8.DecodeRuneInString(l)
		switch {
		case c == '#' && word.Len() == 0:
			return words
		case c == '\\' && size < len(l) && !strings.ContainsRune("\r\n", rune(l[size])):
			_, next := utf8.DecodeRuneInString(l[size:])
			size += next
			word.WriteString(l[:size])
		case strings.ContainsRune(" \t\r\n\v\f", c):
			end()
		default:
			word.WriteString(l[:size])
		}
		l = l[size:]
	}
	end()
	return words
}

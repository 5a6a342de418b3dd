package assess

import "strings"

// mention is what a condition's text names, found without parsing it: what
// stands alone or before a dot, what is called, and what follows a dot.
type mention struct {
	roots  map[string]bool // variables: idents that are neither called nor selected
	calls  map[string]bool
	fields map[string]bool
}

// mentions reads a condition's text. What stands in quotes is no name.
func mentions(text string) mention {
	m := mention{roots: map[string]bool{}, calls: map[string]bool{}, fields: map[string]bool{}}
	last := byte(0) // the last character that is no blank
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\'' || c == '"':
			i = afterQuote(text, i)
			last = c
		case isLetter(c):
			end := i
			for end < len(text) && (isLetter(text[end]) || '0' <= text[end] && text[end] <= '9') {
				end++
			}
			word := text[i:end]
			if end < len(text) && (text[end] == '\'' || text[end] == '"') && strings.Trim(strings.ToLower(word), "rb") == "" {
				i = afterRaw(text, end)
				last = '"'
				continue
			}
			rest := strings.TrimLeft(text[end:], " \n\t")
			switch {
			case strings.HasPrefix(rest, "("):
				m.calls[word] = true
			case last == '.':
				m.fields[word] = true
			default:
				m.roots[word] = true
			}
			i, last = end, 'a'
		default:
			if c != ' ' && c != '\n' && c != '\t' {
				last = c
			}
			i++
		}
	}
	return m
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// afterQuote returns the position after the text in quotes that begins at i.
func afterQuote(text string, i int) int {
	quote := text[i]
	if strings.HasPrefix(text[i:], strings.Repeat(string(quote), 3)) {
		if end := strings.Index(text[i+3:], strings.Repeat(string(quote), 3)); end >= 0 {
			return i + 3 + end + 3
		}
	}
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '\\':
			j++
		case quote:
			return j + 1
		}
	}
	return len(text)
}

// afterRaw is afterQuote for text in which a backslash means itself.
func afterRaw(text string, i int) int {
	if end := strings.IndexByte(text[i+1:], text[i]); end >= 0 {
		return i + 1 + end + 1
	}
	return len(text)
}

package notify

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what one item brings into a message.
const (
	maxTitle   = 200
	maxDetail  = 400
	maxShort   = 120
	maxSystems = 5
)

// bounded makes an item's texts harmless and short.
func bounded(it Item) Item {
	it.ID, it.State, it.Status = shorten(it.ID, maxShort), shorten(it.State, maxShort), shorten(it.Status, maxShort)
	it.Title, it.Detail = shorten(it.Title, maxTitle), shorten(it.Detail, maxDetail)
	it.Owner, it.Control = shorten(it.Owner, maxShort), shorten(it.Control, maxShort)
	if strings.ContainsAny(it.Link, " \t\r\n\"<>\\") || strings.HasPrefix(it.Link, "//") {
		it.Link = ""
	}
	systems := make([]string, 0, maxSystems)
	for i, s := range it.Systems {
		if i == maxSystems {
			systems = append(systems, "and "+strconv.Itoa(len(it.Systems)-i)+" more")
			break
		}
		systems = append(systems, shorten(s, maxShort))
	}
	it.Systems = systems
	return it
}

// plain replaces line breaks, control characters and what changes the direction
// of text or is invisible. One line stays one line.
func plain(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return '·'
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// shorten is plain, cut to n characters.
func shorten(s string, n int) string {
	if len(s) > 8*n { // do not walk through what is dropped anyway
		s = s[:8*n]
	}
	s = plain(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// thousands writes 9950 as 9,950.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// Text is the message as plain text: the part of a mail for those who read no
// HTML, and what a preview shows.
func (m *Message) Text() string {
	var b strings.Builder
	b.WriteString(m.Title() + "\n")
	for i := range m.Groups {
		g := &m.Groups[i]
		b.WriteString("\n" + g.OwnerLine() + "\n")
		for k := range g.Changes {
			c := &g.Changes[k]
			b.WriteString("- " + c.Heading() + ": " + c.Item.Title + "\n")
			if c.Item.Detail != "" {
				b.WriteString("  " + c.Item.Detail + "\n")
			}
			if facts := c.Facts(); len(facts) > 0 {
				b.WriteString("  " + strings.Join(facts, " · ") + "\n")
			}
			if link := m.Link(c.Item.Link); link != "" {
				b.WriteString("  " + link + "\n")
			}
		}
	}
	if more := m.MoreLine(); more != "" {
		b.WriteString("\n… " + more + "\n")
	}
	if link := m.Link("/"); link != "" {
		b.WriteString("\n" + link + "\n")
	}
	return b.String()
}

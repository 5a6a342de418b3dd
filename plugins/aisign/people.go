package aisign

import (
	"strings"
	"unicode"
)

// phrases finds entries by words that follow each other.
type phrases struct {
	first map[string][]phrase
	stars []phrase // whose first word holds a *
}

type phrase struct {
	entry
	words []string
}

func (s *Set) buildMerchants() {
	s.money = &phrases{first: map[string][]phrase{}}
	s.names("merchants", func(l *Lists) []string { return l.Merchants }, func(e entry) {
		p := phrase{e, words(e.text, true)}
		if strings.Contains(p.words[0], "*") {
			s.money.stars = append(s.money.stars, p)
			return
		}
		s.money.first[p.words[0]] = append(s.money.first[p.words[0]], p)
	})
}

// words are the parts of a text that are letters and digits, in upper case. In
// an entry a * is kept.
func words(text string, star bool) []string {
	return strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && (!star || r != '*')
	})
}

// Merchant returns whose a charge is by the text on a card statement or an
// invoice: the words of an entry, one after the other, anywhere in it. Of two
// entries that took the same words the longer one decides. It is weak where the
// text names a trade behind it (COHERE HEALTH).
func (s *Set) Merchant(text string) []Match {
	if len(text) > 4096 {
		return nil
	}
	all := words(text, false)
	var spans []span
	for at := range all {
		for _, p := range s.money.first[all[at]] {
			spans = p.at(all, at, spans)
		}
		for _, p := range s.money.stars {
			spans = p.at(all, at, spans)
		}
	}
	var f found
	for _, a := range spans {
		if !a.within(spans) {
			m := a.match()
			m.Doubt = m.Doubt || tradeIn(all, a)
			f.add(m, a.to-a.from)
		}
	}
	return f.sorted()
}

// at adds the phrase to spans if it stands at a place of all words.
func (p phrase) at(all []string, from int, spans []span) []span {
	if len(p.words) > len(all)-from {
		return spans
	}
	for n, word := range p.words {
		if !glob(word, all[from+n]) {
			return spans
		}
	}
	return append(spans, span{from, from + len(p.words), p.entry})
}

// OAuthApp returns whose application people granted access to: by its client
// id, if that is known, else by its whole name without regard to case. Anybody
// can give an application any name: by name alone it is weak where the id is
// known and another one.
func (s *Set) OAuthApp(name, clientID string) []Match {
	if len(name) > maxName || len(clientID) > maxName {
		return nil
	}
	if found := s.clients.matches(lower(clientID)); len(found) > 0 {
		return found
	}
	return s.oauth.matches(spaced(name))
}

// GitHubApp returns whose a GitHub app is, by its slug.
func (s *Set) GitHubApp(slug string) []Match {
	return s.apps.matches(strings.TrimSuffix(lower(slug), "[bot]"))
}

// Extension returns whose an extension of an editor (publisher.name) or a
// browser is, by its id without regard to case. A version after @ is left out.
func (s *Set) Extension(id string) []Match {
	id, _, _ = strings.Cut(lower(id), "@")
	return s.exts.matches(id)
}

// Trailer returns whose assistant a line of a commit message names. An entry
// stands in the line as a whole: not within a word.
func (s *Set) Trailer(line string) []Match {
	if len(line) > 4096 {
		return nil
	}
	return textual(s.trailers, line, func(e entry) string { return strings.ToLower(e.text) })
}

// UserAgent returns whose client software a user agent names: an entry is a
// product's name, before its version.
func (s *Set) UserAgent(agent string) []Match {
	if len(agent) > 4096 {
		return nil
	}
	return textual(s.agents, agent, func(e entry) string { return strings.ToLower(e.text) })
}

// textual finds entries that stand in a text between edges of words.
func textual(entries []entry, text string, norm func(entry) string) []Match {
	text = strings.ToLower(text)
	var f found
	for _, e := range entries {
		if want := norm(e); stands(text, want) {
			f.add(e.match(), len(want))
		}
	}
	return f.sorted()
}

// stands reports whether want is in text and no letter, digit or hyphen goes on
// before or after it.
func stands(text, want string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], want)
		if at < 0 {
			return false
		}
		at += from
		if !goesOn(text, at-1, want[0]) && !goesOn(text, at+len(want), want[len(want)-1]) {
			return true
		}
		from = at + 1
	}
}

// goesOn reports whether the byte at a place belongs to the same word as the
// byte beside it.
func goesOn(text string, at int, beside byte) bool {
	return at >= 0 && at < len(text) && wordy(text[at]) && wordy(beside)
}

func wordy(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 0x80 || b == '_' || b == '-' || b == '.' || b == '+'
}

// Call returns whose use a text of source code shows.
func (s *Set) Call(text string) []Match {
	var f found
	for _, e := range s.calls {
		if strings.Contains(text, e.text) {
			f.add(e.match(), len(e.text))
		}
	}
	return f.sorted()
}

// Setting returns whose a key in a configuration file is: entries are
// beginnings of keys.
func (s *Set) Setting(key string) []Match {
	key = strings.TrimSpace(key)
	var f found
	for _, e := range s.settings {
		if strings.HasPrefix(key, e.text) || key == strings.TrimSuffix(e.text, ".") {
			f.add(e.match(), len(e.text))
		}
	}
	return f.sorted()
}

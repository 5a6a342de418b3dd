package aisign

import (
	"strings"
	"unicode"
)

// exposed are prefixes that build tools ask for before a variable's own name.
func exposed() []string {
	return []string{"NEXT_PUBLIC_", "VITE_", "REACT_APP_", "EXPO_PUBLIC_", "NUXT_PUBLIC_", "NUXT_", "PUBLIC_", "GATSBY_", "VUE_APP_", "TF_VAR_"}
}

// Env returns whose an environment variable is, by its whole name without
// regard to case. A prefix that build tools ask for (NEXT_PUBLIC_, VITE_,
// TF_VAR_ …) may stand before it.
func (s *Set) Env(name string) []Match {
	if len(name) > maxName {
		return nil
	}
	key := upper(name)
	found := s.env.matches(key)
	for _, prefix := range exposed() {
		if len(found) > 0 {
			break
		}
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			found = s.env.matches(rest)
		}
	}
	return found
}

// credential are the last words of names that hold a credential.
func credential() []string {
	return []string{"KEY", "TOKEN", "SECRET", "APIKEY", "PAT", "PASSWORD", "CREDENTIALS", "CREDENTIAL", "KEYS"}
}

func (s *Set) secretsOf() map[string][]entry {
	last := map[string]bool{}
	for _, w := range credential() {
		last[w] = true
	}
	all := map[string][]entry{}
	add := func(e entry) {
		joined := strings.Join(tokens(e.text), "")
		all[joined] = append(all[joined], e)
	}
	fromEnv := func(e entry) {
		if words := tokens(e.text); !strings.Contains(e.text, "*") && last[words[len(words)-1]] {
			add(e)
		}
	}
	s.names("env", func(l *Lists) []string { return l.Env }, fromEnv)
	s.names("env_weak", func(l *Lists) []string { return l.EnvWeak }, fromEnv)
	s.names("secrets", func(l *Lists) []string { return l.Secrets }, add)
	return all
}

// tokens are the words of a name in upper case: OPENAI_API_KEY, openai-api-key
// and openaiApiKey have the same.
func tokens(name string) []string {
	var words []string
	var word []rune
	var before rune
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = nil
		}
	}
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(before):
			end()
			word = append(word, r)
		default:
			word = append(word, unicode.ToUpper(r))
		}
		before = r
	}
	end()
	return words
}

// span is what words of a name an entry took.
type span struct {
	from, to int
	entry
}

// SecretName returns whose credential a secret of a CI system or a vault is by
// its name: PROD_OPENAI_API_KEY, openai-key-eu, AzureOpenAiKey. It compares
// whole words, so that myopenai_api_keyring is nobody's; of two entries that
// took the same words the longer one decides, so that AZURE_OPENAI_API_KEY is
// not OpenAI's.
func (s *Set) SecretName(name string) []Match {
	if len(name) > maxName {
		return nil
	}
	words := tokens(name)
	if len(words) > 32 {
		words = words[:32]
	}
	var spans []span
	for from := range words {
		joined := ""
		for to := from; to < len(words) && to < from+8; to++ {
			joined += words[to]
			for _, e := range s.secrets()[joined] {
				spans = append(spans, span{from, to + 1, e})
			}
		}
	}
	var f found
	for _, a := range spans {
		if !a.within(spans) {
			f.add(a.match(), a.to-a.from)
		}
	}
	return f.sorted()
}

// within reports whether a longer span covers this one.
func (a span) within(spans []span) bool {
	for _, b := range spans {
		if b.from <= a.from && a.to <= b.to && b.to-b.from > a.to-a.from {
			return true
		}
	}
	return false
}

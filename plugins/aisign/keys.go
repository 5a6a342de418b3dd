package aisign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Key is one format of credentials of one vendor.
type Key struct {
	Match
	Prefix string
	// RE finds the credential within a text: it is not anchored.
	RE    func() *regexp.Regexp
	whole func() *regexp.Regexp
	hides func() *regexp.Regexp // in letters of either case
	start func() *regexp.Regexp
}

// expression is compiled when it is first asked for: most never are.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func (s *Set) buildKeys() {
	s.lists(func(sig *Signature, l *Lists, doubt bool) {
		for _, k := range l.Keys {
			s.keys = append(s.keys, Key{
				Match:  Match{Signature: sig, Field: "keys", Entry: k.Prefix, Doubt: doubt || k.Weak},
				Prefix: k.Prefix, RE: expression(k.RE), whole: expression(`^(?:` + k.RE + `)$`), hides: expression(`(?i:` + k.RE + `)`), start: expression(`^(?:` + k.RE + `)`),
			})
		}
	})
	slices.SortStableFunc(s.keys, func(a, b Key) int { return len(b.Prefix) - len(a.Prefix) })
}

// Len is the length of the credential that a text begins with, 0 if it begins
// with none.
func (k Key) Len(b []byte) int {
	loc := k.start().FindIndex(b)
	if loc == nil {
		return 0
	}
	return loc[1]
}

// Keys returns the formats of credentials, longest prefix first. The caller
// keeps nothing of what they find but Redact's result.
func (s *Set) Keys() []Key { return s.keys }

// Key returns whose format a credential has.
func (s *Set) Key(value string) []Match {
	var f found
	if len(value) > 4096 {
		return nil
	}
	for _, k := range s.keys {
		if k.whole().MatchString(value) {
			f.add(k.Match, len(k.Prefix))
		}
	}
	return f.sorted()
}

// Concealed blacks out what has the form of a credential within a text, also
// where its letters were made small, as those of a host are.
func (s *Set) Concealed(text string) string {
	small := strings.ToLower(text)
	for _, k := range s.keys {
		if strings.Contains(small, strings.ToLower(k.Prefix)) {
			text = k.hides().ReplaceAllLiteralString(text, "[credential]")
		}
	}
	return text
}

// Redacted is all that may be kept of a credential.
type Redacted struct {
	Prefix string // the part that the vendor writes into every key; empty if none is known
	Length int    // in bytes
	Hash   string // HMAC-SHA-256 with the salt, the first 16 hex digits
}

// String is one line for people.
func (r Redacted) String() string {
	if r.Hash == "" {
		return fmt.Sprintf("%s… (%d characters)", r.Prefix, r.Length)
	}
	return fmt.Sprintf("%s… (%d characters, hmac %s)", r.Prefix, r.Length, r.Hash)
}

// Redact makes what may be kept of a credential. The prefix is never more than
// the one of its format, and none if it is of no format. Without a salt there
// is no hash, because that of a short credential could be found by trying.
func (s *Set) Redact(value string, salt []byte) Redacted {
	r := Redacted{Length: len(value)}
	for _, k := range s.keys {
		if len(value) <= 4096 && strings.HasPrefix(value, k.Prefix) && k.whole().MatchString(value) {
			r.Prefix = k.Prefix
			break
		}
	}
	if len(salt) > 0 {
		mac := hmac.New(sha256.New, salt)
		mac.Write([]byte(value))
		r.Hash = hex.EncodeToString(mac.Sum(nil))[:16]
	}
	return r
}

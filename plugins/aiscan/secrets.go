package aiscan

import (
	"bytes"
	"math"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// secrets finds credentials that lie open. What is kept is the hint alone.
func (r *rules) secrets(c *content, b []byte) {
	for _, k := range r.set.Keys() {
		for from := 0; ; {
			at := bytes.Index(b[from:], []byte(k.Prefix))
			if at < 0 {
				break
			}
			at += from
			from = at + len(k.Prefix)
			end := at + credentialLen(b[at:])
			loc := k.RE.FindIndex(b[at:end])
			if loc == nil || loc[0] != 0 || at > 0 && keyByte(b[at-1]) {
				continue
			}
			value := string(b[at : at+loc[1]])
			if loc[1] < end-at && keyByte(b[at+loc[1]]) || placeholder(value[len(k.Prefix):]) {
				continue
			}
			line := 1 + bytes.Count(b[:at], []byte("\n"))
			hint := r.set.Redact(value, r.salt).String()
			c.Secrets = append(c.Secrets, Secret{Line: line, Provider: k.ID, Hint: hint})
			c.Hits = append(c.Hits, hit{Fact: fact.Fact{Class: fact.Key, Name: hint, Line: line}, ID: k.ID, Field: k.Field, Weak: k.IsWeak()})
		}
	}
}

// credentialLen is how far the characters of credentials go on.
func credentialLen(b []byte) int {
	n := 0
	for n < len(b) && n < 4096 && (keyByte(b[n]) || b[n] == '/' || b[n] == '+' || b[n] == '=') {
		n++
	}
	return n
}

func keyByte(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// placeholder reports whether what follows a prefix was made up to fill its
// place: few different characters, words, a row of the alphabet.
func placeholder(s string) bool {
	low := strings.ToLower(s)
	for _, w := range []string{"xxxx", "0000", "1111", "1234567", "abcdef", "your", "example", "placeholder", "dummy", "fake", "sample", "redacted", "changeme", "test-key", "....", "****"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return entropy(s) < 3
}

// entropy is that of the characters of a text, in bits each.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var n [256]float64
	for i := range len(s) {
		n[s[i]]++
	}
	sum := 0.0
	for _, k := range n {
		if k > 0 {
			p := k / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

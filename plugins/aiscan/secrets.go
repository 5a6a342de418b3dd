package aiscan

import (
	"bytes"
	"math"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/gate"
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
			if within(b, at) {
				continue
			}
			end := at + credentialLen(b[at:])
			n := k.Len(b[at:end])
			if n == 0 {
				continue
			}
			value := string(b[at : at+n])
			if n < end-at && keyByte(b[at+n]) || placeholder(value[len(k.Prefix):]) {
				continue
			}
			line := 1 + bytes.Count(b[:at], []byte("\n"))
			hint := r.set.Redact(value, r.salt).String()
			c.Secrets = append(c.Secrets, Secret{Line: line, Provider: k.ID, Hint: hint})
			c.Hits = append(c.Hits, hit{Fact: fact.Fact{Class: fact.Key, Name: hint, Line: line}, ID: k.ID, Field: k.Field, Weak: k.IsWeak()})
		}
	}
}

// within reports whether a longer word goes on at a place: not behind a line's
// end or a sign as they are written in strings and addresses.
func within(b []byte, at int) bool {
	if at == 0 || !keyByte(b[at-1]) {
		return false
	}
	if at > 1 && b[at-2] == '\\' && bytes.IndexByte([]byte("nrt"), b[at-1]) >= 0 {
		return false
	}
	return at < 3 || b[at-3] != '%' || !isHex(b[at-2]) || !isHex(b[at-1])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// begins reports whether a text begins with what is too short to be looked for
// without what stands before it.
func (r *rules) begins(b []byte) bool {
	for _, k := range r.set.Keys() {
		if len(k.Prefix) < gate.MinLength && bytes.HasPrefix(b, []byte(k.Prefix)) {
			return true
		}
	}
	return false
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

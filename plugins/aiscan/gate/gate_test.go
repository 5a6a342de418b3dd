package gate

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestFindsAtEveryPlace(t *testing.T) {
	needles := []string{"openai", "api.anthropic.com", "\"ai\"", "T3BlbkFJ", "groq", "OPENAI_API_KEY", "abcdefg"}
	g, err := New(needles)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range needles {
		for pad := range 40 {
			for tail := range 20 {
				b := []byte(strings.Repeat("x", pad) + n + strings.Repeat("y", tail))
				at, ok := g.Find(b, 0)
				if !ok {
					t.Fatalf("%q not found after %d bytes with %d behind", n, pad, tail)
				}
				if !slicesHas(needles, b, at) {
					t.Fatalf("%q: nothing at %d of %q", n, at, b)
				}
				if g.Any(b[:pad+len(n)-1]) {
					t.Fatalf("%q found without its last byte", n)
				}
			}
		}
	}
}

func slicesHas(needles []string, b []byte, at int) bool {
	for _, n := range needles {
		if bytes.HasPrefix(b[at:], []byte(n)) {
			return true
		}
	}
	return false
}

func TestShortIsRefused(t *testing.T) {
	if _, err := New([]string{"abc"}); err == nil {
		t.Fatal("three bytes were taken")
	}
}

// The gate says what a plain search says.
func TestAgreesWithPlainSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letter := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abc."[r.IntN(4)]
		}
		return string(b)
	}
	for range 3000 {
		var needles []string
		for range 1 + r.IntN(4) {
			needles = append(needles, letter(4+r.IntN(7)))
		}
		g, err := New(needles)
		if err != nil {
			t.Fatal(err)
		}
		text := letter(r.IntN(80))
		from := r.IntN(len(text) + 1)
		want := false
		for _, n := range needles {
			want = want || strings.Contains(text[from:], n)
		}
		if at, got := g.Find([]byte(text), from); got != want || got && at < from {
			t.Fatalf("Find(%q, %d) of %q = %d, %v, want %v", text, from, needles, at, got, want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("import openai", "openai", 0)
	f.Fuzz(func(t *testing.T, text, needle string, from int) {
		if len(needle) < MinLength || from < 0 || from > len(text) {
			return
		}
		g, err := New([]string{needle, "api.openai.com"})
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Contains(text[from:], needle) || strings.Contains(text[from:], "api.openai.com")
		if _, got := g.Find([]byte(text), from); got != want {
			t.Fatalf("Find(%q, %d) for %q: %v", text, from, needle, got)
		}
	})
}

func TestPresent(t *testing.T) {
	g, err := New([]string{"ChatOllama", "ChatOllama(", "bedrock-runtime", "nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Present([]byte("x = ChatOllama(client('bedrock-runtime'))")); !slices.Equal(got, []string{"ChatOllama", "ChatOllama(", "bedrock-runtime"}) {
		t.Errorf("present: %q", got)
	}
	if got := g.Present([]byte("Cha")); got != nil {
		t.Errorf("present: %q", got)
	}
}

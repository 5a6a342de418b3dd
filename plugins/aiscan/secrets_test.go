package aiscan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A credential is found whatever stands before it, and not within a longer word.
func TestCredentialsAnywhere(t *testing.T) {
	short := "h" + "f_" + strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return 'q'
		}
		return c
	}, made("", 34))
	befores := []string{"", "\uFEFF", "a ", "k=", "k = \"", "\n", "\r", ";", "{", "[", "<v>", "?a=b&", "!", "*", "$", "a+", "\\n", "\\t", "%20", "a%3D", "https://x@"}
	within := []string{"a", "x_", "--token-", "n", "20"}
	var files []string
	want := map[string]string{}
	for _, key := range []string{short, made("r"+"8_", 37), made("gs"+"k_", 52)} {
		for i, before := range append(slices.Clone(befores), within...) {
			name := fmt.Sprintf("%d%s.txt", i, key[:3])
			files = append(files, name, before+key+"\n")
			if i < len(befores) {
				want[name] = before
			}
		}
	}
	for _, s := range scanned(t, files...).Secrets {
		if _, ok := want[s.Path]; !ok {
			t.Errorf("found in %s", s.Path)
		}
		delete(want, s.Path)
	}
	for path, before := range want {
		t.Errorf("%s: not found behind %q", path, before)
	}
}

// What only begins like a credential, over and over, costs no more than text: if
// each looked ahead over the others, this would not end.
func TestBeginningsOfCredentials(t *testing.T) {
	for _, one := range []string{"sk-" + "proj-", "=sk-" + "proj-", "/h" + "f_", "+sk-" + "ant-api03-"} {
		if found := scanned(t, "a.txt", strings.Repeat(one, 150_000)).Secrets; len(found) != 0 {
			t.Errorf("%q over and over: found %v", one, found)
		}
	}
}

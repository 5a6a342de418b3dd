package github

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCodeowners(t *testing.T) {
	for text, want := range map[string][]ownerRule{
		"":                               {},
		"# only a remark\n\n \t\n":       {},
		"* @a":                           {{"*", []string{"@a"}, 1}},
		"\ufeff* @a @b/c d@e.f # @g\r\n": {{"*", []string{"@a", "@b/c", "d@e.f"}, 1}},
		"\n/x/\n":                        {{"/x/", []string{}, 2}},
		`a\ b\#c @d`:                     {{`a\ b\#c`, []string{"@d"}, 1}},
		`\#x @d`:                         {{`\#x`, []string{"@d"}, 1}},
		"a#b @c#d":                       {{"a#b", []string{"@c#d"}, 1}},
		"a @b\\":                         {{"a", []string{`@b\`}, 1}},
		"  *.js\t@a  @b":                 {{"*.js", []string{"@a", "@b"}, 1}},
		"a @b\n* @a\n":                   {{"a", []string{"@b"}, 1}, {"*", []string{"@a"}, 2}},
	} {
		got, truncated := parseCodeowners(text)
		if d := cmp.Diff(want, got); d != "" || truncated {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	rules, truncated := parseCodeowners(strings.Repeat("* @a\n", maxOwnerRules+1))
	if len(rules) != maxOwnerRules || !truncated {
		t.Errorf("%d rules, truncated %v", len(rules), truncated)
	}
	if rules, truncated = parseCodeowners("*" + strings.Repeat(" @a", maxOwners+1)); len(rules[0].Owners) != maxOwners || !truncated {
		t.Errorf("%d owners, truncated %v", len(rules[0].Owners), truncated)
	}
}

// Rules come in the order of their lines, hold nothing that cannot be printed,
// and read the same when they are written down again.
func FuzzCodeowners(f *testing.F) {
	f.Add("# x\n* @a\n/a\\ b/ @c/d e@f.g # z\n")
	f.Add("\\")
	f.Add("a\\\n b\u2028c \xff")
	f.Add("a\\  b")
	f.Fuzz(func(t *testing.T, text string) {
		rules, truncated := parseCodeowners(text)
		last, again := 0, strings.Builder{}
		for _, rule := range rules {
			if rule.Line <= last || rule.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%q: line %d after %d", text, rule.Line, last)
			}
			last = rule.Line
			for _, word := range append([]string{rule.Pattern}, rule.Owners...) {
				if strings.ContainsFunc(word, unfitRune) {
					t.Errorf("%q: %q", text, word)
				}
			}
			fmt.Fprintln(&again, rule.Pattern, strings.Join(rule.Owners, " "))
		}
		if truncated || strings.ContainsFunc(text, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' && r != '\t' }) || len(text) > 100 || strings.Contains(text+"\n", "\\\n") {
			return // made fit to print, so not the same
		}
		second, _ := parseCodeowners(again.String())
		for i := range second {
			second[i].Line = rules[i].Line
		}
		if d := cmp.Diff(rules, second); d != "" {
			t.Errorf("%q written again:\n%s", text, d)
		}
	})
}

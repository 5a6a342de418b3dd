package infra

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrailers(t *testing.T) {
	cases := []struct {
		name, message string
		want          []string
	}{
		{"the last paragraph", "fix: x\n\nWhy.\n\nCo-authored-by: Claude <noreply@anthropic.com>\nSigned-off-by: A <a@b.example>\n",
			[]string{"5 trailer Co-authored-by: Claude <noreply@anthropic.com>", "6 trailer Signed-off-by: A <a@b.example>"}},
		{"elsewhere it is prose", "fix: x\n\nCo-authored-by: Claude <noreply@anthropic.com>\n\nThat was the text.\n", nil},
		{"the subject is none", "Co-authored-by: Copilot <x@y.example>\n", nil},
		{"a paragraph of prose with a colon", "fix\n\nThis removes the line\nCo-authored-by: Claude <noreply@anthropic.com>\nfrom all messages.\n", nil},
		{"a line that goes on, a mark of a generator", "fix\r\n\r\n\U0001F916 Generated with Claude Code\r\n\r\nCo-Authored-By: Claude\r\n <noreply@anthropic.com>\r\n",
			[]string{"5 trailer Co-Authored-By: Claude <noreply@anthropic.com>"}},
		{"a cherry-pick beside it", "fix\n\nCo-authored-by: Copilot <x@y.example>\n(cherry picked from commit abc)\n",
			[]string{"3 trailer Co-authored-by: Copilot <x@y.example>"}},
	}
	for _, c := range cases {
		if d := cmp.Diff(c.want, rendered(Trailers(c.message))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

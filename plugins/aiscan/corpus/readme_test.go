package corpus

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// README.md shows what is measured; EXHIBIT_UPDATE=1 writes it.
func TestReadme(t *testing.T) {
	outcomes := measure(t)
	repos := make([]*Repo, len(outcomes))
	files := 0
	eco := map[string]bool{}
	var kinds = map[string]int{}
	var wrong strings.Builder
	for i, o := range outcomes {
		repos[i] = o.Repo
		files += len(o.Repo.Files)
		kinds[o.Repo.Labels.Kind]++
		for _, e := range o.Repo.Labels.Eco {
			eco[e] = true
		}
		for _, e := range o.Errors {
			fmt.Fprintf(&wrong, "- %s\n", mark(e))
		}
	}
	peers, err := Peers()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	old := string(b)
	text := old
	for _, part := range []struct{ name, content string }{
		{"corpus", fmt.Sprintf("%d repositories with %d files in %d ecosystems: %d use AI, %d are clean, %d are mixed.\n",
			len(repos), files, len(eco), kinds["ai"], kinds["clean"], kinds["mixed"])},
		{"measured", Table(outcomes)},
		{"errors", orNone(wrong.String())},
		{"peers", PeerTable(repos, outcomes, peers)},
	} {
		if text, err = replace(text, part.name, part.content); err != nil {
			t.Fatal(err)
		}
	}
	if text == old {
		return
	}
	if os.Getenv("EXHIBIT_UPDATE") == "" {
		t.Fatal("README.md does not show what is measured: run with EXHIBIT_UPDATE=1")
	}
	if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mark(e Error) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`).Replace(e.String())
}

func orNone(s string) string {
	if s == "" {
		return "Nothing.\n"
	}
	return s
}

func replace(text, name, content string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("README.md has no place for %q", name)
	}
	return before + begin + "\n" + content + "\n" + end + after, nil
}

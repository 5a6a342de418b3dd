package dashboard

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestReadme: the operator's page names every page, with the permission that it
// needs, and no page that there is not.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // permission by path
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.HasPrefix(cells[1], " `/") {
			rows[strings.Trim(cells[1], " `")] = strings.Trim(cells[3], " `")
		}
	}
	for _, r := range reader(t).dash.routes {
		path, isPage := strings.CutPrefix(r.pattern, "GET ")
		if !isPage {
			continue
		}
		path = strings.NewReplacer("{$}", "", "...}", "}").Replace(path)
		if rows[path] != string(r.needs) {
			t.Errorf("README.md should have: | `%s` | … | `%s` |", path, r.needs)
		}
		delete(rows, path)
	}
	if len(rows) > 0 {
		t.Error(fmt.Sprint("README.md names pages that there are not: ", rows))
	}
}

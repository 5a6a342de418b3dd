package manifest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var yamlEntry = regexp.MustCompile(`^#\s*([A-Za-z0-9_][\w.-]*):\s*["']?([\^~<>=]*\s*v?\d[^\s"'#]*|any)["']?\s*(?:#.*)?$`)

// yamlRemarks takes packages that are commented out below one of the given
// keys of the outermost table: # name: ^1.0.0
func (f *file) yamlRemarks(group string, sections ...string) {
	in := false
	f.lines(func(n int, line string) {
		trimmed := strings.TrimSpace(line)
		if line != "" && line[0] != ' ' && line[0] != '#' && line[0] != '-' {
			key, _, _ := strings.Cut(trimmed, ":")
			in = slices.Contains(sections, key)
		}
		if !in || !strings.HasPrefix(trimmed, "#") {
			return
		}
		if m := yamlEntry.FindStringSubmatch(trimmed); m != nil {
			f.pkg(group, m[1], m[2], n, fact.Commented)
		}
	})
}

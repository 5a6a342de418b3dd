package grants

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// maxScopes is how many rights a record names.
const maxScopes = 60

// Scopes puts the rights that a grant gives in order: those that reach mail,
// files, calendars and messages first, as they decide what can be lost.
func Scopes(list []string) []string {
	var out []string
	for _, s := range list {
		if s = records.Line(s, 200); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	slices.SortStableFunc(out, func(a, b string) int { return reach(b) - reach(a) })
	return out[:min(len(out), maxScopes)]
}

func reach(scope string) int {
	if ReachesContent(scope) {
		return 1
	}
	return 0
}

// ReachesContent reports whether a right opens what people write and keep.
func ReachesContent(scope string) bool {
	scope = strings.ToLower(scope)
	for _, word := range []string{"mail", "files", "drive", "calendar", "sites.", "chat", "notes", "contacts", "documents", "spreadsheets", "presentations", "tasks",
		"messages", "meet", "transcript", "recordings", "ediscovery", "full_access", "directory.read"} {
		if strings.Contains(scope, word) {
			return true
		}
	}
	return false
}

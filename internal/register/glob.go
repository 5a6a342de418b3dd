package register

import (
	"errors"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// checkGlob checks a pattern of paths in a repository: names with *, ?, [set]
// and {this,that}, separated by /, where a name ** stands for any number of
// names. Patterns that could take long to match are refused.
func checkGlob(g string) error {
	switch {
	case g == "":
		return errors.New("an empty pattern")
	case len(g) > 256:
		return errors.New("the pattern is longer than 256 characters")
	case strings.HasPrefix(g, "/") || strings.HasSuffix(g, "/"):
		return errors.New("a pattern begins and ends with a name, not with /")
	case strings.Contains(g, `\`):
		return errors.New(`a pattern separates names with /, not with \`)
	case strings.Count(g, "**") > 4 || strings.Count(g, "{") > 4 || strings.Count(g, "*") > 16:
		return errors.New("a pattern may have at most four **, four {…} and sixteen *")
	case !doublestar.ValidatePattern(g):
		return errors.New("the brackets of the pattern do not match")
	}
	for _, s := range strings.Split(g, "/") {
		switch {
		case s == "" || s == "." || s == "..":
			return errors.New("an empty name, . or .. names no file of the repository")
		case s != "**" && strings.Contains(s, "**"):
			return errors.New("** stands alone between two /")
		}
	}
	return nil
}

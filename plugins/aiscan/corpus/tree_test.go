package corpus

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// treeOf is a repository as the scanner reads it.
func treeOf(t *testing.T, r *Repo) aiscan.Tree {
	t.Helper()
	return r.Tree()
}

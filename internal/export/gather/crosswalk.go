package gather

import (
	"fmt"
	"io/fs"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
)

// frameworks returns the other frameworks that the shipped files relate to the
// catalog, in the order of their ids.
func frameworks(shipped fs.FS, cat *catalog.Catalog) ([]crosswalk.Framework, error) {
	if shipped == nil {
		return nil, nil
	}
	out, err := crosswalk.Load(shipped, cat)
	if err != nil {
		return nil, fmt.Errorf("crosswalk: %w", err)
	}
	return out, nil
}

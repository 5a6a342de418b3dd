package coverage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Memory names the cursor that holds what is remembered of something, which
// survives a full run. parts say what; they may be of any length and content.
func Memory(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return connector.MemoryPrefix + hex.EncodeToString(h.Sum(nil)[:16])
}

package plain

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// Field is the name of a column in JSON lines: its title in lower case, with
// "_" for what is neither letter nor digit.
func Field(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(title) {
		if ('a' <= r && r <= 'z') || ('0' <= r && r <= '9') {
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	return b.String()
}

// FileName is the name of a sheet's file.
func FileName(sheet string, f Format) string { return Field(sheet) + "." + string(f) }

// keys are the rows written that others can lead to, by a part of a digest.
type keys map[[16]byte]struct{}

func keyOf(to sheets.Ref) [16]byte {
	sum := sha256.Sum256([]byte(to.Sheet + "\x00" + to.Key))
	return [16]byte(sum[:16])
}

func (k keys) add(to sheets.Ref) { k[keyOf(to)] = struct{}{} }

func (k keys) has(to sheets.Ref) bool {
	_, ok := k[keyOf(to)]
	return ok
}

func hexOf(s Sum) string { return hex.EncodeToString(s.SHA256[:]) }

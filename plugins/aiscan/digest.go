package aiscan

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// RulesDigest is what Report.Rules will be: it changes when the same files
// could give another report.
func RulesDigest(signatures *aisign.Set) string {
	sum := sha256.Sum256([]byte("aiscan " + version + " " + signatures.Digest()))
	return hex.EncodeToString(sum[:])
}

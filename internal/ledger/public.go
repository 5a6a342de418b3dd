package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// keyAlgorithm is note's identifier of Ed25519.
const keyAlgorithm = 1

// publicOf derives the verifier key from a signing key of the form
// PRIVATE+KEY+name+hash+base64(algorithm, seed).
func publicOf(secret string) (string, error) {
	f := strings.SplitN(secret, "+", 5)
	if len(f) != 5 {
		return "", errors.New("not a signing key; restore it from a backup")
	}
	raw, err := base64.StdEncoding.DecodeString(f[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != keyAlgorithm {
		return "", errors.New("not an Ed25519 signing key; restore it from a backup")
	}
	pub, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("not an Ed25519 signing key; restore it from a backup")
	}
	return note.NewEd25519VerifierKey(f[2], pub)
}

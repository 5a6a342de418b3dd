package access

import (
	"errors"
	"strings"
)

// TokenPrefix begins every API token, so that scanners for secrets know one.
const TokenPrefix = "exb_"

// tokenID is how long the id of a token is.
const tokenID = 10

// errNoToken: a text is no API token.
var errNoToken = errors.New("not an API token")

// newToken returns a token and its id: exb_<id>_<secret>.
func newToken() (id, text string) {
	id = newSecret()[:tokenID]
	return id, TokenPrefix + id + "_" + newSecret()
}

// ParseToken gives the id of a text that has the form of a token. It says
// nothing about whether there is such a token.
func ParseToken(text string) (id string, err error) {
	rest, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return "", errNoToken
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || len(id) != tokenID || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" || !isSecret(secret) {
		return "", errNoToken
	}
	return id, nil
}

package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a signed webhook, as Standard Webhooks names them.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// SignatureAge is how far a timestamp may be from the receiver's clock.
const SignatureAge = 5 * time.Minute

// ErrSignature: a webhook was not signed with the secret, or long ago.
var ErrSignature = errors.New("webhook signature does not hold")

// SigningKey reads a secret: whsec_ and base64 of 24 to 64 bytes.
func SigningKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(secret), "whsec_")
	if !ok {
		return nil, errors.New("the secret of a webhook begins with whsec_, then base64 of 24 to 64 random bytes")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the secret of a webhook is whsec_ and base64")
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("the secret of a webhook has 24 to 64 bytes, this one %d", len(key))
	}
	return key, nil
}

// Sign returns the value of the signature header for a body.
func Sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Verify checks a webhook that was received, as a receiver does: the signature
// over the body as it came, and that it was made lately. A receiver also keeps
// the ids it has seen, and drops what it has.
func Verify(key []byte, h http.Header, body []byte, now time.Time) error {
	id := h.Get(HeaderID)
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("%w: id or timestamp is missing", ErrSignature)
	}
	at := time.Unix(seconds, 0)
	if d := now.Sub(at); d > SignatureAge || d < -SignatureAge {
		return fmt.Errorf("%w: made at %s", ErrSignature, at.UTC().Format(time.RFC3339))
	}
	want := Sign(key, id, at, body)
	for _, given := range strings.Fields(h.Get(HeaderSignature)) {
		if hmac.Equal([]byte(given), []byte(want)) {
			return nil
		}
	}
	return ErrSignature
}

package okta

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// signer is the private key of a service app.
type signer struct{ key *rsa.PrivateKey }

// readKey reads a PEM of PKCS #8 or PKCS #1.
func readKey(text string) (*signer, error) {
	wrong := fmt.Errorf("okta: the secret %s is no RSA key in PEM of 2048 bits or more: give the whole text, from -----BEGIN to -----END, lines included", secretKey)
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, wrong
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil && key.N.BitLen() >= 2048 {
		return &signer{key}, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, wrong
	}
	if key, ok := parsed.(*rsa.PrivateKey); ok && key.N.BitLen() >= 2048 {
		return &signer{key}, nil
	}
	return nil, wrong
}

// claim is a signed statement of who asks (RFC 7523), good for five minutes.
func (s *signer) claim(clientID, keyID, audience string, now time.Time) (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	head := map[string]string{"alg": "RS256", "typ": "JWT"}
	if keyID != "" {
		head["kid"] = keyID
	}
	body := map[string]any{
		"iss": clientID, "sub": clientID, "aud": audience, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": hex.EncodeToString(id[:]),
	}
	var parts []string
	for _, v := range []any{head, body} {
		raw, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(raw))
	}
	text := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// accessToken gets a token for the run from the organisation itself.
func (c *config) accessToken(ctx context.Context, clock transport.Clock, counted func(connector.Calls)) (string, error) {
	issuer, err := transport.New(transport.Options{
		BaseURL: c.BaseURL, Authorize: func(*http.Request) {}, UserAgent: "exhibit-connector-okta/" + Version, MaxResponseBytes: 1 << 20, Counted: counted, Clock: clock,
	})
	if err != nil {
		return "", fmt.Errorf("okta: base_url: %w", err)
	}
	audience := strings.TrimRight(c.BaseURL, "/") + "/oauth2/v1/token"
	claim, err := c.key.claim(c.ClientID, c.KeyID, audience, time.Now())
	if err != nil {
		return "", fmt.Errorf("okta: the secret %s does not sign: %w", secretKey, err)
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {strings.Join(c.scopes(), " ")},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {claim},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, audience, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("okta: base_url: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := issuer.Do(req)
	if err != nil {
		return "", fmt.Errorf("okta: token: %w: %w", err, connector.ErrUnreachable)
	}
	defer resp.Body.Close()
	return readToken(resp)
}

// scopes are those that the settings need.
func (c *config) scopes() []string {
	out := []string{permApps, permGrants, permLogs}
	if c.UserGrants || c.Owners != "none" {
		out = append(out, permUsers)
	}
	return out
}

// readToken takes the token out of an answer. What the issuer says of a refusal
// is told in its own code words.
func readToken(resp *http.Response) (string, error) {
	var said struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
		Why   string `json:"error_description"`
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("okta: token: %w", err)
	}
	known := json.Unmarshal(body, &said) == nil
	switch {
	case resp.StatusCode == http.StatusOK && known && said.Token != "" && rest.FitsHeader(said.Token):
		return said.Token, nil
	case resp.StatusCode/100 == 4:
		hint := "is the public key in the service app, the client_id right, and every scope granted? DPoP has to be off"
		return "", fmt.Errorf("okta: no token: %d %s: %s; %s: %w", resp.StatusCode, records.Line(said.Error, 60), records.Line(said.Why, 200), hint, connector.ErrRefused)
	}
	return "", &rest.MalformedError{Path: "oauth2/v1/token", Why: fmt.Sprintf("the answer, %d, holds no token", resp.StatusCode)}
}

package attest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// MaxClockSkew is how far the time of an authority or a witness may be from our
// own clock when its statement is recorded.
const MaxClockSkew = 5 * time.Minute

// Info is what a time stamp says, and how far it was checked.
type Info struct {
	Time      time.Time // no later than this did the bytes exist
	Accuracy  time.Duration
	Policy    string // object identifier of the authority's policy
	Serial    string // decimal
	Authority string // subject of the certificate that signed
	Issuer    string // issuer of that certificate
	// ChainChecked: the certificate leads to a root that was given. False: the
	// signature is right, and anybody could have made that certificate.
	ChainChecked bool
	Root         string // SHA-256 of that root certificate, hex
	WeakCertID   bool   // the token names its certificate by SHA-1 only (RFC 5816 asks for more)

	nonce *big.Int
}

// VerifyTimestamp checks that a TimeStampToken (DER) is a time stamp of the
// bytes of a signed checkpoint: imprint, signature, certificate for time
// stamping alone, valid when it stamped, and the chain to one of the roots. With no
// roots, nil, the chain is not checked and Info.ChainChecked is false. Whether a
// certificate was revoked is never checked: that needs a network. Any bytes are
// safe to give it.
func VerifyTimestamp(tokenDER, note []byte, roots *x509.CertPool) (Info, error) {
	t, err := openToken(tokenDER)
	if err != nil {
		return Info{}, fmt.Errorf("time stamp: %w", err)
	}
	want := sha256.Sum256(note)
	switch imprint := t.info.Imprint; {
	case !imprint.Algorithm.Algorithm.Equal(oidSHA256):
		return Info{}, fmt.Errorf("time stamp: %w: of a digest other than SHA-256", ErrNotVerified)
	case !bytes.Equal(imprint.Hash, want[:]):
		return Info{}, fmt.Errorf("time stamp: %w: it stamps other bytes than this checkpoint", ErrNotVerified)
	}
	for _, e := range t.info.Extensions {
		if e.Critical {
			return Info{}, fmt.Errorf("time stamp: %w: critical extension %s is not understood", ErrNotVerified, e.Id)
		}
	}
	acc := t.info.Accuracy
	info := Info{
		Time: t.info.Time.UTC(), Policy: t.info.Policy.String(), Serial: t.info.Serial.String(),
		Authority: name(t.signer.Subject), Issuer: name(t.signer.Issuer), WeakCertID: t.weakID, nonce: t.info.Nonce,
	}
	if acc.Seconds >= 0 && acc.Seconds < 1<<31 && acc.Millis >= 0 && acc.Millis < 1000 && acc.Micros >= 0 && acc.Micros < 1000 {
		info.Accuracy = time.Duration(acc.Seconds)*time.Second + time.Duration(acc.Millis)*time.Millisecond + time.Duration(acc.Micros)*time.Microsecond
	}
	if roots == nil {
		return info, nil
	}
	return t.chain(info, roots)
}

// chain checks the path to one of the roots, at the time of the stamp.
func (t *token) chain(info Info, roots *x509.CertPool) (Info, error) {
	between := x509.NewCertPool()
	for _, c := range t.others {
		between.AddCert(c)
	}
	chains, err := t.signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: t.info.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return Info{}, fmt.Errorf("time stamp: %w: certificate of %s: %w", ErrNotVerified, info.Authority, err)
	}
	root := chains[0][len(chains[0])-1]
	fingerprint := sha256.Sum256(root.Raw)
	info.ChainChecked, info.Root = true, hex.EncodeToString(fingerprint[:])
	return info, nil
}

// ParseRoots reads PEM certificates. A file without one, or with one that cannot
// be read, is an error: trust is not left to chance.
func ParseRoots(pemBytes []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for rest := pemBytes; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM block %q where only certificates belong", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", n+1, err)
		}
		pool.AddCert(c)
		n++
	}
	if n == 0 {
		return nil, errors.New("no PEM certificate")
	}
	return pool, nil
}

type timeStampReq struct {
	Version int
	Imprint messageImprint
	Nonce   *big.Int
	CertReq bool
}

type timeStampResp struct {
	Status struct {
		Status   int
		Strings  []string       `asn1:"optional"`
		FailInfo asn1.BitString `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// Authority is a time-stamping authority to ask.
type Authority struct {
	URL   string
	Roots *x509.CertPool // nil: the chain is not checked
}

// Stamp asks the authority for a time stamp of a signed checkpoint and verifies
// the answer. now is our clock.
func (c *Client) Stamp(ctx context.Context, a Authority, note []byte) (*Timestamp, Info, error) {
	if err := checkURL(a.URL); err != nil {
		return nil, Info{}, err
	}
	req, nonce, err := newRequest(note)
	if err != nil {
		return nil, Info{}, err
	}
	ans, err := c.post(ctx, message{url: a.URL, kind: "application/timestamp-query", body: req, max: maxToken})
	if err != nil {
		return nil, Info{}, fmt.Errorf("authority %s: %w", plain(a.URL), err)
	}
	if ans.status != 200 {
		return nil, Info{}, fmt.Errorf("authority %s: %w: %s", plain(a.URL), ErrPeer, statusText(ans.status, nil))
	}
	der, err := tokenOf(ans.body)
	if err != nil {
		return nil, Info{}, fmt.Errorf("authority %s: %w", plain(a.URL), err)
	}
	info, err := VerifyTimestamp(der, note, a.Roots)
	if err != nil {
		return nil, Info{}, fmt.Errorf("authority %s: %w", plain(a.URL), err)
	}
	if info.nonce == nil || info.nonce.Cmp(nonce) != 0 {
		return nil, Info{}, fmt.Errorf("authority %s: %w: it answers another request (nonce)", plain(a.URL), ErrNotVerified)
	}
	if err := c.sane(info.Time); err != nil {
		return nil, Info{}, fmt.Errorf("authority %s: %w", plain(a.URL), err)
	}
	return &Timestamp{URL: plain(a.URL), Token: der, Time: info.Time, Root: info.Root}, info, nil
}

func newRequest(note []byte) (der []byte, nonce *big.Int, err error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, nil, err
	}
	random[0] = random[0]&0x7f | 0x40 // positive, and always of the same length
	nonce = new(big.Int).SetBytes(random)
	digest := sha256.Sum256(note)
	der, err = asn1.Marshal(timeStampReq{
		Version: 1, Nonce: nonce, CertReq: true,
		Imprint: messageImprint{Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, Hash: digest[:]},
	})
	return der, nonce, err
}

// tokenOf takes the token out of a response.
func tokenOf(der []byte) ([]byte, error) {
	var r timeStampResp
	if err := strict(der, &r, "answer"); err != nil {
		return nil, err
	}
	if r.Status.Status != 0 && r.Status.Status != 1 { // granted, granted with modifications
		why := ""
		for _, s := range r.Status.Strings {
			why += ": " + excerpt([]byte(s))
		}
		return nil, fmt.Errorf("%w: refused with status %d%s", ErrPeer, r.Status.Status, why)
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, fmt.Errorf("%w: granted, without a token", ErrMalformed)
	}
	return r.Token.FullBytes, nil
}

// name gives a distinguished name as text without control characters.
func name(n pkix.Name) string { return excerpt([]byte(n.String())) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

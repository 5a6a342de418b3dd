package attest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" // only to read certificate identifiers of the first form; see attributes.signer
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Limits of a token. Real ones are of a few kilobytes and carry at most a
// handful of certificates.
const (
	maxToken        = 256 << 10
	maxCertificates = 16
	minRSABits      = 2048
)

// Object identifiers of RFC 3161, RFC 5652, RFC 5816 and RFC 5754.
var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidCertificateV1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTimeStamping  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSAWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidRSAWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidRSAPSS        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidECWithSHA256  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECWithSHA384  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECWithSHA512  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidEd25519       = asn1.ObjectIdentifier{1, 3, 101, 112}
)

type contentInfo struct {
	ContentType asn1.ObjectIdentifier
	Content     asn1.RawValue `asn1:"tag:0"`
}

type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Content          struct {
		ContentType asn1.ObjectIdentifier
		Content     []byte `asn1:"explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	SignerInfos  []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version            int
	SignerID           asn1.RawValue
	DigestAlgorithm    pkix.AlgorithmIdentifier
	SignedAttributes   asn1.RawValue `asn1:"optional,tag:0"`
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Signature          []byte
	UnsignedAttributes asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

type certIDV1 struct {
	Hash         []byte
	IssuerSerial asn1.RawValue `asn1:"optional"`
}

type certIDV2 struct {
	Algorithm    pkix.AlgorithmIdentifier `asn1:"optional"` // SHA-256 if absent
	Hash         []byte
	IssuerSerial asn1.RawValue `asn1:"optional"`
}

type messageImprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type tstInfo struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    messageImprint
	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"` //nolint:misspell // what encoding/asn1 calls it
	Accuracy   accuracy         `asn1:"optional"`
	Ordering   bool             `asn1:"optional"`
	Nonce      *big.Int         `asn1:"optional"`
	TSA        asn1.RawValue    `asn1:"optional,tag:0"`
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int64 `asn1:"optional"`
	Millis  int64 `asn1:"optional,tag:0"`
	Micros  int64 `asn1:"optional,tag:1"`
}

// token is a time-stamp token whose signature was checked: by signer, which is
// a certificate for time stamping and for nothing else.
type token struct {
	info   tstInfo
	signer *x509.Certificate
	others []*x509.Certificate
	weakID bool // the signer is named by the SHA-1 of its certificate only
}

// strict reads one DER value and nothing behind it.
func strict(der []byte, into any, what string) error {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes behind the %s", ErrMalformed, len(rest), what)
	}
	return nil
}

// openToken reads a TimeStampToken and checks everything that it says about
// itself: one signer, one signature over the content by the certificate that the
// signed attributes name. Whether that certificate is trusted is another question.
func openToken(der []byte) (*token, error) {
	if len(der) > maxToken {
		return nil, fmt.Errorf("%w: token of %d bytes", ErrMalformed, len(der))
	}
	var ci contentInfo
	if err := strict(der, &ci, "token"); err != nil {
		return nil, err
	}
	if !ci.ContentType.Equal(oidSignedData) {
		return nil, fmt.Errorf("%w: content type %s is not signed data", ErrMalformed, ci.ContentType)
	}
	var sd signedData
	if err := strict(ci.Content.Bytes, &sd, "signed data"); err != nil {
		return nil, err
	}
	if !sd.Content.ContentType.Equal(oidTSTInfo) {
		return nil, fmt.Errorf("%w: what is signed is of type %s, not a time stamp", ErrMalformed, sd.Content.ContentType)
	}
	if len(sd.SignerInfos) != 1 {
		return nil, fmt.Errorf("%w: %d signers, want one", ErrMalformed, len(sd.SignerInfos))
	}
	t := &token{}
	if err := strict(sd.Content.Content, &t.info, "time stamp"); err != nil {
		return nil, err
	}
	if t.info.Version != 1 || t.info.Serial == nil {
		return nil, fmt.Errorf("%w: time stamp of version %d", ErrMalformed, t.info.Version)
	}
	certs, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: certificates: %w", ErrMalformed, err)
	}
	if len(certs) == 0 || len(certs) > maxCertificates {
		return nil, fmt.Errorf("%w: %d certificates, want 1 to %d", ErrMalformed, len(certs), maxCertificates)
	}
	if err := t.checkSignature(sd.SignerInfos[0], sd.Content.Content, certs); err != nil {
		return nil, err
	}
	return t, t.checkSigner()
}

func (t *token) checkSignature(si signerInfo, content []byte, certs []*x509.Certificate) error {
	attrs, err := signedAttributes(si)
	if err != nil {
		return err
	}
	var contentType asn1.ObjectIdentifier
	if err := attrs.read(oidContentType, &contentType, "content type"); err != nil {
		return err
	}
	if !contentType.Equal(oidTSTInfo) {
		return fmt.Errorf("%w: the signature is over content of type %s", ErrNotVerified, contentType)
	}
	var digest []byte
	if err := attrs.read(oidMessageDigest, &digest, "message digest"); err != nil {
		return err
	}
	hash, err := hashOf(si.DigestAlgorithm.Algorithm)
	if err != nil {
		return err
	}
	if !bytes.Equal(digest, sum(hash, content)) {
		return fmt.Errorf("%w: the signed digest is not that of the time stamp", ErrNotVerified)
	}
	if t.signer, t.weakID, err = attrs.signer(certs); err != nil {
		return err
	}
	t.others = slices.DeleteFunc(slices.Clone(certs), func(c *x509.Certificate) bool { return c.Equal(t.signer) })
	if err := matchesSigner(si.SignerID, t.signer); err != nil {
		return err
	}
	alg, err := signatureAlgorithm(si.SignatureAlgorithm, si.DigestAlgorithm.Algorithm, hash)
	if err != nil {
		return err
	}
	signed := bytes.Clone(si.SignedAttributes.FullBytes)
	signed[0] = 0x31 // what is signed is the SET, not the implicit tag (RFC 5652, 5.4)
	if err := t.signer.CheckSignature(alg, signed, si.Signature); err != nil {
		return fmt.Errorf("%w: signature: %w", ErrNotVerified, err)
	}
	return nil
}

// checkSigner holds the certificate against what RFC 3161, 2.3 asks of it.
func (t *token) checkSigner() error {
	c := t.signer
	n, critical := 0, false
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtKeyUsage) {
			n, critical = n+1, e.Critical
		}
	}
	var usage []x509.ExtKeyUsage
	if n == 1 {
		usage = c.ExtKeyUsage
	}
	switch {
	case len(usage) != 1 || usage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) > 0:
		return fmt.Errorf("%w: the certificate of %s is not one for time stamping alone", ErrNotVerified, name(c.Subject))
	case !critical:
		return fmt.Errorf("%w: the certificate of %s does not make its use for time stamping critical", ErrNotVerified, name(c.Subject))
	case c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return fmt.Errorf("%w: the key of %s is not one for signatures", ErrNotVerified, name(c.Subject))
	case t.info.Time.Before(c.NotBefore) || t.info.Time.After(c.NotAfter):
		return fmt.Errorf("%w: stamped at %s, when the certificate of %s was not valid", ErrNotVerified, stamp(t.info.Time), name(c.Subject))
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		return fmt.Errorf("%w: RSA key of %d bits", ErrNotVerified, key.N.BitLen())
	}
	return nil
}

// attributes are the signed attributes of a signer, each once.
type attributes []attribute

func signedAttributes(si signerInfo) (attributes, error) {
	if len(si.SignedAttributes.FullBytes) == 0 {
		return nil, fmt.Errorf("%w: no signed attributes", ErrMalformed)
	}
	var out attributes
	for rest := si.SignedAttributes.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return nil, fmt.Errorf("%w: signed attributes: %w", ErrMalformed, err)
		}
		if out.find(a.Type) != nil {
			return nil, fmt.Errorf("%w: signed attribute %s is there twice", ErrMalformed, a.Type)
		}
		out = append(out, a)
	}
	return out, nil
}

func (as attributes) find(id asn1.ObjectIdentifier) *attribute {
	for i := range as {
		if as[i].Type.Equal(id) {
			return &as[i]
		}
	}
	return nil
}

func (as attributes) read(id asn1.ObjectIdentifier, into any, what string) error {
	a := as.find(id)
	if a == nil || len(a.Values) != 1 {
		return fmt.Errorf("%w: signed attribute %s is not there once", ErrMalformed, what)
	}
	return strict(a.Values[0].FullBytes, into, what)
}

// signer returns the certificate that the signed attributes name (RFC 5035,
// RFC 5816): without that, another certificate for the same key could be put in
// its place. The older form names it by SHA-1; it counts where the newer form is
// absent, and is said.
func (as attributes) signer(certs []*x509.Certificate) (c *x509.Certificate, weak bool, err error) {
	var want []byte
	hash := crypto.SHA1
	if as.find(oidCertificateV2) != nil {
		var ids struct {
			Certs    []certIDV2
			Policies asn1.RawValue `asn1:"optional"`
		}
		if err := as.read(oidCertificateV2, &ids, "signing certificate"); err != nil {
			return nil, false, err
		}
		if len(ids.Certs) == 0 {
			return nil, false, fmt.Errorf("%w: no signing certificate is named", ErrMalformed)
		}
		want, hash = ids.Certs[0].Hash, crypto.SHA256
		if id := ids.Certs[0].Algorithm.Algorithm; len(id) > 0 {
			if hash, err = hashOf(id); err != nil {
				return nil, false, err
			}
		}
	} else {
		var ids struct {
			Certs    []certIDV1
			Policies asn1.RawValue `asn1:"optional"`
		}
		if err := as.read(oidCertificateV1, &ids, "signing certificate"); err != nil {
			return nil, false, err
		}
		if len(ids.Certs) == 0 {
			return nil, false, fmt.Errorf("%w: no signing certificate is named", ErrMalformed)
		}
		want = ids.Certs[0].Hash
	}
	for _, c := range certs {
		if bytes.Equal(sum(hash, c.Raw), want) {
			return c, hash == crypto.SHA1, nil
		}
	}
	return nil, false, fmt.Errorf("%w: the certificate that the signature names is not in the token", ErrNotVerified)
}

// matchesSigner checks that the signer's identifier is that of the certificate.
func matchesSigner(id asn1.RawValue, c *x509.Certificate) error {
	var ok bool
	if id.Class == asn1.ClassContextSpecific && id.Tag == 0 {
		ok = len(c.SubjectKeyId) > 0 && bytes.Equal(id.Bytes, c.SubjectKeyId)
	} else {
		var is issuerAndSerial
		if err := strict(id.FullBytes, &is, "signer identifier"); err != nil {
			return err
		}
		ok = bytes.Equal(is.Issuer.FullBytes, c.RawIssuer) && is.Serial != nil && is.Serial.Cmp(c.SerialNumber) == 0
	}
	if !ok {
		return fmt.Errorf("%w: the signer is another than the certificate that the signature names", ErrNotVerified)
	}
	return nil
}

func hashOf(id asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch {
	case id.Equal(oidSHA256):
		return crypto.SHA256, nil
	case id.Equal(oidSHA384):
		return crypto.SHA384, nil
	case id.Equal(oidSHA512):
		return crypto.SHA512, nil
	case id.Equal(oidSHA1):
		return 0, fmt.Errorf("%w: signed with SHA-1, which is broken", ErrNotVerified)
	}
	return 0, fmt.Errorf("%w: digest algorithm %s is not supported", ErrNotVerified, id)
}

// sum hashes b; h is one of those of hashOf, or SHA-1.
func sum(h crypto.Hash, b []byte) []byte {
	switch h {
	case crypto.SHA384:
		s := sha512.Sum384(b)
		return s[:]
	case crypto.SHA512:
		s := sha512.Sum512(b)
		return s[:]
	case crypto.SHA1:
		s := sha1.Sum(b) // see attributes.signer
		return s[:]
	}
	s := sha256.Sum256(b)
	return s[:]
}

func signatureAlgorithm(alg pkix.AlgorithmIdentifier, digest asn1.ObjectIdentifier, hash crypto.Hash) (x509.SignatureAlgorithm, error) {
	id := alg.Algorithm
	if id.Equal(oidRSAPSS) && !usualPSS(alg.Parameters.FullBytes, digest, hash) {
		return 0, fmt.Errorf("%w: RSASSA-PSS with other parameters than its digest's", ErrNotVerified)
	}
	for _, a := range []struct {
		id   asn1.ObjectIdentifier
		hash crypto.Hash
		alg  x509.SignatureAlgorithm
	}{
		{oidRSA, crypto.SHA256, x509.SHA256WithRSA}, {oidRSAWithSHA256, crypto.SHA256, x509.SHA256WithRSA},
		{oidRSA, crypto.SHA384, x509.SHA384WithRSA}, {oidRSAWithSHA384, crypto.SHA384, x509.SHA384WithRSA},
		{oidRSA, crypto.SHA512, x509.SHA512WithRSA}, {oidRSAWithSHA512, crypto.SHA512, x509.SHA512WithRSA},
		{oidRSAPSS, crypto.SHA256, x509.SHA256WithRSAPSS}, {oidRSAPSS, crypto.SHA384, x509.SHA384WithRSAPSS}, {oidRSAPSS, crypto.SHA512, x509.SHA512WithRSAPSS},
		{oidECWithSHA256, crypto.SHA256, x509.ECDSAWithSHA256},
		{oidECWithSHA384, crypto.SHA384, x509.ECDSAWithSHA384},
		{oidECWithSHA512, crypto.SHA512, x509.ECDSAWithSHA512},
		{oidEd25519, crypto.SHA512, x509.PureEd25519},
	} {
		if a.id.Equal(id) && a.hash == hash {
			return a.alg, nil
		}
	}
	return 0, fmt.Errorf("%w: signature algorithm %s with %s is not supported", ErrNotVerified, id, hash)
}

type pssParameters struct {
	Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
	MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
	Salt int                      `asn1:"explicit,tag:2"`
	Tail int                      `asn1:"explicit,optional,tag:3,default:1"`
}

// usualPSS reports whether the parameters of RSASSA-PSS say one digest
// throughout and a salt of its length, which is what is verified.
func usualPSS(der []byte, digest asn1.ObjectIdentifier, hash crypto.Hash) bool {
	var p pssParameters
	if strict(der, &p, "parameters of RSASSA-PSS") != nil || !p.Hash.Algorithm.Equal(digest) || !p.MGF.Algorithm.Equal(oidMGF1) {
		return false
	}
	var mask pkix.AlgorithmIdentifier
	return strict(p.MGF.Parameters.FullBytes, &mask, "mask of RSASSA-PSS") == nil && mask.Algorithm.Equal(digest) && p.Salt == hash.Size() && p.Tail == 1
}

package attest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// forger makes tokens that are right but for what a test changes.
type forger struct {
	cert     x509.Certificate // template of the signer's certificate
	eku      []asn1.ObjectIdentifier
	ekuFree  bool // the extension is not critical
	key      crypto.Signer
	signKey  crypto.Signer // what the token is signed with; nil: key
	info     tstInfo
	content  asn1.ObjectIdentifier // type of what is signed, outside
	attrType asn1.ObjectIdentifier // and as the signature says
	digest   []byte                // message digest that is signed; nil: the right one
	hash     crypto.Hash
	digestID asn1.ObjectIdentifier
	sigID    asn1.ObjectIdentifier
	salt     int    // of RSASSA-PSS; 0: another signature
	certID   []byte // hash of the certificate that is named; nil: the right one
	certV1   bool
	noCertID bool
	twice    bool // the attribute message digest
	unsigned bool // no signed attributes
	signers  int
	serial   *big.Int // of the signer's identifier; nil: the right one
	certs    func(signer []byte) []byte
	tail     []byte // behind the time stamp
}

func newForger(t testing.TB, note []byte) *forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	imprint := sha256.Sum256(note)
	return &forger{
		cert: x509.Certificate{SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Forged Time"},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature},
		eku: []asn1.ObjectIdentifier{oidTimeStamping}, key: key,
		info: tstInfo{Version: 1, Policy: asn1.ObjectIdentifier{1, 2, 3}, Serial: big.NewInt(9), Time: now,
			Imprint: messageImprint{Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA256}, Hash: imprint[:]}},
		content: oidTSTInfo, attrType: oidTSTInfo, hash: crypto.SHA256, digestID: oidSHA256, sigID: oidECWithSHA256, signers: 1,
		certs: func(signer []byte) []byte { return signer },
	}
}

func der(t testing.TB, v any, params string) []byte {
	t.Helper()
	b, err := asn1.MarshalWithParams(v, params)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *forger) certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	template := f.cert
	if f.eku != nil {
		template.ExtraExtensions = []pkix.Extension{{Id: oidExtKeyUsage, Critical: !f.ekuFree, Value: der(t, f.eku, "")}}
	}
	raw, err := x509.CreateCertificate(rand.Reader, &template, &template, f.key.Public(), f.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *forger) attributes(t testing.TB, c *x509.Certificate, content []byte) []byte {
	t.Helper()
	one := func(id asn1.ObjectIdentifier, v any) []byte {
		return der(t, attribute{Type: id, Values: []asn1.RawValue{{FullBytes: der(t, v, "")}}}, "")
	}
	digest := f.digest
	if digest == nil {
		digest = sum(f.hash, content)
	}
	attrs := [][]byte{one(oidContentType, f.attrType), one(oidMessageDigest, digest)}
	if f.twice {
		attrs = append(attrs, one(oidMessageDigest, digest))
	}
	id := f.certID
	switch {
	case f.noCertID:
	case f.certV1:
		if id == nil {
			id = sum(crypto.SHA1, c.Raw)
		}
		attrs = append(attrs, one(oidCertificateV1, struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{id}}}))
	default:
		if id == nil {
			id = sum(crypto.SHA256, c.Raw)
		}
		attrs = append(attrs, one(oidCertificateV2, struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{id}}}))
	}
	slices.SortFunc(attrs, bytes.Compare)
	return bytes.Join(attrs, nil)
}

// token makes the token and the roots that lead to it.
func (f *forger) token(t testing.TB) ([]byte, *x509.CertPool) {
	t.Helper()
	c := f.certificate(t)
	roots := x509.NewCertPool()
	roots.AddCert(c)
	content := append(der(t, f.info, ""), f.tail...)
	si := signerInfo{Version: 1, DigestAlgorithm: pkix.AlgorithmIdentifier{Algorithm: f.digestID}, SignatureAlgorithm: pkix.AlgorithmIdentifier{Algorithm: f.sigID}}
	serial := f.serial
	if serial == nil {
		serial = c.SerialNumber
	}
	si.SignerID = asn1.RawValue{FullBytes: der(t, issuerAndSerial{Issuer: asn1.RawValue{FullBytes: c.RawIssuer}, Serial: serial}, "")}
	signed := content
	if !f.unsigned {
		attrs := f.attributes(t, c, content)
		si.SignedAttributes = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: attrs}
		signed = der(t, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: attrs}, "")
	}
	key := f.signKey
	if key == nil {
		key = f.key
	}
	var opts crypto.SignerOpts = f.hash
	if f.salt > 0 {
		digest := pkix.AlgorithmIdentifier{Algorithm: f.digestID}
		si.SignatureAlgorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSAPSS, Parameters: asn1.RawValue{FullBytes: der(t, pssParameters{Hash: digest, Tail: 1, Salt: f.salt,
			MGF: pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: der(t, digest, "")}}}, "")}}
		opts = &rsa.PSSOptions{SaltLength: f.salt, Hash: f.hash}
	}
	sig, err := key.Sign(rand.Reader, sum(f.hash, signed), opts)
	if err != nil {
		t.Fatal(err)
	}
	si.Signature = sig
	type encap struct {
		ContentType asn1.ObjectIdentifier
		Content     []byte `asn1:"explicit,tag:0"`
	}
	sd := struct {
		Version          int
		DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
		Content          encap
		Certificates     asn1.RawValue
		SignerInfos      []signerInfo `asn1:"set"`
	}{3, []pkix.AlgorithmIdentifier{{Algorithm: f.digestID}}, encap{f.content, content},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: f.certs(c.Raw)},
		slices.Repeat([]signerInfo{si}, f.signers)}
	return der(t, struct {
		ContentType asn1.ObjectIdentifier
		Content     asn1.RawValue
	}{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der(t, sd, "")}}, ""), roots
}

// Each way in which a token can be signed and still prove nothing.
func TestForgedTokens(t *testing.T) {
	note := []byte("note")
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // that it is weak is the point
	if err != nil {
		t.Fatal(err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serverAuth := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	for name, tc := range map[string]struct {
		change func(f *forger)
		want   string // nothing: it holds
		is     error
	}{
		"right":                         {func(f *forger) {}, "", nil},
		"certificate named by SHA-1":    {func(f *forger) { f.certV1 = true }, "", nil},
		"SHA-512":                       {func(f *forger) { f.hash, f.digestID, f.sigID = crypto.SHA512, oidSHA512, oidECWithSHA512 }, "", nil},
		"RSA":                           {func(f *forger) { f.key, f.sigID = strong, oidRSAWithSHA256 }, "", nil},
		"RSA, digest named apart":       {func(f *forger) { f.key, f.sigID = strong, oidRSA }, "", nil},
		"RSASSA-PSS":                    {func(f *forger) { f.key, f.salt = strong, 32 }, "", nil},
		"RSASSA-PSS, another salt":      {func(f *forger) { f.key, f.salt = strong, 20 }, "other parameters", ErrNotVerified},
		"RSASSA-PSS without parameters": {func(f *forger) { f.key, f.sigID = strong, oidRSAPSS }, "other parameters", ErrNotVerified},
		"no purpose of the certificate": {func(f *forger) { f.eku = nil }, "not one for time stamping alone", ErrNotVerified},
		"certificate of a server":       {func(f *forger) { f.eku = []asn1.ObjectIdentifier{serverAuth} }, "not one for time stamping alone", ErrNotVerified},
		"certificate for more":          {func(f *forger) { f.eku = append(f.eku, serverAuth) }, "not one for time stamping alone", ErrNotVerified},
		"certificate for the unknown":   {func(f *forger) { f.eku = append(f.eku, asn1.ObjectIdentifier{1, 2, 3}) }, "not one for time stamping alone", ErrNotVerified},
		"purpose not critical":          {func(f *forger) { f.ekuFree = true }, "critical", ErrNotVerified},
		"key for encryption":            {func(f *forger) { f.cert.KeyUsage = x509.KeyUsageKeyEncipherment }, "not one for signatures", ErrNotVerified},
		"certificate not valid yet":     {func(f *forger) { f.info.Time = f.cert.NotBefore.Add(-time.Second) }, "was not valid", ErrNotVerified},
		"certificate expired":           {func(f *forger) { f.info.Time = f.cert.NotAfter.Add(time.Second) }, "was not valid", ErrNotVerified},
		"weak key":                      {func(f *forger) { f.key, f.sigID = weak, oidRSAWithSHA256 }, "1024 bits", ErrNotVerified},
		"SHA-1":                         {func(f *forger) { f.digestID = oidSHA1 }, "SHA-1", ErrNotVerified},
		"digest that nobody knows":      {func(f *forger) { f.digestID = asn1.ObjectIdentifier{1, 2} }, "not supported", ErrNotVerified},
		"signature that nobody knows":   {func(f *forger) { f.sigID = oidTSTInfo }, "not supported", ErrNotVerified},
		"digests that differ":           {func(f *forger) { f.sigID = oidECWithSHA384 }, "not supported", ErrNotVerified},
		"imprint of another digest":     {func(f *forger) { f.info.Imprint.Algorithm.Algorithm = oidSHA512 }, "other than SHA-256", ErrNotVerified},
		"imprint of another note":       {func(f *forger) { f.info.Imprint.Hash = make([]byte, 32) }, "other bytes", ErrNotVerified},
		"imprint of nothing":            {func(f *forger) { f.info.Imprint.Hash = nil }, "other bytes", ErrNotVerified},
		"critical extension": {func(f *forger) {
			f.info.Extensions = []pkix.Extension{{Id: oidSHA1, Critical: true, Value: []byte{5, 0}}}
		}, "is not understood", ErrNotVerified},
		"message digest of other bytes": {func(f *forger) { f.digest = make([]byte, 32) }, "not that of the time stamp", ErrNotVerified},
		"message digest twice":          {func(f *forger) { f.twice = true }, "is there twice", ErrMalformed},
		"no signed attributes":          {func(f *forger) { f.unsigned = true }, "no signed attributes", ErrMalformed},
		"signature over other content":  {func(f *forger) { f.attrType = oidSignedData }, "content of type", ErrNotVerified},
		"no time stamp":                 {func(f *forger) { f.content = oidSignedData }, "not a time stamp", ErrMalformed},
		"no certificate is named":       {func(f *forger) { f.noCertID = true }, "signing certificate is not there once", ErrMalformed},
		"another certificate is named":  {func(f *forger) { f.certID = make([]byte, 32) }, "is not in the token", ErrNotVerified},
		"another certificate, by SHA-1": {func(f *forger) { f.certID, f.certV1 = make([]byte, 20), true }, "is not in the token", ErrNotVerified},
		"another serial number":         {func(f *forger) { f.serial = big.NewInt(78) }, "another than the certificate", ErrNotVerified},
		"two signers":                   {func(f *forger) { f.signers = 2 }, "2 signers", ErrMalformed},
		"no signer":                     {func(f *forger) { f.signers = 0 }, "0 signers", ErrMalformed},
		"no certificate":                {func(f *forger) { f.certs = func([]byte) []byte { return nil } }, "0 certificates", ErrMalformed},
		"a hundred certificates":        {func(f *forger) { f.certs = func(c []byte) []byte { return bytes.Repeat(c, 100) } }, "100 certificates", ErrMalformed},
		"certificates that are none":    {func(f *forger) { f.certs = func([]byte) []byte { return []byte{0x30, 1, 0} } }, "certificates", ErrMalformed},
		"more behind the time stamp":    {func(f *forger) { f.tail = []byte{5, 0} }, "behind the time stamp", ErrMalformed},
		"another version":               {func(f *forger) { f.info.Version = 2 }, "version 2", ErrMalformed},
		"signed by another key":         {func(f *forger) { f.signKey = other }, "signature", ErrNotVerified},
		"megabytes":                     {func(f *forger) { f.tail = make([]byte, maxToken) }, "token of", ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t, note)
			tc.change(f)
			token, roots := f.token(t)
			for _, pool := range []*x509.CertPool{nil, roots} {
				info, err := VerifyTimestamp(token, note, pool)
				if tc.want == "" {
					if err != nil || info.ChainChecked != (pool != nil) || info.WeakCertID != f.certV1 || !info.Time.Equal(f.info.Time) {
						t.Errorf("%+v %v", info, err)
					}
					continue
				}
				if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) || info != (Info{}) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			}
			if _, err := VerifyTimestamp(token, note, x509.NewCertPool()); err == nil {
				t.Error("it holds with no root at all")
			}
		})
	}
}

// An authority that answers with a token that it had, for this very checkpoint,
// proves nothing about now.
func TestStampNonce(t *testing.T) {
	note := []byte("note")
	f := newForger(t, note)
	for name, tc := range map[string]struct {
		nonce func(asked *big.Int) *big.Int
		want  string
	}{
		"the one asked for": {func(asked *big.Int) *big.Int { return asked }, ""},
		"none":              {func(*big.Int) *big.Int { return nil }, "answers another request"},
		"another":           {func(asked *big.Int) *big.Int { return new(big.Int).Add(asked, big.NewInt(1)) }, "answers another request"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var req timeStampReq
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = strict(body, &req, "request")
				}
				if err != nil || !req.CertReq || req.Nonce.BitLen() < 100 {
					t.Errorf("request: %+v %v", req, err)
				}
				f.info.Nonce, f.info.Time = tc.nonce(req.Nonce), time.Now().UTC().Truncate(time.Second)
				token, _ := f.token(t)
				_, _ = w.Write(der(t, struct {
					Status struct{ Status int }
					Token  asn1.RawValue
				}{Token: asn1.RawValue{FullBytes: token}}, ""))
			}))
			defer s.Close()
			_, info, err := NewClient(time.Now, nil).Stamp(t.Context(), Authority{URL: s.URL}, note)
			if tc.want == "" {
				if err != nil || info.ChainChecked {
					t.Errorf("%+v %v", info, err)
				}
			} else if !errors.Is(err, ErrNotVerified) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// Every byte of a token replaced, and every end of it cut off: refused, or the same
// time stamp; never a panic.
func TestMutatedTokens(t *testing.T) {
	note := []byte("note")
	f := newForger(t, note)
	token, roots := f.token(t)
	for i := range token {
		for _, with := range []byte{0x00, 0x02, 0x05, 0x30, 0x31, 0x7f, 0x80, 0x84, 0xa0, 0xff} {
			bad := bytes.Clone(token)
			bad[i] = with
			if info, err := VerifyTimestamp(bad, note, roots); err == nil && (!info.Time.Equal(f.info.Time) || info.Serial != "9" || !info.ChainChecked) {
				t.Errorf("byte %d is %#x: %+v", i, with, info)
			}
		}
		if _, err := VerifyTimestamp(token[:i], note, roots); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
}

// Any bytes end in an error or in a token that holds, never in a panic.
func FuzzVerifyTimestamp(f *testing.F) {
	note := []byte("note")
	forged := newForger(f, note)
	token, roots := forged.token(f)
	f.Add(token)
	forged.certV1 = true
	token, _ = forged.token(f)
	f.Add(token)
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := VerifyTimestamp(b, note, roots)
		if err == nil && (!info.ChainChecked || !info.Time.Equal(forged.info.Time)) {
			t.Errorf("accepted: %+v", info)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNotVerified) {
			t.Errorf("neither malformed nor wrong: %v", err)
		}
		if inner, err := tokenOf(b); err == nil {
			_, _ = VerifyTimestamp(inner, note, nil)
		}
	})
}

package documents

import (
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// signingTime is how long after a commit's date it may have been signed: the
// person is asked for a passphrase in between.
const signingTime = time.Hour

// keyring holds the public keys that the settings trust.
type keyring struct{ entities openpgp.EntityList }

func parseKeys(armoured []string) (keyring, error) {
	var k keyring
	for i, text := range armoured {
		list, err := openpgp.ReadArmoredKeyRing(strings.NewReader(text))
		if err != nil {
			return keyring{}, fmt.Errorf("signing_keys[%d]: not an armoured OpenPGP public key: %w", i, err)
		}
		for _, e := range list {
			if e.PrivateKey != nil {
				return keyring{}, fmt.Errorf("signing_keys[%d]: holds a private key; give the public one", i)
			}
		}
		k.entities = append(k.entities, list...)
	}
	return k, nil
}

// check says what kind of signature a commit carries and, if one of the keys
// proves it, the fingerprint of that key. Keys are judged as of the commit's
// own date, a little later, so that the answer does not change with time.
func (k keyring) check(c *object.Commit) (kind, signer string) {
	switch sig := strings.TrimSpace(c.PGPSignature); {
	case sig == "":
		return "", ""
	case strings.HasPrefix(sig, "-----BEGIN SSH SIGNATURE-----"):
		return "ssh", ""
	case strings.HasPrefix(sig, "-----BEGIN SIGNED MESSAGE-----"):
		return "x509", ""
	case !strings.HasPrefix(sig, "-----BEGIN PGP"):
		return "unknown", ""
	}
	if len(k.entities) == 0 {
		return "openpgp", ""
	}
	var o plumbing.MemoryObject
	if err := c.EncodeWithoutSignature(&o); err != nil {
		return "openpgp", ""
	}
	rd, err := o.Reader()
	if err != nil {
		return "openpgp", ""
	}
	e, err := openpgp.CheckArmoredDetachedSignature(k.entities, rd, strings.NewReader(c.PGPSignature),
		&packet.Config{Time: func() time.Time { return c.Committer.When.Add(signingTime) }})
	if err != nil {
		return "openpgp", ""
	}
	return "openpgp", fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)
}

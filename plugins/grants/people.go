package grants

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// SecretSalt names the secret that pseudonyms are made with.
const SecretSalt = "pseudonym_salt"

// minSalt is the shortest salt, in bytes.
const minSalt = 16

// Privacy is what the settings say of people. The zero value names nobody.
type Privacy struct {
	People string `json:"people"`      // counts pseudonyms names
	Owners string `json:"owner_hints"` // none pseudonyms names

	salt string
}

// Settle takes the salt and checks that there is one where it is needed.
// Without settings people are counted, and an owner is hinted at by pseudonym
// if there is a salt.
func (p *Privacy) Settle(salt string) error {
	p.salt = salt
	if salt != "" && len(salt) < minSalt {
		return errors.New("the secret " + SecretSalt + " is too short: want 16 characters or more, that nobody can guess")
	}
	if p.People == "" {
		p.People = "counts"
	}
	if p.Owners == "" {
		p.Owners = "none"
		if salt != "" {
			p.Owners = "pseudonyms"
		}
	}
	if salt == "" && (p.People == "pseudonyms" || p.Owners == "pseudonyms") {
		return errors.New("people and owner_hints: pseudonyms need the secret " + SecretSalt)
	}
	return nil
}

// Kept reports whether a record is made for each person.
func (p *Privacy) Kept() bool { return p.People != "counts" }

// Actor is a person as records have it; empty where people are only counted.
func (p *Privacy) Actor(who string) string { return p.write(p.People, who) }

// Owner is a person as a hint at an owner has it; empty where none is given.
func (p *Privacy) Owner(who string) string { return p.write(p.Owners, who) }

func (p *Privacy) write(how, who string) string {
	switch {
	case strings.TrimSpace(who) == "":
		return ""
	case how == "names":
		return records.Line(who, 200)
	case how == "pseudonyms":
		return Pseudonym(p.salt, who)
	}
	return ""
}

// Pseudonym stands for a person. Who has not the salt cannot find out for whom.
func Pseudonym(salt, who string) string {
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(who))))
	return "p-" + hex.EncodeToString(mac.Sum(nil)[:8])
}

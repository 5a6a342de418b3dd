package attest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Signature types of C2SP signed-note and tlog-cosignature.
const (
	algEd25519       = 0x01 // a log's own signature
	algCosignatureV1 = 0x04 // timestamped Ed25519
	algCosignatureML = 0x06 // timestamped ML-DSA-44
)

// sigPrefix begins a signature line: an em dash and a space.
const sigPrefix = "— "

// Cosigned is what a cosignature says: at Time, no larger log of this origin had
// been seen by the witness Name, and this one continues what it saw before.
type Cosigned struct {
	Name string
	Time time.Time
}

// WitnessKey is a witness's name and key.
type WitnessKey struct {
	Name string
	text string
	id   [4]byte
	key  ed25519.PublicKey
}

// String is the verifier key as it was given.
func (k WitnessKey) String() string { return k.text }

// ParseWitnessKey reads a verifier key of C2SP tlog-cosignature:
// name+key id+base64(0x04, Ed25519 public key).
func ParseWitnessKey(vkey string) (WitnessKey, error) {
	bad := func(format string, args ...any) (WitnessKey, error) {
		return WitnessKey{}, fmt.Errorf("%w: witness key: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	f := strings.SplitN(vkey, "+", 3)
	if len(f) != 3 || !validName(f[0]) {
		return bad("want name+id+key on one line, as the witness publishes it")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(f[2])
	if err != nil || len(raw) < 1 || strings.ContainsAny(f[2], "\r\n") { // which base64 passes over
		return bad("the part behind the last + is not base64")
	}
	switch alg := raw[0]; {
	case alg == algEd25519:
		return bad("this is the key of a log (type 1), not of a witness (type 4)")
	case alg == algCosignatureML:
		return bad("ML-DSA-44 (type 6) is not supported; the witness may publish a key of type 4 too")
	case alg != algCosignatureV1 || len(raw) != 1+ed25519.PublicKeySize:
		return bad("type %d of %d bytes is no Ed25519 cosigner", alg, len(raw)-1)
	}
	k := WitnessKey{Name: f[0], text: vkey, key: ed25519.PublicKey(raw[1:])}
	sum := sha256.Sum256(append([]byte(f[0]+"\n"), raw...))
	copy(k.id[:], sum[:4])
	if want := fmt.Sprintf("%x", k.id); f[1] != want {
		return bad("the id is %.16q, and of this name and key it is %s: a letter was lost", f[1], want)
	}
	return k, nil
}

// validName is the rule of signed-note for names of keys.
func validName(s string) bool {
	return s != "" && len(s) < 256 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+'
	})
}

// VerifyCosignature checks that line is a cosignature/v1, by the key vkey, of the
// checkpoint in a signed note. Other signatures of the note do not matter. Any bytes
// are safe to give it.
func VerifyCosignature(note []byte, line, vkey string) (Cosigned, error) {
	k, err := ParseWitnessKey(vkey)
	if err != nil {
		return Cosigned{}, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return Cosigned{}, fmt.Errorf("cosignature of %s: %w", excerpt([]byte(k.Name)), err)
	}
	c, err := k.verify(cp.Text(), line)
	if err != nil {
		return Cosigned{}, fmt.Errorf("cosignature of %s: %w", excerpt([]byte(k.Name)), err)
	}
	return c, nil
}

var errOtherKey = errors.New("signed by another key")

func (k WitnessKey) verify(text, line string) (Cosigned, error) {
	name, sig, ok := splitSignature(line)
	if !ok {
		return Cosigned{}, fmt.Errorf("%w: not a signature line", ErrMalformed)
	}
	if name != k.Name || !bytes.Equal(sig[:4], k.id[:]) {
		return Cosigned{}, fmt.Errorf("%w: %w", ErrNotVerified, errOtherKey)
	}
	if len(sig) != 4+8+ed25519.SignatureSize {
		return Cosigned{}, fmt.Errorf("%w: signature of %d bytes", ErrMalformed, len(sig))
	}
	seconds := binary.BigEndian.Uint64(sig[4:12])
	if seconds == 0 || seconds > math.MaxInt64 {
		return Cosigned{}, fmt.Errorf("%w: time %d", ErrMalformed, seconds)
	}
	at := time.Unix(int64(seconds), 0).UTC()
	if at.Year() > 9999 {
		return Cosigned{}, fmt.Errorf("%w: time %d", ErrMalformed, seconds)
	}
	message := "cosignature/v1\ntime " + strconv.FormatUint(seconds, 10) + "\n" + text
	if !ed25519.Verify(k.key, []byte(message), sig[12:]) {
		return Cosigned{}, fmt.Errorf("%w: the signature is not over this checkpoint", ErrNotVerified)
	}
	return Cosigned{Name: k.Name, Time: at}, nil
}

// splitSignature takes a signature line apart: name, and key id with signature.
func splitSignature(line string) (name string, sig []byte, ok bool) {
	rest, ok := strings.CutPrefix(line, sigPrefix)
	if !ok {
		return "", nil, false
	}
	name, b64, ok := strings.Cut(rest, " ")
	if !ok || !validName(name) {
		return "", nil, false
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil || len(sig) < 5 || strings.ContainsAny(b64, "\r\n") {
		return "", nil, false
	}
	return name, sig, true
}

// Cosign appends signature lines to a signed note. The result is still a note
// of the same log: who knows a witness's key can check its line, others ignore it.
func Cosign(note []byte, lines ...string) []byte {
	out := bytes.Clone(note)
	for _, l := range lines {
		out = append(out, l+"\n"...)
	}
	return out
}

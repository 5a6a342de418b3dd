package seal

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Errors of opening a seal.
var (
	// ErrMalformed: the bytes are no seal.
	ErrMalformed = errors.New("not a seal")
	// ErrSignature: the seal is not signed by the expected key, or was changed.
	ErrSignature = errors.New("signature of the seal does not hold")
)

const first = "exhibit seal v1"

// Fact is something the seal states beside its parts, for example the as-of.
type Fact struct {
	Name  string // lower-case letters, digits and dashes
	Value string // one line
}

// Part is an entry of the sealed archive.
type Part struct {
	Name        string
	Sum, Packed string // SHA-256 of the content and of the packed bytes, hexadecimal
	Size        uint64
	PackedSize  uint64
}

// FromZip describes an entry as it was packed or read.
func FromZip(p zipform.Part) Part {
	return Part{Name: p.Name, Sum: hex.EncodeToString(p.Sum[:]), Packed: hex.EncodeToString(p.PackedSum[:]),
		Size: p.Size, PackedSize: p.Packed}
}

// Seal is the list and what it is of.
type Seal struct {
	Of    string // workbook | bundle
	Key   string // verifier key of who signed
	Facts []Fact
	Parts []Part
}

// Fact returns the value of a fact, or "".
func (s Seal) Fact(name string) string {
	for _, f := range s.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Text is the note's text.
func (s Seal) Text() (string, error) {
	var b strings.Builder
	b.WriteString(first + "\n")
	facts := append([]Fact{{"of", s.Of}, {"key", s.Key}}, s.Facts...)
	facts = append(facts, Fact{"parts", strconv.Itoa(len(s.Parts))})
	for i, f := range facts {
		if !factName(f.Name) || (i > 1 && i < len(facts)-1 && reserved(f.Name)) {
			return "", fmt.Errorf("seal: fact name %.40q", f.Name)
		}
		if f.Value == "" || strings.ContainsFunc(f.Value, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			return "", fmt.Errorf("seal: value of %s must be one line of text", f.Name)
		}
		b.WriteString(f.Name + ": " + f.Value + "\n")
	}
	for _, p := range s.Parts {
		if err := zipform.CheckName(p.Name); err != nil {
			return "", fmt.Errorf("seal: %w", err)
		}
		fmt.Fprintf(&b, "%s %s %d %d %s\n", p.Sum, p.Packed, p.Size, p.PackedSize, p.Name)
	}
	return b.String(), nil
}

func reserved(name string) bool { return name == "of" || name == "key" || name == "parts" }

func factName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Sign returns the signed note. Key must be the verifier key of signer.
func (s Seal) Sign(signer note.Signer) ([]byte, error) {
	text, err := s.Text()
	if err != nil {
		return nil, err
	}
	v, err := ledger.ParseVerifier(s.Key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if v.Name() != signer.Name() || v.KeyHash() != signer.KeyHash() {
		return nil, errors.New("seal: the public key given is not the signing key's; take both from the same store")
	}
	msg, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return msg, nil
}

// Claimed reads the key that a seal names, without believing it.
func Claimed(msg []byte) (note.Verifier, error) {
	s, err := parse(textOf(msg))
	if err != nil {
		return nil, err
	}
	v, err := ledger.ParseVerifier(s.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return v, nil
}

// Open verifies that msg is a seal signed by v's key and by nobody else, in
// its only form.
func Open(msg []byte, v note.Verifier) (Seal, error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Seal{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Seal{}, fmt.Errorf("%w: want one signature and no other", ErrSignature)
	}
	sig := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil {
		return Seal{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	only := n.Text + "\n\u2014 " + sig.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	if only != string(msg) {
		return Seal{}, fmt.Errorf("%w: the note is not in its only form", ErrSignature)
	}
	s, err := parse(n.Text)
	if err != nil {
		return Seal{}, err
	}
	own, err := ledger.ParseVerifier(s.Key)
	if err != nil || own.Name() != v.Name() || own.KeyHash() != v.KeyHash() {
		return Seal{}, fmt.Errorf("%w: it names another key than the one that signed it", ErrSignature)
	}
	return s, nil
}

func textOf(msg []byte) string {
	text, _, _ := strings.Cut(string(msg), "\n\n")
	return text + "\n"
}

// parse reads a text strictly: what it returns has the same text.
func parse(text string) (Seal, error) {
	var s Seal
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != first {
		return s, fmt.Errorf("%w: want the first line %q", ErrMalformed, first)
	}
	i, count := 1, -1
	for ; i < len(lines) && count < 0; i++ {
		name, value, ok := strings.Cut(lines[i], ": ")
		if !ok {
			return s, fmt.Errorf("%w: line %d", ErrMalformed, i+1)
		}
		switch name {
		case "of":
			s.Of = value
		case "key":
			s.Key = value
		case "parts":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return s, fmt.Errorf("%w: line %d", ErrMalformed, i+1)
			}
			count = n
		default:
			s.Facts = append(s.Facts, Fact{name, value})
		}
	}
	if count != len(lines)-i {
		return s, fmt.Errorf("%w: %d parts announced, %d lines", ErrMalformed, count, len(lines)-i)
	}
	for ; i < len(lines); i++ {
		p, err := parsePart(lines[i])
		if err != nil {
			return s, fmt.Errorf("%w: line %d: %w", ErrMalformed, i+1, err)
		}
		s.Parts = append(s.Parts, p)
	}
	if again, err := s.Text(); err != nil || again != text {
		return s, fmt.Errorf("%w: not in its only form", ErrMalformed)
	}
	return s, nil
}

func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func parsePart(line string) (Part, error) {
	f := strings.Split(line, " ")
	if len(f) != 5 || !isDigest(f[0]) || !isDigest(f[1]) {
		return Part{}, errors.New("want two digests, two sizes and a name")
	}
	size, err1 := strconv.ParseUint(f[2], 10, 64)
	packed, err2 := strconv.ParseUint(f[3], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return Part{}, err
	}
	return Part{Name: f[4], Sum: f[0], Packed: f[1], Size: size, PackedSize: packed}, nil
}

// Differs compares an entry as read with what the seal says about it, and
// returns what was expected and found, or empty strings.
func (p Part) Differs(got Part) (want, found string) {
	switch {
	case p.Name != got.Name:
		return "entry " + p.Name, "entry " + got.Name
	case p.Size != got.Size:
		return fmt.Sprintf("%d bytes", p.Size), fmt.Sprintf("%d bytes", got.Size)
	case p.Sum != got.Sum:
		return "sha256 " + p.Sum, "sha256 " + got.Sum
	case p.Packed != got.Packed:
		return "packed bytes with sha256 " + p.Packed, "packed bytes with sha256 " + got.Packed
	case p.PackedSize != got.PackedSize:
		return fmt.Sprintf("%d packed bytes", p.PackedSize), fmt.Sprintf("%d packed bytes", got.PackedSize)
	}
	return "", ""
}

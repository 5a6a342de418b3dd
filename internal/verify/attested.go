package verify

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// maxAttestations is how many bytes of attestations are held in memory.
const maxAttestations = 64 << 20

// attestations are the files of what others said, by path.
type attestations struct {
	files   int
	bytes   int
	content map[string][]byte
}

func newAttestations() *attestations { return &attestations{content: map[string][]byte{}} }

func (t *attestations) take(it *zipform.Item) error {
	b, err := io.ReadAll(io.LimitReader(it, maxNote))
	if err != nil {
		return err
	}
	t.files++
	if t.bytes += len(b); t.bytes > maxAttestations {
		return fail(it.Name, "", fmt.Sprintf("at most %d bytes of attestations", maxAttestations), "more")
	}
	t.content[it.Name] = b
	return nil
}

// attested binds what others said to this ledger.
func (a *archive) attested() error {
	list := a.head.Trust.Attested
	if len(list) > len(a.others.content) {
		return fail(bundle.ManifestFile, "trust", "files for every attestation", fmt.Sprintf("%d files for %d", len(a.others.content), len(list)))
	}
	used := 0
	for n, at := range list {
		files, err := a.attestation(n, at)
		if err != nil {
			return err
		}
		used += files
	}
	if used != a.others.files {
		return fail(bundle.ManifestFile, "trust", fmt.Sprintf("the attestations of %d files", a.others.files), fmt.Sprintf("those of %d", used))
	}
	a.report.held(checkAttested, int64(len(list)))
	return nil
}

// attestation checks number n and returns how many files it has.
func (a *archive) attestation(n int, at bundle.Attested) (int, error) {
	file := func(ext string) ([]byte, string, bool) {
		name := bundle.AttestationFile(n, ext)
		b, ok := a.others.content[name]
		return b, name, ok
	}
	body, bodyName, ok := file("json")
	canonical, err := evidence.CanonicalObject(body)
	if !ok || err != nil || !bytes.Equal(body, append(canonical, '\n')) {
		return 0, fail(bodyName, "content", "a canonical JSON object", clip(string(body)))
	}
	parsed, err := attest.Parse(evidence.Entry{Seq: at.Position, Type: evidence.EntryAttestation, Body: canonical})
	if err != nil {
		return 0, fail(bodyName, "content", "an attestation", err.Error())
	}
	cp, err := a.keys.Open(parsed.Note)
	if err != nil {
		return 0, fail(bodyName, "checkpoint", "a note signed by "+a.report.Key, err.Error())
	}
	note, noteName, _ := file("note")
	if want := attestedNote(parsed); !bytes.Equal(note, want) {
		return 0, fail(noteName, "content", "the note that was attested", clip(string(note)))
	}
	if err := a.sameAttested(n, at, parsed); err != nil {
		return 0, err
	}
	proof, proofName, ok := file("proof")
	if !ok {
		return 0, fail(proofName, "", "a proof", "none")
	}
	if err := a.continues(cp, proof); err != nil {
		return 0, fail(proofName, "content", fmt.Sprintf("the proof that %d entries continue %d", a.checkpoint.Size, cp.Size), err.Error())
	}
	token, tokenName, has := file("tsr")
	if has != (parsed.Kind == attest.KindTimestamp) || has && !bytes.Equal(token, parsed.Timestamp.Token) {
		return 0, fail(tokenName, "content", "the token of a time-stamp, and of nothing else", fmt.Sprintf("%d bytes", len(token)))
	}
	if has {
		return 4, nil
	}
	return 3, nil
}

// attestedNote is the note as the bundle shows it.
func attestedNote(at attest.Attestation) []byte {
	if at.Cosignature == nil {
		return at.Note
	}
	return append(bytes.Clone(at.Note), at.Cosignature.Line+"\n"...)
}

// sameAttested verifies what was said, and compares it with the manifest.
func (a *archive) sameAttested(n int, at bundle.Attested, parsed attest.Attestation) error {
	place := fmt.Sprintf("trust, attestation %d", n)
	o := parsed.Verify(attest.Trust{Log: a.key})
	if !o.Holds {
		return fail(bundle.AttestationFile(n, "json"), "content", "an attestation that holds", o.Err.Error())
	}
	want := AttestedOf(parsed)
	want.N = n
	if at != want {
		return fail(bundle.ManifestFile, place, fmt.Sprint(want), fmt.Sprint(at))
	}
	words := fmt.Sprintf("%s by %s of the first %d of %d entries", at.Kind, clip(at.By), at.Size, a.checkpoint.Size)
	if at.Time != "" {
		words += ", at " + at.Time
	}
	if o.Unchecked != "" {
		words += " (" + o.Unchecked + ")"
	}
	a.report.Attested = append(a.report.Attested, words)
	return nil
}

// AttestedOf says in a manifest what an attestation of the ledger is.
func AttestedOf(at attest.Attestation) bundle.Attested {
	out := bundle.Attested{Kind: string(at.Kind), Size: at.Checkpoint.Size, Root: at.Checkpoint.Root.String(), Position: at.Seq}
	o := at.Verify(attest.Trust{})
	out.By = o.Who
	if !o.Time.IsZero() {
		out.Time = o.Time.UTC().Format(time.RFC3339)
	}
	return out
}

// BundleOf brings an attestation of the ledger into the form of a bundle.
func BundleOf(at attest.Attestation) (bundle.Attestation, error) {
	body, err := at.Body()
	if err != nil {
		return bundle.Attestation{}, err
	}
	out := bundle.Attestation{Attested: AttestedOf(at), Body: body, Note: attestedNote(at)}
	if at.Timestamp != nil {
		out.Token = at.Timestamp.Token
	}
	return out, nil
}

// continues checks a proof from an earlier checkpoint to the bundle's.
func (a *archive) continues(old ledger.Checkpoint, text []byte) error {
	if old.Size > a.checkpoint.Size {
		return fmt.Errorf("a checkpoint of %d entries", old.Size)
	}
	proof, err := parseProof(text)
	if err != nil {
		return err
	}
	switch old.Size {
	case 0, a.checkpoint.Size:
		if len(proof) > 0 {
			return fmt.Errorf("%d hashes where none is needed", len(proof))
		}
		if old.Size == a.checkpoint.Size && old.Root != a.checkpoint.Root {
			return fmt.Errorf("root %s", old.Root)
		}
		return nil
	}
	return tlog.CheckTree(proof, a.checkpoint.Size, a.checkpoint.Root, old.Size, old.Root)
}

// parseProof reads lines of hashes.
func parseProof(text []byte) (tlog.TreeProof, error) {
	var out tlog.TreeProof
	for line := range strings.Lines(string(text)) {
		h, err := hex.DecodeString(strings.TrimSuffix(line, "\n"))
		if err != nil || len(h) != tlog.HashSize || hex.EncodeToString(h)+"\n" != line || len(out) == 128 {
			return nil, fmt.Errorf("line %d is no hash", len(out)+1)
		}
		out = append(out, tlog.Hash(h))
	}
	return out, nil
}

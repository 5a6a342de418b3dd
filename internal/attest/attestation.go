package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Kind is what sort of statement an attestation is.
type Kind string

// Kinds of attestations. New ones may be added; a meaning never changes.
const (
	KindTimestamp   Kind = "rfc3161"     // an authority: these bytes existed at that time
	KindCosignature Kind = "cosignature" // a witness: this continues what I saw before
	KindPublication Kind = "publication" // the checkpoint is where others can see it
)

// Errors of attestations.
var (
	// ErrMalformed: the bytes are no attestation, token or cosignature.
	ErrMalformed = errors.New("malformed attestation")
	// ErrNotVerified: it is one, and it does not hold.
	ErrNotVerified = errors.New("attestation does not hold")
	// ErrPeer: the authority, witness or place did not do what it was asked.
	// Trying again later may help.
	ErrPeer = errors.New("no usable answer")
)

// Attestation is what somebody else said about one checkpoint, as the ledger
// keeps it. Exactly one of Timestamp, Cosignature and Publication is set.
type Attestation struct {
	Seq int64     // position of the entry in the ledger
	At  time.Time // when it was recorded, by the agent's clock

	Kind       Kind
	Note       []byte            // the signed checkpoint that it is about
	Checkpoint ledger.Checkpoint // what the note says; its signature is for the reader to check

	Timestamp   *Timestamp
	Cosignature *Cosignature
	Publication *Publication
}

// Timestamp is a recorded RFC 3161 time stamp.
type Timestamp struct {
	URL   string    `json:"url"`            // of the authority that was asked
	Token []byte    `json:"token"`          // the TimeStampToken, DER
	Time  time.Time `json:"time"`           // what the token says, to read without parsing it
	Root  string    `json:"root,omitempty"` // SHA-256 of the root certificate that the chain led to when it was recorded; empty: chain not checked
}

// Cosignature is a recorded cosignature of a witness.
type Cosignature struct {
	URL  string    `json:"url"`  // submission prefix of the witness
	Key  string    `json:"key"`  // the witness's verifier key, as configured
	Line string    `json:"line"` // the signature line of the note, without newline
	Time time.Time `json:"time"` // what the cosignature says
}

// Publication is a recorded publication.
type Publication struct {
	To string `json:"to"` // git or webhook
	// Where is the repository or the URL, without credentials and parameters.
	Where    string `json:"where"`
	Branch   string `json:"branch,omitempty"`  // git
	Path     string `json:"path,omitempty"`    // git: of this checkpoint in that commit
	Commit   string `json:"commit,omitempty"`  // git
	Status   int    `json:"status,omitempty"`  // webhook: HTTP status of the answer
	Signed   bool   `json:"signed,omitempty"`  // webhook: the request carried an HMAC
	Answer   string `json:"answer,omitempty"`  // webhook: the answer's body, if it is short text
	Digest   string `json:"digest,omitempty"`  // webhook: SHA-256 of the answer's body
	Previous int64  `json:"previous"`          // size of the checkpoint that was there before; 0: none
	Restart  bool   `json:"restart,omitempty"` // what was published there earlier was gone

	// Ahead is the size of a larger checkpoint of this ledger that is there
	// already; then nothing was published, and nothing is to be recorded.
	Ahead int64 `json:"-"`
}

// Places of publication.
const (
	ToGit     = "git"
	ToWebhook = "webhook"
)

// body is the ledger's form of an attestation.
type body struct {
	Kind        Kind         `json:"kind"`
	Checkpoint  string       `json:"checkpoint"`
	Timestamp   *Timestamp   `json:"timestamp,omitempty"`
	Cosignature *Cosignature `json:"cosignature,omitempty"`
	Publication *Publication `json:"publication,omitempty"`
}

// Body gives the body of a ledger entry of type attestation.
func (a Attestation) Body() (json.RawMessage, error) {
	b := body{Kind: a.Kind, Checkpoint: string(a.Note), Timestamp: a.Timestamp, Cosignature: a.Cosignature, Publication: a.Publication}
	if _, err := b.open(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return evidence.CanonicalObject(raw)
}

// open reads what the ledger keeps. It checks the form, no signature.
func (b body) open() (Attestation, error) {
	a := Attestation{Kind: b.Kind, Note: []byte(b.Checkpoint), Timestamp: b.Timestamp, Cosignature: b.Cosignature, Publication: b.Publication}
	cp, err := ledger.UnverifiedCheckpoint(a.Note)
	if err != nil {
		return Attestation{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	a.Checkpoint = cp
	set := map[Kind]bool{KindTimestamp: b.Timestamp != nil, KindCosignature: b.Cosignature != nil, KindPublication: b.Publication != nil}
	if !set[b.Kind] {
		return Attestation{}, fmt.Errorf("%w: kind %.40q does not say what it should", ErrMalformed, b.Kind)
	}
	for kind, is := range set {
		if is && kind != b.Kind {
			return Attestation{}, fmt.Errorf("%w: kind %.40q carries a %s too", ErrMalformed, b.Kind, kind)
		}
	}
	return a, nil
}

// Parse reads a ledger entry of type attestation, strictly: what it returns has
// the same body.
func Parse(e evidence.Entry) (Attestation, error) {
	if e.Type != evidence.EntryAttestation {
		return Attestation{}, fmt.Errorf("entry %d: %w: type %s", e.Seq, ErrMalformed, e.Type)
	}
	var b body
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Attestation{}, fmt.Errorf("entry %d: %w: %w", e.Seq, ErrMalformed, err)
	}
	a, err := b.open()
	if err != nil {
		return Attestation{}, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	if again, err := a.Body(); err != nil || !bytes.Equal(again, e.Body) {
		return Attestation{}, fmt.Errorf("entry %d: %w: not in its only form", e.Seq, ErrMalformed)
	}
	a.Seq, a.At = e.Seq, e.At
	return a, nil
}

// Reader is the part of a store that attestations are read from.
type Reader interface {
	Checkpoint(ctx context.Context) ([]byte, error)
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
}

// Attestations returns, in the order of the ledger, all attestations of
// checkpoints that are at most of a size. The entries themselves may stand
// behind that size: what is said about a checkpoint follows it. Nothing is
// verified beyond the form; Attestation.Verify does that.
func Attestations(ctx context.Context, r Reader, size int64) ([]Attestation, error) {
	note, err := r.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	now, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return nil, err
	}
	var out []Attestation
	for e, err := range r.Entries(ctx, 0, now.Size, evidence.EntryAttestation) {
		if err != nil {
			return nil, err
		}
		a, err := Parse(e)
		if err != nil {
			return nil, err
		}
		if a.Checkpoint.Size <= size {
			out = append(out, a)
		}
	}
	return out, nil
}

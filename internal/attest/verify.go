package attest

import (
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Trust is what attestations are verified with. Zero fields are not checked,
// and Outcome says so.
type Trust struct {
	Log       note.Verifier   // key of the ledger: the note of each attestation has to carry its signature
	Roots     *x509.CertPool  // roots of time-stamping authorities; see Roots
	Witnesses map[string]bool // verifier keys of witnesses that are trusted; nil: the recorded key says who it is, not that anybody knows it
}

// Outcome is what verifying an attestation found.
type Outcome struct {
	Holds bool      // nothing that was checked is wrong
	Time  time.Time // what the authority or the witness says; zero for a publication
	Who   string    // authority, witness or place
	// Unchecked names, for a reader, what had to be taken on trust; empty only
	// where the statement was verified down to something that the reader trusts.
	Unchecked string
	Err       error // why it does not hold
}

// Verify checks an attestation without a network.
func (a Attestation) Verify(t Trust) Outcome {
	o, err := a.verify(t)
	o.Holds, o.Err = err == nil, err
	return o
}

func (a Attestation) verify(t Trust) (Outcome, error) {
	var o Outcome
	if t.Log != nil {
		if _, err := ledger.OpenCheckpoint(a.Note, t.Log); err != nil {
			return o, fmt.Errorf("%w: %w", ErrNotVerified, err)
		}
	}
	switch a.Kind {
	case KindTimestamp:
		info, err := VerifyTimestamp(a.Timestamp.Token, a.Note, t.Roots)
		o.Time, o.Who = info.Time, info.Authority
		if err == nil && !info.Time.Equal(a.Timestamp.Time) {
			return o, fmt.Errorf("%w: recorded with the time %s, and it says %s", ErrNotVerified, stamp(a.Timestamp.Time), stamp(info.Time))
		}
		if err == nil && !info.ChainChecked {
			o.Unchecked = "chain not checked: no root certificates were given"
		}
		return o, err
	case KindCosignature:
		c, err := VerifyCosignature(a.Note, a.Cosignature.Line, a.Cosignature.Key)
		o.Time, o.Who = c.Time, c.Name
		if err == nil && !c.Time.Equal(a.Cosignature.Time) {
			return o, fmt.Errorf("%w: recorded with the time %s, and it says %s", ErrNotVerified, stamp(a.Cosignature.Time), stamp(c.Time))
		}
		if err == nil && !t.Witnesses[a.Cosignature.Key] {
			// A key that came with the statement says who claims it, not who it is.
			o.Unchecked = "the witness's key is the recorded one; obtain it from the witness"
		}
		return o, err
	case KindPublication:
		o.Who = a.Publication.Where
		o.Unchecked = "look there: only the place itself shows what was published"
		return o, nil
	}
	return o, fmt.Errorf("%w: kind %.40q", ErrMalformed, a.Kind)
}

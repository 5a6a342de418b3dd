package service

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// AttestationRow is an attestation as it is printed. The fields are API.
type AttestationRow struct {
	Seq        int64      `json:"seq"`
	RecordedAt time.Time  `json:"recorded_at"`
	Kind       string     `json:"kind"`
	Size       int64      `json:"size"`
	Root       string     `json:"root"`
	Who        string     `json:"who"`
	Time       *time.Time `json:"time,omitempty"` // what the authority or witness says
	Holds      bool       `json:"holds"`
	Unchecked  string     `json:"unchecked"` // what had to be taken on trust
	Problem    string     `json:"problem"`
	Commit     string     `json:"commit,omitempty"`
	Status     int        `json:"status,omitempty"`
	Checkpoint string     `json:"checkpoint"`
	Token      []byte     `json:"token,omitempty"`
	Line       string     `json:"cosignature,omitempty"`
}

// NewAttestationRow is an attestation with what came of checking it.
func NewAttestationRow(at attest.Attestation, o attest.Outcome) AttestationRow {
	r := AttestationRow{Seq: at.Seq, RecordedAt: at.At, Kind: string(at.Kind), Size: at.Checkpoint.Size, Root: at.Checkpoint.Root.String(),
		Who: o.Who, Holds: o.Holds, Unchecked: o.Unchecked, Checkpoint: string(at.Note)}
	if o.Err != nil {
		r.Problem = o.Err.Error()
	}
	if !o.Time.IsZero() {
		r.Time = &o.Time
	}
	switch {
	case at.Timestamp != nil:
		r.Token = at.Timestamp.Token
	case at.Cosignature != nil:
		r.Line = at.Cosignature.Line
	case at.Publication != nil:
		r.Commit, r.Status = at.Publication.Commit, at.Publication.Status
	}
	return r
}

// AttestationRows are attestations with what came of checking each.
func AttestationRows(all []attest.Attestation, outcomes []attest.Outcome) []AttestationRow {
	rows := make([]AttestationRow, len(all))
	for i, at := range all {
		rows[i] = NewAttestationRow(at, outcomes[i])
	}
	return rows
}

// Attestations reads what others said of the checkpoints of a ledger, oldest
// first, and checks each again, without a network.
func Attestations(ctx context.Context, st interface {
	store.Reader
	store.Ledger
}, trust attest.Trust) ([]attest.Attestation, []attest.Outcome, error) {
	newest, err := st.Checkpoint(ctx)
	if err != nil {
		return nil, nil, err
	}
	now, err := ledger.OpenCheckpoint(newest, trust.Log)
	if err != nil {
		return nil, nil, err
	}
	all, err := attest.Attestations(ctx, st, now.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	log := attest.Log{Content: now, Newest: now, Hashes: st, Key: trust.Log}
	outcomes := make([]attest.Outcome, len(all))
	for i, at := range all {
		outcomes[i] = at.Verify(trust)
		if outcomes[i].Holds {
			if err := log.Continues(at.Checkpoint, "it"); err != nil {
				outcomes[i].Holds, outcomes[i].Err = false, err
			}
		}
	}
	return all, outcomes, nil
}

// TrustOf is whom a configuration trusts to attest, with the ledger's key.
func TrustOf(cfg *configfile.Config, key note.Verifier) (attest.Trust, error) {
	t := attest.Trust{Log: key, Witnesses: map[string]bool{}}
	for _, w := range cfg.Ledger.Witnesses {
		t.Witnesses[w.Key] = true
	}
	if path := cfg.Ledger.TSA.Roots; path != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			t.Roots, err = attest.ParseRoots(text)
		}
		if err != nil {
			return t, mistake("the authority publishes them; one or more certificates, PEM", "root certificates %s: %w", path, err)
		}
	}
	return t, nil
}

// AttestationsOnRecord are those of the ledger, checked with the agent's own key.
func (s *Service) AttestationsOnRecord(ctx context.Context) ([]AttestationRow, error) {
	key, err := s.verifier(ctx)
	if err != nil {
		return nil, err
	}
	trust, err := TrustOf(s.Config(), key)
	if err != nil {
		return nil, err
	}
	all, outcomes, err := Attestations(ctx, s.store, trust)
	return AttestationRows(all, outcomes), err
}

// verifier holds signatures against the signing key that is here, and those that
// the ledger handed over to.
func (s *Service) verifier(ctx context.Context) (note.Verifier, error) {
	if s.Key == nil {
		return nil, mistake("ask where the signing key is", "there is no key to hold signatures against")
	}
	trusted, err := ledger.ParseVerifier(s.Key.Public())
	if err != nil {
		return nil, err
	}
	return store.Keys(ctx, s.store, trusted)
}

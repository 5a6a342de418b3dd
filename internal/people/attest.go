package people

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Attestation is somebody's word that a system's entry in the register is
// right.
type Attestation struct {
	System  string `json:"system_id"`
	By      string `json:"attested_by"`
	At      moment `json:"attested_at"`
	Account string `json:"account,omitempty"`
	Entry   string `json:"entry_sha256,omitempty"` // of the register that was confirmed
	Note    string `json:"note,omitempty"`
}

// Attest confirms a system's entry. Its owner does that, or the deputy.
func Attest(who Person, a Attestation, owner, deputy string, now time.Time) (evidence.Record, error) {
	if err := active(who); err != nil {
		return evidence.Record{}, err
	}
	if !Same(who.ID, owner) && (deputy == "" || !Same(who.ID, deputy)) {
		return evidence.Record{}, refuse("its owner or deputy has to confirm it", "%s neither owns %s nor stands in for %s, who does", who.ID, a.System, owner)
	}
	a.By, a.Account, a.At = who.ID, who.Account, at(now)
	return record(KindAttestation, evidence.Subject{Type: "ai_system", ID: a.System},
		a.System+"|"+a.By+"|"+a.At.Format(time.RFC3339), a.At.Time, a)
}

// ParseAttestation reads an attestation from evidence of KindAttestation.
func ParseAttestation(e evidence.Evidence) (Attestation, error) {
	var a Attestation
	if err := json.Unmarshal(e.Payload, &a); err != nil {
		return a, fmt.Errorf("attestation %s: %w", e.Key, err)
	}
	return a, nil
}

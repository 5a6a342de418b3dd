package evidence

import (
	"encoding/json"
	"time"
)

// EntryType is what a ledger entry records.
type EntryType string

// Entry types. New ones may be added; a meaning never changes.
const (
	EntryRunOpened     EntryType = "run_opened"    // body: runOpened
	EntryEvidence      EntryType = "evidence"      // body: evidenceBody
	EntryGone          EntryType = "gone"          // keys that a complete run no longer found
	EntryRunClosed     EntryType = "run_closed"    // coverage, counts, gaps, status
	EntryRegister      EntryType = "register"      // a version of the register
	EntryWaiver        EntryType = "waiver"        // a version of the waivers
	EntryApplicability EntryType = "applicability" // a version of the applicability of controls
	EntryAssessment    EntryType = "assessment"    // digests of inputs and of results
	EntryExport        EntryType = "export"        // what was handed out, with its digest
	EntryErasure       EntryType = "erasure"       // a payload erased: digest, who, why
	EntryFinding       EntryType = "finding"       // what happened to findings at one instant
	EntryKey           EntryType = "key"           // the signing key was handed over to the next
	EntryAttestation   EntryType = "attestation"   // what others said of a checkpoint: time stamp, cosignature, publication
	EntryAccess        EntryType = "access"        // who saw raw payloads, made or revoked a token
)

// Entry is one line of the ledger.
type Entry struct {
	Seq  int64 // position, from 0
	Type EntryType
	At   time.Time       // when it was appended
	Body json.RawMessage // canonical JSON object
	Line []byte          // the canonical bytes that are hashed, without newline
}

// Known reports whether t is a type that this version reads and writes.
func (t EntryType) Known() bool { return knownType([]byte(t)) != "" }

// knownType gives the constant that equals b, or nothing.
func knownType(b []byte) EntryType {
	switch t := EntryType(b); t {
	case EntryEvidence:
		return EntryEvidence
	case EntryRunOpened, EntryGone, EntryRunClosed, EntryRegister, EntryWaiver, EntryApplicability,
		EntryAssessment, EntryExport, EntryErasure, EntryFinding, EntryAttestation, EntryKey, EntryAccess:
		return t
	}
	return ""
}

// Sealed reports whether entries of type t follow from what a run read, from an
// erasure or from a handover of the key, so that only a store makes them.
func (t EntryType) Sealed() bool {
	switch t {
	case EntryRunOpened, EntryEvidence, EntryGone, EntryRunClosed, EntryErasure, EntryKey:
		return true
	}
	return false
}

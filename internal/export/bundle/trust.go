package bundle

import (
	"fmt"
)

// Trust says, inside the signed manifest, how far its own signature can be
// trusted.
type Trust struct {
	Key         string     `json:"key"`    // verifier key
	Holder      string     `json:"holder"` // of the private half
	SelfSigned  bool       `json:"self_signed"`
	Shows       []string   `json:"shows"`
	DoesNotShow []string   `json:"does_not_show"`
	Attested    []Attested `json:"attested"` // never null
}

// Attested is what somebody else said about a checkpoint of the ledger.
type Attested struct {
	N        int    `json:"n"`    // of its files
	Kind     string `json:"kind"` // rfc3161 | cosignature | publication
	By       string `json:"by"`
	Size     int64  `json:"size"` // of the checkpoint
	Root     string `json:"root"`
	Time     string `json:"time"`     // that it states; empty if none
	Position int64  `json:"position"` // of its entry in the ledger
}

// FileKey is who holds a key that lies in a file beside the store.
const FileKey = "a file on the host that collects: whoever administers that host can sign with it"

// trust makes the statement for a bundle.
func (b *writer) trust() Trust {
	t := Trust{Key: b.snap.PublicKey, Holder: b.in.Holder, SelfSigned: true, Attested: b.attested}
	if t.Attested == nil {
		t.Attested = []Attested{}
	}
	if t.Holder == "" {
		t.Holder = FileKey
	}
	t.Shows, t.DoesNotShow = t.Words(b.cp.Size)
	return t
}

// Words are what the signature over a ledger of that size shows and does not
// show, given what others attested.
func (t *Trust) Words(size int64) (shows, doesNot []string) {
	shows = []string{
		"Nothing in this bundle was changed by anybody without the key since it was signed.",
		"Every ledger line in it lies in the ledger that the checkpoint was signed over, at its position.",
	}
	doesNot = []string{
		"Whose key it is: compare exhibit.pub with one obtained another way.",
		"That whoever holds the key did not write the ledger anew before signing: what others said about earlier checkpoints, or a checkpoint kept elsewhere, shows that.",
		"That the sources told the truth, or that all of them were read.",
	}
	bounded := int64(0)
	for _, a := range t.Attested {
		if a.Kind != "publication" {
			bounded = max(bounded, a.Size)
		}
	}
	switch {
	case bounded == 0:
		doesNot = append(doesNot, "When anything was written: no time-stamp and no witness bounds the times but the word of the key's holder.")
	case bounded < size:
		shows = append(shows, fmt.Sprintf("The first %d of %d entries were there at the times that others state, if their keys are theirs.", bounded, size))
		doesNot = append(doesNot, fmt.Sprintf("When the entries from position %d were written, but by the word of the key's holder.", bounded))
	default:
		shows = append(shows, "All entries were there at the times that others state, if their keys are theirs.")
	}
	return shows, doesNot
}

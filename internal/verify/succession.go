package verify

import (
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
)

// earlierKey finds out whether the reader's key is another of the same ledger
// than the one that sealed the bundle. Then the seal is opened with the key that
// it names, and succession decides whether the reader's leads to it: until then
// nothing of the bundle is believed.
func (a *archive) earlierKey(msg []byte) {
	if a.key == nil {
		return
	}
	claimed, err := seal.Claimed(msg)
	if err == nil && claimed.Name() == a.key.Name() && claimed.KeyHash() != a.key.KeyHash() {
		a.trusted, a.key = a.key, claimed
	}
}

// succession follows the handovers in the ledger from the reader's key to the
// one that sealed the bundle, which must be the last.
func (a *archive) succession() error {
	trusted := a.key
	if a.trusted != nil {
		trusted = a.trusted
	}
	var err error
	if a.keys, err = a.book.keys.From(trusted); err != nil {
		return fail(bundle.NoteFile, "key", "one that the ledger was handed over to from "+keyName(trusted), err.Error())
	}
	if current := a.keys.Current(); keyName(current) != keyName(a.key) {
		return fail(bundle.NoteFile, "key", "a seal by "+keyName(current)+", which signs this ledger", keyName(a.key))
	}
	if n := a.book.keys.Len(); n > 0 {
		text := fmt.Sprintf("the signing key was handed over %d times; each key signed for the next", n)
		if n == 1 {
			text = "the signing key was handed over once; the key before signed for it"
		}
		if a.trusted != nil {
			text += ": the key given is an earlier one, and leads to the one that signs now"
		}
		a.report.Notes = append(a.report.Notes, text)
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/attest"
)

// writeProofs writes each time stamp and cosignature as files that programs of
// others check, with the commands for it.
func writeProofs(g *globals, dir string, key note.Verifier, all []attest.Attestation, outcomes []attest.Outcome) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return usageError{fmt.Errorf("%s is there already", dir), "name a directory that does not exist"}
		}
		return err
	}
	var check strings.Builder
	fmt.Fprintf(&check, `What others said of the checkpoints of the ledger %s.

A checkpoint is a signed note: the ledger's name, its number of entries, the root hash over them, and the signature
of the ledger. Compare the name and the key with exhibit.pub, obtained from the organisation.

`, key.Name())
	for i, at := range all {
		base := fmt.Sprintf("%06d", at.Seq)
		files := map[string][]byte{base + ".checkpoint": at.Note}
		fmt.Fprintf(&check, "Entry %d: %s of the checkpoint of %d entries, %s\n", at.Seq, at.Kind, at.Checkpoint.Size, clean(outcomes[i].Who))
		switch {
		case at.Timestamp != nil:
			files[base+".token"] = at.Timestamp.Token
			fmt.Fprintf(&check, "  openssl ts -verify -data %[1]s.checkpoint -in %[1]s.token -token_in -CAfile ROOTS.pem\n"+
				"  openssl ts -reply -in %[1]s.token -token_in -text\n"+
				"  ROOTS.pem: the authority's root certificates, from the authority\n", base)
		case at.Cosignature != nil:
			files[base+".cosigned"] = attest.Cosign(at.Note, at.Cosignature.Line)
			fmt.Fprintf(&check, "  %s.cosigned is a C2SP signed note; its last line is the cosignature/v1 of\n  %s\n"+
				"  Compare that key with the one that the witness publishes.\n", base, clean(at.Cosignature.Key))
		case at.Publication != nil && at.Publication.To == attest.ToGit:
			fmt.Fprintf(&check, "  git show %s:%s   in %s\n  has to print %s.checkpoint\n",
				clean(at.Publication.Commit), clean(at.Publication.Path), clean(at.Publication.Where), base)
		default:
			fmt.Fprintf(&check, "  ask whoever runs it for what they received; it has to be %s.checkpoint\n", base)
		}
		check.WriteString("\n")
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "CHECK.txt"), []byte(check.String()), 0o644); err != nil {
		return err
	}
	g.note("Wrote %d attestations to %s; CHECK.txt there says how to check them.", len(all), dir)
	return nil
}

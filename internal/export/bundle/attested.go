package bundle

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// AttestationFile is the path of a file of attestation number n: json, note,
// proof or tsr.
func AttestationFile(n int, ext string) string {
	return fmt.Sprintf("%s%04d.%s", AttestationDir, n, ext)
}

// maxAttestations is how many a bundle can number.
const maxAttestations = 10000

// attestations writes what others said about checkpoints of the ledger, with
// the proof that this bundle's checkpoint continues each of them.
func (b *writer) attestations(context.Context) error {
	if len(b.in.Attestations) > maxAttestations {
		return fmt.Errorf("%d attestations, at most %d fit", len(b.in.Attestations), maxAttestations)
	}
	for n, a := range b.in.Attestations {
		a.N = n
		if a.Size > b.cp.Size || a.Size < 0 {
			return fmt.Errorf("attestation %d is of %d entries, the checkpoint has %d", n, a.Size, b.cp.Size)
		}
		proof, err := b.consistency(a.Size)
		if err != nil {
			return fmt.Errorf("attestation %d: %w", n, err)
		}
		files := []struct {
			ext     string
			content []byte
		}{{"json", append(bytes.Clone(a.Body), '\n')}, {"note", a.Note}, {"proof", proof}, {"tsr", a.Token}}
		for _, f := range files {
			if f.ext == "tsr" && f.content == nil {
				continue
			}
			if err := b.listed(b.zip.AddBytes(AttestationFile(n, f.ext), f.content, zipform.Fast)); err != nil {
				return err
			}
			b.head.Counts.Attestations++
		}
		b.attested = append(b.attested, a.Attested)
	}
	return nil
}

// consistency is the proof from a size to the checkpoint's, one hash a line.
func (b *writer) consistency(size int64) ([]byte, error) {
	if size == 0 || size == b.cp.Size {
		return nil, nil
	}
	proof, err := tlog.ProveTree(b.cp.Size, size, b.snap.Ledger)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, h := range proof {
		fmt.Fprintln(&out, hex.EncodeToString(h[:]))
	}
	return out.Bytes(), nil
}

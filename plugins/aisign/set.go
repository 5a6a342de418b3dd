package aisign

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed signatures/*.yaml
var files embed.FS

// Set is all signatures, ready to be asked.
type Set struct {
	signatures []*Signature
	digest     string
}

// Load reads the signatures that are embedded. It fails only if the data is
// wrong, which the tests of this package exclude.
func Load() (*Set, error) {
	names, err := fs.Glob(files, "signatures/*.yaml")
	if err != nil {
		return nil, err
	}
	s := &Set{}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var f struct {
			Signatures []*Signature `yaml:"signatures"`
		}
		if err := yaml.Unmarshal(b, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		s.signatures = append(s.signatures, f.Signatures...)
	}
	slices.SortFunc(s.signatures, func(a, b *Signature) int { return strings.Compare(a.ID, b.ID) })
	return s, nil
}

// All returns the signatures by id. The caller does not change them.
func (s *Set) All() []*Signature { return s.signatures }

// Digest is the SHA-256 of the data, in hex: two sets with the same digest
// answer alike.
func (s *Set) Digest() string { return s.digest }

package aisign

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed signatures/*.yaml
var files embed.FS

// file is one file of data.
type file struct {
	Signatures []*Signature `yaml:"signatures"`
	Vendors    []vendor     `yaml:"vendors"`
}

// Load reads the signatures that are embedded. It fails only if the data is
// wrong, which the tests of this package exclude.
func Load() (*Set, error) { return load(files) }

// load reads signatures/*.yaml of a file system. Names of fields that are not
// known are refused, and so is data that cannot be right.
func load(from fs.FS) (*Set, error) {
	names, err := fs.Glob(from, "signatures/*.yaml")
	if err != nil {
		return nil, err
	}
	s, sum, vendors := &Set{}, sha256.New(), []vendor(nil)
	for _, name := range names {
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		f, err := decode(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		fmt.Fprintf(sum, "%s %d\n", path.Base(name), len(b))
		sum.Write(b)
		s.signatures = append(s.signatures, f.Signatures...)
		vendors = append(vendors, f.Vendors...)
	}
	slices.SortFunc(s.signatures, func(a, b *Signature) int { return strings.Compare(a.ID, b.ID) })
	s.digest = hex.EncodeToString(sum.Sum(nil))
	if err := errors.Join(check(s.signatures), checkVendors(s.signatures, vendors)); err != nil {
		return nil, err
	}
	s.build()
	s.buildVendors(vendors)
	return s, nil
}

func decode(b []byte) (*file, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	f := &file{}
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if err := d.Decode(&file{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return f, nil
}

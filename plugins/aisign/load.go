package aisign

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// file is one file of data.
type file struct {
	Signatures []*Signature `yaml:"signatures"`
	Vendors    []vendor     `yaml:"vendors"`
}

// data is what all files hold.
type data struct {
	Digest     string
	Signatures []*Signature // by id
	Vendors    []vendor
}

// Load makes a set of the signatures that are compiled in. It fails only if
// they are damaged, which the tests of this package exclude.
func Load() (*Set, error) {
	d := &data{}
	if err := unpack(compiled, d); err != nil {
		return nil, err
	}
	return newSet(d), nil
}

// load makes a set of signatures/*.yaml of a file system, and refuses data that
// cannot be right.
func load(from fs.FS) (*Set, error) {
	d, err := read(from)
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return newSet(d), nil
}

// read reads signatures/*.yaml of a file system. Names of fields that are not
// known are refused.
func read(from fs.FS) (*data, error) {
	names, err := fs.Glob(from, "signatures/*.yaml")
	if err != nil {
		return nil, err
	}
	d, sum := &data{}, sha256.New()
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
		d.Signatures = append(d.Signatures, f.Signatures...)
		d.Vendors = append(d.Vendors, f.Vendors...)
	}
	slices.SortFunc(d.Signatures, func(a, b *Signature) int { return strings.Compare(a.ID, b.ID) })
	d.Digest = hex.EncodeToString(sum.Sum(nil))
	return d, nil
}

// check refuses data that cannot be right.
func (d *data) check() error {
	return errors.Join(check(d.Signatures), checkVendors(d.Signatures, d.Vendors))
}

func newSet(d *data) *Set {
	s := &Set{signatures: d.Signatures, digest: d.Digest}
	s.build()
	s.vendors = sync.OnceValue(func() map[string][]*Signature { return s.vendorsOf(d.Vendors) })
	return s
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

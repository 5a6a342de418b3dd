package soa

import (
	"errors"
	"fmt"
	"io"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// ErrNone means that no statement of applicability is on record as of the
// snapshot: there is nothing to sign. Propose one, and have it approved.
var ErrNone = errors.New("no statement of applicability is on record")

// Write writes the statement of s as a Word document.
func Write(w io.Writer, s *export.Snapshot) error {
	if s.SoA == nil {
		return ErrNone
	}
	digests, err := s.Digests()
	if err != nil {
		return err
	}
	d := document{snap: s, soa: s.SoA, id: digests.Snapshot.String()}
	d.write()
	title := "Statement of applicability"
	if s.Organisation != "" {
		title += ", " + cell.Show(s.Organisation)
	}
	title += ", version " + cell.Show(s.SoA.Version)
	zw := zipform.NewWriter(w, "")
	for _, part := range [][2]string{
		{"[Content_Types].xml", contentTypes},
		{"_rels/.rels", packageRels},
		{"docProps/core.xml", properties(title, s.AsOf)},
		{"word/_rels/document.xml.rels", documentRels},
		{"word/styles.xml", styles()},
		{"word/settings.xml", settings},
		{"word/footer1.xml", footer(title+d.draft(), d.id)},
		{"word/document.xml", d.xml()},
	} {
		if _, err := zw.AddBytes(part[0], []byte(part[1]), zipform.Normal); err != nil {
			return errors.Join(fmt.Errorf("statement of applicability: %w", err), zw.Close())
		}
	}
	if err := zw.Close(); err != nil {
		return fmt.Errorf("statement of applicability: %w", err)
	}
	return nil
}

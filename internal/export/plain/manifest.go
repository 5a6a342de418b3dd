package plain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// ManifestFile and CheckpointFile lie beside the sheets.
const (
	ManifestFile   = "manifest.json"
	CheckpointFile = "checkpoint.txt"
)

// FormatName says what a manifest is.
const FormatName = "exhibit sheets v1"

// Manifest says what was written, and what it is of.
type Manifest struct {
	Format       string            `json:"format"`
	Rows         Format            `json:"rows"`
	Encoding     string            `json:"encoding"`
	Organisation string            `json:"organisation,omitempty"`
	AsOf         string            `json:"as_of"`
	Period       string            `json:"period"`
	GeneratedBy  string            `json:"generated_by"`
	Tool         string            `json:"tool"`
	Snapshot     evidence.Digest   `json:"snapshot"`
	Assessment   evidence.Digest   `json:"assessment"`
	Catalog      assess.CatalogRef `json:"catalog"`
	Ledger       Ref               `json:"ledger"`
	Assessed     Ref               `json:"assessed"`
	Key          string            `json:"key"`
	Redaction    string            `json:"redaction,omitempty"`
	Files        []File            `json:"files"`
}

// Ref is a state of the ledger.
type Ref struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
}

// File is one file of the export.
type File struct {
	Name    string   `json:"name"`
	Sheet   string   `json:"sheet,omitempty"`
	About   string   `json:"about,omitempty"`
	Rows    int      `json:"rows"`
	Bytes   uint64   `json:"bytes"`
	SHA256  string   `json:"sha256"`
	Columns []Column `json:"columns,omitempty"`
}

// Column is a column of a sheet and its name in JSON lines.
type Column struct {
	Title string `json:"title"`
	Field string `json:"field"`
}

// manifest writes the checkpoint and the manifest.
func (w *writer) manifest(shown []sheets.Sheet) (Summary, error) {
	snap, a := w.book.Snapshot(), w.book.Snapshot().Assessment
	sum, err := w.sink.Add(CheckpointFile, func(out io.Writer) error {
		_, err := out.Write(snap.Checkpoint)
		return err
	})
	if err != nil {
		return Summary{}, err
	}
	m := Manifest{Format: FormatName, Rows: w.format, Encoding: w.encoding(), Organisation: snap.Organisation, AsOf: export.Time(snap.AsOf),
		Period: snap.PeriodText(), GeneratedBy: snap.GeneratedBy, Tool: strings.TrimSpace("exhibit " + snap.ToolVersion),
		Snapshot: w.book.Digests.Snapshot, Assessment: w.book.Digests.Assessment, Catalog: a.Catalog,
		Ledger:   Ref{w.book.Ledger.Origin, w.book.Ledger.Size, w.book.Ledger.Root.String()},
		Assessed: Ref{w.book.Ledger.Origin, a.Checkpoint.Size, a.Checkpoint.Root},
		Key:      snap.PublicKey}
	if snap.Redaction != nil {
		m.Redaction = snap.Redaction.Profile
	}
	for _, s := range shown {
		if f, ok := w.files[s.Name]; ok {
			m.Files = append(m.Files, f)
		}
	}
	m.Files = append(m.Files, File{Name: CheckpointFile, About: "The signed state of the ledger that the snapshot was made from.",
		Bytes: sum.Bytes, SHA256: hexOf(sum)})
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Summary{}, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	out := Summary{Files: m.Files}
	if out.Manifest, err = w.sink.Add(ManifestFile, func(to io.Writer) error {
		_, err := to.Write(append(text, '\n'))
		return err
	}); err != nil {
		return Summary{}, err
	}
	out.Bytes = out.Manifest.Bytes
	for _, f := range m.Files {
		out.Bytes += f.Bytes
	}
	return out, nil
}

func (w *writer) encoding() string {
	if w.format == CSV {
		return "UTF-8 with byte order mark"
	}
	return "UTF-8"
}

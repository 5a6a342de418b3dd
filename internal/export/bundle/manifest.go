package bundle

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// Format names the format and its version in a manifest.
const Format = "exhibit bundle v2"

// Scopes of a bundle.
const (
	Whole = "whole" // every ledger line that was assessed, every payload
	Used  = "used"  // only what results rest on
)

// Names of the files of a bundle and of its folders, in their order.
const (
	FormatFile     = "FORMAT.md"
	ReadmeFile     = "README.txt"
	AssessmentFile = "assessment.json"
	AttestationDir = "attestations/"
	CheckpointFile = "checkpoint.note"
	EvidenceDir    = "evidence/"
	KeyFile        = "exhibit.pub"
	WorkbookFile   = "exhibit.xlsx"
	CoverFile      = "ledger/cover.txt"
	EntriesFile    = "ledger/entries.jsonl"
	RedactedFile   = "redacted.jsonl"
	RequestFile    = "request.json"
	RulesDir       = "rules/"
	RunsDir        = "runs/"
	SumsFile       = "sums.sha256"
	ManifestFile   = "manifest.json"
	NoteFile       = "manifest.note"
)

// Head is a manifest but for its list of files.
type Head struct {
	Format       string            `json:"format"`
	Scope        string            `json:"scope"`
	Organisation string            `json:"organisation"`
	AsOf         string            `json:"as_of"`
	Period       string            `json:"period"`
	GeneratedBy  string            `json:"generated_by"`
	Tool         string            `json:"tool"`
	Snapshot     evidence.Digest   `json:"snapshot"`
	Assessment   evidence.Digest   `json:"assessment"`
	Unredacted   evidence.Digest   `json:"assessment_unredacted"` // before anything in it was withheld
	Workbook     evidence.Digest   `json:"workbook"`
	Catalog      assess.CatalogRef `json:"catalog"`
	Ledger       Ref               `json:"ledger"`   // the signed checkpoint
	Assessed     Ref               `json:"assessed"` // the part of it that was assessed
	Counts       Counts            `json:"counts"`
	Erased       []evidence.Digest `json:"erased"` // payloads that were erased; never null
	Redaction    Redaction         `json:"redaction"`
	Trust        Trust             `json:"trust"`
}

// Ref is a state of the ledger.
type Ref struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
}

// Checkpoint is the ledger's state as seals state it: size and root.
func (h Head) Checkpoint() string { return fmt.Sprintf("%d %s", h.Ledger.Size, h.Ledger.Root) }

// Counts is how much a bundle holds.
type Counts struct {
	Controls     int   `json:"controls"`
	Results      int   `json:"results"`
	Evidence     int   `json:"evidence"` // evidence lines
	Used         int   `json:"used"`     // rows of the workbook's Evidence sheets
	Payloads     int   `json:"payloads"`
	Entries      int64 `json:"entries"`
	Runs         int   `json:"runs"`
	Rules        int   `json:"rules"`
	Attestations int   `json:"attestations"` // files
	Redacted     int   `json:"redacted"`
}

// Redaction is by what payloads are hidden, and how many texts were withheld.
type Redaction struct {
	redact.Profile
	Withheld int `json:"withheld"`
}

// Redacted is a line of redacted.jsonl.
type Redacted struct {
	Evidence int             `json:"evidence"`
	Kinds    []string        `json:"kinds"`
	Payload  evidence.Digest `json:"payload"`
	Why      string          `json:"why"`
}

// File is an entry of the bundle as the manifest lists it.
type File struct {
	Path         string `json:"path"`
	SHA256       string `json:"sha256"`
	Size         uint64 `json:"size"`
	PackedSHA256 string `json:"packed_sha256"`
	PackedSize   uint64 `json:"packed_size"`
}

func fileOf(p zipform.Part) File {
	return File{Path: p.Name, SHA256: hex.EncodeToString(p.Sum[:]), Size: p.Size,
		PackedSHA256: hex.EncodeToString(p.PackedSum[:]), PackedSize: p.Packed}
}

// Part is f as a seal would list it.
func (f File) Part() seal.Part {
	return seal.Part{Name: f.Path, Sum: f.SHA256, Packed: f.PackedSHA256, Size: f.Size, PackedSize: f.PackedSize}
}

// writeManifest writes head and then files, one a line.
func writeManifest(w io.Writer, head Head, files iter.Seq2[File, error]) error {
	b, err := json.MarshalIndent(head, "", " ")
	if err != nil {
		return err
	}
	bw := bufio.NewWriter(w)                            // keeps its first error until Flush
	fmt.Fprintf(bw, "%s,\n \"files\": [", b[:len(b)-2]) // without the closing brace
	sep := "\n  "
	for f, err := range files {
		if err != nil {
			return err
		}
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(bw, "%s%s", sep, line)
		sep = ",\n  "
	}
	fmt.Fprint(bw, "\n ]\n}\n")
	return bw.Flush()
}

// ManifestReader reads a manifest whose list may be long.
type ManifestReader struct {
	Head Head
	dec  *json.Decoder
}

// errManifest: the bytes are no manifest of this version.
var errManifest = errors.New("not a manifest of the form " + Format)

// ReadManifest reads everything before the list of files.
func ReadManifest(r io.Reader) (*ManifestReader, error) {
	m := &ManifestReader{dec: json.NewDecoder(r)}
	fields := make(map[string]json.RawMessage)
	if t, err := m.dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errManifest
	}
	for {
		t, err := m.dec.Token()
		name, ok := t.(string)
		if err != nil || !ok || fields[name] != nil {
			return nil, errManifest
		}
		if name == "files" {
			break
		}
		var raw json.RawMessage
		if err := m.dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("%w: %w", errManifest, err)
		}
		fields[name] = raw
	}
	all, err := json.Marshal(fields) // each once: that was seen above
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errManifest, err)
	}
	if err := strict(all, &m.Head); err != nil {
		return nil, fmt.Errorf("%w: %w", errManifest, err)
	}
	if m.Head.Format != Format {
		return nil, fmt.Errorf("%w: format %.60q", errManifest, m.Head.Format)
	}
	if t, err := m.dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errManifest
	}
	return m, nil
}

// Files yields the list, once.
func (m *ManifestReader) Files() iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for m.dec.More() {
			var f File
			var raw json.RawMessage
			err := m.dec.Decode(&raw)
			if err == nil {
				err = strict(raw, &f)
			}
			if err != nil {
				yield(f, fmt.Errorf("%w: %w", errManifest, err))
				return
			}
			if !yield(f, nil) {
				return
			}
		}
		for _, want := range []json.Delim{']', '}'} {
			if t, err := m.dec.Token(); err != nil || t != want {
				yield(File{}, errManifest)
				return
			}
		}
		if _, err := m.dec.Token(); err != io.EOF {
			yield(File{}, errManifest)
		}
	}
}

// strict decodes an object that has exactly the members of what it is decoded
// to, each once and in its own letters: what another reader of JSON sees in it
// is the same.
func strict(b []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return err
	}
	again, err := json.Marshal(to)
	if err != nil {
		return err
	}
	if bytes.Equal(b, again) {
		return nil
	}
	want, err := sorted(again)
	if err != nil {
		return err
	}
	got, err := sorted(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		return errors.New("members are missing, double, or called otherwise")
	}
	return nil
}

// sorted writes JSON anew with members in one order. One that comes twice comes
// twice again.
func sorted(b []byte) ([]byte, error) {
	v := json.RawMessage(bytes.TrimSpace(b))
	switch {
	case len(v) > 0 && v[0] == '{':
		return sortedObject(v)
	case len(v) > 0 && v[0] == '[':
		return sortedList(v)
	}
	var scalar any
	dec := json.NewDecoder(bytes.NewReader(v))
	dec.UseNumber()
	if err := dec.Decode(&scalar); err != nil {
		return nil, err
	}
	return json.Marshal(scalar)
}

func sortedObject(b []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var members []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		value, err := sorted(raw)
		if err != nil {
			return nil, err
		}
		members = append(members, fmt.Sprintf("%q:%s", name, value))
	}
	slices.Sort(members)
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

func sortedList(b []byte) ([]byte, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	for i, raw := range list {
		value, err := sorted(raw)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return json.Marshal(list)
}

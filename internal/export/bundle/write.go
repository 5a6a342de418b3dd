package bundle

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

//go:embed FORMAT.md
var formatText []byte

//go:embed README.txt
var readmeText []byte

// Guide is the text for whoever checks a bundle in the file of that name; nil if the
// file is another.
func Guide(name string) []byte {
	switch name {
	case FormatFile:
		return formatText
	case ReadmeFile:
		return readmeText
	}
	return nil
}

// Options are what goes in beside the snapshot, and where to work: TempDir
// changes no byte of the bundle.
type Options struct {
	Input
	TempDir string // for large files while writing; empty means the system's
}

// Summary is what a bundle holds, for the caller to show and to record.
type Summary struct {
	Counts   Counts
	Workbook evidence.Digest
	Manifest evidence.Digest
	Snapshot evidence.Digest
}

// writer is a bundle being written.
type writer struct {
	snap    *export.Snapshot
	in      Input
	signer  note.Signer
	tempDir string
	zip     *zipform.Writer
	cp      ledger.Checkpoint
	head    Head
	files   *spool // the list of files so far, a JSON value a line

	have     *positions
	payloads []evidence.Digest // of the evidence lines, ascending, each once, but for the hidden ones
	hidden   map[evidence.Digest]*Redacted
	runs     *runBook
	attested []Attested
}

// Write writes the bundle of snap to w, sealed by signer, whose public half is
// snap.PublicKey.
func Write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options) (sum Summary, err error) {
	b := &writer{snap: snap, in: opt.Input, signer: signer, tempDir: opt.TempDir, zip: zipform.NewWriter(w, opt.TempDir)}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(); err != nil {
		return Summary{}, err
	}
	for _, step := range []func(context.Context) error{
		b.mark, b.survey, b.texts, b.attestations, b.evidence, b.workbook, b.ledger, b.lists, b.manifests,
	} {
		if err := step(ctx); err != nil {
			return Summary{}, fmt.Errorf("bundle: %w", err)
		}
	}
	manifest, err := b.manifest()
	if err != nil {
		return Summary{}, fmt.Errorf("bundle: %w", err)
	}
	return Summary{Counts: b.head.Counts, Workbook: b.head.Workbook, Manifest: evidence.Digest(manifest.Sum), Snapshot: b.head.Snapshot}, b.zip.Close()
}

func (b *writer) start() (err error) {
	if err := b.in.check(); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if b.cp, err = b.snap.Validate(); err != nil {
		return err
	}
	d, err := b.snap.Digests()
	if err != nil {
		return err
	}
	a := b.snap.Assessment
	b.head = Head{Format: Format, Scope: b.in.Scope, Organisation: b.snap.Organisation, AsOf: export.Time(b.snap.AsOf), Period: b.snap.PeriodText(),
		GeneratedBy: b.snap.GeneratedBy, Tool: "exhibit " + b.snap.ToolVersion, Snapshot: d.Snapshot, Assessment: d.Assessment,
		Unredacted: b.in.Unredacted, Catalog: a.Catalog,
		Ledger:   Ref{b.cp.Origin, b.cp.Size, b.cp.Root.String()},
		Assessed: Ref{b.cp.Origin, a.Checkpoint.Size, a.Checkpoint.Root},
		Counts:   Counts{Controls: len(a.Controls), Results: len(a.Results)}, Erased: []evidence.Digest{},
		Redaction: Redaction{Profile: b.in.Redaction, Withheld: b.in.Withheld}}
	if b.head.Unredacted.IsZero() {
		b.head.Unredacted = d.Assessment
	}
	if b.files, err = newSpool(b.tempDir); err != nil {
		return err
	}
	b.runs, err = newRunBook(b.tempDir)
	return err
}

func (b *writer) close() error {
	err := b.zip.Close()
	for _, s := range []*spool{b.files, b.runs.spooled()} {
		err = errors.Join(err, s.close())
	}
	return err
}

// listed adds a written entry to the list.
func (b *writer) listed(p zipform.Part, err error) error {
	if err != nil {
		return err
	}
	line, err := json.Marshal(fileOf(p))
	if err != nil {
		return err
	}
	_, err = b.files.add(append(line, '\n'))
	return err
}

// list yields the list so far.
func (b *writer) list() iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		r, err := b.files.reader()
		if err != nil {
			yield(File{}, err)
			return
		}
		dec := json.NewDecoder(r)
		for {
			var f File
			err := dec.Decode(&f)
			if err == io.EOF || !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// texts writes the files that sort before the attestations.
func (b *writer) texts(context.Context) error {
	if err := b.listed(b.zip.AddBytes(FormatFile, formatText, zipform.Normal)); err != nil {
		return err
	}
	if err := b.listed(b.zip.AddBytes(ReadmeFile, readmeText, zipform.Normal)); err != nil {
		return err
	}
	return b.listed(b.zip.AddFrom(AssessmentFile, zipform.Normal, b.snap.WriteAssessment))
}

// evidence writes the checkpoint and each payload once, sorted.
func (b *writer) evidence(ctx context.Context) error {
	if err := b.listed(b.zip.AddBytes(CheckpointFile, b.snap.Checkpoint, zipform.Store)); err != nil {
		return err
	}
	read, done, err := b.payloadReader(ctx)
	if err != nil {
		return err
	}
	for i, d := range b.payloads {
		content, err := read(i)
		switch {
		case errors.Is(err, redact.ErrHidden):
			return errors.Join(fmt.Errorf("payload %s: hidden where it was read, and not by the profile %s", d, b.in.Redaction.Name), done())
		case errors.Is(err, store.ErrErased):
			b.head.Erased = append(b.head.Erased, d)
			continue
		case err != nil:
			return errors.Join(fmt.Errorf("payload %s: %w", d, err), done())
		case evidence.Sum(content) != d:
			return errors.Join(fmt.Errorf("payload %s: %w", d, store.ErrTampered), done())
		}
		if err := b.listed(b.zip.AddBytes(EvidenceDir+d.String()+".json", content, zipform.Fast)); err != nil {
			return errors.Join(err, done())
		}
		b.head.Counts.Payloads++
	}
	return done()
}

// workbook writes the key and the workbook.
func (b *writer) workbook(ctx context.Context) error {
	if err := b.listed(b.zip.AddBytes(KeyFile, []byte(b.snap.PublicKey+"\n"), zipform.Store)); err != nil {
		return err
	}
	part, err := b.zip.AddFrom(WorkbookFile, zipform.Store, func(w io.Writer) error {
		sum, err := xlsx.Write(ctx, w, b.snap, b.signer, xlsx.Options{TempDir: b.tempDir})
		b.head.Counts.Used = sum.Evidence
		if err == nil && b.in.Scope == Used && sum.Evidence != b.head.Counts.Evidence {
			err = fmt.Errorf("the ledger gave %d evidence items, then %d", b.head.Counts.Evidence, sum.Evidence)
		}
		return err
	})
	b.head.Workbook = part.Sum
	return b.listed(part, err)
}

// ledger writes the lines and the hashes of the rest.
func (b *writer) ledger(ctx context.Context) error {
	if err := b.markErasures(ctx); err != nil {
		return err
	}
	err := b.listed(b.zip.AddFrom(CoverFile, zipform.Normal, func(w io.Writer) error {
		return writeCover(w, b.have, b.head.Assessed.Size, b.snap.Ledger)
	}))
	if err != nil {
		return err
	}
	return b.listed(b.zip.AddFrom(EntriesFile, zipform.Normal, func(w io.Writer) error {
		bw := bufio.NewWriterSize(w, 1<<16)
		err := b.lines(ctx, func(e evidence.Entry) error {
			b.head.Counts.Entries++
			if _, err := bw.Write(e.Line); err != nil {
				return err
			}
			return bw.WriteByte('\n')
		})
		return errors.Join(err, bw.Flush())
	}))
}

// lines calls visit for each line of the bundle, in order.
func (b *writer) lines(ctx context.Context, visit func(evidence.Entry) error) error {
	return b.have.stretches(b.head.Assessed.Size, func(from, to int64, in bool) error {
		if !in {
			return nil
		}
		for e, err := range b.snap.Ledger.Entries(ctx, from, to) {
			if err != nil {
				return err
			}
			if e.Seq != from {
				return fmt.Errorf("the ledger gave entry %d for %d", e.Seq, from)
			}
			from++
			if err := visit(e); err != nil {
				return err
			}
		}
		if from != to {
			return fmt.Errorf("the ledger ends at entry %d: %w", from, store.ErrTampered)
		}
		return nil
	})
}

// lists writes what was redacted, what was asked for, and the rules.
func (b *writer) lists(context.Context) error {
	err := b.listed(b.zip.AddFrom(RedactedFile, zipform.Normal, func(w io.Writer) error { return b.writeRedacted(w) }))
	if err != nil {
		return err
	}
	r := b.in.Request
	r.Organisation, r.AsOf, r.Period, r.GeneratedBy, r.Tool = b.head.Organisation, b.head.AsOf, b.head.Period, b.head.GeneratedBy, b.head.Tool
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err
	}
	if err := b.listed(b.zip.AddBytes(RequestFile, buf.Bytes(), zipform.Normal)); err != nil {
		return err
	}
	for _, rule := range b.in.Rules {
		if err := b.listed(b.zip.AddBytes(RulesDir+rule.Path, rule.Text, zipform.Normal)); err != nil {
			return err
		}
		b.head.Counts.Rules++
	}
	return nil
}

// manifests writes those of the runs.
func (b *writer) manifests(context.Context) error {
	for name, content := range b.runs.sorted() {
		c, err := content()
		if err != nil {
			return err
		}
		if err := b.listed(b.zip.AddBytes(name, c, zipform.Fast)); err != nil {
			return err
		}
		b.head.Counts.Runs++
	}
	return nil
}

// manifest writes the sums, the manifest and its seal.
func (b *writer) manifest() (zipform.Part, error) {
	err := b.listed(b.zip.AddFrom(SumsFile, zipform.Normal, func(w io.Writer) error {
		bw := bufio.NewWriter(w)
		for f, err := range b.list() {
			if err != nil {
				return err
			}
			fmt.Fprintf(bw, "%s  %s\n", f.SHA256, f.Path)
		}
		return bw.Flush()
	}))
	if err != nil {
		return zipform.Part{}, err
	}
	b.head.Trust = b.trust()
	part, err := b.zip.AddFrom(ManifestFile, zipform.Normal, func(w io.Writer) error {
		return writeManifest(w, b.head, b.list())
	})
	if err != nil {
		return part, err
	}
	s := seal.Seal{Of: "bundle", Key: b.snap.PublicKey, Parts: []seal.Part{seal.FromZip(part)}, Facts: []seal.Fact{
		{Name: "as-of", Value: b.head.AsOf}, {Name: "snapshot", Value: b.head.Snapshot.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", b.cp.Size, b.cp.Root)}}}
	msg, err := s.Sign(b.signer)
	if err != nil {
		return part, err
	}
	_, err = b.zip.AddBytes(NoteFile, msg, zipform.Store)
	return part, err
}

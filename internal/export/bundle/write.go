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
	"os"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
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

// Options are how, not what: they change no byte of the bundle.
type Options struct {
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
	signer  note.Signer
	opt     Options
	zip     *zipform.Writer
	cp      ledger.Checkpoint
	head    Head
	have    *positions
	files   *os.File // the list of files so far, a JSON value a line
	listing *bufio.Writer
}

// Write writes the bundle of snap to w, sealed by signer, whose public half is
// snap.PublicKey.
func Write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options) (sum Summary, err error) {
	b := &writer{snap: snap, signer: signer, opt: opt, zip: zipform.NewWriter(w, opt.TempDir)}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(); err != nil {
		return Summary{}, err
	}
	for _, step := range []func(context.Context) error{b.texts, b.evidence, b.workbook, b.ledger} {
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
	if b.cp, err = b.snap.Validate(); err != nil {
		return err
	}
	d, err := b.snap.Digests()
	if err != nil {
		return err
	}
	a := b.snap.Assessment
	b.head = Head{Format: Format, Organisation: b.snap.Organisation, AsOf: export.Time(b.snap.AsOf), Period: b.snap.PeriodText(),
		GeneratedBy: b.snap.GeneratedBy, Tool: "exhibit " + b.snap.ToolVersion, Snapshot: d.Snapshot, Assessment: d.Assessment, Catalog: a.Catalog,
		Ledger:   Ref{b.cp.Origin, b.cp.Size, b.cp.Root.String()},
		Assessed: Ref{b.cp.Origin, a.Checkpoint.Size, a.Checkpoint.Root},
		Counts:   Counts{Controls: len(a.Controls), Results: len(a.Results)}, Erased: []evidence.Digest{}}
	if b.files, err = os.CreateTemp(b.opt.TempDir, "exhibit-bundle-*"); err != nil {
		return fmt.Errorf("bundle: temporary file: %w", err)
	}
	b.listing = bufio.NewWriter(b.files)
	return nil
}

func (b *writer) close() error {
	err := b.zip.Close()
	if b.files != nil {
		err = errors.Join(err, b.files.Close(), os.Remove(b.files.Name()))
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
	_, err = b.listing.Write(append(line, '\n'))
	return err
}

// list yields the list so far.
func (b *writer) list() iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		if err := b.listing.Flush(); err != nil {
			yield(File{}, err)
			return
		}
		dec := json.NewDecoder(io.NewSectionReader(b.files, 0, 1<<62))
		for {
			var f File
			err := dec.Decode(&f)
			if err == io.EOF || !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// texts writes the files that sort before the evidence.
func (b *writer) texts(context.Context) error {
	if err := b.listed(b.zip.AddBytes(FormatFile, formatText, zipform.Normal)); err != nil {
		return err
	}
	if err := b.listed(b.zip.AddBytes(ReadmeFile, readmeText, zipform.Normal)); err != nil {
		return err
	}
	if err := b.listed(b.zip.AddFrom(AssessmentFile, zipform.Normal, b.snap.WriteAssessment)); err != nil {
		return err
	}
	return b.listed(b.zip.AddBytes(CheckpointFile, b.snap.Checkpoint, zipform.Store))
}

// evidence marks the positions used and writes each payload once, sorted.
func (b *writer) evidence(ctx context.Context) error {
	b.have = newPositions(b.cp.Size)
	var payloads []evidence.Digest
	for ev, err := range b.snap.Ledger.Used(ctx) {
		if err != nil {
			return err
		}
		if ev.Seq >= b.head.Assessed.Size {
			return fmt.Errorf("evidence at ledger position %d is younger than the assessment at %d; assess again", ev.Seq, b.head.Assessed.Size)
		}
		if err := b.have.add(ev.Seq); err != nil {
			return err
		}
		payloads = append(payloads, ev.PayloadSum)
		b.head.Counts.Evidence++
	}
	slices.SortFunc(payloads, func(a, b evidence.Digest) int { return bytes.Compare(a[:], b[:]) })
	payloads = slices.Compact(payloads)
	for _, d := range payloads {
		content, err := b.snap.Ledger.Payload(ctx, d)
		switch {
		case errors.Is(err, store.ErrErased):
			b.head.Erased = append(b.head.Erased, d)
			continue
		case err != nil:
			return fmt.Errorf("payload %s: %w", d, err)
		case evidence.Sum(content) != d:
			return fmt.Errorf("payload %s: %w", d, store.ErrTampered)
		}
		if err := b.listed(b.zip.AddBytes(EvidenceDir+d.String()+".json", content, zipform.Fast)); err != nil {
			return err
		}
		b.head.Counts.Payloads++
	}
	return nil
}

// workbook writes the key and the workbook.
func (b *writer) workbook(ctx context.Context) error {
	if err := b.listed(b.zip.AddBytes(KeyFile, []byte(b.snap.PublicKey+"\n"), zipform.Store)); err != nil {
		return err
	}
	part, err := b.zip.AddFrom(WorkbookFile, zipform.Store, func(w io.Writer) error {
		sum, err := xlsx.Write(ctx, w, b.snap, b.signer, xlsx.Options{TempDir: b.opt.TempDir})
		if err == nil && sum.Evidence != b.head.Counts.Evidence {
			err = fmt.Errorf("the ledger gave %d evidence items, then %d", b.head.Counts.Evidence, sum.Evidence)
		}
		return err
	})
	b.head.Workbook = part.Sum
	return b.listed(part, err)
}

// ledger writes the lines used and the hashes of the rest.
func (b *writer) ledger(ctx context.Context) error {
	if err := b.markRuns(ctx); err != nil {
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
		err := b.have.stretches(b.head.Assessed.Size, func(from, to int64, in bool) error {
			if !in {
				return nil
			}
			return b.lines(ctx, bw, from, to)
		})
		return errors.Join(err, bw.Flush())
	}))
}

func (b *writer) lines(ctx context.Context, w *bufio.Writer, from, to int64) error {
	for e, err := range b.snap.Ledger.Entries(ctx, from, to) {
		if err != nil {
			return err
		}
		if e.Seq != from {
			return fmt.Errorf("the ledger gave entry %d for %d", e.Seq, from)
		}
		from++
		b.head.Counts.Entries++
		if _, err := fmt.Fprintf(w, "%s\n", e.Line); err != nil {
			return err
		}
	}
	if from != to {
		return fmt.Errorf("the ledger ends at entry %d: %w", from, store.ErrTampered)
	}
	return nil
}

// markRuns adds the entries that open and close the snapshot's runs, and those
// that erased payloads it would have used.
func (b *writer) markRuns(ctx context.Context) error {
	runs := make(map[string]bool, len(b.snap.Runs))
	for _, r := range b.snap.Runs {
		runs[r.ID] = true
	}
	erased := make(map[evidence.Digest]bool, len(b.head.Erased))
	for _, d := range b.head.Erased {
		erased[d] = true
	}
	for e, err := range b.snap.Ledger.Entries(ctx, 0, b.cp.Size, evidence.EntryRunOpened, evidence.EntryRunClosed, evidence.EntryErasure) {
		if err != nil {
			return err
		}
		used, err := uses(e, runs, erased)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if used {
			if err := b.have.add(e.Seq); err != nil {
				return err
			}
		}
	}
	return nil
}

func uses(e evidence.Entry, runs map[string]bool, erased map[evidence.Digest]bool) (bool, error) {
	switch e.Type {
	case evidence.EntryRunOpened:
		r, err := evidence.ParseRunOpened(e)
		return runs[r.ID], err
	case evidence.EntryRunClosed:
		r, err := evidence.ParseRunClosed(e)
		return runs[r.ID], err
	default:
		er, err := evidence.ParseErasure(e)
		return erased[er.Payload], err
	}
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

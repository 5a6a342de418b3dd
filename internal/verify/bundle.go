package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"regexp"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

const (
	maxNote       = 1 << 20
	maxAssessment = 2 << 30
)

// archive is a bundle being verified.
type archive struct {
	report  *Report
	key     Key
	zip     *zipform.Reader
	head    bundle.Head
	sealed  seal.Seal
	entries map[string]zipform.Entry // the entries that are read again
	seen    map[string]bool          // fixed files that were there
	sums    hash.Hash                // over what sums.sha256 must hold
	sumsLen uint64

	assessment *assess.Assessment
	checkpoint ledger.Checkpoint
	payloads   []evidence.Digest // of the files, ascending
	book       *ledgerBook
}

// Bundle verifies a bundle: that every byte is accounted for by a seal that
// holds, that every entry line lies in the signed ledger, that every evidence
// file is the one its line names, and that assessment and workbook say of the
// evidence what the ledger says. A nil key means the one that the seal names.
func Bundle(ctx context.Context, src source, key Key) (Report, error) {
	r := Report{What: WhatBundle}
	a := &archive{report: &r, key: key, entries: map[string]zipform.Entry{}, seen: map[string]bool{}, sums: sha256.New()}
	return r, r.settle("bundle", a.verify(ctx, src))
}

func fail(file, place, expected, found string) error {
	return &Failure{File: file, Place: place, Expected: expected, Found: clip(found)}
}

func (a *archive) verify(ctx context.Context, src source) error {
	var err error
	if a.zip, err = zipform.Open(src, src.Size()); err != nil {
		return err
	}
	if err := a.open(); err != nil {
		return err
	}
	if err := a.files(ctx); err != nil {
		return err
	}
	if err := a.story(); err != nil {
		return err
	}
	return a.workbook(ctx)
}

// open verifies the seal and the manifest, which are the last two entries.
func (a *archive) open() error {
	last, err := a.zip.Last(2)
	if err != nil {
		return err
	}
	if len(last) != 2 || last[0].Name != bundle.ManifestFile || last[1].Name != bundle.NoteFile || last[1].Method != zipform.Stored {
		return fail("bundle", "last entries", bundle.ManifestFile+" and "+bundle.NoteFile, "others")
	}
	msg, _, err := a.zip.Read(last[1], maxNote)
	if err != nil {
		return err
	}
	if a.sealed, a.key, err = a.report.openSeal(msg, a.key); err != nil {
		return err
	}
	if a.sealed.Of != WhatBundle || len(a.sealed.Parts) != 1 {
		return fail(bundle.NoteFile, "of", "a bundle's seal over one manifest", a.sealed.Of)
	}
	a.entries[bundle.ManifestFile] = last[0]
	it := a.zip.Open(last[0])
	m, readErr := bundle.ReadManifest(it)
	part, err := it.Finish()
	if err != nil {
		return err
	}
	if want, found := a.sealed.Parts[0].Differs(seal.FromZip(part)); want != "" {
		return fail(bundle.ManifestFile, "content", want, found)
	}
	if readErr != nil {
		return fail(bundle.ManifestFile, "content", "a manifest", readErr.Error())
	}
	a.head = m.Head
	a.report.AsOf = a.head.AsOf
	for _, f := range []seal.Fact{{Name: "as-of", Value: a.head.AsOf}, {Name: "snapshot", Value: a.head.Snapshot.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", a.head.Ledger.Size, a.head.Ledger.Root)}} {
		if got := a.sealed.Fact(f.Name); got != f.Value {
			return fail(bundle.NoteFile, f.Name, f.Value, got)
		}
	}
	return nil
}

// fixed are the files that a bundle has, in their order.
var fixed = []string{bundle.FormatFile, bundle.ReadmeFile, bundle.AssessmentFile, bundle.CheckpointFile, bundle.KeyFile, bundle.WorkbookFile,
	bundle.CoverFile, bundle.EntriesFile, bundle.SumsFile}

var evidenceName = regexp.MustCompile(`^evidence/([0-9a-f]{64})\.json$`)

// files walks the archive beside the manifest's list.
func (a *archive) files(ctx context.Context) error {
	again := a.zip.Open(a.entries[bundle.ManifestFile])
	m, err := bundle.ReadManifest(again)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(m.Files())
	defer stop()
	before, n := "", int64(0)
	for it, err := range a.zip.Items() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		f, err, ok := next()
		if err != nil {
			return fail(bundle.ManifestFile, "files", "a list of files", err.Error())
		}
		if !ok {
			if it.Name == bundle.ManifestFile || it.Name == bundle.NoteFile {
				continue
			}
			return fail(it.Name, "", "only files that the manifest lists", "one more")
		}
		if f.Path <= before {
			return fail(bundle.ManifestFile, "files", "a path after "+before, f.Path)
		}
		before = f.Path
		if it.Name != f.Path {
			return fail(it.Name, "", "the file "+clip(f.Path), "another")
		}
		if err := a.file(it, f); err != nil {
			return err
		}
		n++
	}
	if f, err, more := next(); more {
		return fail(bundle.ManifestFile, "files", "only files that are there", fmt.Sprint(f.Path, " ", err))
	}
	for _, name := range fixed {
		if !a.seen[name] {
			return fail("bundle", "", "the file "+name, "none")
		}
	}
	a.report.held("files as the signed manifest lists them", n)
	return nil
}

// file reads one entry, compares it with the manifest, and takes from it what
// the rest is compared with.
func (a *archive) file(it *zipform.Item, f bundle.File) error {
	read := a.read(it)
	part, err := it.Finish()
	if err != nil {
		return err
	}
	if want, found := f.Part().Differs(seal.FromZip(part)); want != "" {
		return fail(it.Name, "content", want, found)
	}
	if read != nil {
		return read
	}
	if it.Name == bundle.SumsFile {
		if want := hex.EncodeToString(a.sums.Sum(nil)); want != f.SHA256 || a.sumsLen != f.Size {
			return fail(it.Name, "content", "the digest of every file before it", "something else")
		}
	}
	line := f.SHA256 + "  " + f.Path + "\n"
	a.sums.Write([]byte(line))
	a.sumsLen += uint64(len(line))
	switch it.Name {
	case bundle.AssessmentFile:
		if f.SHA256 != a.head.Assessment.String() {
			return fail(it.Name, "content", "sha256 "+a.head.Assessment.String(), f.SHA256)
		}
	case bundle.WorkbookFile:
		if f.SHA256 != a.head.Workbook.String() {
			return fail(it.Name, "content", "sha256 "+a.head.Workbook.String(), f.SHA256)
		}
	}
	if name := evidenceName.FindStringSubmatch(it.Name); name != nil {
		if name[1] != f.SHA256 {
			return fail(it.Name, "content", "sha256 "+name[1], f.SHA256)
		}
		a.payloads = append(a.payloads, evidence.Digest(part.Sum))
	}
	return nil
}

// read takes what is needed from a file. Its error counts only if the file is
// the one that was sealed.
func (a *archive) read(it *zipform.Item) error {
	if !slices.Contains(fixed, it.Name) {
		if evidenceName.MatchString(it.Name) {
			return nil
		}
		return fail(it.Name, "", "a file that the format knows", "another")
	}
	a.seen[it.Name] = true
	a.entries[it.Name] = it.Entry
	switch it.Name {
	case bundle.AssessmentFile:
		a.assessment = new(assess.Assessment)
		if err := json.NewDecoder(io.LimitReader(it, maxAssessment)).Decode(a.assessment); err != nil {
			return fail(it.Name, "content", "an assessment", err.Error())
		}
		return a.assessed()
	case bundle.CheckpointFile:
		return a.readCheckpoint(it)
	case bundle.KeyFile:
		b, err := io.ReadAll(io.LimitReader(it, 4096))
		if err != nil {
			return err
		}
		if string(b) != a.sealed.Key+"\n" {
			return fail(it.Name, "content", "the key that sealed the bundle: "+a.sealed.Key, string(bytes.TrimSpace(b)))
		}
	case bundle.EntriesFile:
		a.book = newLedgerBook(a.head, a.assessment)
		cover, ok := a.entries[bundle.CoverFile]
		if !ok {
			return fail(it.Name, "", bundle.CoverFile+" before it", "none")
		}
		return a.book.read(a.zip.Open(cover), it)
	}
	return nil
}

// readCheckpoint verifies the ledger's signed note.
func (a *archive) readCheckpoint(it *zipform.Item) error {
	msg, err := io.ReadAll(io.LimitReader(it, maxNote))
	if err != nil {
		return err
	}
	if a.checkpoint, err = ledger.OpenCheckpoint(msg, a.key); err != nil {
		return fail(it.Name, "signature", "a checkpoint signed by "+a.report.Key, err.Error())
	}
	got := bundle.Ref{Origin: a.checkpoint.Origin, Size: a.checkpoint.Size, Root: a.checkpoint.Root.String()}
	if got != a.head.Ledger {
		return fail(it.Name, "size and root", fmt.Sprint(a.head.Ledger), fmt.Sprint(got))
	}
	a.report.held("signed checkpoint", 1)
	return nil
}

// assessed compares the assessment with what the manifest says of it.
func (a *archive) assessed() error {
	as := a.assessment
	file := bundle.AssessmentFile
	if got := (bundle.Ref{Origin: a.head.Ledger.Origin, Size: as.Checkpoint.Size, Root: as.Checkpoint.Root}); got != a.head.Assessed {
		return fail(file, "checkpoint", fmt.Sprint(a.head.Assessed), fmt.Sprint(got))
	}
	if as.Catalog != a.head.Catalog {
		return fail(file, "catalog", fmt.Sprint(a.head.Catalog), fmt.Sprint(as.Catalog))
	}
	if len(as.Controls) != a.head.Counts.Controls || len(as.Results) != a.head.Counts.Results {
		return fail(file, "counts", fmt.Sprintf("%d controls, %d results", a.head.Counts.Controls, a.head.Counts.Results),
			fmt.Sprintf("%d, %d", len(as.Controls), len(as.Results)))
	}
	inControls := 0
	for _, c := range as.Controls {
		inControls += len(c.Results)
	}
	if inControls > len(as.Results) {
		return fail(file, "controls", fmt.Sprintf("at most %d results", len(as.Results)), fmt.Sprint(inControls))
	}
	return nil
}

// workbook verifies the workbook inside, against the same ledger lines.
func (a *archive) workbook(ctx context.Context) error {
	section, err := a.zip.Section(a.entries[bundle.WorkbookFile])
	if err != nil {
		return err
	}
	rows := &evidenceRows{want: a.book.rows, seqs: a.book.seqs}
	w := &workbook{report: a.report, file: bundle.WorkbookFile, rows: rows}
	established := a.report.Established
	err = w.verify(ctx, section, a.key)
	a.report.Established = established // the key is the bundle's, wherever that came from
	if err != nil {
		var form *zipform.FormError
		if errors.As(err, &form) {
			return fail(bundle.WorkbookFile+": "+form.Entry, fmt.Sprintf("byte %d", form.Offset), form.Want, form.Got)
		}
		return err
	}
	if w.seal.Fact("snapshot") != a.head.Snapshot.String() || w.seal.Fact("assessment") != a.head.Assessment.String() {
		return fail(bundle.WorkbookFile, "snapshot", a.head.Snapshot.String(), w.seal.Fact("snapshot"))
	}
	a.report.held("workbook rows equal to ledger entries", int64(rows.next))
	return nil
}

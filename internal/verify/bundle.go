package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
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
	trusted Key         // that the reader has, if it is an earlier one of the same ledger
	keys    ledger.Keys // that signed the ledger, once its lines were read
	zip     *zipform.Reader
	head    bundle.Head
	sealed  seal.Seal
	entries map[string]zipform.Entry // the entries that are read again
	seen    map[string]bool          // fixed files that were there
	sums    hash.Hash                // over what sums.sha256 must hold
	sumsLen uint64

	assessment *assess.Assessment
	checkpoint ledger.Checkpoint
	payloads   []payloadRef // of the files, ascending
	book       *ledgerBook
	rules      map[string]zipform.Entry // by path below rules/
	others     *attestations
	opt        Options
	note       []byte // the signed checkpoint
	request    bundle.Request
	contents   []zipform.Entry // of the payloads, in their order, to be read again
	otherWords []string        // the texts for the reader that this program writes otherwise
}

// Options say against what a bundle is held, beside itself.
type Options struct {
	Key     Key       // nil: the one that the seal names
	Against []Earlier // states of the same ledger, from earlier
	// Recompute is what assesses anew and writes the workbook anew, to be
	// compared. nil: neither is done, and the report says so.
	Recompute *Recompute
	// With are rules of whoever verifies, run beside those of the bundle: see
	// Report.With. What is verified is the same with or without them.
	With []evaluate.RuleFile
}

// Bundle verifies a bundle: that every byte is accounted for by a seal that
// holds, that every entry line lies in the signed ledger, that every evidence
// file is the one its line names, and that assessment and workbook say of the
// evidence what the ledger says.
func Bundle(ctx context.Context, src source, opt Options) (Report, error) {
	r := Report{What: WhatBundle}
	a := &archive{report: &r, key: opt.Key, opt: opt, entries: map[string]zipform.Entry{}, seen: map[string]bool{}, sums: sha256.New(),
		rules: map[string]zipform.Entry{}, others: newAttestations()}
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
	for _, step := range []func() error{a.succession, a.attested, a.story, a.payloadSets, a.redaction} {
		if err := step(); err != nil {
			return err
		}
	}
	a.eventTimes()
	a.ownRules()
	a.ownWords()
	a.notEstablished()
	if err := a.workbook(ctx); err != nil {
		return err
	}
	if err := a.earlier(ctx); err != nil {
		return err
	}
	if err := a.recompute(ctx); err != nil {
		return err
	}
	return a.with(ctx)
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
	a.earlierKey(msg)
	if a.sealed, a.key, err = a.report.openSeal(msg, a.key); err != nil {
		return err
	}
	if a.sealed.Of != WhatBundle || len(a.sealed.Parts) != 1 {
		return fail(bundle.NoteFile, "of", "a bundle's seal over one manifest", a.sealed.Of)
	}
	a.entries[bundle.ManifestFile] = last[0]
	if want, found := sameSize(a.sealed.Parts[0], last[0]); want != "" {
		return fail(bundle.ManifestFile, "content", want, found)
	}
	it := a.zip.Open(last[0])
	m, readErr := bundle.ReadManifest(it) // bounded: zipform refuses what unpacks to absurdly much
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
	a.report.AsOf, a.report.MadeBy, a.report.Scope = a.head.AsOf, a.head.Tool, a.head.Scope
	if err := a.sane(); err != nil {
		return err
	}
	return sameFacts(bundle.NoteFile, a.sealed, []seal.Fact{{Name: "as-of", Value: a.head.AsOf}, {Name: "snapshot", Value: a.head.Snapshot.String()},
		{Name: "checkpoint", Value: a.head.Checkpoint()}})
}

// sameFacts demands that a seal states these facts and no others.
func sameFacts(file string, s seal.Seal, want []seal.Fact) error {
	for _, f := range want {
		if got := s.Fact(f.Name); got != f.Value {
			return fail(file, f.Name, f.Value, got)
		}
	}
	if len(s.Facts) != len(want) {
		return fail(file, "facts", fmt.Sprint(len(want)), fmt.Sprint(len(s.Facts)))
	}
	return nil
}

// workbookFacts is what the workbook's seal must say.
func (a *archive) workbookFacts() []seal.Fact {
	h := &a.head
	n := func(i int) string { return fmt.Sprint(i) }
	return []seal.Fact{{Name: "snapshot", Value: h.Snapshot.String()}, {Name: "assessment", Value: h.Assessment.String()},
		{Name: "as-of", Value: h.AsOf}, {Name: "period", Value: h.Period}, {Name: "controls", Value: n(h.Counts.Controls)},
		{Name: "results", Value: n(h.Counts.Results)}, {Name: "evidence", Value: n(h.Counts.Used)},
		{Name: "catalog", Value: h.Catalog.Digest.String()}, {Name: "checkpoint", Value: h.Checkpoint()}}
}

// fixed are the files that a bundle has, in their order.
var fixed = []string{bundle.FormatFile, bundle.ReadmeFile, bundle.AssessmentFile, bundle.CheckpointFile, bundle.KeyFile, bundle.WorkbookFile,
	bundle.CoverFile, bundle.EntriesFile, bundle.RedactedFile, bundle.RequestFile, bundle.SumsFile}

var (
	evidenceName = regexp.MustCompile(`^evidence/([0-9a-f]{64})\.json$`)
	attestedName = regexp.MustCompile(`^attestations/([0-9]{4})\.(json|note|proof|tsr)$`)
)

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
	a.report.held(checkFiles, n)
	return a.fileCounts()
}

// fileCounts compares the manifest's counts of files with the files.
func (a *archive) fileCounts() error {
	for _, c := range []struct {
		what      string
		want, got int
	}{{"payloads", a.head.Counts.Payloads, len(a.payloads)}, {"rules", a.head.Counts.Rules, len(a.rules)},
		{"attestations", a.head.Counts.Attestations, a.others.files}} {
		if c.want != c.got {
			return fail(bundle.ManifestFile, "counts", fmt.Sprintf("%d %s", c.want, c.what), fmt.Sprint(c.got))
		}
	}
	return nil
}

// sane refuses a head whose values cannot be.
func (a *archive) sane() error {
	h := &a.head
	switch {
	case h.Scope != bundle.Whole && h.Scope != bundle.Used:
		return fail(bundle.ManifestFile, "scope", bundle.Whole+" or "+bundle.Used, h.Scope)
	case h.Assessed.Size < 0 || h.Assessed.Size > h.Ledger.Size:
		return fail(bundle.ManifestFile, "assessed", fmt.Sprintf("at most %d entries", h.Ledger.Size), fmt.Sprint(h.Assessed.Size))
	case len(h.Redaction.Hide)+len(h.Redaction.Keep) > maxPatterns:
		return fail(bundle.ManifestFile, "redaction", fmt.Sprintf("at most %d patterns", maxPatterns), "more")
	case h.Trust.Key != a.sealed.Key || !h.Trust.SelfSigned:
		return fail(bundle.ManifestFile, "trust", "the key that sealed it, and that it vouches for itself", h.Trust.Key)
	}
	if err := h.Redaction.Check(); err != nil {
		return fail(bundle.ManifestFile, "redaction", "patterns of kinds", err.Error())
	}
	return nil
}

// maxPatterns is how many patterns a profile may have.
const maxPatterns = 1000

// file reads one entry, compares it with the manifest, and takes from it what
// the rest is compared with.
func (a *archive) file(it *zipform.Item, f bundle.File) error {
	if want, found := sameSize(f.Part(), it.Entry); want != "" {
		return fail(it.Name, "content", want, found)
	}
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
	if guide := bundle.Guide(it.Name); guide != nil && f.SHA256 != evidence.Sum(guide).String() {
		a.otherWords = append(a.otherWords, it.Name)
	}
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
	return a.counted(it, part, f)
}

// counted takes a file of one of the folders.
func (a *archive) counted(it *zipform.Item, part zipform.Part, f bundle.File) error {
	switch {
	case strings.HasPrefix(it.Name, bundle.EvidenceDir):
		name := evidenceName.FindStringSubmatch(it.Name)
		if name[1] != f.SHA256 {
			return fail(it.Name, "content", "sha256 "+name[1], f.SHA256)
		}
		a.payloads = append(a.payloads, payloadRef{evidence.Digest(part.Sum), int(part.Size)})
		if a.opt.Recompute != nil {
			a.contents = append(a.contents, it.Entry)
		}
	case strings.HasPrefix(it.Name, bundle.RunsDir):
		if a.book == nil {
			return fail(it.Name, "", bundle.EntriesFile+" before it", "none")
		}
		want, ok := a.book.manifest[it.Name]
		switch {
		case !ok:
			return fail(it.Name, "", "only manifests of runs that the ledger has", "one more")
		case want != part.Sum:
			return fail(it.Name, "content", "what the ledger says about the run: sha256 "+hex.EncodeToString(want[:]), f.SHA256)
		}
		delete(a.book.manifest, it.Name)
		a.report.Runs++
	case strings.HasPrefix(it.Name, bundle.RulesDir):
		a.rules[strings.TrimPrefix(it.Name, bundle.RulesDir)] = it.Entry
	}
	return nil
}

// read takes what is needed from a file. Its error counts only if the file is
// the one that was sealed.
func (a *archive) read(it *zipform.Item) error {
	if !slices.Contains(fixed, it.Name) {
		path, isRule := strings.CutPrefix(it.Name, bundle.RulesDir)
		switch {
		case evidenceName.MatchString(it.Name), strings.HasPrefix(it.Name, bundle.RunsDir), isRule && bundle.RulePath(path):
			return nil
		case attestedName.MatchString(it.Name):
			return a.others.take(it)
		}
		return fail(it.Name, "", "a file that the format knows", "another")
	}
	a.seen[it.Name] = true
	a.entries[it.Name] = it.Entry
	switch it.Name {
	case bundle.AssessmentFile:
		a.assessment = new(assess.Assessment)
		if err := decodeOnce(io.LimitReader(it, maxAssessment), a.assessment); err != nil {
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
		a.book.against = newCompared(a.opt.Against)
		a.book.keep = a.opt.Recompute != nil && a.recomputable() == ""
		cover, ok := a.entries[bundle.CoverFile]
		if !ok {
			return fail(it.Name, "", bundle.CoverFile+" before it", "none")
		}
		return a.book.read(a.zip.Open(cover), it)
	case bundle.RequestFile:
		return a.readRequest(it)
	}
	return nil
}

// readRequest compares what was asked for with what the manifest says.
func (a *archive) readRequest(it *zipform.Item) error {
	if err := decodeOnce(io.LimitReader(it, maxRequest), &a.request); err != nil {
		return fail(it.Name, "content", "a JSON object", err.Error())
	}
	h, r := a.head, a.request
	for _, f := range []struct{ name, want, got string }{{"organisation", h.Organisation, r.Organisation}, {"as_of", h.AsOf, r.AsOf},
		{"period", h.Period, r.Period}, {"generated_by", h.GeneratedBy, r.GeneratedBy}, {"tool", h.Tool, r.Tool}} {
		if f.want != f.got {
			return fail(it.Name, f.name, f.want, f.got)
		}
	}
	return nil
}

const maxRequest = 16 << 20

// readCheckpoint verifies the ledger's signed note.
func (a *archive) readCheckpoint(it *zipform.Item) error {
	msg, err := io.ReadAll(io.LimitReader(it, maxNote))
	if err != nil {
		return err
	}
	if a.checkpoint, err = ledger.OpenCheckpoint(msg, a.key); err != nil {
		return fail(it.Name, "signature", "a checkpoint signed by "+a.report.Key, err.Error())
	}
	a.note = msg
	got := bundle.Ref{Origin: a.checkpoint.Origin, Size: a.checkpoint.Size, Root: a.checkpoint.Root.String()}
	if got != a.head.Ledger {
		return fail(it.Name, "size and root", fmt.Sprint(a.head.Ledger), fmt.Sprint(got))
	}
	a.report.held(checkCheckpoint, 1)
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
	if err := a.sameInstant(as); err != nil {
		return err
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
	rows := newEvidenceRows(a.book)
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
	if err := sameFacts(bundle.WorkbookFile, w.seal, a.workbookFacts()); err != nil {
		return err
	}
	a.report.held(checkRows, int64(rows.n))
	return rows.cited(a)
}
